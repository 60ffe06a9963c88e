"""The same rules elsewhere: what others conclude of 10,000 records, against what a table of them says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dvt_kg import KnowledgeGraph, Patient
from dvt_kg.cohorts.run import Options, cohort
from dvt_kg.graph import INFERRED, PATIENTS
from dvt_kg.ontology import local_name
from dvt_kg.program import LISTS
from dvt_kg.updates import updates
from tests.cohorts import Row, expected, said, table, tabular
from tests.servers.test_spark import java  # noqa: F401 - a fixture that finds the Java of Spark
from tests.strategies import ONTOLOGY
from tests.test_answering import answered
from tests.test_sql import flat, on_duckdb

RECORDS = 10_000
BATCH = 1_000
Batch = tuple[list[Patient], list[Row]]


@pytest.fixture(scope="module")
def batches() -> list[Batch]:
    """Records of every kind, each batch with what a table of it is answered."""
    patients = tabular(RECORDS, seed=41)
    parts = [patients[start : start + BATCH] for start in range(0, RECORDS, BATCH)]
    found = [(part, answered(part)) for part in parts]
    statuses = Counter(row["status"] for _, rows in found for row in rows)
    assert statuses.total() == RECORDS
    assert min(statuses[s] for s in ("matched", "indeterminate", "out-of-scope", "contradictory")) > 100
    return found


def in_a_store(patients: list[Patient], request: str) -> list[Row]:
    """What a store concludes by the request, as the answers of a table."""
    graph = KnowledgeGraph(ONTOLOGY)
    graph.add(PATIENTS, (triple for patient in patients for triple in patient.triples()))
    graph.store.update(request)
    values: dict[tuple[str, str], list[str]] = {}
    for triple in graph.triples(INFERRED):
        key = local_name(triple.subject), local_name(triple.predicate)
        values.setdefault(key, []).append(local_name(triple.object))
    found = []
    for patient in patients:
        (status,) = values[patient.iri, "status"]
        lists = {column: sorted(values.get((patient.iri, name), ())) for column, name in LISTS.items()}
        found.append({"id": patient.id, "status": status, **lists})
    return found


def shared(row: Row) -> Row:
    """An answer without what the request does not say: clashes, conflicts, and alerts in spite of a clash."""
    left_out = {"clashes", "conflicts", *(["alerts"] if row["status"] == "contradictory" else [])}
    return {key: row[key] for key in ("id", "status", *LISTS) if key not in left_out}


def test_oxigraph_concludes_by_the_request_what_a_table_is_answered(batches: list[Batch]) -> None:
    request = updates(ONTOLOGY).text()
    for patients, rows in batches:
        assert list(map(shared, in_a_store(patients, request))) == list(map(shared, rows))


def test_a_table_is_answered_as_its_records_one_by_one(batches: list[Batch]) -> None:
    for patients, rows in batches:
        assert said(rows) == expected(patients)


def test_duckdb_answers_by_the_statement_what_a_table_is_answered(batches: list[Batch]) -> None:
    for patients, rows in batches:
        found = on_duckdb(flat(patients))
        wanted = sorted(rows, key=lambda row: row["id"])
        for one, other in zip(found, wanted, strict=True):
            names = [
                name for name in ("id", "status", *LISTS) if name in shared(other) or name == "conflicts"
            ]
            assert [one[name] for name in names] == [
                ";".join(other[name]) if isinstance(other[name], list) else other[name] for name in names
            ]
            assert one["refused"] is None


def test_spark_answers_what_a_table_is_answered(batches: list[Batch], tmp_path: Path) -> None:
    patients = [
        Patient(f"{number}-{patient.id}", patient.facts)
        for number, (batch, _) in enumerate(batches)
        for patient in batch
    ]
    pq.write_table(table(patients), tmp_path / "records.parquet", row_group_size=3_000)
    options = Options(audit=0, page=False, engine="spark")
    cohort(tmp_path / "records.parquet", tmp_path / "answers.parquet", ONTOLOGY, options=options)
    found = pq.read_table(tmp_path / "answers.parquet").sort_by("id").drop_columns("id")
    wanted = pa.Table.from_pylist([row for _, rows in batches for row in rows], found.schema)
    ids = pa.array([patient.id for patient in patients])
    assert found == wanted.append_column("id", ids).sort_by("id").drop_columns("id").cast(found.schema)
