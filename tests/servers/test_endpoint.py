"""The catalogue on Oxigraph's own server, loaded with what ``build`` and ``classify`` write."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dvt_kg import (
    EndpointError,
    HermiT,
    KnowledgeGraph,
    Ontology,
    ask,
    ask_endpoint,
    build,
    catalogue,
    classify,
    explained,
    read_records,
)
from dvt_kg.cli import main
from dvt_kg.graph import GRAPHS
from tests.records import RECORDS
from tests.servers.stores import OXIGRAPH, running

REQUIRED: dict[str, dict[str, Any]] = {
    "statements-about-intervention": {"intervention": "systemic-thrombolysis"}
}


@pytest.fixture(scope="module")
def graph(ontology: Ontology, reasoner: HermiT) -> KnowledgeGraph:
    return explained(classify(read_records(RECORDS, ontology).patients, reasoner))


@pytest.fixture(scope="module")
def endpoint(ontology: Ontology, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that holds the merged ontology, the records and what was inferred of them."""
    folder = tmp_path_factory.mktemp("served")
    build(folder / "built", ontology)
    (folder / "records.json").write_text(json.dumps(RECORDS), encoding="utf-8")
    classified = CliRunner().invoke(
        main,
        [
            "classify",
            "--format",
            "nquads",
            "--with-patients",
            "--with-explanations",
            *("--reasoner", "hermit"),
            str(folder / "records.json"),
            "-o",
            str(folder / "c.nq"),
        ],
    )
    assert classified.exit_code == 3, classified.output
    location = ["--location", str(folder / "store")]
    merged = ["--file", str(folder / "built" / "dvt-kg.ttl"), "--graph", GRAPHS[2].value]
    for words in (["load", *location, *merged], ["load", *location, "--file", str(folder / "c.nq")]):
        subprocess.run([str(OXIGRAPH), *words], check=True, capture_output=True)
    with running([OXIGRAPH, "serve-read-only", *location], "--bind") as url:
        yield f"{url}/query"


@pytest.mark.parametrize("name", catalogue())
def test_each_query_gives_the_same_rows_on_the_server(
    endpoint: str, graph: KnowledgeGraph, name: str
) -> None:
    parameters = REQUIRED.get(name, {})
    here, there = ask(graph, name, **parameters).plain(), ask_endpoint(endpoint, name, **parameters).plain()
    moving = {"time"}  # the two graphs were made at different moments
    here, there = (
        [{k: v for k, v in row.items() if k not in moving} for row in rows] for rows in (here, there)
    )
    assert sorted(map(str, there)) == sorted(map(str, here))
    assert here


def test_a_parameter_is_bound_on_the_server(endpoint: str) -> None:
    rows = ask_endpoint(endpoint, "options", patient="mild").plain()
    assert {row["patient"] for row in rows} == {"urn:dvt-kg:patient:mild"}


def test_the_command_line_asks_the_server(endpoint: str) -> None:
    result = CliRunner().invoke(main, ["query", "status", "--endpoint", endpoint, "--param", "patient=torn"])
    assert result.exit_code == 0, result.output
    assert "contradictory" in result.stdout


def test_a_query_that_the_server_refuses_is_one_clear_error(endpoint: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.rq"
    file.write_text("SELECT WHERE", encoding="utf-8")
    with pytest.raises(EndpointError, match="the query was refused"):
        ask_endpoint(endpoint, str(file))
