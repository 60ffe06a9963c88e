"""What the commands share: how records are read and judged, and how output is written."""

from __future__ import annotations

import contextlib
import functools
import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from dvt_kg.endpoint import Endpoint

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
    help="Seconds that HermiT may take for a batch of records. An endpoint may take as long for an answer,"
    " and 30 if this is not given.",
)
REASONER = click.option(
    "--reasoner",
    type=click.Choice(["rules", "hermit"]),
    default="rules",
    show_default=True,
    help="Judge by the compiled rules, or by HermiT and the rules together.",
)


ENDPOINT = click.option(
    "--endpoint",
    metavar="URL",
    help="Take the ontology, and without files the patients too, from a remote SPARQL endpoint.",
)
USER = click.option(
    "--user",
    metavar="NAME",
    help="A user of the endpoint, whose password is in DVT_KG_ENDPOINT_PASSWORD; without one a token in"
    " DVT_KG_ENDPOINT_TOKEN is used.",
)
PATIENT = click.option(
    "--patient", "patients", multiple=True, metavar="ID", help="Only this record; may be repeated."
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
    endpoint: Endpoint | None = None

    @cached_property
    def ontology(self) -> Ontology:
        """The ontology that the options name, else the shipped one."""
        if self.endpoint is None:
            return ontologies.load(self.source)
        if self.source is not None:
            raise UsageError("--endpoint and --ontology each say where the ontology is: give one")
        from dvt_kg.stored import knowledge  # noqa: PLC0415

        return knowledge(self.endpoint)

    def read(self, files: tuple[str, ...], ids: tuple[str, ...] = ()) -> Reading:
        """The records of files, with what was refused; without files those of the endpoint.

        :param ids: only the records with these ids are wanted, where any is given
        :raises UsageError: where there are neither files nor an endpoint, or no record with an id
        """
        if files:
            reading = read(files, self.ontology, format=self.input_format, strict=self.strict)
        elif self.endpoint is not None:
            from dvt_kg.stored import records  # noqa: PLC0415

            reading = records(self.endpoint, self.ontology, ids, strict=self.strict)
        else:
            raise UsageError("Missing argument 'FILES...': give files of records, or --endpoint")
        return _chosen(reading, ids)

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


def _chosen(reading: Reading, ids: tuple[str, ...]) -> Reading:
    """The records with some ids; all where none is given."""
    known = {patient.id for patient in reading.patients}
    for id in ids:
        if id not in known:
            refused = any(error.record == id for error in reading.errors)
            show_refused(reading.errors)
            hint = ontologies.nearest(id, known)
            meant = f"; did you mean {hint!r}?" if hint else ""
            raise UsageError(f"the record {id!r} was refused" if refused else f"no record {id!r}{meant}")
    chosen = tuple(p for p in reading.patients if p.id in ids) if ids else reading.patients
    return Reading(chosen, reading.errors)


def endpoint_of(url: str, user: str | None, **options: Any) -> Endpoint:
    """The endpoint at an address, with the credentials of the environment and the time limit of the command.

    :param options: of :class:`dvt_kg.Endpoint`
    """
    from dvt_kg import endpoint  # noqa: PLC0415 - slow to import, and seldom needed

    context = click.get_current_context()
    chosen = context.get_parameter_source("timeout") is click.core.ParameterSource.COMMANDLINE
    seconds = context.params["timeout"] if chosen else endpoint.TIMEOUT
    return endpoint.from_environment(url, user=user, timeout=seconds, **options)


def written_as(*forms: str, help: str) -> Callable[..., Any]:
    """The option that chooses how a command writes what it found; the first form is the default."""
    return click.option(
        *("--format", "form"), type=click.Choice(forms), default=forms[0], show_default=True, help=help
    )


def working(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of :class:`Work`, and the work itself as ``work``."""

    @functools.wraps(command)
    def with_work(*args: Any, **options: Any) -> None:
        chosen = {f.name: options.pop(f.name) for f in fields(Work) if f.name != "endpoint"}
        command(*args, work=Work(**chosen), **options)

    return INPUT_FORMAT(STRICT(ONTOLOGY_SOURCE(REASONER(JAVA(TIME_LIMIT(with_work))))))


def working_on_endpoint(command: Callable[..., None]) -> Callable[..., None]:
    """The same, with an endpoint in the place of the shipped ontology and of files where one is named."""

    @functools.wraps(command)
    def with_endpoint(*args: Any, work: Work, endpoint: str | None, user: str | None, **options: Any) -> None:
        if endpoint is not None:
            work = replace(work, endpoint=endpoint_of(endpoint, user))
        elif user is not None:
            raise UsageError("--user is a user of an endpoint: add --endpoint")
        command(*args, work=work, **options)

    return ENDPOINT(USER(working(with_endpoint)))


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
FILES = click.argument("files", nargs=-1, metavar="FILES...")


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
