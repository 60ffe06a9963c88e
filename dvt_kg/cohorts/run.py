"""A cohort run: every row of the input answered or refused with its reason, in bounded memory."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dvt_kg.cohorts import audits, inputs, outputs, publishing
from dvt_kg.cohorts.answering import Answerer
from dvt_kg.cohorts.batches import Batch, Part, Place
from dvt_kg.cohorts.encoding import Encoder
from dvt_kg.cohorts.job import Job
from dvt_kg.errors import RecordError
from dvt_kg.hermit import TIMEOUT
from dvt_kg.ontology import Ontology, load
from dvt_kg.patients import Fact

AUDITED = 100

Progress = Callable[[str, float, int], None]


@dataclass(frozen=True)
class Options:
    """How a cohort is run.

    :param missing: whether to say what is missing for each open presentation
    :param audit: how many distinct profiles HermiT judges again
    :param seed: what chooses them; drawn at random if not given
    :param page: whether to write the summary as a page of HTML too
    :param resume: whether to go on with a run that was stopped
    :param overwrite: whether to replace an output, or a run that was stopped
    :param mixed: whether the parts of the input may have different columns
    :param jobs: how many batches are worked on at once; one for each core if not given
    :param java: the folder of the Java that runs HermiT; the bundled one if not given
    :param timeout: the seconds that HermiT may take
    """

    missing: bool = False
    audit: int = AUDITED
    seed: int | None = None
    page: bool = True
    resume: bool = False
    overwrite: bool = False
    mixed: bool = False
    jobs: int | None = None
    java: Path | None = None
    timeout: float = TIMEOUT


def _nothing(what: str, done: float, rows: int) -> None:
    """Progress that nobody watches."""


def cohort(
    sources: Iterable[str | Path] | str | Path,
    output: str | Path,
    ontology: Ontology | None = None,
    *,
    options: Options | None = None,
    progress: Progress = _nothing,
) -> dict[str, Any]:
    """Answer every record of a cohort.

    :param sources: Parquet, CSV, TSV or NDJSON files, plain or packed, folders of such, or tables as
        ``duckdb:FILE#TABLE`` and ``postgresql://HOST/DATABASE#TABLE``
    :param output: a file to write: Parquet, CSV, NDJSON or N-Quads, by its ending; rejects, summary
        and provenance are written beside it
    :param ontology: the ontology to judge by; the shipped one if not given
    :param progress: called with what is done, how much of it, and the rows so far
    :returns: the summary
    :raises UsageError: where the call cannot be carried out
    :raises CohortError: where an input cannot be read or the output not be written; what is done is kept
    :raises AuditError: where HermiT judges a sampled record otherwise
    """
    options = options or Options()
    ontology = ontology or load()
    output = Path(output)
    chosen = outputs.format_of(output)
    run = _Run(ontology, options)
    given = [sources] if isinstance(sources, str | Path) else list(sources)
    parts = inputs.parts(given, run.encoder.layout, mixed=options.mixed)
    identity = {
        "inputs": [[part.name, *part.mark] for part in parts],
        "options": {"missing": options.missing, "audit": options.audit},
        "ontology": ontology.digest,
        "version": package_version("dvt-kg"),
    }
    once = {
        "seed": secrets.randbits(62) if options.seed is None else options.seed,
        "started": datetime.now(UTC).isoformat(),
    }
    job = Job(output, identity, once, resume=options.resume, overwrite=options.overwrite)
    try:
        if (ready := job.ready) is None:
            run.work(job, parts, progress)
            audited = run.audit(job, progress)
            ready = publishing.put_together(
                job, chosen, ontology, parts, audited, page=options.page, progress=progress
            )
        job.publish(ready)
    finally:
        job.close()
    summary = output.with_name(outputs.beside(output, "summary.json"))
    found: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
    return found


class _Run:
    """What a run works with."""

    def __init__(self, ontology: Ontology, options: Options) -> None:
        self.ontology = ontology
        self.options = options
        self.answerer = Answerer(ontology)
        self.encoder = Encoder(ontology, self.answerer.program)
        self.sample = _Sample(options.audit)

    def work(self, job: Job, parts: Sequence[Part], progress: Progress) -> None:
        """Answer every batch that is not done, some at a time."""
        total = sum(part.size for part in parts) or 1.0
        sizes = [sum(part.size for part in parts[:number]) for number in range(len(parts))]
        rows = 0
        for _, mark in job.marks():
            rows += mark["rows"]
            self.sample.add(mark["sample"])
        first, place, later = job.resumed()
        jobs = self.options.jobs or len(os.sched_getaffinity(0))
        pending: set[Future[int]] = set()
        with ThreadPoolExecutor(jobs) as pool:
            try:
                for number, (part, batch) in enumerate(_batches(parts, place), first):
                    if number in later:
                        continue
                    while len(pending) > jobs:
                        done, pending = wait(pending, return_when=FIRST_COMPLETED)
                        rows += sum(future.result() for future in done)
                    following = Place(part, batch.behind)
                    pending.add(pool.submit(self._batch, job, number, batch, following))
                    progress("classifying", (sizes[part] + parts[part].size * batch.done) / total, rows)
                for future in pending:
                    rows += future.result()
            except BaseException:
                for future in pending:
                    future.cancel()
                raise
        progress("classifying", 1.0, rows)

    def _batch(self, job: Job, number: int, batch: Batch, following: Place) -> int:
        """Answer a batch and keep it; gives its rows."""

        def facts(row: int) -> frozenset[Fact]:
            draft = batch.draft(row)
            assert not isinstance(draft, RecordError), "only rows that are let in are asked for"
            return frozenset(draft.facts)

        encoded = self.encoder.encode(batch.table, batch.header, batch.draft, batch.broken)
        kept = np.setdiff1d(np.arange(encoded.rows), list(encoded.refused), assume_unique=True)
        answers, keys = self.answerer.answer(encoded, kept, facts)
        if self.options.missing:
            answers = self.answerer.with_missing(answers, kept, facts)
        order = audits.mixed(keys, job.identity["seed"])
        sample = audits.draw(order, kept, self.sample.size, self.sample.below, facts, answers)
        self.sample.add(sample)
        lines = np.asarray(batch.lines, np.int64)
        refused = [
            outputs.reject(errors, batch.id(row)) | {"place": number * outputs.PLACES + row}
            for row, errors in sorted(encoded.refused.items())
        ]
        job.save(
            number,
            {
                "answers": answers.append_column(
                    "place", pa.array(number * outputs.PLACES + kept)
                ).append_column("line", pa.array(lines[kept])),
                "rejects": pa.Table.from_pylist(
                    refused, outputs.REJECTS.append(pa.field("place", pa.int64()))
                ),
            },
            {"next": following, "file": batch.file, "rows": encoded.rows, "sample": sample},
        )
        return encoded.rows

    def audit(self, job: Job, progress: Progress) -> int:
        """Have HermiT judge the sample; gives its size."""
        if not self.options.audit:
            return 0
        marks = (sample for _, mark in job.marks() for sample in mark["sample"])
        chosen = audits.smallest(marks, self.options.audit)
        return audits.audit(
            chosen,
            self.ontology,
            java=self.options.java,
            timeout=self.options.timeout,
            progress=lambda done, all_: progress("auditing", done / max(1, all_), done),
        )


@dataclass
class _Sample:
    """The places of the profiles that are in the audit's sample so far."""

    size: int
    places: set[int] = field(default_factory=set)
    below: int = 1 << 64
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, sample: Iterable[dict[str, Any]]) -> None:
        """Let profiles in, and no longer let in what comes behind them all."""
        with self.lock:
            self.places = set(sorted(self.places | {s["place"] for s in sample})[: self.size])
            if self.size and len(self.places) == self.size:
                self.below = max(self.places)


def _batches(parts: Sequence[Part], place: Place) -> Iterator[tuple[int, Batch]]:
    """The batches from a place on, each with the number of its part."""
    for number in range(place.part, len(parts)):
        behind = place.behind if number == place.part else 0
        for batch in parts[number].batches(behind):
            yield number, batch
