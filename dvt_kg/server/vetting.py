"""Queries are read before they are run: what leaves the served graphs is refused.

Judged is the algebra, in which there is no place to hide: not in a sub-select, an OPTIONAL, an EXISTS
or a variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import rdflib
from rdflib.paths import Path
from rdflib.plugins.sparql.algebra import translateQuery
from rdflib.plugins.sparql.parser import parseQuery, parseUpdate
from rdflib.plugins.sparql.parserutils import CompValue
from rdflib.plugins.sparql.sparql import Prologue, Query

from dvt_kg.graph import GRAPHS
from dvt_kg.server.refusals import Refused, read_only

SERVED = tuple(graph.value for graph in GRAPHS)
DEEPEST = 30
"""Brackets within brackets: parsers go down with them, and no question needs more."""

# What brackets can stand in without being brackets: comments, IRIs, texts.
_TOKENS = re.compile(
    r"""<[^<>"{}|^`\\\x00-\x20]*> | \#[^\n\r]*
    | \"\"\"(?:\\.|[^\\])*?\"\"\" | '''(?:\\.|[^\\])*?'''
    | "(?:\\.|[^"\\\n\r])*" | '(?:\\.|[^'\\\n\r])*'
    | (?P<open>[({\[]) | (?P<close>[)}\]])""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Vetted:
    """A query that may be run.

    :param default: the graphs that its FROM names
    :param named: the graphs that its FROM NAMED names
    :param states_dataset: whether it has one of the two
    """

    default: tuple[str, ...]
    named: tuple[str, ...]

    @property
    def states_dataset(self) -> bool:
        """Whether the query itself says which graphs it asks."""
        return bool(self.default or self.named)


@lru_cache(maxsize=256)
def vet(text: str) -> Vetted:
    """Read a query and refuse what does not stay within the served graphs.

    :param text: a SPARQL 1.1 query
    :raises Refused: 400 where it is no query, 403 where it is an update or goes elsewhere
    """
    _check_depth(text)
    try:
        parsed = parseQuery(text)
        written = [value.name for value in _values(parsed)]  # before it is translated in place
        algebra = translateQuery(parsed).algebra
    except Refused:
        raise
    except RecursionError:
        raise _too_deep() from None
    except Exception as error:  # rdflib raises whatever its parser and translation come upon
        if _is_update(text):
            raise read_only("query") from None
        raise malformed(error) from None
    if "ServiceGraphPattern" in {*written, *(value.name for value in _values(algebra))}:
        raise Refused(
            403,
            "service",
            "SERVICE is refused: queries stay within this server; ask the other endpoint itself",
            field="query",
        )
    found: dict[str, list[str]] = {"default": [], "named": []}
    for clause in algebra.datasetClause or ():
        kind = "default" if clause.default else "named"
        found[kind].append(str(clause.default or clause.named))
    for graph in (*found["default"], *found["named"]):
        check_served(graph, "query")
    return Vetted(tuple(found["default"]), tuple(found["named"]))


def check_served(graph: str, field: str) -> None:
    """Refuse a graph that is not served.

    :param field: the parameter that names the graph
    :raises Refused: 403
    """
    if graph not in SERVED:
        message = f"only these graphs are served: {', '.join(SERVED)}"
        raise Refused(403, "graph-not-served", message, field=field)


def _check_depth(text: str) -> None:
    depth = 0
    for token in _TOKENS.finditer(text):
        if token["open"]:
            depth += 1
        elif token["close"]:
            depth -= 1
        if depth > DEEPEST:
            raise _too_deep()


def _too_deep() -> Refused:
    return Refused(
        400, "too-deep", f"the query is nested deeper than {DEEPEST} brackets; flatten it", field="query"
    )


def _is_update(text: str) -> bool:
    try:
        return bool(parseUpdate(text).request)
    except Exception:  # rdflib raises whatever its parser comes upon
        return False


def malformed(error: Exception) -> Refused:
    """What a parser said, without the query itself, which may hold what nobody else should read."""
    text = str(error)
    place: tuple[Any, ...] = (getattr(error, "lineno", None), getattr(error, "column", None))
    if found := re.match(r"error at (\d+):(\d+)", text):  # as Oxigraph says it
        place = found.groups()
    where = f" at line {place[0]}, column {place[1]}" if all(place) else ""
    prefix = "Unknown namespace prefix" in text or "Prefix not found" in text
    what = "it uses a prefix that no PREFIX declares" if prefix else "it cannot be read"
    return Refused(400, "malformed-query", f"not a valid SPARQL 1.1 query: {what}{where}", field="query")


def _values(part: Any) -> Iterator[CompValue]:
    """Every node of a parsed query and its algebra, at any depth.

    :raises Refused: where there is something of which nobody knows what it holds
    """
    waiting, seen = [part], set()
    while waiting:
        item = waiting.pop()
        if item is None or isinstance(item, str | int | float | rdflib.term.Node) or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, CompValue):
            yield item
        if isinstance(item, dict):  # a result of pyparsing is a Mapping too, of next to nothing
            waiting.extend(item.values())
        elif isinstance(item, Prologue):
            continue  # prefixes and a base
        elif isinstance(item, Query):
            waiting.append(item.algebra)
        elif isinstance(item, Path):
            continue  # of IRIs alone
        elif isinstance(item, Iterable):
            waiting.extend(item)
        else:
            raise Refused(
                400, "not-understood", "the query holds what this server cannot judge", field="query"
            )
