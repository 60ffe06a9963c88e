"""The rules as one SPARQL request on rdflib, in memory; on Oxigraph see tests/test_updates.py."""

from __future__ import annotations

from collections.abc import Callable

import pyoxigraph as ox
import rdflib

from dvt_kg import KnowledgeGraph, Ontology
from dvt_kg.graph import INFERRED
from tests import test_updates
from tests.probing import records
from tests.strategies import ONTOLOGY
from tests.test_updates import REQUEST, Said, expected, graph_of, names_of, sizes


def on_rdflib(request: str, graph: KnowledgeGraph, *, union: bool = False) -> Said:
    """What a request concludes in rdflib, and that it leaves nothing else behind."""
    dataset = rdflib.Dataset(default_union=union)
    data = graph.store.dump(format=ox.RdfFormat.N_QUADS)
    assert data is not None
    dataset.parse(data=data, format="nquads")
    dataset.update(request)
    found = {str(g.identifier): g for g in dataset.graphs() if len(g)}
    concluded = found.pop(INFERRED.value)
    assert {name: len(g) for name, g in found.items()} == sizes(graph)
    return names_of(concluded)


def test_one_request_concludes_all_that_the_rules_do_on_300_records_and_nothing_else() -> None:
    test_updates.test_one_request_concludes_all_that_the_rules_do_on_300_records_and_nothing_else(on_rdflib)


def test_a_dataset_whose_default_graph_is_the_union_of_all_gives_the_same() -> None:
    patients = records(10, seed=22)
    found = on_rdflib(REQUEST, graph_of(patients), union=True)
    assert found == set(expected(ONTOLOGY, patients))


def test_axioms_added_in_turtle_change_the_request(extended: Callable[[str], Ontology]) -> None:
    test_updates.test_axioms_added_in_turtle_change_the_request(extended, on_rdflib)
