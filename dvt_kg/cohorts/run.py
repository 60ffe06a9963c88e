"""A cohort run: every row of the input answered or refused with its reason, in bounded memory."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from dvt_kg.classification import provenance
from dvt_kg.cohorts import audits, inputs, outputs, publishing
from dvt_kg.cohorts.answering import NAMES, SCHEMA
from dvt_kg.cohorts.batches import Part, Progress
from dvt_kg.cohorts.job import Job, writing
from dvt_kg.cohorts.judging import Judge
from dvt_kg.cohorts.local import Local
from dvt_kg.errors import CohortError, UsageError
from dvt_kg.graph import INFERRED
from dvt_kg.hermit import TIMEOUT
from dvt_kg.ontology import Ontology, load
from dvt_kg.reasoner import RuleReasoner
from dvt_kg.records import Vocabulary
from dvt_kg.tables import layout_of

AUDITED = 100


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
    :param engine: ``local`` or ``spark``
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
    engine: str = "local"
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
    given = [sources] if isinstance(sources, str | Path) else list(sources)
    names = outputs.names(output, chosen, page=options.page)
    inputs.keep_apart(given, [output.with_name(name) for name in names])
    _check_packages(options.engine)
    parts = inputs.parts(given, layout_of(Vocabulary(ontology)), mixed=options.mixed)
    identity = {
        "inputs": [[part.name, *part.mark] for part in parts],
        "options": {"missing": options.missing, "audit": options.audit, "engine": options.engine},
        "ontology": ontology.digest,
        "version": package_version("dvt-kg"),
    }
    once = {
        "seed": secrets.randbits(62) if options.seed is None else options.seed,
        "started": datetime.now(UTC).isoformat(),
    }
    job = Job(output, names, identity, once, resume=options.resume, overwrite=options.overwrite)
    try:
        if (ready := job.ready) is None:
            engine = _engine(job, parts, ontology, options)
            engine.work(progress)
            for part in parts:
                if part.marked() != part.mark:
                    message = "it changed while it was read; begin anew with --overwrite"
                    raise CohortError(message, source=part.name)
            audited = audits.audit(
                engine.sample(),
                ontology,
                java=options.java,
                timeout=options.timeout,
                progress=lambda done, all_: progress("auditing", done / max(1, all_), done),
            )
            made = datetime.now(UTC)
            head = provenance(RuleReasoner.version, ontology, made)
            quads = "".join(f"{t.subject} {t.predicate} {t.object} {INFERRED} .\n" for t in head)
            schema = SCHEMA.append(pa.field("missing", NAMES)) if options.missing else SCHEMA
            with writing(job.folder):
                written = engine.write(chosen, schema, quads, progress)
                ready = publishing.describe(job, written, ontology, parts, audited, made, page=options.page)
        job.publish(ready)
    finally:
        job.close()
    summary = output.with_name(outputs.beside(output, "summary.json"))
    found: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
    return found


def _check_packages(engine: str) -> None:
    """Refuse an engine whose package is not there, before anything is begun."""
    if engine == "spark" and find_spec("pyspark") is None:
        raise UsageError("this needs pyspark: pip install 'dvt-kg[spark]'")


class Engine(Protocol):
    """What carries a run out."""

    def work(self, progress: Progress) -> None:
        """Answer what is not answered yet, and keep it."""

    def sample(self) -> list[dict[str, Any]]:
        """The audit's sample."""

    def write(
        self, chosen: outputs.Format, schema: pa.Schema, head: str, progress: Progress
    ) -> outputs.Written:
        """Write answers and rejects into the run's folder."""


def _engine(job: Job, parts: Sequence[Part], ontology: Ontology, options: Options) -> Engine:
    judge = Judge(ontology, missing=options.missing, seed=job.identity["seed"], audited=options.audit)
    if options.engine == "local":
        return Local(job, parts, judge, options.jobs)
    from dvt_kg.cohorts.spark import Spark  # noqa: PLC0415 - an extra

    return Spark(job, parts, judge, ontology)
