"""The rules over a table by NumPy, Polars and DuckDB, so that the engine is chosen by measurement.

The kernel alone, from what is stated to all that follows, by NumPy and Polars; and the whole of it, from
records to answers, by this project and by the rules as one SQL statement in DuckDB. All in memory,
NumPy on one thread, the others on two. It ends with exit status 1 where two of them say different things.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

os.environ.setdefault("POLARS_MAX_THREADS", "2")

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from generator import cohort
from rich import box
from rich.console import Console
from rich.table import Table

from dvt_kg.axioms import compile_rules
from dvt_kg.cohorts.answering import Answerer
from dvt_kg.cohorts.bits import unpacked
from dvt_kg.cohorts.encoding import Encoded, Encoder
from dvt_kg.ontology import load
from dvt_kg.program import Clause, Program, Term
from dvt_kg.sql import statement
from dvt_kg.tables import read_header

ROWS = 131_072  # at a time, as dvt-kg cohort reads them

T = TypeVar("T")


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _layers(program: Program) -> list[dict[Term, tuple[Clause, ...]]]:
    """The steps in layers, each of conclusions that rest on earlier layers alone."""
    depth: dict[Term, int] = dict.fromkeys(program.seeds, 0)
    layers: dict[int, dict[Term, tuple[Clause, ...]]] = {}
    for step in program.steps:
        needed = {t for ways in step.clauses for clause in ways for t in clause.body | clause.absent}
        first = 1 + max((depth.get(term, 0) for term in needed - set(step.heads)), default=0)
        for place in range(first, first + step.rounds):
            layers.setdefault(place, {}).update(zip(step.heads, step.clauses, strict=True))
        depth |= dict.fromkeys(step.heads, first + step.rounds - 1)
    return [layers[place] for place in sorted(layers)]


def _frame(program: Program, stated: pl.DataFrame) -> pl.LazyFrame:
    """The program as expressions over columns of true and false, named by their terms."""
    frame = stated.lazy()
    known = set(stated.columns)
    for layer in _layers(program):
        new = []
        for head, clauses in layer.items():
            ways = [
                pl.all_horizontal(*(pl.col(str(t)) for t in body), pl.lit(True))
                & ~pl.any_horizontal(*(pl.col(str(t)) for t in absent if str(t) in known), pl.lit(False))
                for body, absent in clauses
                if {str(t) for t in body} <= known
            ]
            before = [pl.col(str(head))] if str(head) in known else [pl.lit(False)]
            new.append(pl.any_horizontal(*before, *ways).alias(str(head)))
        frame = frame.with_columns(new)
        known |= {str(head) for head in layer}
    return frame


def _numpy(answerer: Answerer, encoder: Encoder, table: pa.Table) -> pa.Table:
    """Records to answers as this project does it."""
    parts = []
    for batch in table.to_batches(ROWS):
        header = read_header(batch.schema.names, encoder.layout, file="")
        encoded = encoder.encode(batch, header, _no_draft)
        parts.append(answerer.answer(encoded, np.arange(batch.num_rows), _no_facts)[0])
    return pa.concat_tables(parts)


def _no_draft(row: int) -> Any:
    raise AssertionError(f"row {row} is not plainly right")


def _no_facts(row: int) -> Any:
    raise AssertionError(f"row {row} contradicts itself")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=ROWS, metavar="N")
    count = parser.parse_args().rows
    ontology = load()
    answerer = Answerer(ontology)
    program, encoder = answerer.program, Encoder(ontology, answerer.program)
    with tempfile.TemporaryDirectory() as folder:
        cohort(Path(folder) / "patients.parquet", count, None, ontology, compile_rules(ontology))
        table = pq.read_table(Path(folder) / "patients.parquet").combine_chunks()
    header = read_header(table.column_names, encoder.layout, file="")
    encoded: Encoded = encoder.encode(table.to_batches()[0], header, _no_draft)
    nothing = np.zeros(-(-count // 64), np.uint64)
    columns = {str(s): unpacked(encoded.true.get(s, nothing), count).view(np.bool_) for s in program.seeds}
    stated = pl.DataFrame(columns)
    taken = {}
    answerer.machine.run(encoded.true, count)  # ready
    taken["kernel, NumPy (bits)"], true = _timed(lambda: answerer.machine.run(encoded.true, count))
    taken["kernel, Polars (expressions)"], found = _timed(_frame(program, stated).collect)
    same = all(
        np.array_equal(found[str(head)].to_numpy(), unpacked(true[head], count).view(np.bool_))
        for step in program.steps
        for head in step.heads
    )
    taken["records to answers, NumPy"], answers = _timed(lambda: _numpy(answerer, encoder, table))
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.register("records", table)
        query = statement(ontology, "duckdb")
        in_sql = "records to answers, DuckDB (SQL)"
        taken[in_sql], rows = _timed(lambda: connection.sql(query).to_arrow_table())
    statuses = [dict(zip(t["id"].to_pylist(), t["status"].to_pylist(), strict=True)) for t in (answers, rows)]
    same &= statuses[0] == statuses[1]
    shown = Table(title=f"the rules over {count:,} patients who all differ", box=box.MARKDOWN)
    shown.add_column("what")
    shown.add_column("seconds", justify="right")
    for what, seconds in taken.items():
        shown.add_row(what, f"{seconds:.2f}")
    console = Console(width=140, highlight=False)
    console.print(shown)
    console.print(f"the engines {'agree' if same else 'DISAGREE'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
