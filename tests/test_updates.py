"""The rules as SPARQL updates: any store concludes what the rules conclude in process."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from click.testing import CliRunner

from dvt_kg import KnowledgeGraph, Ontology, Patient, classify
from dvt_kg.cli import main
from dvt_kg.graph import INFERRED, PATIENTS
from dvt_kg.ontology import local_name
from dvt_kg.patients import Fact
from dvt_kg.reasoner import RuleReasoner
from dvt_kg.rules import Value
from dvt_kg.updates import Updates, updates

from .probing import records
from .strategies import ONTOLOGY

UPDATES = updates(ONTOLOGY)
Concluded = dict[str, set[tuple[str, str]]]


def run_on_oxigraph(made: Updates, ontology: Ontology, patients: Iterable[Patient]) -> Concluded:
    graph = KnowledgeGraph(ontology)
    graph.add(PATIENTS, (triple for patient in patients for triple in patient.triples()))
    size = -1
    while size != (size := len(list(graph.triples(INFERRED)))):
        for update in made.repeated:
            graph.store.update(update)
    for update in made.once:
        graph.store.update(update)
    found: Concluded = {}
    for triple in graph.triples(INFERRED):
        pair = (local_name(triple.predicate), local_name(triple.object))
        found.setdefault(local_name(triple.subject), set()).add(pair)
    return found


def expected(ontology: Ontology, patients: Iterable[Patient]) -> Concluded:
    """What the rules conclude in process beside what is stated; of a contradictory record its status."""
    found: Concluded = {}
    for patient, profile in classify(tuple(patients), RuleReasoner(ontology)):
        pairs = {(a.property, a.value) for a in profile.entailed if isinstance(a, Value)}
        pairs |= {(local_name(p), local_name(o)) for p, o in profile.derived}
        if profile.contradictory:
            pairs = {("status", "contradictory"), ("hasClash", f"{patient.iri}#clash")}
        found[patient.iri] = pairs
    return found


def values(found: Concluded, patients: Iterable[Patient]) -> Concluded:
    """What was concluded beyond what is stated, types left out."""
    stated = {p.iri: {(f.property, f.value) for f in p.facts} for p in patients}
    return {
        iri: {pair for pair in found.get(iri, set()) if ":" not in pair[0]} - facts
        for iri, facts in stated.items()
    }


def test_oxigraph_concludes_by_the_updates_what_the_rules_do_on_300_records() -> None:
    patients = records(300, seed=21)
    found = values(run_on_oxigraph(UPDATES, ONTOLOGY, patients), patients)
    assert found == values(expected(ONTOLOGY, patients), patients)
    statuses = {value for pairs in found.values() for prop, value in pairs if prop == "status"}
    assert statuses == {"matched", "indeterminate", "out-of-scope", "contradictory"}


def test_a_criterion_added_in_turtle_changes_the_updates(extended: Callable[[str], Ontology]) -> None:
    ontology = extended(
        "[ a owl:Restriction ; owl:onProperty dvt:side ; owl:hasValue dvt:left ] rdfs:subClassOf"
        " [ a owl:Restriction ; owl:onProperty dvt:failsCriterion ; owl:hasValue dvt:acute-onset ] ."
    )
    patient = Patient("p", frozenset({Fact("side", "left")}))
    found = run_on_oxigraph(updates(ontology), ontology, [patient])
    assert ("ruledOutPresentation", "acr-2020-iliofemoral-1") in found[patient.iri]


def test_the_file_says_what_to_do_and_each_update_is_valid_by_itself() -> None:
    result = CliRunner().invoke(main, ["rules", "--format", "sparql"])
    assert result.exit_code == 0
    assert "# Patients are in the graph" in result.stdout
    assert "to repeat until urn:dvt-kg:inferred no longer grows" in result.stdout
    graph = KnowledgeGraph(ONTOLOGY)
    graph.store.update(result.stdout)
    assert len(UPDATES.repeated) < 150


def test_words_choose_no_part_of_the_updates() -> None:
    result = CliRunner().invoke(main, ["rules", "edema", "--format", "sparql"])
    assert result.exit_code == 2
    assert "whole" in result.stderr


@pytest.mark.parametrize("update", UPDATES.once, ids=lambda u: u.split("\n")[0][:30])
def test_each_derivation_is_kept_with_its_question(update: str) -> None:
    assert update.startswith(("# 0", "DELETE"))
