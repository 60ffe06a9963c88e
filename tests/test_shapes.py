"""The shapes of patient graphs: they refuse what the reader refuses, and pass what it writes."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st

from dvt_kg import Fact, Ontology, Patient, load, read_records, read_text
from dvt_kg.ontology import data_dir
from dvt_kg.shapes import Violation, conformance, validate
from dvt_kg.writers import write

from .drawn import patients
from .records import RECORDS

PREFIXES = """\
@prefix dvt: <https://w3id.org/dvt-kg#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
PATIENT = '<urn:dvt-kg:patient:{0}> a dvt:Patient ; dcterms:identifier "{0}" ; {1} .\n'

# Statements about patients, each with the property that the shapes and the reader name. The
# faults of a patient are of different properties.
FAULTS = {
    "names": {
        "dvt:hasFinding dvt:external-iliac-vein": "dvt:hasFinding",
        "dvt:lacksFinding dvt:cyanosys": "dvt:lacksFinding",
        "dvt:hasThrombusIn <urn:x>": "dvt:hasThrombusIn",
        'dvt:lacksThrombusIn "calf-vein"': "dvt:lacksThrombusIn",
        "dvt:side dvt:unknown": "dvt:side",
        "dvt:confirmedBy dvt:left": "dvt:confirmedBy",
        "dvt:hasFindng dvt:cyanosis": "dvt:hasFindng",
        "dvt:meetsCriterion dvt:pregnant": "dvt:meetsCriterion",
        'dvt:cyanosis "present"': "dvt:cyanosis",
        "a dvt:Finding": "rdf:type",
    },
    "numbers": {
        "dvt:ageYears 45e0": "dvt:ageYears",
        'dvt:plateletCount "7"': "dvt:plateletCount",
        "dvt:ankleBrachialIndex 90.0": "dvt:ankleBrachialIndex",
        "dvt:anticoagulationDays -1.0": "dvt:anticoagulationDays",
        'dvt:symptomDurationDays "x"^^xsd:decimal': "dvt:symptomDurationDays",
        'dvt:toePressureMmHg "NaN"^^xsd:decimal': "dvt:toePressureMmHg",
        "dvt:transcutaneousOxygenMmHg 0.0000000000000000001": "dvt:transcutaneousOxygenMmHg",
        'dvt:assessedAt "2026-05-26"^^xsd:date': "dvt:assessedAt",
    },
    "doubled": {
        "dvt:sex dvt:male , dvt:female": "dvt:sex",
        "dvt:recordedSeverity dvt:mild , dvt:severe": "dvt:recordedSeverity",
        "dvt:ageYears 45.0 , 46.0": "dvt:ageYears",
        'dvt:assessedAt "2026-02-30T00:00:00Z"^^xsd:dateTime': "dvt:assessedAt",
        'dcterms:identifier "other"': "dcterms:identifier",
    },
    "bare": {
        'dvt:assessedAt "2026-05-26T09:00:00Z"': "dvt:assessedAt",
        "dvt:ageYears dvt:left": "dvt:ageYears",
        "dvt:hasFinding []": "dvt:hasFinding",
    },
}
SUBJECTS = {
    "<urn:dvt-kg:patient:nameless> a dvt:Patient": "dcterms:identifier",
    '<urn:dvt-kg:patient:seven> a dvt:Patient ; dcterms:identifier "seven"@en': "dcterms:identifier",
    '<urn:dvt-kg:patient:b> a dvt:Patient ; dcterms:identifier "a"': "dcterms:identifier",
    '<urn:dvt-kg:patient:%20x> a dvt:Patient ; dcterms:identifier " x"': "dcterms:identifier",
    '[] a dvt:Patient ; dcterms:identifier "blank"': "dcterms:identifier",
    '<urn:dvt-kg:patient:untyped> dcterms:identifier "untyped"': "",
    "<urn:y> dvt:plateletCount 7.0": "",
}
SOUND = PATIENT.format("sound", "dvt:side dvt:left ; dvt:ageYears 45.0") + PATIENT.format(
    "alike",
    '<http://www.w3.org/2000/01/rdf-schema#label> "other vocabularies" ; a <http://schema.org/Person>',
)
FAULTY = PREFIXES + SOUND + "".join(f"{subject} .\n" for subject in SUBJECTS)
FAULTY += "".join(PATIENT.format(name, " ; ".join(statements)) for name, statements in FAULTS.items())


def graph(turtle: str) -> rdflib.Graph:
    return rdflib.Graph().parse(data=turtle, format="turtle")


@pytest.fixture(scope="module")
def found(ontology: Ontology) -> tuple[Violation, ...]:
    """What pySHACL alone finds in the graph of all faults."""
    return conformance(graph(FAULTY), ontology)


@pytest.mark.parametrize(("patient", "path"), [(p, path) for p, s in FAULTS.items() for path in s.values()])
def test_a_fault_that_the_reader_refuses_is_refused_by_the_shapes(
    patient: str, path: str, found: tuple[Violation, ...]
) -> None:
    named = {
        v.path.replace("http://purl.org/dc/terms/", "dcterms:")
        for v in found
        if v.focus.endswith(f":{patient}")
    }
    assert path in named
    statements = [s for s, p in FAULTS[patient].items() if p == path]
    reading = read_text(PREFIXES + PATIENT.format(patient, statements[0]), "ttl")
    assert [error.field for error in reading.errors][-1:] == [path]


