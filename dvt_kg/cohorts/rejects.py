"""Rejects: what is said of a row that is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from dvt_kg.errors import RecordError

SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("line", pa.int64()),
        ("id", pa.string()),
        ("field", pa.string()),
        ("value", pa.string()),
        ("message", pa.string()),
        ("further", pa.list_(pa.string())),
    ]
)
FURTHER = 10  # faults that are said beside the first


def reject(errors: Sequence[RecordError], id: str | None) -> dict[str, Any]:
    """What is said of a row: its first fault, and some others in words.

    :param errors: its faults, at least one
    :param id: its id, where it has one
    """
    first, *others = errors
    value = first.value
    further = [f"{e.field}: {e.message}" if e.field else e.message for e in others[:FURTHER]]
    if len(others) > FURTHER:
        further.append(f"and {len(others) - FURTHER} more")
    return {
        "file": first.file,
        "line": first.line,
        "id": id,
        "field": first.field,
        "value": value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False),
        "message": first.message,
        "further": further,
    }
