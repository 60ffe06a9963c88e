"""The command that serves the graph."""

from __future__ import annotations

import os
from pathlib import Path

import click

from dvt_kg.axioms import compile_rules
from dvt_kg.errors import UsageError
from dvt_kg.graph import INFERRED, PATIENTS
from dvt_kg.work import Work, examples, graph_of, show_refused, working

TOKEN = "DVT_KG_TOKEN"
_LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")
_MEGABYTE = 1_000_000


@click.command(
    "serve",
    epilog=examples(
        "dvt-kg serve",
        "dvt-kg serve --port 8080 ward.csv",
        f"{TOKEN}=secret dvt-kg serve --host 0.0.0.0 --allow-host graph.example.org",
        "dvt-kg serve --origin https://notes.example.org --time-limit 5",
    ),
)
@click.argument("files", nargs=-1, metavar="[RECORDS...]")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="The port to listen at; 0 takes a free one.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="A name by which the server may be called besides; may be repeated.",
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="Let scripts of this origin read the answers; may be repeated.",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"Ask clients for the token in this file (else in {TOKEN}, else for none).",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="SPARQL queries done at a time, and as many other requests; the number of cores if not given.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Seconds after which the work for a request is ended.",
)
@click.option(
    "--max-rows",
    type=click.IntRange(min=1),
    default=100_000,
    show_default=True,
    help="Rows or triples that an answer may have.",
)
@click.option(
    "--memory",
    type=click.IntRange(min=50),
    default=1000,
    show_default=True,
    metavar="MB",
    help="Memory that the work for a request may take.",
)
@click.option(
    "--cache",
    type=click.IntRange(min=0),
    default=64,
    show_default=True,
    metavar="MB",
    help="Replies to GET that are kept to be given again; 0 keeps none.",
)
@working
@click.pass_context
def serve(
    ctx: click.Context,
    files: tuple[str, ...],
    host: str,
    port: int,
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
    token_file: Path | None,
    workers: int | None,
    time_limit: float,
    max_rows: int,
    memory: int,
    cache: int,
    work: Work,
) -> None:
    """Serve the graph: SPARQL at /sparql, answers to posted records, the catalogue, the terms, a page.

    RECORDS are classified and served too. Only this machine is answered unless --host says otherwise.
    Nothing that is posted is kept, and nothing is logged of what was asked.
    """
    try:
        from dvt_kg.server import running  # noqa: PLC0415 - an extra, and slow to import
        from dvt_kg.server.app import Settings  # noqa: PLC0415
        from dvt_kg.server.desk import Contents  # noqa: PLC0415
        from dvt_kg.server.limits import Limits  # noqa: PLC0415
        from dvt_kg.server.workers import Worker  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(f"this needs {error.name}: pip install 'dvt-kg[server]'") from None
    limits = Limits(seconds=time_limit, rows=max_rows, memory=memory * _MEGABYTE)
    first = Worker(limits)  # it starts while records are read
    compile_rules(work.ontology)  # a fault of the ontology is said here
    contents = Contents(work.source)
    if files:
        reading = work.read(files)
        show_refused(reading.errors)
        if not reading.patients:
            raise UsageError("no record was let in, so nothing is served")
        graph = graph_of(work.classified(reading), explaining=True)
        quads = graph.serialize("nquads", graphs=(PATIENTS, INFERRED))
        contents = Contents(work.source, quads, len(reading.patients))
    token = _token(token_file)
    local = host in _LOOPBACK
    if not local and token is None:
        click.echo(f"dvt-kg: whoever reaches {host} can read what is served; {TOKEN} asks for one", err=True)
    settings = Settings(
        limits=limits,
        workers=workers or os.cpu_count() or 1,
        hosts=(*_LOOPBACK, *hosts) if local or hosts else (),
        origins=origins,
        token=token,
        cache=cache * _MEGABYTE,
    )

    def started(address: str) -> None:
        click.echo(
            f"serving {contents.patients} records and the ontology at {address}; Ctrl-C stops", err=True
        )

    running.serve(contents, settings, host, port, first, started)


def _token(file: Path | None) -> str | None:
    """The token that clients have to send, None for none."""
    if file is None:
        return os.environ.get(TOKEN) or None
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the token cannot be read from {str(file)!r}: {error}") from None
    if not token:
        raise UsageError(f"there is no token in {str(file)!r}")
    return token
