"""Rows of any engine as texts that can be compared."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import pyoxigraph as ox


def constructed(store: ox.Store, query: str, **options: Any) -> list[ox.Triple]:
    """The triples of a CONSTRUCT.

    A list, made here: what rdflib raises while it parses can keep a test's frame, and Oxigraph's results must
    not be dropped by another thread.
    """
    return list(cast(ox.QueryTriples, store.query(query, **options)))


def plain(value: object) -> str:
    """A term for comparison: a number by its value, everything else by its text."""
    text = str(getattr(value, "value", value)) if isinstance(value, ox.NamedNode | ox.Literal) else str(value)
    with contextlib.suppress(InvalidOperation):
        return str(Decimal(text).normalize())
    return text.replace("+00:00", "Z")


def texts(rows: Iterable[Any], variables: Iterable[str]) -> list[str]:
    """Rows in an order of their own; what is not bound is None."""
    names = list(variables)
    return sorted(str([plain(row[name]) for name in names]) for row in rows)
