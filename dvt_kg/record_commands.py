"""The commands about records: answers, explanations, comparisons, what is inferred."""

from __future__ import annotations

import json
from pathlib import Path

import click

from dvt_kg import answers, reports
from dvt_kg.errors import UsageError
from dvt_kg.graph import FORMATS, INFERRED, ONTOLOGY, PATIENTS
from dvt_kg.work import (
    FILES,
    OUTPUT,
    PATIENT,
    WITH_EXPLANATIONS,
    Work,
    destination,
    examples,
    graph_of,
    progress,
    show_refused,
    status_of,
    working_on_endpoint,
    written_as,
)


@click.command(
    epilog=examples(
        "dvt-kg recommend patients.json",
        "dvt-kg recommend --format json ward.csv > answers.json",
        "dvt-kg recommend --guidelines all patients.json",
        "cat patient.ttl | dvt-kg recommend --input-format ttl -",
        "dvt-kg recommend --endpoint http://localhost:7878/query --patient case-01",
    )
)
@FILES
@PATIENT
@written_as("text", "json", "csv", help="How to answer.")
@click.option(
    "--guidelines",
    type=click.Choice(list(answers.GUIDELINES)),
    default="acr",
    show_default=True,
    help="Whose statements to show: the ACR panels' ratings, or what every other guideline says besides.",
)
@OUTPUT
@working_on_endpoint
@click.pass_context
def recommend(
    ctx: click.Context,
    files: tuple[str, ...],
    patients: tuple[str, ...],
    form: str,
    guidelines: str,
    output: Path | None,
    work: Work,
) -> None:
    """Answer records: which presentations fit, how each option is rated, and why.

    FILES are records as JSON, CSV, TSV, Turtle or JSON-LD; - is standard input. With --endpoint the
    ontology is read from there, and without FILES the patients too; they are judged here.
    """
    reading = work.read(files, patients)
    answer = answers.recommend(work.classified(reading), reading.errors, guidelines=guidelines)
    with destination(output) as out:
        if form == "json":
            json.dump(answer, out, indent=2, ensure_ascii=False)
            out.write("\n")
        elif form == "csv":
            reports.write_csv(answer, out)
        else:
            reports.print_text(answer, out)
    show_refused(reading.errors)
    ctx.exit(answers.exit_status(answer))


@click.command(
    "classify",
    epilog=examples(
        "dvt-kg classify patients.json > inferred.ttl",
        "dvt-kg classify --format nquads --with-all ward.csv -o ward.nq",
    ),
)
@FILES
@written_as(*FORMATS, help="The syntax to write.")
@click.option("--with-patients", is_flag=True, help="Write the records' own triples too.")
@click.option("--with-all", is_flag=True, help="Write the records' own triples and the ontology too.")
@WITH_EXPLANATIONS
@OUTPUT
@working_on_endpoint
@click.pass_context
def classify_command(
    ctx: click.Context,
    files: tuple[str, ...],
    form: str,
    with_patients: bool,
    with_all: bool,
    with_explanations: bool,
    output: Path | None,
    work: Work,
) -> None:
    """Write what the reasoner infers of records, as RDF with its provenance."""
    reading = work.read(files)
    classification = work.classified(reading)
    graphs = (
        (PATIENTS, INFERRED, ONTOLOGY) if with_all else (PATIENTS, INFERRED) if with_patients else (INFERRED,)
    )
    graph = graph_of(classification, explaining=with_explanations)
    text = graph.serialize(form, graphs=graphs).decode()
    with destination(output) as out:
        out.write(text)
    show_refused(reading.errors)
    ctx.exit(status_of(reading.errors, classification))


