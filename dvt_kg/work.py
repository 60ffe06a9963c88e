"""What the commands share: how records are read and judged, and how output is written."""

from __future__ import annotations

import contextlib
import functools
import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dvt_kg import ontology as ontologies
from dvt_kg.classification import Classification, classify
from dvt_kg.errors import RecordError, UsageError
from dvt_kg.graph import KnowledgeGraph
from dvt_kg.hermit import TIMEOUT, HermiT
from dvt_kg.ontology import Ontology
from dvt_kg.readers import READERS, Reading, read
from dvt_kg.reasoner import Reasoner, RuleReasoner

ONTOLOGY_SOURCE = click.option(
    "--ontology",
    "source",
    type=click.Path(path_type=Path),
    help="Use the ontology in this folder or file in place of the shipped one.",
)
INPUT_FORMAT = click.option(
    "--input-format",
    type=click.Choice(list(READERS)),
    help="The records' format; by the file's ending if not given.",
)
STRICT = click.option("--strict", is_flag=True, help="Stop at the first part of a record that is refused.")
JAVA = click.option(
    "--java-home",
    type=click.Path(path_type=Path),
    help="Run HermiT on the Java in this folder (else JAVA_HOME, else the bundled one).",
)
TIME_LIMIT = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=TIMEOUT,
    show_default=True,
    help="Seconds that HermiT may take for a batch of records.",
)
REASONER = click.option(
    "--reasoner",
    type=click.Choice(["rules", "hermit"]),
    default="rules",
    show_default=True,
    help="Judge by the compiled rules, or by HermiT and the rules together.",
)


# Exit statuses beside 0 and click's own 2 for wrong usage.
REFUSED, CONTRADICTORY, FAILED, INTERRUPTED = 1, 3, 4, 130


def examples(*lines: str) -> str:
    """The examples of a command, as the end of its help."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def show_refused(errors: tuple[RecordError, ...]) -> None:
    """Say on standard error what was refused."""
    for error in errors:
        click.echo(f"refused: {error}", err=True)


def status_of(errors: tuple[RecordError, ...], classification: Classification) -> int:
    """The exit status after classifying: what was refused counts before what contradicts itself."""
    contradictory = any(profile.contradictory for _, profile in classification)
    return REFUSED if errors else CONTRADICTORY if contradictory else 0


@dataclass(frozen=True)
class Work:
    """How records are read and judged, from the options that several commands share."""

    source: Path | None
    input_format: str | None
    strict: bool
    reasoner: str
    java_home: Path | None
    timeout: float

    @property
    def ontology(self) -> Ontology:
        """The ontology that the options name, else the shipped one."""
        return ontologies.load(self.source)

    def read(self, files: tuple[str, ...]) -> Reading:
        """The records of files, with what was refused."""
        return read(files, self.ontology, format=self.input_format, strict=self.strict)

    def classified(self, reading: Reading) -> Classification:
        """The records classified, with progress on a terminal; no reasoner is started for none."""
        if not reading.patients:
            return Classification(self.ontology, "no reasoner was needed", (), (), {})
        if self.java_home and self.reasoner == "rules":
            raise UsageError("--java-home says where HermiT runs; add --reasoner hermit")
        reasoner: Reasoner = (
            RuleReasoner(self.ontology)
            if self.reasoner == "rules"
            else HermiT(self.ontology, java=self.java_home, timeout=self.timeout)
        )
        with progress("reasoning", "profiles") as step:
            return classify(reading.patients, reasoner, progress=step)


def written_as(*forms: str, help: str) -> Callable[..., Any]:
    """The option that chooses how a command writes what it found; the first form is the default."""
    return click.option(
        *("--format", "form"), type=click.Choice(forms), default=forms[0], show_default=True, help=help
    )


def working(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of :class:`Work`, and the work itself as ``work``."""

    @functools.wraps(command)
    def with_work(*args: Any, **options: Any) -> None:
        chosen = {field.name: options.pop(field.name) for field in fields(Work)}
        command(*args, work=Work(**chosen), **options)

    return INPUT_FORMAT(STRICT(ONTOLOGY_SOURCE(REASONER(JAVA(TIME_LIMIT(with_work))))))


WITH_EXPLANATIONS = click.option(
    "--with-explanations",
    is_flag=True,
    help="Put justifications and missing sets in the graph, as the catalogue's queries about them do.",
)


def graph_of(classification: Classification, *, explaining: bool) -> KnowledgeGraph:
    """What was concluded as a graph, with explanations where they are wanted."""
    if not explaining:
        return classification.graph()
    from dvt_kg.explanation_graph import explained  # noqa: PLC0415 - slow to import, and seldom needed

    return explained(classification)


OUTPUT = click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file in place of standard output.",
)
FILES = click.argument("files", nargs=-1, required=True, metavar="FILES...")


@contextlib.contextmanager
def progress(doing: str, what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, where that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextlib.contextmanager
def destination(output: Path | None) -> Iterator[IO[str]]:
    """Standard output, or a file that appears whole or not at all."""
    if output is None:
        yield sys.stdout
        return
    text = io.StringIO()
    yield text
    partial = output.with_name(output.name + ".part")
    try:
        partial.write_text(text.getvalue(), encoding="utf-8")
        partial.replace(output)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise UsageError(f"cannot write {str(output)!r}: {error.strerror}") from None
