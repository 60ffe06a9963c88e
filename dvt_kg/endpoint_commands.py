"""The command about other people's triple stores."""

from __future__ import annotations

import click

from dvt_kg.errors import UsageError
from dvt_kg.graph import INFERRED, ONTOLOGY, PATIENTS, KnowledgeGraph
from dvt_kg.work import (
    REFUSED,
    USER,
    WITH_EXPLANATIONS,
    Work,
    endpoint_of,
    examples,
    graph_of,
    progress,
    show_refused,
    status_of,
    working,
)


@click.command(
    "publish",
    epilog=examples(
        "dvt-kg publish --endpoint http://localhost:7878/query",
        "dvt-kg publish --endpoint http://localhost:7878/query --with-explanations patients.json",
        "dvt-kg publish --endpoint http://localhost:7878/query --classify rules patients.json",
        "dvt-kg publish --endpoint http://localhost:8890/sparql --update http://localhost:8890/sparql-auth"
        " --user dba",
        "dvt-kg publish --endpoint http://localhost:3030/ds/query --graph-store http://localhost:3030/ds/data",
    ),
)
@click.argument("files", nargs=-1, metavar="[RECORDS...]")
@click.option("--endpoint", "url", required=True, metavar="URL", help="The store's SPARQL endpoint.")
@click.option(
    "--update",
    metavar="URL",
    help="Where it takes SPARQL updates; if not given .../update for an endpoint .../query, else the same.",
)
@click.option(
    "--graph-store", metavar="URL", help="Write by the Graph Store Protocol, here, in place of updates."
)
@USER
@click.option(
    "--classify",
    type=click.Choice(["here", "rules"]),
    default="here",
    show_default=True,
    help="Where patients are classified: here, or in the store by the rules as one SPARQL update, which says"
    " neither reasons nor what is missing.",
)
@WITH_EXPLANATIONS
@working
@click.pass_context
def publish_command(
    ctx: click.Context,
    files: tuple[str, ...],
    url: str,
    update: str | None,
    graph_store: str | None,
    user: str | None,
    classify: str,
    with_explanations: bool,
    work: Work,
) -> None:
    """Put the ontology into a triple store, and with RECORDS the patients and what is inferred of them.

    Each takes the place of the graph of its name: urn:dvt-kg:ontology, urn:dvt-kg:patients,
    urn:dvt-kg:inferred. What is there already is left as it is; a run that broke off goes on when it is
    started again. By updates a graph appears whole or not at all; by --graph-store it grows batch by batch.
    """
    from dvt_kg.publishing import publish  # noqa: PLC0415 - slow to import, and needed only here

    if classify == "rules" and (with_explanations or not files):
        raise UsageError("--classify rules needs records, and goes without --with-explanations")
    if update and graph_store and classify != "rules":
        raise UsageError("--update and --graph-store are two ways to write: give one")
    endpoint = endpoint_of(url, user, update=update, graph_store=graph_store)
    reading = work.read(files) if files else None
    if reading and not reading.patients:
        show_refused(reading.errors)
        raise UsageError("no record was let in, so nothing is published")
    graph, status = KnowledgeGraph(work.ontology), 0
    if reading and classify == "rules":
        graph.add(PATIENTS, (triple for patient in reading.patients for triple in patient.triples()))
        status = REFUSED if reading.errors else 0
    elif reading:
        classification = work.classified(reading)
        graph = graph_of(classification, explaining=with_explanations)
        status = status_of(reading.errors, classification)
    graphs = (ONTOLOGY, PATIENTS, INFERRED) if reading else (ONTOLOGY,)
    with progress("publishing", "triples") as step:
        came = publish(endpoint, graph, graphs, rules=classify == "rules", progress=step)
    for graph_name, triples, how in came:
        click.echo(f"{graph_name}: {triples:,} triples, {how}")
    if reading:
        show_refused(reading.errors)
    ctx.exit(status)
