from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import oxrdflib
import pytest
import rdflib

from dvt_kg import (
    HermiT,
    KnowledgeGraph,
    Ontology,
    QueryError,
    ask,
    catalogue,
    classify,
    explained,
    read_records,
)
from dvt_kg.graph import GRAPHS, INFERRED
from dvt_kg.ontology import data_dir
from dvt_kg.queries import Query, as_json, derivations, folder, load, parse

from .records import RECORDS
from .rows import constructed

CATALOGUE = catalogue()
DERIVATIONS = folder(data_dir("queries") / "derive")
REQUIRED = {"statements-about-intervention": {"intervention": "systemic-thrombolysis"}}
PREFIX = re.compile(r"\bdvt:([A-Za-z][\w-]*)")


@pytest.fixture(scope="module")
def graph(ontology: Ontology, reasoner: HermiT) -> KnowledgeGraph:
    reading = read_records(RECORDS, ontology)
    assert not reading.errors
    return explained(classify(reading.patients, reasoner))


@pytest.fixture(scope="module")
def dataset(graph: KnowledgeGraph) -> rdflib.Dataset:
    return graph.to_rdflib()


def test_the_catalogue_is_all_there() -> None:
    assert len(CATALOGUE) == 49
    assert len(DERIVATIONS) == 9


@pytest.mark.parametrize("query", [*CATALOGUE.values(), *DERIVATIONS.values()], ids=lambda q: q.name)
def test_each_query_has_a_header_and_a_kebab_case_name(query: Query) -> None:
    assert query.summary.endswith("?")
    assert query.description
    assert query.tags
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", query.name)
    for key in ("summary", "description", "parameters", "columns", "tags"):
        assert re.search(rf"^#\+ {key}:", query.text, re.MULTILINE)
    for parameter in query.parameters.values():
        assert parameter.kind in ("patient", "term", "text")
        assert parameter.description


@pytest.mark.parametrize("query", [*CATALOGUE.values(), *DERIVATIONS.values()], ids=lambda q: q.name)
def test_every_name_in_a_query_exists_in_the_ontology(query: Query, ontology: Ontology) -> None:
    body = re.sub(r"^#\+.*$", "", query.text, flags=re.MULTILINE)
    known = {term.name for term in ontology.terms}
    assert set(PREFIX.findall(body)) <= known


def rows_of(result: Any, variables: tuple[str, ...]) -> list[tuple[str | None, ...]]:
    """Rows of rdflib as text, in an order of their own; it writes the zone Z as +00:00."""
    rows = [
        tuple(None if row[v] is None else str(row[v]).replace("+00:00", "Z") for v in variables)
        for row in result
    ]
    return sorted(rows, key=str)


@pytest.mark.parametrize("query", CATALOGUE.values(), ids=lambda q: q.name)
def test_each_query_answers_the_same_on_oxigraph_and_on_rdflib(
    query: Query, graph: KnowledgeGraph, dataset: rdflib.Dataset
) -> None:
    parameters = REQUIRED.get(query.name, {})
    rows = ask(graph, query, **parameters)
    assert len(rows) > 0
    assert set(rows.variables) == set(query.columns)
    mine = sorted(
        (tuple(None if t is None else getattr(t, "value", str(t)) for t in row) for row in rows.rows), key=str
    )
    bound = {name: rdflib.URIRef(term.value) for name, term in query.bind(parameters).items()}
    theirs = dataset.query(query.text, initBindings=bound)
    assert rows_of(theirs, rows.variables) == mine


@pytest.mark.parametrize("query", DERIVATIONS.values(), ids=lambda q: q.name)
def test_each_derivation_adds_the_same_on_oxigraph_and_on_rdflib(
    query: Query, graph: KnowledgeGraph, dataset: rdflib.Dataset
) -> None:
    result = constructed(graph.store, query.text, default_graph=list(GRAPHS))
    mine = {tuple(str(getattr(t, "value", t)) for t in (x.subject, x.predicate, x.object)) for x in result}
    theirs = {tuple(map(str, triple)) for triple in dataset.query(query.text)}  # type: ignore[arg-type]
    assert mine == theirs
    assert mine


