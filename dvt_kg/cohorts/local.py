"""The engine of one machine: batches by threads, each kept when it is done."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from dvt_kg.cohorts import audits, outputs, rejects
from dvt_kg.cohorts.batches import Batch, Part, Place, Progress
from dvt_kg.cohorts.job import Job
from dvt_kg.cohorts.judging import Judge
from dvt_kg.cohorts.outputs import Written
from dvt_kg.cohorts.summaries import Counts
from dvt_kg.errors import CohortError
from dvt_kg.records import SEEN
from dvt_kg.tables import ID

MEMORY = "512MB"  # that the search for ids given twice may take before it goes to disk
PLACES = 1 << 20  # more than a batch has rows
_PLACED = [("id", pa.string()), ("place", pa.int64()), ("line", pa.int64())]
_ASKED = {"answers": pa.schema([*_PLACED, ("profile", pa.string())]), "rejects": pa.schema(_PLACED)}
_HELD = ("place", "line")  # what a batch keeps beside the answers


class Local:
    """A run on this machine.

    :param job: the run's folder
    :param parts: the parts of the cohort
    :param judge: what judges batches
    :param jobs: how many batches are worked on at once; one for each core if not given
    """

    def __init__(self, job: Job, parts: Sequence[Part], judge: Judge, jobs: int | None = None) -> None:
        self.job = job
        self.parts = parts
        self.judge = judge
        self.jobs = jobs or len(os.sched_getaffinity(0))
        self._sample = _Sample(judge.audited)

    def work(self, progress: Progress) -> None:
        """Answer every batch that is not done, some at a time."""
        total = sum(part.size for part in self.parts) or 1.0
        sizes = [sum(part.size for part in self.parts[:number]) for number in range(len(self.parts))]
        rows = 0
        for _, mark in self.job.marks():
            rows += mark["rows"]
            self._sample.add(mark["sample"])
        first, place, later = self.job.resumed()
        number = first - 1
        pending: set[Future[int]] = set()
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                for number, (begin, batch) in enumerate(_batches(self.parts, place), first):
                    part = begin.part
                    following = Place(part, batch.behind)
                    if number in later:
                        if later[number] == (begin, following):
                            continue
                        self.job.forget(number)
                    while len(pending) > self.jobs:
                        done, pending = wait(pending, return_when=FIRST_COMPLETED)
                        rows += sum(future.result() for future in done)
                    pending.add(pool.submit(self._batch, number, batch, begin, following))
                    progress("classifying", (sizes[part] + self.parts[part].size * batch.done) / total, rows)
                for future in pending:
                    rows += future.result()
            except BaseException:
                for future in pending:
                    future.cancel()
                raise
        for beyond in later:
            if beyond > number:
                self.job.forget(beyond)
        self._check()
        progress("classifying", 1.0, rows)

    def _check(self) -> None:
        """See that the batches are the whole input, each row once.

        :raises CohortError: where they are not
        """
        found = [0] * len(self.parts)
        at = Place(0, 0)
        for _, mark in self.job.marks():
            begin, following = Place(*mark["from"]), Place(*mark["next"])
            if begin != at and begin != Place(begin.part, 0):
                name = self.parts[begin.part].name
                raise CohortError("its batches do not meet; begin anew with --overwrite", source=name)
            found[begin.part] += mark["rows"]
            at = following
        for part, rows in zip(self.parts, found, strict=True):
            if part.rows is not None and part.rows != rows:
                message = f"{rows} of its {part.rows} rows were read; begin anew with --overwrite"
                raise CohortError(message, source=part.name)

    def _batch(self, number: int, batch: Batch, begin: Place, following: Place) -> int:
        """Answer a batch and keep it; gives its rows."""
        judged = self.judge.judge(batch, number * PLACES, self._sample.below)
        self._sample.add(judged.sample)
        rows: int = batch.table.num_rows
        self.job.save(
            number,
            {"answers": judged.answers, "rejects": judged.rejects},
            {"from": begin, "next": following, "file": batch.file, "rows": rows, "sample": judged.sample},
        )
        return rows

    def sample(self) -> list[dict[str, Any]]:
        """The audit's sample of the whole cohort, without rows whose id was given before."""
        drawn = (
            sample
            for number, mark in self.job.marks()
            for seen in [self._twice.of(number)]
            for sample in mark["sample"]
            if sample["row"] not in seen
        )
        return audits.smallest(drawn, self.judge.audited)

    @cached_property
    def _twice(self) -> _Twice:
        """The rows whose id was given before, once all are judged."""
        return _Twice(self.job, dict(self.job.marks()))

    def write(self, chosen: outputs.Format, schema: pa.Schema, head: str, progress: Progress) -> Written:
        """Put the batches together in the run's folder.

        :param chosen: how the answers are written
        :param schema: their columns
        :param head: what is known of them as a whole, for quads
        """
        marks = dict(self.job.marks())
        counts = Counts()
        twice = self._twice

        def answers() -> Iterator[pa.Table]:
            for number, mark in marks.items():
                table = self.job.table(number, "answers")
                if seen := twice.of(number):
                    table = table.filter(pc.invert(pc.is_in(table["place"], pa.array(list(seen)))))
                counts.answered(table, mark["rows"])
                progress("writing", (number + 1) / len(marks), counts.rows)
                yield table.drop_columns(list(_HELD))

        def refused() -> Iterator[pa.Table]:
            for number, mark in marks.items():
                table = self.job.table(number, "rejects")
                if seen := twice.of(number):
                    table = _with_twice(table, self.job.table(number, "answers"), seen, mark["file"])
                counts.refused(table)
                yield table.drop_columns(["place"])

        output, beside = self.job.output, outputs.rejects_format(chosen)
        rejected = outputs.beside(output, "rejects" + beside.ending)
        chosen.write(self.job.folder / output.name, schema, answers(), head)
        beside.write(self.job.folder / rejected, rejects.SCHEMA, refused(), "")
        profiles = twice.profiles()
        twice.close()
        return Written((output.name, rejected), counts, profiles)


