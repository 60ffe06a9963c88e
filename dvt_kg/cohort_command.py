"""The command about cohorts: tables of any number of records."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from dvt_kg import ontology as ontologies
from dvt_kg.errors import UsageError
from dvt_kg.work import (
    CONTRADICTORY,
    ENDPOINT,
    INTERRUPTED,
    JAVA,
    ONTOLOGY_SOURCE,
    REFUSED,
    TIME_LIMIT,
    USER,
    endpoint_of,
    examples,
)

AUDITED = 100  # as in dvt_kg.cohorts.run, which is slow to import


@click.command(
    "cohort",
    epilog=examples(
        "dvt-kg cohort ward.parquet answers.parquet",
        "dvt-kg cohort --missing parts/ answers.csv.gz",
        "dvt-kg cohort --resume ward.ndjson.zst answers.nq",
        "dvt-kg cohort duckdb:cohort.db#patients answers.parquet",
        "dvt-kg cohort postgresql://host/database#schema.patients answers.parquet",
        "dvt-kg cohort --endpoint http://localhost:7878/query",
    ),
)
@click.argument("inputs", nargs=-1, metavar="IN...")
@click.argument("output", type=click.Path(path_type=Path), metavar="OUT", required=False)
@ENDPOINT
@USER
@click.option(
    "--missing", is_flag=True, help="Say too what is missing for the open presentations; takes longer."
)
@click.option(
    "--audit",
    type=click.IntRange(min=0),
    default=AUDITED,
    show_default=True,
    metavar="N",
    help="Have HermiT judge so many of the distinct profiles again, drawn at random.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**62), help="What draws them; another at each run if not given."
)
@click.option(
    "--page/--no-page", default=True, show_default=True, help="Write the summary as a page with plots too."
)
@click.option("--resume", is_flag=True, help="Go on with a run that was stopped.")
@click.option("--overwrite", is_flag=True, help="Replace OUT, or throw a run that was stopped away.")
@click.option(
    "--engine",
    type=click.Choice(["local", "spark"]),
    default="local",
    show_default=True,
    help="Where the rules run: on this machine, or on Spark, which writes OUT as a folder of parts.",
)
@click.option("--mixed-columns", is_flag=True, help="Let parts differ in columns: what one lacks is unknown.")
@click.option(
    "--jobs", type=click.IntRange(min=1), help="Batches at a time; as many as there are cores if not given."
)
@ONTOLOGY_SOURCE
@JAVA
@TIME_LIMIT
@click.pass_context
def cohort_command(
    ctx: click.Context,
    inputs: tuple[str, ...],
    output: Path | None,
    endpoint: str | None,
    user: str | None,
    missing: bool,
    audit: int,
    seed: int | None,
    page: bool,
    resume: bool,
    overwrite: bool,
    engine: str,
    mixed_columns: bool,
    jobs: int | None,
    source: Path | None,
    java_home: Path | None,
    timeout: float,
) -> None:
    """Answer every record of a table, however many: one row in, one row out or in the rejects.

    IN are Parquet, CSV, TSV or NDJSON files (also .gz, .zst), folders of such, or tables of DuckDB and
    PostgreSQL. OUT is written as Parquet, CSV, NDJSON or N-Quads by its ending; rejects, summary and
    provenance are written beside it. It appears whole or not at all.

    With --endpoint and nothing else, the summary of the patients whom a store holds and has classified,
    counted there by the query cohort-summary.
    """
    if endpoint is None and (not inputs or output is None):
        raise UsageError("Missing argument 'IN... OUT': give tables and where to write, or --endpoint")
    try:
        from dvt_kg.cohorts.run import Options, cohort  # noqa: PLC0415 - slow to import, and an extra
        from dvt_kg.cohorts.summaries import in_words, stored_in_words  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(f"this needs {error.name}: pip install 'dvt-kg[cohort]'") from None
    if endpoint is not None:
        if output is not None or source is not None:
            raise UsageError("--endpoint counts the patients who are there: leave out IN, OUT and --ontology")
        from dvt_kg import stored  # noqa: PLC0415

        found = stored.summary(endpoint_of(endpoint, user))
        click.echo(stored_in_words(found), nl=False)
        ctx.exit(_status(found))
    assert output is not None
    options = Options(
        missing=missing,
        audit=audit,
        seed=seed,
        page=page,
        resume=resume,
        overwrite=overwrite,
        mixed=mixed_columns,
        engine=engine,
        jobs=jobs,
        java=java_home,
        timeout=timeout,
    )
    try:
        with _progress() as step:
            summary = cohort(inputs, output, ontologies.load(source), options=options, progress=step)
    except KeyboardInterrupt:
        click.echo("dvt-kg: interrupted; --resume goes on where it was", err=True)
        ctx.exit(INTERRUPTED)
    click.echo(in_words(summary), nl=False)
    ctx.exit(REFUSED if summary["rejected"] else _status(summary))


def _status(summary: dict[str, Any]) -> int:
    """The exit status that the records of a summary call for."""
    contradictory = any(item["id"] == "contradictory" for item in summary["status"])
    return CONTRADICTORY if contradictory else 0


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, float, int], None]]:
    """A progress bar with rate and time left on standard error, where that is a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=1.0, rows=0, rate="")
        began: dict[str, tuple[float, int]] = {}

        def step(doing: str, done: float, rows: int) -> None:
            if doing not in began:
                bar.reset(task, total=1.0, description=doing, rows=rows, rate="")
            start, before = began.setdefault(doing, (time.monotonic(), rows))
            seconds = time.monotonic() - start
            rate = f"{(rows - before) / seconds:,.0f} rows/s" if seconds > 1 else ""
            bar.update(task, completed=done, description=doing, rows=rows, rate=rate)

        yield step
