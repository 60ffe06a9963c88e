"""The engine of Spark: the same judging of the same batches, on as many machines as there are.

Rows stay where they are: each task judges its own and writes what it found, ids given twice are found
by a join, and only the counts, the audit's sample and error texts come to the driver. Driver and
executors see the input and the output under the same paths.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from dvt_kg.cohorts import audits, inputs, outputs
from dvt_kg.cohorts.answering import NAMES, SCHEMA
from dvt_kg.cohorts.batches import Batch, Part, Progress
from dvt_kg.cohorts.job import Job
from dvt_kg.cohorts.judging import Judge
from dvt_kg.cohorts.outputs import Written
from dvt_kg.cohorts.summaries import Counts
from dvt_kg.errors import CohortError, UsageError
from dvt_kg.ontology import Ontology, load
from dvt_kg.records import SEEN
from dvt_kg.tables import ID

_STAGE = "judged"
PLACES = 1 << 40  # more than a part has rows
_REJECT = pa.struct(
    [("field", pa.string()), ("value", pa.string()), ("message", pa.string()), ("further", NAMES)]
)
_BESIDE = [
    *(("place", pa.int64()), ("line", pa.int64()), ("file", pa.string()), ("reject", _REJECT)),
    *(("order", pa.string()), ("sample", pa.string()), ("counts", pa.string())),
]


class _Task(NamedTuple):
    """What the tasks of a run have in common: plain values, which go to every executor.

    :param ontology: where the ontology lies
    """

    ontology: Path
    missing: bool
    seed: int
    audited: int

    @property
    def schema(self) -> pa.Schema:
        """The columns of what was judged."""
        missing = [pa.field("missing", NAMES)] if self.missing else []
        return pa.schema([*SCHEMA, *missing, *(pa.field(*beside) for beside in _BESIDE)])


@lru_cache(maxsize=1)
def _judge(task: _Task) -> Judge:
    return Judge(load(task.ontology), missing=task.missing, seed=task.seed, audited=task.audited)


def _judged(task: _Task, batch: Batch, first: int) -> Iterator[pa.RecordBatch]:
    """A batch as rows that are answered and rows that are refused."""
    judged = _judge(task).judge(batch, first)
    sampled = {s["answer"]["id"]: s for s in judged.sample}
    ids = judged.answers["id"].to_pylist() if sampled else []
    drawn = [sampled.get(id) for id in ids] or [None] * judged.answers.num_rows
    nothing = pa.nulls(len(drawn))
    answers = judged.answers
    for name, values in (
        ("file", pa.array([batch.file] * len(drawn), pa.string())),
        ("reject", nothing.cast(_REJECT)),
        ("order", pa.array([f"{s['place']:020}" if s else None for s in drawn], pa.string())),
        ("sample", pa.array([json.dumps(s) if s else None for s in drawn], pa.string())),
        ("counts", nothing.cast(pa.string())),
    ):
        answers = answers.append_column(name, values)
    yield from answers.select(task.schema.names).cast(task.schema).to_batches()
    refused = [
        {key: row[key] for key in ("id", "place", "line", "file")}
        | {"reject": {key: row[key] for key in _REJECT.names}}
        for row in judged.rejects.to_pylist()
    ]
    counts = Counts()
    counts.answered(judged.answers, batch.table.num_rows)
    of_all = {"counts": json.dumps(counts.plain())}
    yield from pa.Table.from_pylist([*refused, of_all], task.schema).to_batches()


def _judge_pieces(task: _Task, tables: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Judge pieces of the input, each read here and now."""
    layout = _judge(task).encoder.layout
    for table in tables:
        for piece in table.to_pylist():
            (part,) = inputs.parts([piece["address"]], layout)
            first = piece["part"] * PLACES + piece["behind"]
            for batch in part.batches(piece["behind"]):
                more = batch.until(piece["until"])
                if more.table.num_rows:
                    yield from _judged(task, more, first)
                first += more.table.num_rows
                if more.table.num_rows < batch.table.num_rows or batch.behind == piece["until"]:
                    break


