from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dvt_kg import HermiT, Ontology, Patient, classify, read_records, recommend
from dvt_kg.answers import exit_status, json_number
from dvt_kg.ontology import data_dir

from .records import EMPTY, MILD, RECORDS, changed
from .strategies import facts

SCHEMA = json.loads((data_dir("ontology") / "answer.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture(scope="module")
def answer(ontology: Ontology, reasoner: HermiT) -> dict[str, Any]:
    bad = {"id": "bad", "findings": {"tense-oedema": "present"}}
    reading = read_records([*RECORDS, bad], ontology)
    return recommend(classify(reading.patients, reasoner), reading.errors)


@pytest.fixture(scope="module")
def results(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {result["patient"]: result for result in answer["results"]}


def test_the_schema_is_sound() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_answer_is_of_the_schema(answer: dict[str, Any]) -> None:
    VALIDATOR.validate(json.loads(json.dumps(answer)))


@given(st.lists(facts(18), min_size=4, max_size=4))
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_every_answer_is_of_the_schema_and_counts_each_presentation_once(
    reasoner: HermiT, stated: list[Any]
) -> None:
    answer = recommend(classify([Patient(f"p{n}", f) for n, f in enumerate(stated)], reasoner))
    VALIDATOR.validate(json.loads(json.dumps(answer)))
    everything = set(reasoner.ontology.individuals("Presentation"))
    for result in answer["results"]:
        if result["status"] != "contradictory":
            met = [p["id"] for p in result["presentations"]]
            rest = [p["presentation"] for p in (*result["undetermined"], *result["ruled_out"])]
            assert sorted(met + rest) == sorted(everything)


def test_the_answer_says_what_made_it_and_that_it_is_for_review(
    answer: dict[str, Any], ontology: Ontology
) -> None:
    assert answer["ontology_version"] == ontology.version
    assert answer["reasoner"].startswith("HermiT ")
    assert "for review by a professional" in answer["notice"]


def test_a_refused_record_is_an_error_and_the_rest_is_answered(answer: dict[str, Any]) -> None:
    assert len(answer["results"]) == len(RECORDS)
    (error,) = answer["errors"]
    assert (error["record"], error["nearest"]) == ("bad", "tense-edema")
    assert list(error) == ["file", "line", "record", "field", "value", "nearest", "message"]


def test_options_come_most_appropriate_first_with_reasons_and_sources(results: dict[str, Any]) -> None:
    options = results["mild"]["options"]
    order = ["usually-appropriate", "may-be-appropriate", "usually-not-appropriate"]
    ranks = [order.index(o["rating"]) for o in options]
    assert ranks == sorted(ranks)
    first = next(o for o in options if o["intervention"] == "anticoagulation-alone")
    assert first["evidence"] == ["attract", "attract-iliofemoral", "cava"]
    assert first["contraindication"] == "excluded"
    assert "J Am Coll Radiol 2020" in first["source"]
    assert first["verification"] == "secondary"
    stockings = next(o for o in options if o["intervention"] == "graduated-compression-stockings")
    assert stockings["contraindication"] == "not-assessed"
    assert "heart-failure-nyha-4" in stockings["unassessed"]
    assert all(
        o["contraindication"] == "none-on-file" for o in options if o["intervention"].endswith("filter")
    )


def test_a_conflict_names_both_statements(results: dict[str, Any]) -> None:
    conflicts = {c["intervention"]: c["statements"] for c in results["compressed"]["conflicts"]}
    assert conflicts["anticoagulation-alone"] == [
        "rating-acr-2020-iliofemoral-1-anticoagulation-alone",
        "rating-acr-2020-iliofemoral-4-anticoagulation-alone",
    ]
    assert set(conflicts) == {"anticoagulation-alone", "catheter-directed-therapy-with-or-without-stent"}
    assert results["mild"]["conflicts"] == []


def test_what_is_missing_is_named_by_the_record_s_own_keys(results: dict[str, Any]) -> None:
    assert results["unknown"]["missing"] == ["may-thurner-configuration"]
    empty = {u["presentation"]: u["missing"] for u in results["empty"]["undetermined"]}
    assert empty["acr-2020-iliofemoral-6"] == [
        "anticoagulation-days",
        "iliofemoral-vein",
        "recorded-severity",
        "symptoms-persistent",
    ]
    assert results["empty"]["missing"] == sorted({name for names in empty.values() for name in names})


def test_the_guideline_none_of_whose_presentations_fits_is_named(results: dict[str, Any]) -> None:
    assert results["bleeding"]["guidelines_without_match"] == ["acr-2020-iliofemoral"]
    assert results["mild"]["guidelines_without_match"] == []


def test_similar_interventions_are_told_apart_where_both_are_shown(results: dict[str, Any]) -> None:
    assert [d["intervention"] for d in results["mild"]["distinctions"]] == [
        "anticoagulation",
        "anticoagulation-alone",
    ]
    assert results["bleeding"]["distinctions"] == []


def test_that_other_comorbidities_were_not_asked_is_said(results: dict[str, Any]) -> None:
    assert any("other comorbidities were not asked" in c["text"] for c in results["mild"]["caveats"])


def test_a_relative_contraindication_shows_its_condition_and_what_is_still_open(
    results: dict[str, Any],
) -> None:
    option = next(o for o in results["pregnant"]["options"] if o["intervention"].startswith("catheter"))
    assert option["contraindication"] == "relative"
    assert [c["condition"] for c in option["contraindications"]] == ["pregnancy"]
    assert option["unassessed"] == []


@pytest.mark.parametrize(
    ("records", "status"),
    [
        ([MILD], 0),
        ([MILD, {"id": "bad", "sex": "man"}], 1),
        ([MILD, changed("torn", {"mobility-limitation": "present"})], 3),
        ([changed("torn", {"mobility-limitation": "present"}), {"id": "bad", "sex": "man"}], 1),
        ([EMPTY], 0),
    ],
)
def test_the_exit_status_tells_refused_from_contradictory(
    reasoner: HermiT, records: list[dict[str, Any]], status: int
) -> None:
    reading = read_records(records, reasoner.ontology)
    assert exit_status(recommend(classify(reading.patients, reasoner), reading.errors)) == status


def test_a_number_is_whole_where_it_is_whole() -> None:
    assert [json_number(t) for t in ("7.0", "0.55", "210")] == [7, 0.55, 210]