@dataclass
class _Sample:
    """The places of the profiles that are in the audit's sample so far."""

    size: int
    places: set[int] = field(default_factory=set)
    below: int = audits.ALL
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, sample: Iterable[dict[str, Any]]) -> None:
        """Let profiles in, and no longer let in what comes behind them all."""
        with self.lock:
            self.places = set(sorted(self.places | {s["place"] for s in sample})[: self.size])
            if self.size and len(self.places) == self.size:
                self.below = max(self.places)


def _batches(parts: Sequence[Part], place: Place) -> Iterator[tuple[Place, Batch]]:
    """The batches from a place on, each with where it begins."""
    for number in range(place.part, len(parts)):
        behind = place.behind if number == place.part else 0
        for batch in parts[number].batches(behind):
            yield Place(number, behind), batch
            behind = batch.behind


class _Twice:
    """The rows whose id was given before.

    :param job: the run
    :param marks: what is known of each batch
    """

    def __init__(self, job: Job, marks: dict[int, dict[str, Any]]) -> None:
        self.marks = marks
        self._connection = duckdb.connect(config={"memory_limit": MEMORY})
        self._connection.execute(
            f"SET temp_directory = '{str(job.folder / 'spilled').replace(chr(39), chr(39) * 2)}'"
        )
        for name, schema in _ASKED.items():
            files = [str(path) for path in job.paths(name)]
            self._connection.register(name, ds.dataset(files, schema, format="ipc"))
        self._connection.execute(
            "CREATE TEMP TABLE stated AS"
            " WITH ids AS (SELECT id, place, line FROM answers UNION ALL"
            " SELECT id, place, line FROM rejects WHERE id IS NOT NULL),"
            " several AS (SELECT id, min(place) AS first FROM ids GROUP BY id HAVING count(*) > 1)"
            " SELECT ids.place, ids.line, several.first FROM ids JOIN several USING (id)"
        )
        (count,) = self._connection.execute("SELECT count(*) FROM stated").fetchall()[0]
        self.any = bool(count)

    def of(self, number: int) -> dict[int, str]:
        """The places of a batch whose id was seen before, each with where."""
        if not self.any:
            return {}
        low, high = number * PLACES, (number + 1) * PLACES
        found = self._connection.execute(
            "SELECT later.place, later.first, one.line FROM stated AS later JOIN stated AS one"
            " ON one.place = later.first"
            " WHERE later.place <> later.first AND later.place >= ? AND later.place < ?",
            [low, high],
        ).fetchall()
        return {place: f"{self.marks[first // PLACES]['file']}, line {line}" for place, first, line in found}

    def profiles(self) -> int:
        """How many different profiles the answered rows have."""
        kept = " WHERE place NOT IN (SELECT place FROM stated WHERE place <> first)" if self.any else ""
        found = self._connection.execute(f"SELECT count(DISTINCT profile) FROM answers{kept}").fetchall()
        return int(found[0][0])

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()


def _with_twice(given: pa.Table, answers: pa.Table, seen: dict[int, str], file: str) -> pa.Table:
    """The rejects of a batch and the rows whose id was seen before."""
    rows = given.to_pylist()
    refused = {row["place"]: row for row in rows}
    for place, where in seen.items():
        message = SEEN.format(where=where)
        if place in refused:
            refused[place]["further"].append(f"{ID}: {message}")
    found = answers.filter(pc.is_in(answers["place"], pa.array(list(seen)))).select(["id", *_HELD])
    for row in found.to_pylist():
        message = SEEN.format(where=seen[row["place"]])
        rows.append(
            {"file": file, "line": row["line"], "id": row["id"], "field": ID, "value": row["id"]}
            | {"message": message, "further": [], "place": row["place"]}
        )
    return pa.Table.from_pylist(sorted(rows, key=lambda row: row["place"]), given.schema)