class Spark:
    """A run on Spark.

    :param job: the run's folder
    :param parts: the parts of the cohort
    :param judge: what judges batches
    :raises CohortError: where Spark does not start
    """

    def __init__(self, job: Job, parts: Sequence[Part], judge: Judge, ontology: Ontology) -> None:
        self.job = job
        self.parts = parts
        self.session = _session()
        self.task = _Task(ontology.path, judge.missing, judge.seed, judge.audited)
        self.stage = str(job.folder / _STAGE)

    def work(self, progress: Progress) -> None:
        """Judge all rows, where that is not done."""
        progress("classifying", 0.0, 0)
        if not (Path(self.stage) / "_SUCCESS").exists():
            shutil.rmtree(self.stage, ignore_errors=True)
            from pyspark.sql.pandas.types import from_arrow_schema  # noqa: PLC0415 - an extra

            pieces = [
                (number, part.address, behind, until)
                for number, part in enumerate(self.parts)
                for behind, until in part.pieces()
            ]
            with _said(self.job):
                rows = self.session.sparkContext.parallelize(pieces, len(pieces))
                table = rows.toDF("part long, address string, behind long, until long")
                judged = table.mapInArrow(
                    partial(_judge_pieces, self.task), from_arrow_schema(self.task.schema)
                )
                judged.write.parquet(self.stage)
        progress("classifying", 1.0, 0)

    def sample(self) -> list[dict[str, Any]]:
        """The audit's sample of the whole cohort."""
        from pyspark.sql import functions as f  # noqa: PLC0415

        with _said(self.job):
            told, _ = self._told_apart()
            drawn = told.where("`order` IS NOT NULL AND seen IS NULL")
            first = drawn.groupBy("order").agg(f.first("sample").alias("sample")).orderBy("order")
            rows = first.limit(self.task.audited).collect() if self.task.audited else []
        return audits.smallest((json.loads(row["sample"]) for row in rows), self.task.audited)

    def write(self, chosen: outputs.Format, schema: pa.Schema, head: str, progress: Progress) -> Written:
        """Write answers and rejects as folders of parts into the run's folder."""
        progress("writing", 0.0, 0)
        output, beside = self.job.output, outputs.rejects_format(chosen)
        rejected = outputs.beside(output, "rejects" + beside.ending)
        with _said(self.job):
            told, rejects = self._told_apart()
            answers = told.where("reject IS NULL AND seen IS NULL").select(*schema.names)
            self._save(answers, chosen, output.name, head)
            self._save(rejects, beside, rejected, "")
            counts = self._counts(told, rejects)
            (row,) = answers.selectExpr("count(DISTINCT profile) AS profiles").collect()
        progress("writing", 1.0, counts.rows)
        return Written((output.name, rejected), counts, int(row["profiles"]))

    def _told_apart(self) -> tuple[Any, Any]:
        """All rows, with what is said where their id was given before, and the rejects."""
        from pyspark.sql import functions as f  # noqa: PLC0415

        judged = self.session.read.parquet(self.stage).where("counts IS NULL")
        several = (
            judged.where("id IS NOT NULL")
            .groupBy("id")
            .agg(f.min("place").alias("first"), f.count("*").alias("times"))
            .where("times > 1")
        )
        if several.isEmpty():
            told = judged.withColumn("seen", f.lit(None).cast("string"))
        else:
            where = judged.select(
                f.col("place").alias("first"), f.concat("file", f.lit(", line "), "line").alias("where")
            )
            before, after = SEEN.split("{where}")
            message = f.concat(f.lit(before), "where", f.lit(after))
            told = judged.join(
                several.join(where, "first").select("id", "first", "where"), "id", "left"
            ).withColumn("seen", f.when(f.col("place") != f.col("first"), message))
        first = f.coalesce(
            "reject",
            f.struct(
                f.lit(ID).alias("field"),
                f.col("id").alias("value"),
                f.col("seen").alias("message"),
                f.array().cast("array<string>").alias("further"),
            ),
        )
        further = f.when(
            f.col("reject").isNotNull() & f.col("seen").isNotNull(),
            f.concat("reject.further", f.array(f.concat(f.lit(f"{ID}: "), "seen"))),
        ).otherwise(f.col("fault.further"))
        rejects = (
            told.where("reject IS NOT NULL OR seen IS NOT NULL")
            .withColumn("fault", first)
            .select(
                "file",
                "line",
                "id",
                *(f"fault.{name}" for name in _REJECT.names[:3]),
                further.alias("further"),
            )
        )
        return told, rejects

    def _save(self, table: Any, chosen: outputs.Format, name: str, head: str) -> None:
        """Write a table as a folder of parts."""
        from pyspark.sql import functions as f  # noqa: PLC0415

        path = str(self.job.folder / name)
        shutil.rmtree(path, ignore_errors=True)
        ending, _, packed = chosen.ending[1:].partition(".")
        if packed not in ("", "gz"):
            raise UsageError("--engine spark writes plain files and .gz")
        how = {"compression": "gzip" if packed else "none"}
        if ending == "parquet":
            table.write.parquet(path, compression="zstd")
        elif ending == "csv":
            cells = [
                f.array_join(name, ";").alias(name) if kind.startswith("array") else f.col(name)
                for name, kind in table.dtypes
            ]
            table.select(*cells).write.csv(path, header=True, escape='"', **how)
        elif ending == "nq":
            lines = table.mapInArrow(_quads, "line string")
            heads = self.session.createDataFrame([[line] for line in head.splitlines()], "line string")
            lines.union(heads).write.text(path, **how)
        else:
            table.write.json(path, ignoreNullFields=False, **how)

    def _counts(self, told: Any, rejects: Any) -> Counts:
        """How often each name stands in each column: as the tasks counted, without ids given before."""
        counts = Counts()
        judged = self.session.read.parquet(self.stage)
        for row in judged.select("counts").where("counts IS NOT NULL").toLocalIterator():
            counts.add(json.loads(row["counts"]))
        seen = told.where("reject IS NULL AND seen IS NOT NULL")
        for name, kind in seen.dtypes:
            if name in counts.names:
                each = f"explode(`{name}`)" if kind.startswith("array") else f"`{name}`"
                for row in seen.selectExpr(f"{each} AS name").groupBy("name").count().collect():
                    counts.names[name][row["name"]] -= row["count"]
        for row in rejects.groupBy("field").count().collect():
            counts.field(row["field"], row["count"])
        counts.kept = sum(counts.names["status"].values())
        counts.rejected = sum(counts.fields.values())
        counts.rows = judged.where("counts IS NULL").count()
        return counts


