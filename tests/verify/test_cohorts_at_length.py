"""A million rows of which one in a thousand is broken, in every way in which a row can be."""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dvt_kg.cohorts.run import Options, cohort
from tests.cohorts import Row, expected, rows, said, tabular
from tests.strategies import ONTOLOGY

ROWS = 1_000_000
EVERY = 1_000
PATIENTS = tabular(400, seed=71)
COLUMNS = sorted({name for row in rows(PATIENTS) for name, cell in row.items() if cell is not None} - {"id"})
UNKNOWN = "oedema"  # a column that there is not
HEADER = ["id", *COLUMNS, UNKNOWN]

Break = Callable[[dict[str, str]], dict[str, str]]
#: ways to break a row, with a word of the reason that has to be given
WAYS: list[tuple[str, Break, str]] = [
    ("an unknown column", lambda row: row | {UNKNOWN: "present"}, "no column is called 'oedema'"),
    ("an unknown state", lambda row: row | {"tense-edema": "yes"}, "no state of a finding"),
    ("an unknown vein", lambda row: row | {"thrombus_present": "iliac-vein"}, "no vein is called"),
    ("an unknown value", lambda row: row | {"sex": "f"}, "no sex is called 'f'"),
    ("no number", lambda row: row | {"platelet-count": "many"}, "is no number"),
    ("not finite", lambda row: row | {"platelet-count": "inf"}, "not a finite number"),
    ("negative", lambda row: row | {"symptom-duration-days": "-1"}, "is negative"),
    ("a decimal comma", lambda row: row | {"symptom-duration-days": "7,5"}, "has a comma"),
    ("implausible", lambda row: row | {"platelet-count": "18000"}, "in another unit?"),
    ("a bound", lambda row: row | {"platelet-count": "<20"}, "is a bound"),
    ("too exact", lambda row: row | {"platelet-count": "20.1234567890123456789"}, "more digits"),
    ("no time", lambda row: row | {"assessed_at": "26.5.2026"}, "is no time"),
    ("a date alone", lambda row: row | {"assessed_at": "2026-05-26"}, "a date alone"),
    ("an empty id", lambda row: row | {"id": ""}, "the id is empty"),
    ("a long id", lambda row: row | {"id": "x" * 300}, "longer than 256"),
    ("an id again", lambda row: row | {"id": "p0"}, "the id was seen before"),
]
TORN = {
    "too many cells": (",x,y\n", "cells and the header"),
    "an open quotation mark": (',"torn\n', "cannot be read"),
    "no UTF-8": ("\udcff\n", "not UTF-8"),
}


@pytest.fixture(scope="module")
def cells() -> list[dict[str, str]]:
    """The rows of the patients as a table of text has them."""
    return [
        {
            name: "" if cell is None else ";".join(cell) if isinstance(cell, list) else str(cell)
            for name, cell in row.items()
            if name in HEADER
        }
        for row in rows(PATIENTS)
    ]


def test_every_good_row_is_answered_and_every_bad_one_is_rejected_with_its_reason(
    cells: list[dict[str, str]], tmp_path: Path
) -> None:
    rng = random.Random(1)
    reasons: dict[int, str] = {}
    torn = list(TORN.values())
    with (tmp_path / "ward.csv").open("w", encoding="utf-8", errors="surrogateescape", newline="") as out:
        writer = csv.DictWriter(out, HEADER, restval="", lineterminator="\n")
        writer.writeheader()
        line = 2
        for number in range(ROWS):
            row = cells[number % len(cells)] | {"id": f"p{number}"}
            if number % EVERY == EVERY - 1:
                place = rng.randrange(len(WAYS) + len(torn))
                if place < len(WAYS):
                    _, broken, reason = WAYS[place]
                    writer.writerow(broken(row))
                else:
                    ending, reason = torn[place - len(WAYS)]
                    out.write(",".join(row.get(name, "") for name in HEADER).rstrip("\n") + ending)
                reasons[line] = reason
            else:
                writer.writerow(row)
            line += 1
    output = tmp_path / "out.parquet"
    summary = cohort(tmp_path / "ward.csv", output, ONTOLOGY, options=Options(audit=50))
    assert (summary["rows"], summary["answered"], summary["rejected"]) == (ROWS, ROWS - 1000, 1000)
    rejects = pq.read_table(tmp_path / "out.rejects.parquet").to_pylist()
    assert {row["line"] for row in rejects} == set(reasons)
    for row in rejects:
        assert reasons[row["line"]] in row["message"], row
    found = pq.read_table(output)
    wanted = [f"p{number}" for number in range(ROWS) if number % EVERY != EVERY - 1]
    assert found["id"].to_pylist() == wanted
    answers = {row["id"]: row for row in expected(PATIENTS)}
    first: list[Row] = said(found.slice(0, 900).to_pylist())
    for row in first:
        patient = PATIENTS[int(row["id"][1:]) % len(PATIENTS)].id
        assert {**row, "id": patient} == answers[patient]
    by_status = Counter(found["status"].to_pylist())
    one_by_one = Counter(answers[PATIENTS[int(id[1:]) % len(PATIENTS)].id]["status"] for id in wanted)
    assert by_status == one_by_one
