"""Jobs that ask the served graphs: any SPARQL query, and the catalogue's by name."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyoxigraph as ox

from dvt_kg import queries
from dvt_kg.ontology import PREFIXES, nearest
from dvt_kg.server.desk import Desk, Reply, as_json, sealed, too_much
from dvt_kg.server.negotiation import ROWS, SPARQL, TRIPLES, chosen
from dvt_kg.server.refusals import Refused
from dvt_kg.server.vetting import check_served, malformed, vet


def sparql(
    desk: Desk, text: str, base: str, accept: str | None, default: Sequence[str], named: Sequence[str]
) -> Reply:
    """The answer to a query over the served graphs.

    :param text: the query
    :param base: what relative IRIs in it are relative to
    :param accept: the Accept header
    :param default: the graphs of ``default-graph-uri``, whose union is asked
    :param named: the graphs of ``named-graph-uri``
    :raises Refused: for what is no query, goes elsewhere, or gives too much
    """
    vetted = vet(text)
    for graph in default:
        check_served(graph, "default-graph-uri")
    for graph in named:
        check_served(graph, "named-graph-uri")
    if not (default or named):  # the protocol's graphs come before those of the query
        default, named = vetted.default, vetted.named
    # The union of all graphs, but for a dataset that somebody states; lists of graphs are slower.
    dataset: dict[str, Any] = {"use_default_graph_as_union": True}
    if default or named:
        dataset = {
            "default_graph": [ox.NamedNode(graph) for graph in default],
            "named_graphs": [ox.NamedNode(graph) for graph in named],
        }
    with sealed():
        try:
            return _answered(desk, text, accept, base_iri=base, **dataset)
        except SyntaxError as error:
            raise malformed(error) from None
        except (ValueError, OSError, RuntimeError):
            # Its words may hold a value of the query or of a record.
            message = "the query is valid, but cannot be evaluated here"
            raise Refused(400, "not-evaluated", message, field="query") from None


def _answered(desk: Desk, text: str, accept: str | None, **options: Any) -> Reply:
    found = desk.graph.store.query(text, **options)
    out = desk.output()
    if isinstance(found, ox.QueryTriples):
        media_type, syntax = chosen(accept, TRIPLES)
        ox.serialize(found, out, format=syntax, prefixes=PREFIXES)
        _check_number(desk, out.getvalue(), lambda body: ox.parse(body, format=syntax))
    else:
        media_type, form = chosen(accept, ROWS)
        found.serialize(out, format=form)
        if isinstance(found, ox.QuerySolutions):
            _check_number(desk, out.getvalue(), lambda body: _rows(body, form))
    return Reply(out.getvalue(), media_type)


def _check_number(desk: Desk, body: bytes, parsed: Callable[[bytes], Iterable[Any]]) -> None:
    """Refuse more rows than allowed; they are counted only where so many can be in so few bytes."""
    rows = desk.limits.rows
    if len(body) > 2 * rows and sum(1 for _ in parsed(body)) > rows:
        raise too_much(f"{rows} rows")


def _rows(body: bytes, form: ox.QueryResultsFormat) -> Iterator[Any]:
    """Something for each row of an answer."""
    if form == ox.QueryResultsFormat.CSV:  # from which terms cannot be told
        rows = csv.reader(io.StringIO(body.decode(), newline=""))
        next(rows)  # the names of the columns
        return rows
    found = ox.parse_query_results(body, format=form)
    assert isinstance(found, ox.QuerySolutions), "it was written from rows"
    return found


def catalogue(desk: Desk) -> Reply:
    """The queries of the catalogue with their questions."""
    found = [{k: v for k, v in asdict(q).items() if k != "text"} for q in queries.catalogue().values()]
    return as_json(found)


def named_query(desk: Desk, name: str, parameters: Mapping[str, str], accept: str | None) -> Reply:
    """The answer to a query of the catalogue, or its text.

    :raises Refused: 404 where there is none of that name
    """
    known = queries.catalogue()
    if name not in known:
        hint = nearest(name, known)
        meant = f"; did you mean {hint!r}?" if hint else "; /queries lists them"
        raise Refused(404, "no-such-query", f"no query of the catalogue has that name{meant}", field="name")
    query = known[name]
    media_type, form = chosen(accept, {**ROWS, SPARQL: None})
    if form is None:
        return Reply(query.text.encode(), media_type)
    out = desk.output()
    with sealed():
        queries.run(desk.graph, query, **parameters).serialize(out, format=form)
    return Reply(out.getvalue(), media_type)