def _quads(tables: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for table in tables:
        lines = [line.rstrip("\n") for line in outputs.quads(pa.Table.from_batches([table]))]
        yield pa.record_batch([pa.array(lines, pa.string())], ["line"])


class _said:
    """Turns what Spark says into an error with a remedy."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        from py4j.protocol import Py4JError  # noqa: PLC0415
        from pyspark.errors import PySparkException  # noqa: PLC0415

        if isinstance(error, PySparkException | Py4JError):
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            said = next((line for line in lines if "Error: " in line), "".join(lines[:1]))[:300]
            message = f"Spark stopped ({said}); --resume goes on with what is done"
            raise CohortError(message, source=str(self.job.output)) from None


def _session() -> Any:
    """Spark: as it is configured where spark-submit started this, else on this machine alone."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra

    builder = SparkSession.builder.appName("dvt-kg")
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        builder = builder.master("local[*]")
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        for key, value in {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.log.level": "OFF",  # what goes wrong is said in one sentence
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.shuffle.partitions": "8",
        }.items():
            builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except Exception as error:  # what is raised where there is no Java differs by version
        said = " ".join(str(error).split())[:200]
        message = f"Spark does not start ({said}); it needs Java 17 or newer: set JAVA_HOME to one"
        raise CohortError(message) from None