@click.command(
    "explain",
    epilog=examples(
        "dvt-kg explain patients.json",
        "dvt-kg explain --patient case-01 --presentation acr-2020-iliofemoral-1 patients.json",
        "dvt-kg explain --conclusion can-be-anticoagulated --format json patients.json",
        "dvt-kg explain --patient case-01 --format svg patients.json -o case-01.svg",
    ),
)
@FILES
@PATIENT
@click.option(
    "--presentation",
    "presentations",
    multiple=True,
    metavar="NAME",
    help="Only this presentation, with the axioms that carry it; may be repeated.",
)
@click.option(
    "--conclusion",
    "conclusions",
    multiple=True,
    metavar="NAME",
    help="Whatever is concluded about this term: a criterion, finding, contraindication, alert,"
    " intervention; may be repeated.",
)
@written_as("text", "json", "turtle", "svg", "html", help="How to explain; svg is a picture of one record.")
@OUTPUT
@working_on_endpoint
@click.pass_context
def explain_command(
    ctx: click.Context,
    files: tuple[str, ...],
    patients: tuple[str, ...],
    presentations: tuple[str, ...],
    conclusions: tuple[str, ...],
    form: str,
    output: Path | None,
    work: Work,
) -> None:
    """Explain records: why, why not, what is missing, what would change it, what clashes.

    FILES are records as JSON, CSV, TSV, Turtle or JSON-LD; - is standard input. With --endpoint the
    ontology is read from there, and without FILES the patients too; they are judged here.
    """
    # Slow to import, and needed only here.
    from dvt_kg import explanation_page, explanation_report, explanations  # noqa: PLC0415

    if form == "turtle" and (presentations or conclusions):
        raise UsageError("the graph holds everything: leave out --presentation and --conclusion")
    explanations.check_names(work.ontology, presentations, conclusions)
    reading = work.read(files, patients)
    if form == "svg":
        explanation_page.check_drawable(len(reading.patients), not conclusions or bool(presentations))
    classification = work.classified(reading)
    if form == "turtle":
        text = graph_of(classification, explaining=True).serialize("turtle", graphs=(INFERRED,)).decode()
    else:
        with progress("explaining", "records") as step:
            answer = explanations.explain(
                *(classification, reading.errors),
                presentations=presentations,
                conclusions=conclusions,
                progress=step,
            )
    with destination(output) as out:
        if form == "json":
            json.dump(answer, out, indent=2, ensure_ascii=False)
            out.write("\n")
        elif form == "text":
            explanation_report.print_explanations(answer, out, focused=bool(presentations))
        else:
            whole = {"svg": explanation_page.picture, "html": explanation_page.page}
            out.write(text if form == "turtle" else whole[form](answer))
    show_refused(reading.errors)
    ctx.exit(status_of(reading.errors, classification))


@click.command(
    "compare",
    epilog=examples(
        "dvt-kg compare monday.json friday.json",
        "dvt-kg compare --format json before.csv after.csv",
    ),
)
@click.argument("before", metavar="BEFORE")
@click.argument("after", metavar="AFTER")
@written_as("text", "json", help="How to answer.")
@OUTPUT
@working_on_endpoint
@click.pass_context
def compare_command(
    ctx: click.Context, before: str, after: str, form: str, output: Path | None, work: Work
) -> None:
    """Compare two records of one patient: what changed in facts and answer, and why.

    BEFORE and AFTER are files of records. Records are matched by id; where each file holds one, these
    two are compared.
    """
    # Slow to import, and needed only here.
    from dvt_kg import comparison, explanation_report  # noqa: PLC0415

    readings = [work.read((file,)) for file in (before, after)]
    errors = readings[0].errors + readings[1].errors
    classifications = [work.classified(reading) for reading in readings]
    if errors and not all(reading.patients for reading in readings):
        raise errors[0]
    answer = comparison.compare(classifications[0], classifications[1], errors)
    with destination(output) as out:
        if form == "json":
            json.dump(answer, out, indent=2, ensure_ascii=False)
            out.write("\n")
        else:
            explanation_report.print_comparisons(answer, out)
    show_refused(errors)
    ctx.exit(max(status_of(errors, classification) for classification in classifications))
