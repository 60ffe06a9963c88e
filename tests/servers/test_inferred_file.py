"""The inferred file on rdflib, with no reasoner and no named graphs: the catalogue's rows."""

from __future__ import annotations

from pathlib import Path

import pytest
import rdflib

from dvt_kg import KnowledgeGraph, Ontology, ask, build, catalogue
from dvt_kg.queries import Query
from tests.rows import texts
from tests.test_queries import REQUIRED


@pytest.fixture(scope="module")
def file(ontology: Ontology, tmp_path_factory: pytest.TempPathFactory) -> rdflib.Graph:
    folder: Path = tmp_path_factory.mktemp("built")
    build(folder, ontology)
    return rdflib.Graph().parse(folder / "dvt-kg-inferred.ttl")


@pytest.mark.parametrize(
    "query", [q for q in catalogue().values() if q.name != "provenance"], ids=lambda q: q.name
)
def test_rdflib_answers_the_catalogue_from_the_inferred_file(
    query: Query, explained_examples: KnowledgeGraph, file: rdflib.Graph
) -> None:
    parameters = REQUIRED.get(query.name, {})
    expected = ask(explained_examples, query, **parameters)
    bound = {name: rdflib.URIRef(term.value) for name, term in query.bind(parameters).items()}
    found = file.query(query.text, initBindings=bound)
    assert texts(found, expected.variables) == texts(expected, expected.variables)
