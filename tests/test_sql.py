"""The rules as SQL: a warehouse answers a table of records as the rules do in process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
from click.testing import CliRunner
from sqlglot import exp

from dvt_kg import Fact, Ontology, Patient
from dvt_kg.cli import main
from dvt_kg.cohorts.run import Options, cohort
from dvt_kg.errors import UsageError
from dvt_kg.program import LISTS
from dvt_kg.sql import DIALECTS, statement
from dvt_kg.tables import SEPARATOR

from .cohorts import SLOTS, Row, table, tabular
from .strategies import ONTOLOGY, RULES

WHOLE = statement(ONTOLOGY, "duckdb")


def flat(patients: Sequence[Patient]) -> pa.Table:
    """Records as a table in which names of veins are text, some with spaces between them."""
    typed = table(patients)
    for place, field in enumerate(typed.schema):
        if pa.types.is_list(field.type):
            texts = [
                None if names is None else (SEPARATOR + " " * (row % 2)).join(names)
                for row, names in enumerate(typed[field.name].to_pylist())
            ]
            typed = typed.set_column(place, field.name, pa.array(texts, pa.string()))
    return typed


def in_process(records: pa.Table, folder: Path, ontology: Ontology = ONTOLOGY) -> list[Row]:
    """What a warehouse has to answer: what the rules say in process, of contradictory records no alerts."""
    pq.write_table(records, folder / "records.parquet")
    options = Options(audit=0, page=False, overwrite=True)
    cohort(folder / "records.parquet", folder / "answers.parquet", ontology, options=options)
    found: list[Row] = []
    for answer in pq.read_table(folder / "answers.parquet").to_pylist():
        said = {"id": answer["id"], "status": answer["status"]}
        said |= {name: SEPARATOR.join(answer[name]) for name in LISTS} | {"refused": None}
        found.append(said | ({"alerts": ""} if answer["status"] == "contradictory" else {}))
    for reject in pq.read_table(folder / "answers.rejects.parquet").to_pylist():
        nothing = dict.fromkeys(("status", *LISTS))
        found.append({"id": reject["id"], **nothing, "refused": reject["field"]})
    return sorted(found, key=lambda row: str(row["id"]))


def on_duckdb(records: pa.Table, sql: str = WHOLE) -> list[Row]:
    """What DuckDB answers."""
    with duckdb.connect() as connection:
        connection.register("records", records)
        answer = connection.execute(sql)
        names = ("id", "status", *LISTS, "refused")
        assert tuple(column[0] for column in answer.description or ()) == names
        found = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    return sorted(found, key=lambda row: str(row["id"]))


def test_duckdb_answers_300_records_as_the_rules_do_in_process(tmp_path: Path) -> None:
    records = flat(tabular(300, seed=41))
    found = on_duckdb(records)
    assert found == in_process(records, tmp_path)
    statuses = {row["status"] for row in found}
    assert statuses == {"matched", "indeterminate", "out-of-scope", "contradictory"}
    assert all(any(row[name] for row in found) for name in LISTS)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("tense-edema", "Present"),
        ("tense-edema", "yes"),
        ("sex", "f"),
        ("side", "unknown"),
        ("confirmed_by", "ultrasound"),
        ("thrombus_present", "calf-vein;nowhere"),
        ("thrombus_absent", "calf- vein"),
        ("thrombus_absent", "unknown"),
        ("thrombus_absent", "calf-vein, femoral-vein"),
        ("platelet-count", 18000.0),
        ("platelet-count", -1.0),
        ("ankle-brachial-index", float("inf")),
        ("ankle-brachial-index", float("nan")),
    ],
)
def test_a_row_with_another_value_is_refused_as_in_process(tmp_path: Path, column: str, value: Any) -> None:
    schema = flat([]).schema
    rows = [{"id": "torn", column: value}, {"id": "whole"}]
    records = pa.Table.from_pylist(rows, schema)
    found = on_duckdb(records)
    assert found == in_process(records, tmp_path)
    assert [row["refused"] for row in found] == [column, None]
    assert [row["status"] for row in found] == [None, "indeterminate"]


def test_the_first_of_several_columns_at_fault_is_named(tmp_path: Path) -> None:
    rows = [{"id": "torn", "tense-edema": "?", "age_years": 200.0, "cyanosis": "?"}]
    records = pa.Table.from_pylist(rows, flat([]).schema)
    assert on_duckdb(records) == in_process(records, tmp_path)
    assert on_duckdb(records)[0]["refused"] == "age_years"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("tense-edema", ""),
        ("tense-edema", "unknown"),
        ("sex", "unknown"),
        ("thrombus_absent", ""),
        ("thrombus_absent", " ; "),
        ("thrombus_absent", " calf-vein ;  femoral-vein;;"),
        ("platelet-count", 0.0),
    ],
)
def test_a_value_that_is_let_in_is_answered_as_in_process(tmp_path: Path, column: str, value: Any) -> None:
    records = pa.Table.from_pylist([{"id": "a", column: value}], flat([]).schema)
    assert on_duckdb(records) == in_process(records, tmp_path)
    assert on_duckdb(records)[0]["refused"] is None


@pytest.mark.parametrize("kind", [pa.float64(), pa.decimal128(15, 2)])
def test_every_number_on_and_beside_a_threshold_falls_on_the_right_side(
    tmp_path: Path, kind: pa.DataType
) -> None:
    steps = [Decimal(step) for step in ("-0.01", "0", "0.01")]
    limits = sorted(
        {(r.property, n) for ranges in RULES.ranges.values() for r in ranges for _, n in r.bounds}
    )
    numbers = {(name, limit + step) for name, limit in limits for step in steps if limit + step >= 0}
    records = flat([Patient(f"{name} {n}", frozenset({Fact(name, n)})) for name, n in sorted(numbers)])
    for place, field in enumerate(records.schema):
        if pa.types.is_floating(field.type):
            cells = records[field.name].cast(pa.decimal128(15, 2)).cast(kind)
            records = records.set_column(place, field.name, cells)
    assert len(records) > 30
    assert on_duckdb(records) == in_process(records, tmp_path)


def test_what_a_column_that_is_not_there_would_say_is_unknown() -> None:
    records = flat(tabular(100, seed=42))
    kept = ["id", "sex", "thrombus_present", "platelet-count", *list(SLOTS)[20:60:2]]
    emptied = records
    for place, field in enumerate(records.schema):
        if field.name not in kept:
            emptied = emptied.set_column(place, field.name, pa.nulls(len(records), field.type))
    narrow = statement(ONTOLOGY, "duckdb", columns=kept)
    assert on_duckdb(records.select(kept), narrow) == on_duckdb(emptied)
    assert len(narrow) < len(WHOLE) / 2


def test_a_table_of_ids_alone_is_answered(tmp_path: Path) -> None:
    records = pa.table({"id": ["a"]})
    found = on_duckdb(records, statement(ONTOLOGY, "duckdb", columns=["id"]))
    assert found == in_process(records, tmp_path)


def test_a_criterion_added_in_turtle_changes_the_statement(
    extended: Callable[[str], Ontology], tmp_path: Path
) -> None:
    ontology = extended(
        "[ a owl:Restriction ; owl:onProperty dvt:side ; owl:hasValue dvt:left ] rdfs:subClassOf"
        " [ a owl:Restriction ; owl:onProperty dvt:failsCriterion ; owl:hasValue dvt:acute-onset ] ."
    )
    records = flat([Patient("p", frozenset({Fact("side", "left")}))])
    (found,) = on_duckdb(records, statement(ontology, "duckdb"))
    assert [found] == in_process(records, tmp_path, ontology)
    assert "acr-2020-iliofemoral-1" in found["ruled_out"]
    assert "acr-2020-iliofemoral-1" not in on_duckdb(records)[0]["ruled_out"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_dialect_reads_what_is_written_for_it(dialect: str) -> None:
    text = statement(ONTOLOGY, dialect, table='"our records"' if dialect != "spark" else "`our records`")
    (parsed,) = sqlglot.parse(text, dialect=dialect)
    assert isinstance(parsed, exp.Select)
    assert parsed.named_selects == ["id", "status", *LISTS, "refused"]
    assert [t.name for t in parsed.find_all(exp.Table) if not t.name.startswith("layer_")] == ["our records"]
    made = [alias for layer in parsed.ctes for alias in layer.this.selects if alias.alias]
    assert len(made) < 1500, "PostgreSQL has 1,664 columns at most"
    assert all(len(alias.alias) < 63 for alias in made)


def test_the_statement_is_the_same_at_every_run() -> None:
    script = "import dvt_kg.sql as s; from dvt_kg import load; print(s.statement(load(), 'duckdb'), end='')"
    runs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert runs == {WHOLE}


def test_the_comments_say_what_is_read_and_given() -> None:
    head = WHOLE[: WHOLE.index("WITH")]
    assert ONTOLOGY.digest[:16] in head
    assert "red flags outside the" in head
    assert all(line.startswith("-- ") for line in head.splitlines())
    assert "OFFSET 0" in statement(ONTOLOGY, "postgres")
    assert "/* hasFinding value tense-edema */" in WHOLE


def test_the_command_writes_the_statement() -> None:
    result = CliRunner().invoke(main, ["rules", "--format", "sql", "--dialect", "duckdb"])
    assert result.exit_code == 0
    assert result.stdout == WHOLE
    words = ["rules", "--format", "sql", "--dialect", "spark", "--table", "ward.patients"]
    result = CliRunner().invoke(main, [*words, "--columns", "id, sex,tense-edema"])
    assert result.exit_code == 0
    columns = ["sex", "tense-edema"]
    assert result.stdout == statement(ONTOLOGY, "spark", table="ward.patients", columns=columns)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--dialect", "duckdb"], "add --format sql"),
        (["--format", "sparql", "--table", "t"], "add --format sql"),
        (["--format", "json", "--columns", "sex"], "add --format sql"),
        (["--format", "sql"], "--dialect 'duckdb', 'spark' or 'postgres'"),
        (["--format", "sql", "--dialect", "oracle"], "'oracle'"),
        (["edema", "--format", "sql", "--dialect", "duckdb"], "whole"),
        (["--format", "sql", "--dialect", "duckdb", "--columns", "tense-oedema"], "'tense-edema'"),
    ],
)
def test_what_the_command_cannot_do_is_one_clear_error(words: list[str], said: str) -> None:
    result = CliRunner().invoke(main, ["rules", *words])
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    ("dialect", "table", "said"), [("oracle", "records", "'duckdb'"), ("duckdb", "", "no name of a table")]
)
def test_what_the_library_cannot_write_is_one_clear_error(dialect: str, table: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        statement(ONTOLOGY, dialect, table=table)
