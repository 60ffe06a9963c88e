"""Patients as triples and as entries of the record."""

from __future__ import annotations

from decimal import Decimal

import pyoxigraph as ox
import pytest

from dvt_kg import Fact, Ontology, Patient
from dvt_kg.patients import canonical, entry, term


@pytest.mark.parametrize(
    ("id", "iri"),
    [
        ("case-01", "urn:dvt-kg:patient:case-01"),
        ("ward 3/7", "urn:dvt-kg:patient:ward%203%2F7"),
        ("Jürg", "urn:dvt-kg:patient:J%C3%BCrg"),
        ("a#b?c%20", "urn:dvt-kg:patient:a%23b%3Fc%2520"),
    ],
)
def test_the_iri_is_the_percent_encoded_id(id: str, iri: str) -> None:
    assert Patient(id, frozenset()).iri == iri
    assert ox.NamedNode(Patient(id, frozenset()).iri)


def test_a_patient_is_triples_of_the_patients_graph() -> None:
    facts = frozenset({Fact("lacksFinding", "cyanosis"), Fact("symptomDurationDays", Decimal("7.50"))})
    assert {str(triple) for triple in Patient("a b", facts).triples()} == {
        f"<urn:dvt-kg:patient:a%20b> {rest}"
        for rest in (
            "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://w3id.org/dvt-kg#Patient>",
            '<http://purl.org/dc/terms/identifier> "a b"',
            "<https://w3id.org/dvt-kg#lacksFinding> <https://w3id.org/dvt-kg#cyanosis>",
            '<https://w3id.org/dvt-kg#symptomDurationDays> "7.5"^^<http://www.w3.org/2001/XMLSchema#decimal>',
        )
    }


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("7", "7.0"),
        ("7.00", "7.0"),
        ("0", "0.0"),
        ("0.550", "0.55"),
        ("1E+2", "100.0"),
        ("1E-7", "0.0000001"),
    ],
)
def test_a_number_is_written_in_the_canonical_form_of_a_decimal(number: str, text: str) -> None:
    assert canonical(Decimal(number)) == text


def test_a_time_is_a_literal_and_a_name_is_a_term() -> None:
    time = term(Fact("assessedAt", "2026-05-26T09:00:00Z"))
    assert str(time) == '"2026-05-26T09:00:00Z"^^<http://www.w3.org/2001/XMLSchema#dateTime>'
    assert str(term(Fact("side", "left"))) == "<https://w3id.org/dvt-kg#left>"


@pytest.mark.parametrize(
    ("fact", "path", "value"),
    [
        (Fact("hasFinding", "tense-edema"), "/findings/tense-edema", "present"),
        (Fact("lacksFinding", "tense-edema"), "/findings/tense-edema", "absent"),
        (Fact("hasThrombusIn", "calf-vein"), "/thrombus/present", "calf-vein"),
        (Fact("lacksThrombusIn", "calf-vein"), "/thrombus/absent", "calf-vein"),
        (Fact("side", "left"), "/thrombus/side", "left"),
        (Fact("confirmedBy", "ct-venography"), "/thrombus/confirmed_by", "ct-venography"),
        (Fact("sex", "female"), "/sex", "female"),
        (Fact("recordedSeverity", "mild"), "/recorded_severity", "mild"),
        (Fact("assessedAt", "2026-05-26T09:00:00Z"), "/assessed_at", "2026-05-26T09:00:00Z"),
        (Fact("ageYears", Decimal(45)), "/age_years", Decimal(45)),
        (Fact("plateletCount", Decimal(210)), "/measurements/platelet-count", Decimal(210)),
    ],
)
def test_every_fact_has_its_place_in_the_record(
    fact: Fact, path: str, value: object, ontology: Ontology
) -> None:
    assert entry(fact, ontology) == (path, value)
