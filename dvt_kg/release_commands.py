"""The commands about versions of the ontology: what a release ships, what changed, and its pages."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click

from dvt_kg import ontology as ontologies
from dvt_kg.ontology import Ontology
from dvt_kg.work import (
    JAVA,
    ONTOLOGY_SOURCE,
    OUTPUT,
    REFUSED,
    TIME_LIMIT,
    destination,
    examples,
    written_as,
)

SHIPPED = "shipped"
DIFFERENT = 1  # the exit status with --exit-code, as git and diff have it


@click.command(epilog=examples("dvt-kg build dist/ontology"))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@ONTOLOGY_SOURCE
@JAVA
@TIME_LIMIT
def build(folder: Path, source: Path | None, java_home: Path | None, timeout: float) -> None:
    """Write a release: the ontology merged, its base, with example patients, and with all that is inferred.

    Each as Turtle, RDF/XML and JSON-LD; besides the mappings as SKOS and SSSOM, the JSON-LD context of
    records, descriptions in VoID and DCAT, and checksums. The same bytes at every run.
    """
    from dvt_kg import release  # noqa: PLC0415

    for path in release.build(folder, ontologies.load(source), java=java_home, timeout=timeout):
        click.echo(path)


@click.command("docs", epilog=examples("dvt-kg docs dist/site"))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@ONTOLOGY_SOURCE
def docs(folder: Path, source: Path | None) -> None:
    """Write the ontology as a site of plain pages, which a browser opens from disk without a network.

    Presentations with their criteria, ratings and evidence, the matrix and the pathway as pictures,
    every term, query, competency question, source and code.
    """
    from dvt_kg.site import pages  # noqa: PLC0415 - slow to import

    written = pages.docs(folder, ontologies.load(source))
    click.echo(f"{len(written)} files; open {folder / 'index.html'}")


def _version(name: str) -> Ontology:
    return ontologies.load(None if name == SHIPPED else name)


@click.command(
    "diff",
    epilog=examples(
        "dvt-kg diff our-ontology",
        "dvt-kg diff dvt-kg-0.1.0.owl shipped --format markdown",
        "dvt-kg diff old new --patients examples/patients.json",
        "dvt-kg diff --exit-code ontology dist/ontology/dvt-kg.ttl",
    ),
)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="[NEW]", default=SHIPPED)
@written_as("text", "json", "markdown", help="How to say it.")
@click.option(
    "--patients",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Say which of these records are answered otherwise; may be repeated.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 where anything changed, as git diff does.")
@OUTPUT
@click.pass_context
def diff(
    ctx: click.Context,
    old: str,
    new: str,
    form: str,
    files: tuple[str, ...],
    exit_code: bool,
    output: Path | None,
) -> None:
    """Say what changed between two versions of the ontology: clinically, in what follows, in its terms.

    OLD and NEW are each a folder of modules, a file without imports, or the word shipped for the
    ontology that comes with this program, which NEW is if it is left out.
    """
    # Slow to import, and needed only here.
    from dvt_kg import change_report  # noqa: PLC0415
    from dvt_kg.changed_answers import changed_answers  # noqa: PLC0415
    from dvt_kg.differences import changes  # noqa: PLC0415

    before, after = _version(old), _version(new)
    found = changes(before, after)
    patients = changed_answers(before, after, files) if files else None
    with destination(output) as out:
        if form == "json":
            said = found.as_json() | ({} if patients is None else {"patients": patients})
            out.write(json.dumps(said, indent=2, ensure_ascii=False) + "\n")
        elif form == "markdown":
            out.write(change_report.markdown(found, patients))
        else:
            width = shutil.get_terminal_size((110, 24)).columns if out.isatty() else 110
            out.write(change_report.text(found, patients, width=width))
    if patients and patients["refused"]:
        ctx.exit(REFUSED)
    ctx.exit(DIFFERENT if exit_code and not found.same else 0)
