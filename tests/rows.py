"""Rows of any engine as texts that can be compared."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

import pyoxigraph as ox


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
