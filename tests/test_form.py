"""The form: a place for everything that a record can state, made from the ontology alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from dvt_kg import Ontology, read_records
from dvt_kg.form import REST, examples, form
from dvt_kg.ontology import dvt, record_terms
from dvt_kg.patients import STATES, THROMBUS, Fact
from dvt_kg.records import Vocabulary

VALUES = {"state": ("present", "absent"), "vein": ("present", "absent"), "time": ("2026-05-26T09:00:00Z",)}


@pytest.fixture(scope="module")
def made(ontology: Ontology) -> dict[str, Any]:
    return form(ontology)


def fields(made: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (field for group in made["groups"] for field in group["fields"])


def record(field: dict[str, Any], value: object) -> dict[str, Any]:
    """A record with one field filled, as the page fills it."""
    if field["kind"] == "vein":
        return {"id": "x", "thrombus": {str(value): [field["key"]]}}
    outer, _, inner = field["path"].partition("/")
    return {"id": "x", outer: {inner: value} if inner else value}


def test_all_that_a_record_can_state_is_asked_for_exactly_once(
    ontology: Ontology, made: dict[str, Any]
) -> None:
    vocabulary = Vocabulary(ontology)
    veins = {vocabulary.path(property, "") for property in THROMBUS}
    asked = Counter((f["path"], f["key"] if f["kind"] == "vein" else "") for f in fields(made))
    places = {(path, "") for path in vocabulary.places if path not in veins}
    assert set(asked) == places | {("thrombus", vein) for vein in ontology.veins}
    assert set(asked.values()) == {1}
    assert len({f["key"] for f in fields(made)}) == asked.total()


def test_every_value_that_a_field_offers_is_read_as_the_fact_that_it_says(
    ontology: Ontology, made: dict[str, Any]
) -> None:
    stated = set()
    for field in fields(made):
        values = VALUES.get(field["kind"]) or (
            [choice["value"] for choice in field["choices"]]
            if field["kind"] == "choice"
            else [field["minimum"], field["maximum"]]
        )
        for value in values:
            reading = read_records([record(field, value)], ontology)
            assert reading.errors == (), (field, value)
            (fact,) = reading.patients[0].facts
            stated.add(fact)
    every = {Fact(p, name) for p in STATES for name in ontology.findings}
    every |= {Fact(p, name) for p in THROMBUS for name in ontology.veins}
    assert every <= stated
    kinds = {"finding", "vein", "measurement"}
    chosen = {fact.value for fact in stated if isinstance(fact.value, str)}
    assert {t["name"] for t in record_terms(ontology) if t["kind"] not in kinds} <= chosen


def test_every_field_has_its_words_and_every_number_its_unit_and_range(
    ontology: Ontology, made: dict[str, Any]
) -> None:
    for field in fields(made):
        assert field["label"], field
        assert field["definition"], field
        if field["kind"] == "number":
            measurement = ontology.measurements[field["key"]]
            assert (field["minimum"], field["maximum"]) == (measurement.minimum, measurement.maximum)
            assert field["unit"] == ("" if measurement.unit == "1" else measurement.unit)


def test_each_section_asks_for_something_and_none_is_left_over(
    ontology: Ontology, made: dict[str, Any]
) -> None:
    groups = [group["id"] for group in made["groups"]]
    assert sorted(groups) == sorted(ontology.individuals("FormSection"))
    assert REST not in groups
    positions = [float(ontology.text(dvt(name), dvt("position"))) for name in groups]
    assert all(before < after for before, after in pairwise(positions))
    assert all(group["label"] and group["definition"] for group in made["groups"])


def test_what_is_narrower_stands_below_what_is_broader(made: dict[str, Any]) -> None:
    for group in made["groups"]:
        seen: set[str] = set()
        for field in group["fields"]:
            assert field["within"] is None or field["within"] in seen
            seen.add(field["key"])
    within = {field["key"]: field["within"] for field in fields(made)}
    assert within["cyanosis"] == "skin-discoloration"
    assert within["external-iliac-vein"] == "iliofemoral-vein"


NEW = """
dvt:{name} a owl:NamedIndividual , dvt:Finding ;
    rdfs:label "{name}"@en ; skos:definition "Something new."@en ; {more}
    rdfs:isDefinedBy <https://w3id.org/dvt-kg> .
"""


def test_a_finding_added_in_turtle_stands_beside_what_is_broader_and_else_in_a_group_of_its_own(
    extended: Callable[[str], Ontology],
) -> None:
    part = NEW.format(name="ankle-swelling", more="dvt:narrowerThan dvt:leg-swelling ;")
    ontology = extended(part + NEW.format(name="night-cough", more=""))
    groups = {f["key"]: g["id"] for g in form(ontology)["groups"] for f in g["fields"]}
    assert groups["ankle-swelling"] == groups["leg-swelling"]
    assert groups["night-cough"] == REST


def test_what_answers_speak_of_has_a_label(ontology: Ontology, made: dict[str, Any]) -> None:
    kinds = ("Presentation", "Intervention", "Criterion", "Alert", "NextStep", "Guideline", "Study", "Status")
    for kind in kinds:
        assert set(ontology.individuals(kind)) <= made["labels"].keys()
    assert made["ratings"][0]["id"] == "usually-appropriate"
    assert {s["id"] for s in made["statuses"]} == set(ontology.individuals("Status"))
    assert all(link.startswith("https://doi.org/10.") for link in made["links"].values())
    assert "attract" in made["links"]


def test_the_examples_are_records_that_are_read(ontology: Ontology) -> None:
    shown = examples(ontology)
    assert len(shown) == 15
    reading = read_records([example["record"] for example in shown], ontology)
    assert reading.errors == ()
    assert [patient.id for patient in reading.patients] == [example["id"] for example in shown]
    assert all(example["label"] != example["id"] for example in shown)
    assert shown[0]["id"] == "mild-left-iliac"
