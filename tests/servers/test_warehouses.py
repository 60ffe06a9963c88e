"""The rules as SQL on the warehouses themselves: PostgreSQL's own server, and Spark on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dvt_kg import CohortError
from dvt_kg.cohorts.run import Options, cohort
from dvt_kg.sql import statement
from tests.cohorts import Row, said, table, tabular
from tests.cohorts import expected as expected_of
from tests.strategies import ONTOLOGY
from tests.test_sql import flat, in_process


@pytest.fixture(scope="module")
def records() -> pa.Table:
    """300 records, and rows that are refused."""
    told = flat(tabular(300, seed=51))
    torn = [
        {"id": "torn-state", "tense-edema": "Present"},
        {"id": "torn-vein", "thrombus_present": "calf-vein; nowhere"},
        {"id": "torn-line", "thrombus_absent": "calf-vein\nfemoral-vein"},
        {"id": "torn-number", "platelet-count": float("nan")},
        {"id": "empty", "thrombus_absent": "", "tense-edema": ""},
    ]
    return pa.concat_tables([told, pa.Table.from_pylist(torn, told.schema)])


@pytest.fixture(scope="module")
def expected(records: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    return in_process(records, tmp_path_factory.mktemp("expected"))


def run(*words: str | Path, user: str | None) -> None:
    """Run a program, as another user where one is named."""
    done = subprocess.run(
        list(map(str, words)), check=False, capture_output=True, text=True, cwd="/", user=user, group=user
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server that listens in a folder of its own."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/lib/postgresql/bin"))
    assert (programs / "initdb").is_file(), "install the Debian package postgresql"
    user = "postgres" if os.geteuid() == 0 else None  # the server does not run as root
    folder = Path(tempfile.mkdtemp(prefix="dvt-kg-"))
    if user:
        shutil.chown(folder, user)
    data, listen = folder / "data", f"-k {folder} -c listen_addresses="
    try:
        run(programs / "initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", user=user)
        control = (programs / "pg_ctl", "-D", data, "-w")
        # The log keeps the server from holding on to this process's pipes.
        run(*control, "-o", listen, "-l", folder / "log", "start", user=user)
        try:
            yield f"postgresql:///postgres?host={folder}&user=tester"
        finally:
            run(*control, "-m", "fast", "stop", user=user)
    finally:
        shutil.rmtree(folder)


def test_postgresql_answers_as_the_rules_do_in_process(
    postgres: str, records: pa.Table, expected: list[Row]
) -> None:
    from adbc_driver_postgresql import dbapi

    sql = statement(ONTOLOGY, "postgres", table="ward.records")
    with dbapi.connect(postgres, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA ward")
        cursor.adbc_ingest("records", records, db_schema_name="ward")
        cursor.execute(sql)
        found = cursor.fetch_arrow_table().to_pylist()
    assert sorted(found, key=lambda row: str(row["id"])) == expected


def test_postgresql_takes_a_view_that_casts_and_columns_that_are_numeric(
    postgres: str, tmp_path: Path
) -> None:
    from adbc_driver_postgresql import dbapi

    columns = ["id", "ankle-brachial-index", "tense-edema"]
    records = pa.table({"id": ["a", "b"], "index": ["0.6", "0.5999"], "tense-edema": ["absent", None]})
    sql = statement(ONTOLOGY, "postgres", table="seen", columns=columns)
    with dbapi.connect(postgres, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest("told", records)
        cursor.execute(
            'CREATE VIEW seen AS SELECT id, CAST("index" AS numeric) AS "ankle-brachial-index", "tense-edema"'
            " FROM told"
        )
        cursor.execute(sql)
        found = cursor.fetch_arrow_table().to_pylist()
    assert found == in_process(records.rename_columns(columns), tmp_path)


def test_a_table_of_postgresql_is_a_cohort(postgres: str, tmp_path: Path) -> None:
    from adbc_driver_postgresql import dbapi

    patients = tabular(300, seed=52)
    with dbapi.connect(postgres, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute('CREATE SCHEMA "the ward"')
        cursor.adbc_ingest("patients", table(patients), db_schema_name="the ward")
        cursor.execute(
            'CREATE VIEW late AS SELECT id, 13.5::numeric AS "symptom-duration-days" FROM "the ward".patients'
        )
    options = Options(audit=0, page=False)
    cohort(f'{postgres}#"the ward".patients', tmp_path / "out.parquet", ONTOLOGY, options=options)
    assert said(pq.read_table(tmp_path / "out.parquet").to_pylist()) == sorted(
        expected_of(patients), key=lambda row: row["id"]
    )
    summary = cohort(f"{postgres}#late", tmp_path / "late.parquet", ONTOLOGY, options=options)
    assert summary["answered"] == 300
    assert {c["id"]: c["patients"] for c in summary["open_criteria"]}.get("acute-onset") is None


@pytest.mark.parametrize(
    "where",
    ["user:secret@localhost:1/none", "u:secret#1@localhost:1/none", "localhost:1/none?password=secret"],
)
def test_what_is_wrong_with_postgresql_is_said_without_a_password(where: str, tmp_path: Path) -> None:
    with pytest.raises(CohortError, match=r"postgresql://localhost:1/none.*cannot be") as caught:
        cohort(f"postgresql://{where}#patients", tmp_path / "out.parquet", ONTOLOGY)
    assert "secret" not in str(caught.value)


def test_a_table_that_postgresql_does_not_have_is_named(postgres: str, tmp_path: Path) -> None:
    with pytest.raises(CohortError, match=r"#nobody: it cannot be read .*nobody"):
        cohort(f"{postgres}#nobody", tmp_path / "out.parquet", ONTOLOGY)


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Spark in this process, on the Java that it needs."""
    from pyspark.sql import SparkSession

    java = max(Path("/usr/lib/jvm").glob("java-17-openjdk-*"), default=None)
    assert java, "install the Debian package openjdk-17-jre-headless"
    folder = tmp_path_factory.mktemp("spark")
    settings: Mapping[str, str] = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": str(folder),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_HOME", str(java))
        patch.setenv("SPARK_LOCAL_DIRS", str(folder))
        session = SparkSession.builder.master("local[2]").config(map=dict(settings)).getOrCreate()
        try:
            yield session
        finally:
            session.stop()


def test_spark_answers_as_the_rules_do_in_process(
    spark: Any, records: pa.Table, expected: list[Row], tmp_path: Path
) -> None:
    pq.write_table(records, tmp_path / "records.parquet")
    spark.read.parquet(str(tmp_path / "records.parquet")).createOrReplaceTempView("records")
    found = [row.asDict() for row in spark.sql(statement(ONTOLOGY, "spark")).collect()]
    assert sorted(found, key=lambda row: str(row["id"])) == expected
