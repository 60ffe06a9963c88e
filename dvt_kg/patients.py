"""Patients: one record's facts, as the triples of the patients graph and as entries of the record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import quote

import pyoxigraph as ox

from dvt_kg.errors import UsageError
from dvt_kg.ontology import DCTERMS, RDF, XSD, Ontology, dvt

PATIENT_IRI = "urn:dvt-kg:patient:"
STATES = {
    "hasFinding": ("/findings/", "present"),
    "lacksFinding": ("/findings/", "absent"),
}
THROMBUS = {"hasThrombusIn": "/thrombus/present", "lacksThrombusIn": "/thrombus/absent"}
FIELDS = {
    "assessedAt": "/assessed_at",
    "ageYears": "/age_years",
    "sex": "/sex",
    "recordedSeverity": "/recorded_severity",
    "side": "/thrombus/side",
    "confirmedBy": "/thrombus/confirmed_by",
}


class Fact(NamedTuple):
    """One entry of a record.

    :param property: the local name of the property, as ``hasFinding`` or ``plateletCount``
    :param value: the local name of an individual, a number in the property's unit, or the
        canonical text of an ``xsd:dateTime``
    """

    property: str
    value: str | Decimal


class Entry(NamedTuple):
    """A fact as its JSON pointer into the record and the value that stands there."""

    path: str
    value: str | Decimal


@dataclass(frozen=True)
class Patient:
    """One record: a leg's thrombosis with the patient's facts at one time.

    :param id: the record's id
    :param facts: what it states; what is not stated is unknown
    :param file: the file it came from
    :param line: its line there, where the format has lines
    :raises UsageError: where a measurement has two values
    """

    id: str
    facts: frozenset[Fact]
    file: str | None = None
    line: int | None = None

    def __post_init__(self) -> None:
        numbers = [fact.property for fact in self.facts if isinstance(fact.value, Decimal)]
        if len(numbers) != len(set(numbers)):
            twice = next(name for name in numbers if numbers.count(name) > 1)
            raise UsageError(f"patient {self.id!r} has two values of {twice}; a measurement has one")

    @property
    def iri(self) -> str:
        """The patient's IRI: the id, percent-encoded, behind ``urn:dvt-kg:patient:``.

        >>> Patient("ward 3/7", frozenset()).iri
        'urn:dvt-kg:patient:ward%203%2F7'
        """
        return PATIENT_IRI + quote(self.id, safe="")

    def triples(self) -> Iterator[ox.Triple]:
        """The record as triples of the patients graph."""
        node = ox.NamedNode(self.iri)
        yield ox.Triple(node, ox.NamedNode(RDF + "type"), dvt("Patient"))
        yield ox.Triple(node, ox.NamedNode(DCTERMS + "identifier"), ox.Literal(self.id))
        for fact in sorted(self.facts, key=str):
            yield ox.Triple(node, dvt(fact.property), term(fact))


def term(fact: Fact) -> ox.NamedNode | ox.Literal:
    """The object of a fact's triple."""
    if isinstance(fact.value, Decimal):
        return ox.Literal(canonical(fact.value), datatype=ox.NamedNode(XSD + "decimal"))
    if fact.property == "assessedAt":
        return ox.Literal(fact.value, datatype=ox.NamedNode(XSD + "dateTime"))
    return dvt(fact.value)


def canonical(number: Decimal) -> str:
    """A number in the canonical form of ``xsd:decimal``.

    >>> canonical(Decimal("7")), canonical(Decimal("0.550")), canonical(Decimal("1E+2"))
    ('7.0', '0.55', '100.0')
    """
    text = format(number.normalize(), "f")
    return text if "." in text else text + ".0"


def entry(fact: Fact, ontology: Ontology) -> Entry:
    """A fact as an entry of the record, whatever format it came in.

    >>> from dvt_kg.ontology import load
    >>> entry(Fact("hasFinding", "tense-edema"), load())
    Entry(path='/findings/tense-edema', value='present')
    >>> entry(Fact("plateletCount", Decimal(210)), load())
    Entry(path='/measurements/platelet-count', value=Decimal('210'))
    """
    if fact.property in STATES:
        prefix, state = STATES[fact.property]
        return Entry(f"{prefix}{fact.value}", state)
    if fact.property in THROMBUS:
        return Entry(THROMBUS[fact.property], fact.value)
    if fact.property in FIELDS:
        return Entry(FIELDS[fact.property], fact.value)
    return Entry(f"/measurements/{ontology.notations[fact.property]}", fact.value)


def question_of(fact: Fact) -> str:
    """The name of the question that a fact answers: a finding, a vein or a property.

    >>> question_of(Fact("lacksFinding", "tense-edema")), question_of(Fact("sex", "male"))
    ('tense-edema', 'sex')
    """
    return str(fact.value) if fact.property in (*STATES, *THROMBUS) else fact.property


def words(fact: Fact, ontology: Ontology) -> str:
    """A fact in words, by its key in the record.

    >>> from dvt_kg.ontology import load
    >>> words(Fact("symptomDurationDays", Decimal("7.0")), load())
    'symptom-duration-days 7'
    >>> words(Fact("lacksThrombusIn", "inferior-vena-cava"), load())
    'inferior-vena-cava absent'
    """
    path, value = entry(fact, ontology)
    key = path.rsplit("/", 1)[-1].replace("_", "-")
    if fact.property in THROMBUS:
        return f"{value} {key}"
    return f"{key} {canonical(value).removesuffix('.0') if isinstance(value, Decimal) else value}"
