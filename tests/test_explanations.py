"""Explanations as JSON, as triples, as text, as a page and as a picture."""

from __future__ import annotations

import io
import json
import re
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import FancyBboxPatch

from dvt_kg import HermiT, RuleReasoner, UsageError, ask, classify, explain, explained, read_records
from dvt_kg.explanation_page import page, picture
from dvt_kg.explanation_report import print_explanations
from dvt_kg.ontology import data_dir
from dvt_kg.pictures import figure

from .records import BLEEDING, COMPRESSED, EMPTY, MILD, RECORDS, TORN, UNKNOWN, changed
from .strategies import ONTOLOGY

REASONER = RuleReasoner(ONTOLOGY)
SCHEMA = json.loads((data_dir("ontology") / "explanation.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
CANCER = changed("cancer", {"altering-comorbidity": "unknown", "active-cancer": "present"})


def answer_of(*records: dict[str, Any], **chosen: Any) -> dict[str, Any]:
    reading = read_records(list(records), ONTOLOGY)
    assert not reading.errors
    return explain(classify(reading.patients, REASONER), **chosen)


def entry_of(answer: dict[str, Any], presentation: str) -> dict[str, Any]:
    return next(e for e in answer["explanations"] if e["presentation"] == presentation)


def resolved(record: dict[str, Any], fact: dict[str, Any]) -> bool:
    """Whether a path and value name an entry of a record; a member of a list is named by its value."""
    place: Any = record
    for key in fact["path"].strip("/").split("/"):
        place = place[key]
    return fact["value"] in place if isinstance(place, list) else bool(place == fact["value"])


def test_the_object_is_as_its_schema_says() -> None:
    answer = answer_of(*RECORDS)
    VALIDATOR.validate(answer)
    assert len(answer["explanations"]) == len(RECORDS) * len(ONTOLOGY.individuals("Presentation"))
    states = {entry["state"] for entry in answer["explanations"]}
    assert states == {"met", "open", "ruled-out", "contradictory"}


def test_the_schema_would_catch_a_dropped_key_and_a_wrong_state() -> None:
    answer = answer_of(MILD)
    del answer["explanations"][0]["justifications"]
    assert not VALIDATOR.is_valid(answer)
    answer = answer_of(MILD)
    answer["explanations"][0]["state"] = "maybe"
    assert not VALIDATOR.is_valid(answer)


@pytest.mark.parametrize("record", [MILD, COMPRESSED, BLEEDING, TORN], ids=lambda r: r["id"])
def test_every_path_leads_to_the_recorded_value(record: dict[str, Any]) -> None:
    answer = answer_of(record)
    found = [f for entry in answer["explanations"] for j in entry["justifications"] for f in j["facts"]]
    assert found
    assert all(resolved(record, fact) for fact in found)


def test_paths_are_the_same_whatever_format_the_record_came_in() -> None:
    from dvt_kg.readers import read_text
    from dvt_kg.writers import write

    patients = read_records([COMPRESSED], ONTOLOGY).patients
    texts = {form: write(patients, form, ONTOLOGY) for form in ("csv", "ttl", "jsonld", "json")}
    answers = [
        explain(classify(read_text(text, form, ONTOLOGY).patients, REASONER)) for form, text in texts.items()
    ]
    assert all(answer == answers[0] for answer in answers)


def test_the_article_s_patient_with_may_thurner_unknown_is_explained_whole() -> None:
    answer = answer_of(UNKNOWN)
    first = entry_of(answer, "acr-2020-iliofemoral-1")
    assert first["state"] == "met"
    (justification,) = first["justifications"]
    assert {"path": "/findings/tense-edema", "value": "absent"} in justification["facts"]
    assert {"path": "/thrombus/present", "value": "external-iliac-vein"} in justification["facts"]
    assert {"path": "/measurements/symptom-duration-days", "value": 7} in justification["facts"]
    assert [c["state"] for c in first["criteria"]] == ["met"] * 4
    fourth = entry_of(answer, "acr-2020-iliofemoral-4")
    assert (fourth["state"], fourth["missing"]) == ("open", [["may-thurner-configuration"]])
    setting = {"path": "/findings/may-thurner-configuration", "value": "present"}
    change = next(c for c in first["changes"] if c["set"] == setting)
    assert change["was"] is None
    assert {o["presentation"] for o in change["appears"]} == {"acr-2020-iliofemoral-4"}
    assert change["disappears"] == []
    assert {c["intervention"] for c in change["changes"]} == {
        "anticoagulation-alone",
        "catheter-directed-therapy-with-or-without-stent",
    }
    (record,) = answer["records"]
    assert record["next"][0]["name"] == "may-thurner-configuration"
    assert record["next"][0]["settles"]["presentations"] == {"least": 1, "average": 1}


def test_the_reasoner_that_judged_is_named(reasoner: HermiT) -> None:
    assert answer_of(MILD)["reasoner"] == "compiled rules"
    patients = read_records([MILD], ONTOLOGY).patients
    by_hermit = explain(classify(patients, reasoner))
    assert by_hermit["reasoner"].startswith("HermiT")
    assert by_hermit["explanations"] == answer_of(MILD)["explanations"]


def test_presentations_and_conclusions_can_be_chosen() -> None:
    chosen = answer_of(MILD, presentations=["acr-2020-iliofemoral-2"])
    assert [e["presentation"] for e in chosen["explanations"]] == ["acr-2020-iliofemoral-2"]
    concluded = answer_of(
        COMPRESSED, conclusions=["anticoagulation-alone", "pregnancy", "skin-discoloration"]
    )
    VALIDATOR.validate(concluded)
    found = [(e["conclusion"], e["property"], e["state"]) for e in concluded["explanations"]]
    assert found == [
        ("anticoagulation-alone", "contraindicationExcluded", "contraindication excluded"),
        ("anticoagulation-alone", None, "conflict"),
        ("pregnancy", "lacksFinding", "lacks finding"),
        ("skin-discoloration", "lacksFinding", "lacks finding"),
    ]
    nothing = answer_of(EMPTY, conclusions=["pregnancy"])["explanations"]
    assert [(e["state"], e["justifications"]) for e in nothing] == [("nothing concluded", [])]
    torn = answer_of(TORN, conclusions=["pregnancy"])["explanations"]
    assert [(e["property"], e["state"]) for e in torn] == [(None, "contradictory")]


@pytest.mark.parametrize(
    ("chosen", "hint"),
    [
        (
            {"presentations": ["acr-2020-iliofemoral-11"]},
            "no presentation .* did you mean 'acr-2020-iliofemoral-1'",
        ),
        ({"conclusions": ["mild-symptom"]}, "no term .* did you mean 'mild-symptoms'"),
    ],
)
def test_a_name_that_is_none_is_refused_with_the_nearest(chosen: dict[str, Any], hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        answer_of(MILD, **chosen)


def test_a_record_of_others_changes_nothing() -> None:
    alone = answer_of(COMPRESSED)["explanations"]
    among = [e for e in answer_of(*RECORDS)["explanations"] if e["patient"] == "compressed"]
    assert among == alone


def test_patients_of_one_profile_are_each_explained_by_their_own_numbers() -> None:
    other = changed("other", measurements={"symptom-duration-days": 8, "anticoagulation-days": 0})
    answer = answer_of(
        {**MILD, "measurements": {"symptom-duration-days": 7, "anticoagulation-days": 0}}, other
    )
    days = {
        entry["patient"]: fact["value"]
        for entry in answer["explanations"]
        for justification in entry["justifications"]
        for fact in justification["facts"]
        if fact["path"].endswith("symptom-duration-days")
    }
    assert days == {"mild": 7, "other": 8}


# As triples


def rows(name: str, *records: dict[str, Any], **parameters: str) -> list[dict[str, str | None]]:
    patients = read_records(list(records), ONTOLOGY).patients
    return ask(explained(classify(patients, REASONER)), name, **parameters).plain()


def test_sparql_finds_who_is_out_of_scope_only_because_of_cancer() -> None:
    also_old = {**CANCER, "id": "also-old", "measurements": {"symptom-duration-days": 30}}
    both = changed(
        "both",
        {
            "altering-comorbidity": "unknown",
            "active-cancer": "present",
            "tense-edema": "present",
            "pregnancy": "absent",
        },
    )
    found = rows("out-of-scope-only-because", CANCER, also_old, both, MILD, UNKNOWN, term="active-cancer")
    assert {(row["id"], row["presentation"]) for row in found} == {
        ("cancer", "acr-2020-iliofemoral-1"),
        ("both", "acr-2020-iliofemoral-2"),
    }


def test_the_triples_hold_every_justification_that_the_json_does() -> None:
    answer = answer_of(COMPRESSED, TORN, BLEEDING)
    found = rows("justifications", COMPRESSED, TORN, BLEEDING)
    graph: dict[tuple[str, str], set[frozenset[tuple[str, str]]]] = {}
    sets: dict[str, set[tuple[str, str]]] = {}
    owner = {}
    for row in found:
        patient = str(row["patient"]).removeprefix("urn:dvt-kg:patient:")
        value = str(row["value"]).removesuffix(".0")
        sets.setdefault(str(row["justification"]), set()).add((str(row["path"]), value))
        owner[str(row["justification"])] = (patient, str(row["about"]) if row["about"] else "")
    for justification, facts in sets.items():
        graph.setdefault(owner[justification], set()).add(frozenset(facts))
    for entry in answer["explanations"]:
        about = "" if entry["state"] == "contradictory" else entry["presentation"]
        if entry["justifications"]:
            assert graph[entry["patient"], about] == {
                frozenset((f["path"], str(f["value"])) for f in j["facts"]) for j in entry["justifications"]
            }


def test_axioms_and_missing_sets_stand_in_the_graph_with_their_sources() -> None:
    axioms = rows("axioms-of-justifications", MILD, about="acr-2020-iliofemoral-1")
    words = {row["words"]: row["source"] for row in axioms}
    assert "'symptom duration in days' some decimal[< 14] SubClassOf 'acute onset: met'" in words
    assert all(words.values())
    missing = rows("missing-sets", UNKNOWN)
    assert [(r["about"], r["missing"]) for r in missing if r["kind"] == "presentation"] == [
        ("acr-2020-iliofemoral-4", "may-thurner-configuration")
    ]
    assert ("heart-failure-nyha-4",) * 2 in {
        (r["about"], r["missing"]) for r in missing if r["kind"] == "contraindication"
    }


# As text, page and picture


def printed(answer: dict[str, Any], **options: Any) -> str:
    out = io.StringIO()
    print_explanations(answer, out, **options)
    return out.getvalue()


def test_the_text_says_why_why_not_what_is_missing_and_what_would_change_it() -> None:
    text = " ".join(printed(answer_of(UNKNOWN)).split())
    assert "✓ acute onset symptom-duration-days 7" in text
    assert "✗ pregnant: failed rests on altering-comorbidity absent" in text
    assert "find out may-thurner-configuration" in text
    assert "if may-thurner-configuration present acr-2020-iliofemoral-4: open → met" in text
    assert "not medical advice" in text
    assert "SubClassOf" not in text
    assert "SubClassOf" in printed(answer_of(UNKNOWN), focused=True)


def test_the_text_of_a_contradiction_names_every_clash() -> None:
    text = " ".join(printed(answer_of(TORN)).split())
    assert "These facts cannot all be true" in text
    assert "together fully-ambulatory present, mobility-limitation present" in text


def test_no_line_of_the_text_is_wider_than_it_says() -> None:
    assert max(map(len, printed(answer_of(*RECORDS)).splitlines())) <= 110


def test_the_picture_shows_facts_criteria_presentations_and_options() -> None:
    drawing = picture(answer_of(UNKNOWN))
    texts = [" ".join(t.itertext()).strip() for t in ElementTree.fromstring(drawing).findall(".//{*}text")]
    for expected in (
        "unknown: matched",
        "symptom-duration-days 7",
        "✓ acute onset",
        "? May-Thurner configuration on",
        "find out may-thurner-configuration",
        "+ anticoagulation alone",
        "− surgical thrombectomy",
    ):
        assert expected in texts
    assert any("not medical advice" in text for text in texts)
    assert picture(answer_of(UNKNOWN)) == drawing


def test_an_option_that_is_contraindicated_never_looks_recommended() -> None:
    drawing = picture(
        answer_of({**MILD, "findings": {**MILD["findings"], "allergy-to-compression-material": "present"}})
    )
    assert "⊘ graduated compression stockings" in drawing
    assert "CONTRAINDICATED; may be appropriate otherwise" in drawing


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r["id"])
def test_every_record_can_be_drawn_and_its_text_stays_in_its_box(record: dict[str, Any]) -> None:
    drawing = figure(answer_of(record)["explanations"], title="x", foot="y")
    (axes,) = drawing.axes
    renderer = FigureCanvasAgg(drawing).get_renderer()  # type: ignore[no-untyped-call]
    boxes = [p.get_window_extent(renderer) for p in axes.patches if isinstance(p, FancyBboxPatch)]
    texts = [text.get_window_extent(renderer) for text in axes.texts]
    inside = 0
    for text in texts:
        holding = [b for b in boxes if b.contains(text.x0, (text.y0 + text.y1) / 2)]
        inside += len(holding)
        assert all(box.x1 >= text.x1 and box.y0 <= text.y0 and box.y1 >= text.y1 for box in holding)
    assert inside >= len(boxes) > 2
    assert all(axes.get_window_extent(renderer).x1 >= text.x1 for text in texts)


def test_what_appears_although_it_is_contraindicated_says_so() -> None:
    record = changed("bleeding", {"altering-comorbidity": "unknown", "active-major-bleeding": "present"})
    text = " ".join(printed(answer_of(record)).split())
    assert "+ anticoagulation-alone, may-be-appropriate, for acr-2020-iliofemoral-4; CONTRAINDICATED" in text


def test_the_red_flag_of_a_contradictory_record_is_read_in_text_and_page() -> None:
    findings = dict.fromkeys(("pregnancy", "limb-threatening-ischemia"), "present")
    answer = answer_of({"id": "p", "sex": "male", "findings": findings})
    VALIDATOR.validate(answer)
    for text in (printed(answer), page(answer)):
        assert "Red flags that stand nevertheless" in text
        assert "limb-threatening ischemia" in text


@pytest.mark.parametrize("name", ["$\\frac{a}$", "cost $5 and $6", "{{ x }}", "a/b c%25"])
def test_an_id_is_shown_as_it_is(name: str) -> None:
    answer = answer_of({**MILD, "id": name})
    drawing = picture(answer)
    titles = [" ".join(t.itertext()) for t in ElementTree.fromstring(drawing).findall(".//{*}text")]
    assert f"{name}: matched" in titles
    assert page(answer).count("<svg") == 1


def test_the_page_has_no_id_twice() -> None:
    ids = re.findall(r'\bid="([^"]+)"', page(answer_of(*RECORDS)))
    assert len(ids) == len(set(ids))


def test_a_vein_recorded_both_ways_is_corrected_either_way_and_always_told_alike() -> None:
    torn = {"id": "t", "thrombus": {"present": ["external-iliac-vein"], "absent": ["external-iliac-vein"]}}
    changes = answer_of(torn)["explanations"][0]["changes"]
    ways = {(c["set"]["path"], c["was"]) for c in changes if c["set"]["value"] == "external-iliac-vein"}
    assert ways == {
        ("/thrombus/absent", "external-iliac-vein"),
        ("/thrombus/present", "external-iliac-vein"),
    }


def test_of_a_contradictory_record_only_what_adds_a_clash_would_contradict_the_rest() -> None:
    (record,) = answer_of(TORN)["records"]
    assert len(record["contradicting"]) < 60


def test_a_picture_is_of_one_record_and_of_presentations() -> None:
    with pytest.raises(UsageError, match="choose one with --patient"):
        picture(answer_of(MILD, TORN))
    with pytest.raises(UsageError, match="shows presentations"):
        picture(answer_of(MILD, conclusions=["pregnancy"]))


def test_the_page_stands_by_itself_and_says_what_the_text_does() -> None:
    html = page(
        answer_of(UNKNOWN, TORN, conclusions=["skin-discoloration"], presentations=["acr-2020-iliofemoral-1"])
    )
    assert html.count("<svg") == 2
    assert "decimal[&lt; 14] SubClassOf" in html
    assert "lacks finding: skin discoloration" in html
    assert "These facts cannot all be true" in html
    bare = re.sub(r'xmlns(?::\w+)?="[^"]+"|xlink:href="#[^"]+"|url\(#[^)]+\)', "", html)
    assert not re.search(r"(?:src|href)=|url\(|@import", bare)


def test_what_a_record_says_is_escaped_everywhere() -> None:
    record = {**MILD, "id": '<script>alert("x")</script> & [bold]'}
    answer = answer_of(record)
    assert "<script" not in page(answer)
    assert "<script" not in picture(answer)
    assert '<script>alert("x")</script> & [bold]: matched' in printed(answer)
