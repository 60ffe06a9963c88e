"""Cohorts on Spark: the same answers and rejects as on one machine."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyoxigraph as ox
import pytest
from click.testing import CliRunner

from dvt_kg import CohortError, Ontology, Patient
from dvt_kg.cli import main
from dvt_kg.cohorts.run import Options, cohort
from tests.cohorts import Row, expected, said, table, tabular, write
from tests.strategies import ONTOLOGY

PATIENTS = tabular(300, seed=61)


@pytest.fixture(scope="module", autouse=True)
def java() -> Iterator[None]:
    """The Java that Spark needs."""
    home = max(Path("/usr/lib/jvm").glob("java-17-openjdk-*"), default=None)
    assert home, "install the Debian package openjdk-17-jre-headless"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_HOME", str(home))
        yield
        from pyspark.sql import SparkSession

        session = SparkSession.getActiveSession()
        if session:
            session.stop()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 records and broken ones, in Parquet of several row groups, CSV and NDJSON."""
    folder = tmp_path_factory.mktemp("parts")
    pq.write_table(table(PATIENTS[:150]), folder / "a.parquet", row_group_size=40)
    write(folder / "b.csv", PATIENTS[150:250])
    write(folder / "c.ndjson", PATIENTS[250:])
    again = [Patient(PATIENTS[3].id, frozenset()), Patient("late", frozenset()), Patient("late", frozenset())]
    broken = table(again).to_pylist()
    broken[0]["tense-edema"] = "yes"
    pq.write_table(pa.Table.from_pylist(broken, table([]).schema), folder / "d.parquet")
    return folder


def options(engine: str, **others: Any) -> Options:
    return Options(audit=10, seed=3, page=False, mixed=True, engine=engine, **others)


def read(path: Path) -> list[Row]:
    return sorted(pq.read_table(path).to_pylist(), key=lambda row: (row["id"] or "", row.get("line", 0)))


@pytest.fixture(scope="module")
def ran(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, dict[str, Any]]]:
    """The same cohort by both engines."""
    found = {}
    for engine in ("local", "spark"):
        folder = tmp_path_factory.mktemp(engine)
        found[engine] = (folder, cohort(source, folder / "out.parquet", ONTOLOGY, options=options(engine)))
    return found


def test_spark_answers_300_records_as_one_by_one(ran: dict[str, tuple[Path, dict[str, Any]]]) -> None:
    answers = [row for row in read(ran["spark"][0] / "out.parquet") if row["id"] != "late"]
    assert said(answers) == sorted(expected(PATIENTS), key=lambda row: row["id"])


def test_spark_gives_what_the_local_engine_gives(ran: dict[str, tuple[Path, dict[str, Any]]]) -> None:
    (local, summary), (spark, other) = ran["local"], ran["spark"]
    assert read(spark / "out.parquet") == read(local / "out.parquet")
    rejects = read(local / "out.rejects.parquet")
    assert read(spark / "out.rejects.parquet") == rejects
    assert [(row["id"], row["field"], len(row["further"])) for row in rejects] == [
        ("late", "id", 0),
        (PATIENTS[3].id, "tense-edema", 1),
    ]
    assert {**summary, "engine": "spark"} == other
    assert (summary["rows"], summary["rejected"], summary["audit"]["profiles"]) == (303, 2, 10)


@pytest.mark.parametrize("ending", [".csv", ".ndjson.gz", ".nq"])
def test_spark_writes_folders_of_every_format(source: Path, ending: str, tmp_path: Path) -> None:
    runner = CliRunner()
    words = ["cohort", "--engine", "spark", "--audit", "0", "--no-page", "--missing"]
    output = tmp_path / f"out{ending}"
    result = runner.invoke(main, [*words, str(source / "b.csv"), str(output)])
    assert result.exit_code in (0, 3), result.output
    parts = sorted(output.glob("part-*"))
    assert parts
    texts = []
    for part in parts:
        with pa.input_stream(str(part)) as stream:
            texts.append(stream.read().decode())
    if ending == ".csv":
        rows: list[Any] = [row for text in texts for row in csv.DictReader(text.splitlines())]
        assert {row["status"] for row in rows} >= {"matched", "indeterminate"}
        assert any(";" in row["ruled_out"] for row in rows)
        assert any(row["missing"] for row in rows)
    elif ending == ".nq":
        store = ox.Store()
        for text in texts:
            store.load(text.encode(), format=ox.RdfFormat.N_QUADS)
        status = ox.NamedNode("https://w3id.org/dvt-kg#status")
        rows = list(store.quads_for_pattern(None, status, None))
        assert list(
            store.quads_for_pattern(None, ox.NamedNode("http://www.w3.org/ns/prov#endedAtTime"), None)
        )
    else:
        rows = [json.loads(line) for text in texts for line in text.splitlines()]
        assert all(isinstance(row["presentations"], list) for row in rows)
    assert len(rows) == 100


def test_a_run_that_was_stopped_after_judging_goes_on(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dvt_kg.cohorts.spark import Spark

    with monkeypatch.context() as patch:
        patch.setattr(
            Spark, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
        )
        with pytest.raises(CohortError, match="No space left"):
            cohort(source, tmp_path / "out.parquet", ONTOLOGY, options=options("spark"))
    stage = tmp_path / "out.parquet.unfinished" / "judged"
    written = {path.name: path.stat().st_mtime_ns for path in stage.iterdir()}
    assert written
    summary = cohort(source, tmp_path / "out.parquet", ONTOLOGY, options=options("spark", resume=True))
    assert summary["rows"] == 303
    assert not stage.exists()


def test_a_file_that_breaks_off_stops_the_run_with_its_reason(source: Path, tmp_path: Path) -> None:
    whole = (source / "a.parquet").read_bytes()
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(whole[:4] + b"\0" * 3000 + whole[3004:])
    with pytest.raises(CohortError, match=r"Spark stopped \(.*broken\.parquet: it cannot be read"):
        cohort(broken, tmp_path / "out.parquet", ONTOLOGY, options=options("spark"))
    assert not (tmp_path / "out.parquet").exists()


def test_a_criterion_added_in_turtle_changes_what_spark_answers(
    extended: Callable[[str], Ontology], tmp_path: Path
) -> None:
    ontology = extended(
        "[ a owl:Restriction ; owl:onProperty dvt:side ; owl:hasValue dvt:left ] rdfs:subClassOf"
        " [ a owl:Restriction ; owl:onProperty dvt:failsCriterion ; owl:hasValue dvt:acute-onset ] ."
    )
    pq.write_table(pa.table({"id": ["a"], "side": ["left"]}), tmp_path / "ward.parquet")
    cohort(tmp_path / "ward.parquet", tmp_path / "out.parquet", ontology, options=options("spark"))
    (answer,) = read(tmp_path / "out.parquet")
    assert "acr-2020-iliofemoral-1" in answer["ruled_out"]
