"""The command line: each command is one call of the library."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import asdict
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import click

from dvt_kg import answers, queries, readers, reports
from dvt_kg import ontology as ontologies
from dvt_kg.classification import Classification
from dvt_kg.errors import DvtKgError, RecordError, UsageError
from dvt_kg.graph import FORMATS, INFERRED, ONTOLOGY, PATIENTS, KnowledgeGraph
from dvt_kg.readers import TEMPLATES, Reading, read
from dvt_kg.work import (
    FILES,
    INPUT_FORMAT,
    JAVA,
    ONTOLOGY_SOURCE,
    OUTPUT,
    TIME_LIMIT,
    Work,
    destination,
    working,
)

# Exit statuses beside 0 and click's own 2 for wrong usage.
REFUSED, CONTRADICTORY, FAILED, INTERRUPTED = 1, 3, 4, 130


class _Program(click.Group):
    """Turns the package's errors into one sentence and an exit status."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise click.UsageError(str(error)) from None
        except RecordError as error:
            click.echo(f"refused: {error}", err=True)
            ctx.exit(REFUSED)
        except DvtKgError as error:
            click.echo(f"dvt-kg: {error}", err=True)
            ctx.exit(FAILED)
        except KeyboardInterrupt:
            click.echo("dvt-kg: interrupted; nothing was written", err=True)
            ctx.exit(INTERRUPTED)


def _examples(*lines: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_version("dvt-kg"), prog_name="dvt-kg")
def main() -> None:
    """Rated management for deep vein thrombosis from a patient record, with its reasons.

    For research and information, for review by a professional; not medical advice.

    Exit status: 0 answered; 1 some input was refused, the rest is answered; 2 wrong usage;
    3 a record contradicts itself, the rest is answered; 4 no answer could be given.
    """


def _show_refused(errors: tuple[RecordError, ...]) -> None:
    for error in errors:
        click.echo(f"refused: {error}", err=True)


@main.command(
    epilog=_examples(
        "dvt-kg recommend patients.json",
        "dvt-kg recommend --format json ward.csv > answers.json",
        "dvt-kg recommend --guidelines all patients.json",
        "cat patient.ttl | dvt-kg recommend --input-format ttl -",
    )
)
@FILES
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    show_default=True,
    help="How to answer.",
)
@click.option(
    "--guidelines",
    type=click.Choice(list(answers.GUIDELINES)),
    default="acr",
    show_default=True,
    help="Whose statements to show: the ACR panels' ratings, or what every other guideline says besides.",
)
@OUTPUT
@working
@click.pass_context
def recommend(
    ctx: click.Context,
    files: tuple[str, ...],
    form: str,
    guidelines: str,
    output: Path | None,
    work: Work,
) -> None:
    """Answer records: which presentations fit, how each option is rated, and why.

    FILES are records as JSON, CSV, TSV, Turtle or JSON-LD; - is standard input.
    """
    reading = work.read(files)
    answer = answers.recommend(work.classified(reading), reading.errors, guidelines=guidelines)
    with destination(output) as out:
        if form == "json":
            json.dump(answer, out, indent=2, ensure_ascii=False)
            out.write("\n")
        elif form == "csv":
            reports.write_csv(answer, out)
        else:
            reports.print_text(answer, out)
    _show_refused(reading.errors)
    ctx.exit(answers.exit_status(answer))


@main.command(
    "classify",
    epilog=_examples(
        "dvt-kg classify patients.json > inferred.ttl",
        "dvt-kg classify --format nquads --with-all ward.csv -o ward.nq",
    ),
)
@FILES
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="turtle",
    show_default=True,
    help="The syntax to write.",
)
@click.option("--with-patients", is_flag=True, help="Write the records' own triples too.")
@click.option("--with-all", is_flag=True, help="Write the records' own triples and the ontology too.")
@OUTPUT
@working
@click.pass_context
def classify_command(
    ctx: click.Context,
    files: tuple[str, ...],
    form: str,
    with_patients: bool,
    with_all: bool,
    output: Path | None,
    work: Work,
) -> None:
    """Write what the reasoner infers of records, as RDF with its provenance."""
    reading = work.read(files)
    classification = work.classified(reading)
    graphs = (
        (PATIENTS, INFERRED, ONTOLOGY) if with_all else (PATIENTS, INFERRED) if with_patients else (INFERRED,)
    )
    text = classification.graph().serialize(form, graphs=graphs).decode()
    with destination(output) as out:
        out.write(text)
    _show_refused(reading.errors)
    ctx.exit(_status(reading.errors, classification))


def _status(errors: tuple[RecordError, ...], classification: Classification) -> int:
    """The exit status after classifying: what was refused counts before what contradicts itself."""
    contradictory = any(profile.contradictory for _, profile in classification)
    return REFUSED if errors else CONTRADICTORY if contradictory else 0


