"""Queries are judged by their algebra: what leaves the served graphs is refused, and nothing else."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvt_kg import catalogue
from dvt_kg.queries import Query
from dvt_kg.server.negotiation import ROWS, TRIPLES, chosen
from dvt_kg.server.refusals import Refused
from dvt_kg.server.vetting import DEEPEST, SERVED, vet
from dvt_kg.server.workers import RECURSION

ELSEWHERE = "SERVICE <http://example.org/sparql> { ?a ?b ?c }"


@pytest.mark.parametrize("query", catalogue().values(), ids=lambda q: q.name)
def test_every_query_of_the_catalogue_may_be_run(query: Query) -> None:
    assert not vet(query.text).states_dataset


@pytest.fixture(autouse=True)
def _as_in_a_worker() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(RECURSION)
    yield
    sys.setrecursionlimit(before)


def refusal_of(text: str) -> Refused | None:
    try:
        vet(text)
    except Refused as refused:
        return refused
    return None


PLACES = (
    "{ %s }",
    "{ ?s ?p ?o OPTIONAL { %s } }",
    "{ ?s ?p ?o MINUS { %s } }",
    "{ { ?s ?p ?o } UNION { %s } }",
    "{ GRAPH ?g { %s } }",
    "{ { SELECT ?a { %s } } }",
    "{ ?s ?p ?o FILTER EXISTS { %s } }",
    "{ ?s ?p ?o FILTER (NOT EXISTS { %s } || ?o > 1) }",
    "{ BIND(IF(EXISTS { %s }, 1, 2) AS ?x) }",
    "{ ?s ?p ?o } ORDER BY DESC(EXISTS { %s })",
    "{ ?s ?p ?o } GROUP BY ?s HAVING (EXISTS { %s })",
)


@settings(deadline=None)
@given(st.lists(st.sampled_from(PLACES[:9]), max_size=3), st.sampled_from(PLACES))
def test_service_is_found_however_deep_it_stands(inner: list[str], outer: str) -> None:
    pattern = ELSEWHERE
    for place in inner:
        pattern = place % pattern
    with pytest.raises(Refused) as refused:
        vet(f"SELECT * {outer % pattern}")
    assert (refused.value.status, refused.value.kind) == (403, "service")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { ?s ?p 'SERVICE <http://example.org> { }' }",
        "SELECT * { ?s <http://example.org/SERVICE> ?o } # SERVICE <x> { }",
        "SELECT ?service { ?service a <urn:x> }",
        'SELECT * { ?s ?p """{{{{((([[[ \\""" # {""" }',
        "SELECT * { ?s ?p ?o FILTER(?o < 3 && (?o > 2)) }",
    ],
)
def test_what_only_looks_like_a_way_out_may_be_run(text: str) -> None:
    vet(text)


def test_the_served_graphs_may_be_named_and_no_others() -> None:
    vetted = vet(f"SELECT * FROM <{SERVED[0]}> FROM NAMED <{SERVED[1]}> {{ ?s ?p ?o }}")
    assert (vetted.default, vetted.named) == ((SERVED[0],), (SERVED[1],))
    with pytest.raises(Refused, match="only these graphs are served"):
        vet(f"SELECT * FROM <{SERVED[0]}/other> {{ ?s ?p ?o }}")


@pytest.mark.parametrize("update", ["CLEAR ALL", "INSERT DATA { <urn:a> <urn:b> 1 }", "LOAD <urn:x>"])
def test_an_update_is_told_from_a_wrong_query(update: str) -> None:
    with pytest.raises(Refused) as refused:
        vet(update)
    assert (refused.value.status, refused.value.kind) == (403, "read-only")


def test_brackets_are_counted_and_a_question_may_have_many_but_not_too_deep() -> None:
    vet("SELECT * { ?s ?p ?o FILTER(" + "(1 = 1) && " * 200 + "true) }")
    inside = DEEPEST - 2
    vet("SELECT * { FILTER(" + "(" * inside + "true" + ")" * inside + ") }")
    with pytest.raises(Refused, match="nested deeper"):
        vet("SELECT * { FILTER(" + "(" * (inside + 1) + "true" + ")" * (inside + 1) + ") }")


@settings(deadline=None)
@given(st.text(alphabet="SELECTWHRAK {}()?abc<>\"'#\\\n*.:", max_size=60))
def test_whatever_text_is_judged_it_is_run_or_refused(text: str) -> None:
    refused = refusal_of(text)
    assert refused is None or (400 <= refused.status < 500 and len(refused.message) < 200)


@pytest.mark.parametrize("offered", [ROWS, TRIPLES])
def test_who_does_not_say_what_is_wanted_gets_the_first(offered: dict[str, object]) -> None:
    for accept in (None, "", "*/*"):
        assert chosen(accept, offered)[0] == next(iter(offered))


def test_a_refusal_is_the_same_in_another_process() -> None:
    refused = Refused(422, "kind", "message", field="field", headers={"A": "b"}, more={"errors": []})
    again = pickle.loads(pickle.dumps(refused))
    assert again.body() == refused.body()
    assert (again.status, again.headers) == (refused.status, refused.headers)
