"""Reasoners that others wrote conclude what the rules conclude: the program that makes README's table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "agreement.py"
EXAMPLES = 15


def compared(file: Path, *words: str) -> tuple[int, list[dict[str, Any]]]:
    """The program's exit status and rows."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--json", str(file), *words], check=False, timeout=900
    )
    rows: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return done.returncode, rows


def test_all_agree_on_the_examples_and_on_200_random_patients(tmp_path: Path) -> None:
    status, rows = compared(tmp_path / "rows.json")
    assert [row["reasoner"] for row in rows] == ["HermiT", "Konclude", "ELK", "reasonable"]
    for row in rows:
        assert row["differing"] == {}, row["reasoner"]
        assert row["agreeing"] == row["compared"]
        assert row["compared"] + row["not_expressed"] == EXAMPLES + 200
        assert bool(row["not_expressed"]) == bool(row["reason"])
    assert [row["contradictory"] > 5 for row in rows] == [True, True, True, False]
    assert status == 0


@pytest.mark.parametrize("reasoner", ["ELK", "reasonable"])
def test_without_the_shipped_queries_they_are_seen_to_differ(tmp_path: Path, reasoner: str) -> None:
    status, (row,) = compared(tmp_path / "rows.json", "--only", reasoner, "--random", "20", "--no-rules")
    assert row["differing"]
    assert status == 1
