"""The rules as a SPARQL request: any store concludes by it what the rules conclude in process."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

import pytest
from click.testing import CliRunner

from dvt_kg import KnowledgeGraph, Ontology, Patient, classify
from dvt_kg.cli import main
from dvt_kg.graph import INFERRED, PATIENTS
from dvt_kg.ontology import RDF, local_name
from dvt_kg.patients import Fact
from dvt_kg.reasoner import RuleReasoner
from dvt_kg.rules import PATIENT, Type, Value
from dvt_kg.updates import updates

from .probing import records
from .strategies import ONTOLOGY

REQUEST = updates(ONTOLOGY).text()
Said = set[tuple[str, str, str]]
Engine = Callable[[str, KnowledgeGraph], Said]


def graph_of(patients: Iterable[Patient], ontology: Ontology = ONTOLOGY) -> KnowledgeGraph:
    graph = KnowledgeGraph(ontology)
    graph.add(PATIENTS, (triple for patient in patients for triple in patient.triples()))
    return graph


def names_of(triples: Iterable[Iterable[object]]) -> Said:
    return {(local_name(s), local_name(p), local_name(o)) for s, p, o in triples}


def on_oxigraph(request: str, graph: KnowledgeGraph) -> Said:
    """What the inferred graph holds after a request, which leaves the other graphs as they were."""
    before = sizes(graph)
    graph.store.update(request)
    assert sizes(graph) == before
    return names_of((t.subject, t.predicate, t.object) for t in graph.triples(INFERRED))


# rdflib, which takes far longer, is asked in tests/servers/test_rules_on_rdflib.py.
ENGINES = [pytest.param(on_oxigraph, id="on_oxigraph")]


def sizes(graph: KnowledgeGraph) -> dict[str, int]:
    """The graphs that are there beside the inferred one, and their sizes."""
    counted = Counter(local_name(quad.graph_name) for quad in graph.store)
    assert {local_name(name) for name in graph.store.named_graphs()} == set(counted)
    return {name: number for name, number in counted.items() if name != INFERRED.value}


def expected(ontology: Ontology, patients: Iterable[Patient]) -> Iterator[tuple[str, str, str]]:
    """What is concluded in process beyond what is stated; of a contradictory record its status."""
    for patient, profile in classify(tuple(patients), RuleReasoner(ontology)):
        if profile.contradictory:
            pairs = {("status", "contradictory"), ("hasClash", f"{patient.iri}#clash")}
        else:
            pairs = {(a.property, a.value) for a in profile.entailed if isinstance(a, Value)}
            pairs |= {
                (RDF + "type", a.name) for a in profile.entailed if isinstance(a, Type) and a != PATIENT
            }
            pairs |= {(local_name(p), local_name(o)) for p, o in profile.derived}
            pairs -= {(fact.property, fact.value) for fact in patient.facts}
        yield from ((patient.iri, prop, value) for prop, value in pairs)


@pytest.mark.parametrize("engine", ENGINES)
def test_one_request_concludes_all_that_the_rules_do_on_300_records_and_nothing_else(engine: Engine) -> None:
    patients = records(300, seed=21)
    found = engine(REQUEST, graph_of(patients))
    assert found == set(expected(ONTOLOGY, patients))
    statuses = {value for _, prop, value in found if prop == "status"}
    assert statuses == {"matched", "indeterminate", "out-of-scope", "contradictory"}
    seen = {prop for _, prop, _ in found}
    assert seen > {"hasPresentation", "openPresentation", "ruledOutPresentation", "hasAlert", "hasNextStep"}


def test_run_again_after_a_change_the_request_gives_the_answer_for_what_is_now_stated() -> None:
    one, other = records(40, seed=23)[:20], records(40, seed=24)[:20]
    graph = graph_of(one)
    on_oxigraph(REQUEST, graph)
    assert on_oxigraph(REQUEST, graph) == set(expected(ONTOLOGY, one))
    graph.store.clear_graph(PATIENTS)
    graph.add(PATIENTS, (triple for patient in other for triple in patient.triples()))
    assert on_oxigraph(REQUEST, graph) == set(expected(ONTOLOGY, other))


@pytest.mark.parametrize("engine", ENGINES)
def test_axioms_added_in_turtle_change_the_request(
    extended: Callable[[str], Ontology], engine: Engine
) -> None:
    ontology = extended(
        "[ a owl:Restriction ; owl:onProperty dvt:side ; owl:hasValue dvt:left ] rdfs:subClassOf"
        " [ a owl:Restriction ; owl:onProperty dvt:failsCriterion ; owl:hasValue dvt:acute-onset ] ,"
        " <urn:x:my.own> . <urn:x:my.own> a owl:Class . dvt:Counted a owl:Class ."
        " dvt:plateletCount rdfs:domain dvt:Counted ."
    )
    patient = Patient("p", frozenset({Fact("side", "left"), Fact("plateletCount", Decimal(300))}))
    found = engine(updates(ontology).text(), graph_of([patient], ontology))
    assert found == set(expected(ontology, [patient]))
    assert (patient.iri, "ruledOutPresentation", "acr-2020-iliofemoral-1") in found
    assert {(patient.iri, RDF + "type", name) for name in ("urn:x:my.own", "Counted")} <= found


def test_the_command_writes_the_request_with_what_it_does() -> None:
    result = CliRunner().invoke(main, ["rules", "--format", "sparql"])
    assert result.exit_code == 0
    assert result.stdout == REQUEST
    assert REQUEST.startswith("# Classifies the patients")
    assert "# 07-status: What is the outcome" in REQUEST


def test_a_store_that_joins_by_nested_loops_or_fetches_graphs_has_nothing_to_join_or_fetch() -> None:
    """rdflib's updates evaluate each part of a group for itself, and USING and LOAD by a request."""
    made = updates(ONTOLOGY).operations
    assert not any(re.search(r"\b(USING|LOAD|SERVICE)\b", operation) for operation in made)
    steps = [operation for operation in made if operation.startswith("# Step")]
    assert not any(re.search(r"\b(VALUES|OPTIONAL|GRAPH|SELECT)\b", operation) for operation in steps)
    assert len(made) < 45, "rdflib reads one operation inside another, up to Python's limit"


def test_words_choose_no_part_of_the_request() -> None:
    result = CliRunner().invoke(main, ["rules", "edema", "--format", "sparql"])
    assert result.exit_code == 2
    assert "whole" in result.stderr