def _parameters(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{value!r} is not of the form name=value")
        found[name] = text
    return found


@main.command(
    "query",
    epilog=_examples(
        "dvt-kg query rating-matrix",
        "dvt-kg query options patients.json --param patient=case-01",
        "dvt-kg query my-question.rq patients.json --format csv",
        "dvt-kg query options --endpoint http://localhost:7878/query",
    ),
)
@click.argument("name", metavar="NAME-OR-FILE")
@click.argument("files", nargs=-1, metavar="[FILES...]")
@click.option(
    "--param",
    "parameters",
    multiple=True,
    callback=_parameters,
    metavar="NAME=VALUE",
    help="Bind a parameter of the query; may be repeated.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="How to write the rows.",
)
@click.option("--endpoint", metavar="URL", help="Ask a remote SPARQL endpoint that holds the graphs.")
@OUTPUT
@working
@click.pass_context
def query_command(
    ctx: click.Context,
    name: str,
    files: tuple[str, ...],
    parameters: dict[str, str],
    form: str,
    endpoint: str | None,
    output: Path | None,
    work: Work,
) -> None:
    """Run a query of the catalogue, or from a file, over the ontology and the classified records.

    With --endpoint the query runs there, within --timeout or 30 s, and no files are read.
    """
    query = queries.load(name)
    reading, status = Reading((), ()), 0
    if endpoint:
        if files:
            raise UsageError("--endpoint asks what the endpoint holds; leave out the files")
        chosen = ctx.get_parameter_source("timeout") is click.core.ParameterSource.COMMANDLINE
        seconds = work.timeout if chosen else queries.ENDPOINT_TIMEOUT
        rows = queries.ask_endpoint(endpoint, query, timeout=seconds, **parameters)
    else:
        query.bind(parameters, work.ontology)
        graph = KnowledgeGraph(work.ontology)
        if files:
            reading = work.read(files)
            classification = work.classified(reading)
            graph, status = classification.graph(), _status(reading.errors, classification)
        rows = queries.ask(graph, query, **parameters)
        if not rows and "patient" in query.tags and not reading.patients:
            click.echo("no row: the query asks about patients; give record files", err=True)
    with destination(output) as out:
        if form == "json":
            json.dump(queries.as_json(rows), out, indent=2, ensure_ascii=False)
            out.write("\n")
        elif form == "csv":
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(rows.variables)
            writer.writerows(
                [["" if t is None else getattr(t, "value", t) for t in row] for row in rows.rows]
            )
        else:
            reports.print_rows(rows.plain(), rows.variables, out)
    _show_refused(reading.errors)
    ctx.exit(status)


@main.command("queries", epilog=_examples("dvt-kg queries", "dvt-kg queries --format json"))
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to list them.",
)
def queries_command(form: str) -> None:
    """List the catalogue of queries with the questions that they answer."""
    catalogue = queries.catalogue()
    if form == "json":
        listed = [{k: v for k, v in asdict(q).items() if k != "text"} for q in catalogue.values()]
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    rows: list[dict[str, str | None]] = [
        {"query": q.name, "question": q.summary, "parameters": ", ".join(q.parameters)}
        for q in catalogue.values()
    ]
    reports.print_rows(rows, ("query", "question", "parameters"), sys.stdout)


@main.command(epilog=_examples("dvt-kg terms", "dvt-kg terms edema", "dvt-kg terms vein --format json"))
@click.argument("text", required=False, default="")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to list them.",
)
@ONTOLOGY_SOURCE
def terms(text: str, form: str, source: Path | None) -> None:
    """Find what a record can state: findings, veins, measurements and values, by name or words."""
    found = ontologies.record_terms(ontologies.load(source), text)
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif found:
        reports.print_rows(
            [dict(row) for row in found], ("name", "kind", "label", "definition"), sys.stdout, stack=False
        )
    else:
        click.echo(f"nothing matches {text!r}; 'dvt-kg terms' lists everything", err=True)


@main.command(epilog=_examples("dvt-kg check", "dvt-kg check patients.ttl"))
@click.argument("files", nargs=-1, metavar="[FILES...]")
@INPUT_FORMAT
@ONTOLOGY_SOURCE
@click.pass_context
def check(ctx: click.Context, files: tuple[str, ...], input_format: str | None, source: Path | None) -> None:
    """Check the ontology by its quality queries, and patient graphs by the SHACL shapes."""
    from dvt_kg import checks  # noqa: PLC0415

    ontology = ontologies.load(source)
    problems = checks.check_ontology(ontology)
    click.echo(f"ontology: {len(checks.violation_queries())} checks, {len(problems)} violations")
    errors: tuple[RecordError, ...] = ()
    if files:
        reading = read(files, ontology, format=input_format)
        errors = reading.errors
        found = checks.check_patients(reading.patients, ontology)
        click.echo(f"patients: {len(reading.patients)} records, {len(found)} violations of the shapes")
        problems += found
    for problem in problems:
        click.echo(f"  {problem}")
    _show_refused(errors)
    ctx.exit(REFUSED if problems or errors else 0)


@main.command(epilog=_examples("dvt-kg template csv > patients.csv", "dvt-kg template json > patient.json"))
@click.argument("form", type=click.Choice(list(TEMPLATES)))
@ONTOLOGY_SOURCE
def template(form: str, source: Path | None) -> None:
    """Write an empty record with every field that can be filled in."""
    click.echo(readers.template(form, ontologies.load(source)), nl=False)


@main.command(epilog=_examples("dvt-kg build dist/ontology"))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@ONTOLOGY_SOURCE
@JAVA
@TIME_LIMIT
def build(folder: Path, source: Path | None, java_home: Path | None, timeout: float) -> None:
    """Write the merged, import-free ontology and the example patients with all that is inferred.

    Each as Turtle and as RDF/XML, the same bytes at every run.
    """
    from dvt_kg import release  # noqa: PLC0415

    for path in release.build(folder, ontologies.load(source), java=java_home, timeout=timeout):
        click.echo(path)