def test_the_shapes_refuse_nothing_else(found: tuple[Violation, ...]) -> None:
    for patient, statements in FAULTS.items():
        violations = [v for v in found if v.focus.endswith(f":{patient}")]
        assert {v.path.replace("http://purl.org/dc/terms/", "dcterms:") for v in violations} == set(
            statements.values()
        )
    assert not [v for v in found if v.focus.endswith((":sound", ":alike"))]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_that_the_reader_refuses_is_refused_by_the_shapes(
    subject: str, found: tuple[Violation, ...]
) -> None:
    assert read_text(f"{PREFIXES}{subject} .", "ttl").errors
    name = subject.split(maxsplit=1)[0].strip("<>")
    assert any(name in (v.focus, v.value) or (name == "[]" and v.value == "blank") for v in found)


def test_what_the_constraints_return_of_the_whole_graph_is_what_pyshacl_finds(
    found: tuple[Violation, ...], ontology: Ontology
) -> None:
    def sayable(violations: tuple[Violation, ...]) -> set[tuple[str, ...]]:
        return {
            (v.focus, v.path, v.value, v.message) for v in violations if v.value.startswith(("urn:", "dvt:"))
        }

    again = validate(graph(FAULTY), ontology)
    assert len(again) == len(found)
    assert sayable(again) == sayable(found)


def test_a_violation_says_what_the_shapes_ask_for(found: tuple[Violation, ...]) -> None:
    texts = {str(violation) for violation in found}
    assert (
        "urn:dvt-kg:patient:names dvt:hasFinding dvt:external-iliac-vein:"
        " The ontology has no dvt:Finding that is called dvt:external-iliac-vein."
    ) in texts
    assert any("from 0 to 3 in the unit 1" in text for text in texts)
    assert any("a literal of xsd:decimal, and of no other datatype" in text for text in texts)


def test_the_patients_that_are_read_conform(ontology: Ontology) -> None:
    assert validate(read_records(RECORDS).patients, ontology) == ()
    assert conformance(graph(write(read_records(RECORDS[:1]).patients, "ttl")), ontology) == ()


@settings(deadline=None, max_examples=25)
@given(st.lists(patients(), max_size=3, unique_by=lambda patient: patient.id))
def test_any_patients_conform(drawn: list[Patient]) -> None:
    assert validate(drawn, load()) == ()


def test_patients_made_by_hand_are_checked_too(ontology: Ontology) -> None:
    made = [
        Patient("sound", frozenset({Fact("side", "left")})),
        Patient("torn", frozenset({Fact("plateletCount", Decimal(18000))})),
    ]
    (violation,) = validate(made, ontology)
    assert (violation.focus, violation.path, violation.value) == (
        "urn:dvt-kg:patient:torn",
        "dvt:plateletCount",
        "18000.0",
    )


def test_a_graph_of_rdflib_that_is_no_rdf_is_refused(ontology: Ontology) -> None:
    data = graph(PREFIXES + SOUND)
    wrong = rdflib.URIRef("https://w3id.org/dvt-kg#tense edema")
    data.add(
        (
            rdflib.URIRef("urn:dvt-kg:patient:sound"),
            rdflib.URIRef("https://w3id.org/dvt-kg#hasFinding"),
            wrong,
        )
    )
    (violation,) = validate(data, ontology)
    assert (violation.focus, violation.value) == ("urn:dvt-kg:patient:sound", "dvt:tense edema")


def test_a_finding_and_a_measurement_added_in_turtle_conform(extended: Callable[[str], Ontology]) -> None:
    ontology = extended(
        """
        dvt:mottling a owl:NamedIndividual , dvt:Finding ; rdfs:label "mottling"@en .
        dvt:lactateMmolL a owl:DatatypeProperty , owl:FunctionalProperty ; skos:notation "lactate" ;
            rdfs:label "lactate"@en ; rdfs:domain dvt:Patient ; rdfs:range xsd:decimal ;
            dvt:unit "mmol/L" ; dvt:plausibleMinimum 0.0 ; dvt:plausibleMaximum 30.0 .
        """
    )
    facts = frozenset({Fact("hasFinding", "mottling"), Fact("lactateMmolL", Decimal("2.5"))})
    assert validate([Patient("a", facts)], ontology) == ()
    assert {v.path for v in validate([Patient("a", facts)], load())} == {"dvt:hasFinding", "dvt:lactateMmolL"}
    too_much = Patient("b", frozenset({Fact("lactateMmolL", Decimal(31))}))
    assert "a number from 0 to 30 in the unit mmol/L" in validate([too_much], ontology)[0].message


def test_every_name_in_the_shapes_exists_in_the_ontology(ontology: Ontology) -> None:
    text = (data_dir("ontology") / "shapes.ttl").read_text(encoding="utf-8")
    names = {
        name
        for name in re.findall(r"dvt:([A-Za-z][A-Za-z-]*)", text)
        if not name.endswith(("Shape", "Constraint"))
    }
    assert "plausibleMinimum" in names
    assert names <= {term.name for term in ontology.terms}
