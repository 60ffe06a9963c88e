"""The servers that are measured: ours, Oxigraph's and rdflib-endpoint, each a process on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psutil
import pyoxigraph as ox

from dvt_kg.graph import GRAPHS

JSON_ROWS = "application/sparql-results+json"
START = 120.0  # s, that a server may take to start, or to come to rest
LOOK, IDLE = 0.2, 0.1  # s between two looks at a server; the share of a core up to which it is at rest
_BIN = Path(sys.executable).parent


def fetched(
    url: str, body: bytes | None = None, *, timeout: float = START, method: str | None = None, **headers: str
) -> bytes:
    """What is at an address; header names have ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body, named, method=method)
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return bytes(answer.read())


class Endpoint:
    """A server in a process of its own, which is ended with the ``with`` statement.

    :param name: what tables call it
    :param words: the command; ``{port}`` stands for the port
    :param path: where it takes SPARQL
    :param health: where it answers as soon as it is ready
    """

    def __init__(self, name: str, words: Sequence[str], path: str, health: str) -> None:
        self.name = name
        self.path = path
        self._health = health
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._words = [word.replace("{port}", str(port)) for word in words]
        self.address = f"http://127.0.0.1:{port}"
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the server is there
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Endpoint:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._said.close()

    def start(self) -> float:
        """Start the process.

        :returns: the seconds until it answered
        :raises RuntimeError: where it does not
        """
        started = time.perf_counter()
        self._process = subprocess.Popen(
            self._words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._said
        )
        while time.perf_counter() - started < START and self._process.poll() is None:
            with contextlib.suppress(OSError):
                fetched(self.address + self._health, timeout=5)
                return time.perf_counter() - started
            time.sleep(0.01)
        self._said.seek(0)
        raise RuntimeError(f"{self.name} did not start: {self._said.read().decode(errors='replace')[-500:]}")

    def kill(self) -> None:
        """End the process as ``kill -9`` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _family(self) -> Iterator[psutil.Process]:
        """The process and all that it started and that are still there."""
        assert self._process is not None
        root = psutil.Process(self._process.pid)
        yield from (root, *(child for child in root.children(recursive=True) if child.is_running()))

    def resident(self) -> int:
        """The bytes of memory of the server and the processes that it started."""
        return sum(one.memory_info().rss for one in self._family())

    def rest(self) -> None:
        """Wait until the server works no more on what nobody waits for, so that it disturbs no other.

        :raises RuntimeError: where it goes on and on
        """
        until = time.perf_counter() + START
        before = -1.0
        while abs((now := self._worked()) - before) > IDLE * LOOK:
            if time.perf_counter() > until:
                raise RuntimeError(f"{self.name} does not come to rest")
            before = now
            time.sleep(LOOK)

    def _worked(self) -> float:
        """The seconds of processor time that its processes have taken."""
        times = [one.cpu_times() for one in self._family()]
        return float(sum(taken.user + taken.system for taken in times))

    def target(self, query: str) -> str:
        """The path of a query by GET."""
        return f"{self.path}?query={quote(query, safe='')}"

    def rows(self, query: str, timeout: float) -> list[dict[str, Any]] | None:
        """The bindings that a query gives, None where they do not come in time or are refused."""
        try:
            body = fetched(self.address + self.target(query), timeout=timeout, Accept=JSON_ROWS)
        except OSError:  # refused, or too late
            return None
        return list(json.loads(body)["results"]["bindings"])


def ours(records: Path, *, cache: bool) -> Endpoint:
    """This project's server with all its processes, with its cache of replies as shipped or without one."""
    words = [str(_BIN / "dvt-kg"), "serve", "--port", "{port}", "--max-rows", "1000000", str(records)]
    name, more = ("dvt-kg", []) if cache else ("dvt-kg --cache 0", ["--cache", "0"])
    return Endpoint(name, [*words, *more], "/sparql", "/health")


def settled(server: Endpoint) -> None:
    """Wait until a server of ours has all its processes."""
    until = time.perf_counter() + START
    while json.loads(fetched(server.address + "/health"))["workers"] <= (os.cpu_count() or 1):
        if time.perf_counter() > until:
            raise RuntimeError("the processes of dvt-kg did not all start")
        time.sleep(0.1)


def contents(server: Endpoint) -> bytes:
    """The three graphs that a server of ours holds, as N-Quads for the others."""
    quads: list[ox.Quad] = []
    for graph in GRAPHS:
        whole = f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ GRAPH {graph} {{ ?s ?p ?o }} }}"
        triples = fetched(server.address + server.target(whole), Accept="application/n-triples")
        quads += [
            ox.Quad(t.subject, t.predicate, t.object, graph)
            for t in ox.parse(triples, ox.RdfFormat.N_TRIPLES)
        ]
    data = ox.serialize(quads, format=ox.RdfFormat.N_QUADS)
    assert data is not None
    return data


def oxigraph() -> Endpoint:
    """Oxigraph's server in memory, where the default graph is the union of the named ones."""
    words = [str(_BIN / "oxigraph"), "serve", "--bind", "127.0.0.1:{port}", "--union-default-graph"]
    return Endpoint("oxigraph", words, "/query", "/")


def fill(server: Endpoint, quads: bytes) -> None:
    """Load quads into Oxigraph's server."""
    fetched(server.address + "/store", quads, Content_Type="application/n-quads")


def rdflib_endpoint(file: Path) -> Endpoint:
    """rdflib-endpoint over a file of quads; its default graph is the union too."""
    words = [str(_BIN / "rdflib-endpoint"), "serve", "--host", "127.0.0.1", "--port", "{port}", str(file)]
    return Endpoint("rdflib-endpoint", words, "/", "/")
