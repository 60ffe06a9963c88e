"""The commands about the knowledge: queries, terms, rules, checks, templates."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from dvt_kg import ontology as ontologies
from dvt_kg import queries, readers, reports
from dvt_kg.errors import RecordError, UsageError
from dvt_kg.graph import KnowledgeGraph
from dvt_kg.mappings import MEANINGS, Mapping, look_up_code, sssom
from dvt_kg.readers import TEMPLATES, Reading, read
from dvt_kg.slots import choice
from dvt_kg.work import (
    INPUT_FORMAT,
    ONTOLOGY_SOURCE,
    OUTPUT,
    REFUSED,
    WITH_EXPLANATIONS,
    Work,
    destination,
    examples,
    graph_of,
    show_refused,
    status_of,
    working_on_endpoint,
    written_as,
)


def _parameters(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{value!r} is not of the form name=value")
        found[name] = text
    return found


@click.command(
    "query",
    epilog=examples(
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
@written_as("table", "csv", "json", help="How to write the rows.")
@WITH_EXPLANATIONS
@OUTPUT
@working_on_endpoint
@click.pass_context
def query_command(
    ctx: click.Context,
    name: str,
    files: tuple[str, ...],
    parameters: dict[str, str],
    form: str,
    with_explanations: bool,
    output: Path | None,
    work: Work,
) -> None:
    """Run a query of the catalogue, or from a file, over the ontology and the classified records.

    With --endpoint and no files the query runs there, over what the store holds and has classified; with
    files only the ontology is read from there.
    """
    query = queries.load(name)
    if with_explanations and not files:
        raise UsageError("--with-explanations explains records; give record files")
    reading, status = Reading((), ()), 0
    if work.endpoint and not files:
        rows = work.endpoint.select(query, **parameters)
    else:
        query.bind(parameters, work.ontology)
        graph = KnowledgeGraph(work.ontology)
        if files:
            reading = work.read(files)
            classification = work.classified(reading)
            explaining = with_explanations or "explanation" in query.tags
            graph = graph_of(classification, explaining=explaining)
            status = status_of(reading.errors, classification)
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
    show_refused(reading.errors)
    ctx.exit(status)


@click.command("queries", epilog=examples("dvt-kg queries", "dvt-kg queries --format json"))
@written_as("table", "json", help="How to list them.")
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


@click.command(
    epilog=examples(
        "dvt-kg terms",
        "dvt-kg terms edema",
        "dvt-kg terms vein --format json",
        "dvt-kg terms --code ICD-10-CM I82.422",
        "dvt-kg terms --unmapped",
        "dvt-kg terms --format sssom > dvt-kg.sssom.tsv",
    )
)
@click.argument("text", required=False, default="")
@click.option(
    "--code", nargs=2, metavar="SYSTEM CODE", help="List the terms that a code of another system speaks of."
)
@click.option("--unmapped", is_flag=True, help="List the terms that no code of another system speaks of.")
@written_as("table", "json", "sssom", help="How to list them; sssom is all mappings to codes, as SSSOM/TSV.")
@ONTOLOGY_SOURCE
def terms(text: str, code: tuple[str, str] | None, unmapped: bool, form: str, source: Path | None) -> None:
    """Find what a record can state: findings, veins, measurements and values, by name or words.

    With --code or --unmapped, find which terms of all kinds a code speaks of, or none does. A mapping
    says how meanings relate: no code is read into a record by itself.
    """
    if sum(map(bool, (text, code, unmapped, form == "sssom"))) > 1:
        raise UsageError("words, --code, --unmapped and --format sssom exclude one another: give one")
    ontology = ontologies.load(source)
    if form == "sssom":
        click.echo(sssom(ontology), nl=False)
        return
    names: tuple[str, ...] = ("name", "kind", "label", "definition")
    found = [dict[str, str | None](row) for row in ontologies.record_terms(ontology, text)]
    if code:
        names = ("term", "says", "code_label", "comment")
        found = [_said(m) for m in look_up_code(ontology, *code)]
    elif unmapped:
        names = ("term", "kind", "label")
        found = queries.ask(KnowledgeGraph(ontology), "unmapped-terms").plain()
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif found:
        reports.print_rows(
            [{key: row[key] for key in names} for row in found], names, sys.stdout, stack=False
        )
        if code:
            click.echo("how meanings relate; no code is read into a record by itself", err=True)
    else:
        click.echo(f"nothing matches {text!r}; 'dvt-kg terms' lists everything", err=True)


def _said(mapping: Mapping) -> dict[str, str | None]:
    """What a code says of a term, with the words for how their meanings relate."""
    row: dict[str, str | None] = {key: value or None for key, value in asdict(mapping).items()}
    row["says"] = MEANINGS[mapping.predicate]
    return row


@click.command(
    "rules",
    epilog=examples(
        "dvt-kg rules edema",
        "dvt-kg rules --format json > rules.json",
        "dvt-kg rules --format sparql > rules.ru",
        "dvt-kg rules --format sql --dialect duckdb --table cohort.records > rules.sql",
        'dvt-kg rules --format sql --dialect spark --columns "$(head -n 1 patients.csv)" > rules.sql',
    ),
)
@click.argument("text", required=False, default="")
@written_as(
    *("text", "json", "sparql", "sql"),
    help="How to list them; sparql is one request for a triple store, sql a query for a warehouse.",
)
@click.option(
    "--dialect", type=click.Choice(["duckdb", "spark", "postgres"]), help="The warehouse that sql is for."
)
@click.option("--table", metavar="NAME", help="The table that sql reads; records if not given.")
@click.option(
    "--columns",
    metavar="NAMES",
    help="The columns of that table, with commas between; all of 'dvt-kg template csv' if not given.",
)
@ONTOLOGY_SOURCE
def rules_command(
    text: str, form: str, dialect: str | None, table: str | None, columns: str | None, source: Path | None
) -> None:
    """List the rules compiled from the ontology's axioms and derivation queries, by words they hold.

    As SPARQL updates they classify the patients in any triple store; as SQL, the rows of a table of
    records, which has the columns of 'dvt-kg template csv', in a warehouse.
    """
    from dvt_kg.rulebook import in_words, rulebook  # noqa: PLC0415
    from dvt_kg.updates import updates  # noqa: PLC0415

    if text and form in ("sparql", "sql"):
        whole = "updates are" if form == "sparql" else "statement is"
        raise UsageError(f"the {whole} of use only as a whole: leave out the words")
    if form == "sql":
        from dvt_kg import sql  # noqa: PLC0415 - sqlglot is slow to import, and seldom needed

        if dialect is None:
            raise UsageError(f"say which warehouse the SQL is for: --dialect {choice(sql.DIALECTS)}")
        names = None if columns is None else [name.strip() for name in columns.split(",")]
        statement = sql.statement(ontologies.load(source), dialect, table=table or sql.TABLE, columns=names)
        click.echo(statement, nl=False)
        return
    if dialect or table or columns:
        raise UsageError("--dialect, --table and --columns say how SQL is written; add --format sql")
    if form == "sparql":
        click.echo(updates(ontologies.load(source)).text(), nl=False)
        return
    book = rulebook(ontologies.load(source), text)
    if form == "json":
        click.echo(json.dumps(book, indent=2, ensure_ascii=False))
        return
    for rule in book["rules"]:
        click.echo(in_words(rule))
    click.echo(
        f"{len(book['rules'])} rules of ontology {book['ontology_version']},"
        f" digest {book['ontology_digest'][:16]}",
        err=True,
    )


@click.command(epilog=examples("dvt-kg check", "dvt-kg check patients.ttl"))
@click.argument("files", nargs=-1, metavar="[FILES...]")
@INPUT_FORMAT
@ONTOLOGY_SOURCE
@click.pass_context
def check(ctx: click.Context, files: tuple[str, ...], input_format: str | None, source: Path | None) -> None:
    """Check the ontology by its quality queries and those of ROBOT, OOPS! and FOOPS!, patients by the shapes.

    Each violation is told with its level and the standard that asks for it. What is of the level INFO is
    shown and is no fault.
    """
    from dvt_kg import checks  # noqa: PLC0415

    ontology = ontologies.load(source)
    found_in = list(checks.violations(ontology))
    notes = [str(violation) for violation in found_in if violation.level == checks.NOTE]
    problems = [str(violation) for violation in found_in if violation.level != checks.NOTE]
    number = len(checks.violation_queries()) + len(checks.standards_queries())
    click.echo(f"ontology: {number} checks, {len(problems)} violations, {len(notes)} notes")
    errors: tuple[RecordError, ...] = ()
    if files:
        reading = read(files, ontology, format=input_format)
        errors = reading.errors
        found = checks.check_patients(reading.patients, ontology)
        click.echo(f"patients: {len(reading.patients)} records, {len(found)} violations of the shapes")
        problems += found
    for told in [*problems, *notes]:
        click.echo(f"  {told}")
    show_refused(errors)
    ctx.exit(REFUSED if problems or errors else 0)


@click.command(epilog=examples("dvt-kg template csv > patients.csv", "dvt-kg template json > patient.json"))
@click.argument("form", type=click.Choice(list(TEMPLATES)))
@ONTOLOGY_SOURCE
def template(form: str, source: Path | None) -> None:
    """Write an empty record with every field that can be filled in."""
    click.echo(readers.template(form, ontologies.load(source)), nl=False)