def test_the_catalogue_runs_through_oxrdflib_too(graph: KnowledgeGraph) -> None:
    store = oxrdflib.OxigraphStore(store=graph.store)
    dataset = rdflib.Dataset(store=store, default_union=True)
    rows = ask(graph, "alerts")
    assert len(list(dataset.query(CATALOGUE["alerts"].text))) == len(rows) > 0


def test_deriving_again_adds_nothing(graph: KnowledgeGraph) -> None:
    before = len(list(graph.triples(INFERRED)))
    derivations(graph)
    assert len(list(graph.triples(INFERRED))) == before


def test_a_parameter_is_bound_as_a_term(graph: KnowledgeGraph) -> None:
    rows = ask(graph, "options", patient="mild").plain()
    assert {row["patient"] for row in rows} == {"urn:dvt-kg:patient:mild"}
    assert (
        ask(graph, "rating-matrix", presentation="acr-2019-ivc-filter-2").plain()[0]["rating"]
        == "usually-appropriate"
    )


@pytest.mark.parametrize("value", ["x> } DELETE { ?s ?p ?o } #", '" } #', "a b", "<", "\\u003e"])
def test_a_parameter_that_tries_to_close_its_term_is_refused_or_finds_nothing(
    graph: KnowledgeGraph, value: str
) -> None:
    assert len(ask(graph, "options", patient=value)) == 0
    with pytest.raises(QueryError, match="is no name of a term"):
        ask(graph, "rating-matrix", presentation=value)


def test_a_wrong_parameter_is_named_with_the_nearest(graph: KnowledgeGraph) -> None:
    with pytest.raises(QueryError, match="no parameter 'patent', did you mean 'patient'"):
        ask(graph, "options", patent="mild")
    with pytest.raises(QueryError, match="needs the parameter 'intervention'"):
        ask(graph, "statements-about-intervention")


def test_an_unknown_query_is_named_with_the_nearest() -> None:
    with pytest.raises(QueryError, match="did you mean 'options'"):
        load("option")


def test_a_query_of_one_s_own_is_run_from_a_file(graph: KnowledgeGraph, tmp_path: Path) -> None:
    file = tmp_path / "count.rq"
    file.write_text(
        "SELECT (COUNT(?p) AS ?n) WHERE { ?p a <https://w3id.org/dvt-kg#Patient> }", encoding="utf-8"
    )
    ((count,),) = ask(graph, load(str(file))).rows
    assert getattr(count, "value", None) == str(len(RECORDS))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT WHERE {", "not valid SPARQL"),
        ("ASK { ?s ?p ?o }", "only SELECT queries are run"),
        ("INSERT DATA { <urn:a> <urn:b> <urn:c> }", "not valid SPARQL"),
    ],
)
def test_a_query_that_is_no_select_is_refused(graph: KnowledgeGraph, text: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        ask(graph, parse(text, "mine"))


def test_a_broken_header_is_refused() -> None:
    with pytest.raises(QueryError, match="no valid YAML"):
        parse("#+ summary: [\nSELECT * WHERE {}", "mine")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="cannot be read"):
        load(str(tmp_path / "none.rq"))


def test_rows_are_written_as_sparql_json(graph: KnowledgeGraph) -> None:
    found = as_json(ask(graph, "status", patient="mild"))
    assert found["head"]["vars"] == ["patient", "id", "status", "label"]
    (binding,) = found["results"]["bindings"]
    assert binding["id"] == {"type": "literal", "value": "mild"}
    assert binding["label"] == {"type": "literal", "value": "matched", "xml:lang": "en"}
    assert binding["status"] == {"type": "uri", "value": "https://w3id.org/dvt-kg#matched"}
