"""Triple stores that no one here wrote, each started in a folder of its own and stopped after."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from dvt_kg import Endpoint

OXIGRAPH = Path(sysconfig.get_path("scripts")) / "oxigraph"
# As Debian sets Virtuoso up where it matters here, ResultSetMaxRows above all, but smaller.
_VIRTUOSO_INI = """\
[Database]
DatabaseFile = virtuoso.db
ErrorLogFile = virtuoso.log
LockFile = virtuoso.lck
TransactionFile = virtuoso.trx
xa_persistent_file = virtuoso.pxa
FileExtend = 100
[TempDatabase]
DatabaseFile = virtuoso-temp.db
TransactionFile = virtuoso-temp.trx
[Parameters]
ServerPort = 127.0.0.1:{sql}
ServerThreads = 8
NumberOfBuffers = 20000
MaxDirtyBuffers = 15000
CheckpointInterval = 0
[HTTPServer]
ServerPort = 127.0.0.1:{http}
ServerThreads = 8
[SPARQL]
ResultSetMaxRows = 10000
"""


@dataclass(frozen=True)
class Store:
    """A store that runs: where it takes what."""

    name: str
    query: str
    update: str
    graph_store: str

    def endpoint(self, *, by_graph_store: bool = False) -> Endpoint:
        """Its endpoint, which writes by updates or by the Graph Store Protocol."""
        store = self.graph_store if by_graph_store else None
        return Endpoint(self.query, update=self.update, graph_store=store, timeout=60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert server.poll() is None, f"the server of {url} has ended"
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"nobody answers at {url}")


@contextlib.contextmanager
def running(
    words: Sequence[str | Path], bind: str, *, port: int = 0, folder: Path | None = None
) -> Iterator[str]:
    """The address of a server while it runs.

    :param bind: the option that says where it listens; empty where it knows already
    :param port: where it listens; a free port if 0
    """
    port = port or free_port()
    where = [bind, f"127.0.0.1:{port}"] if bind else []
    quiet = subprocess.DEVNULL
    server = subprocess.Popen([*map(str, words), *where], cwd=folder, stdout=quiet, stderr=quiet)
    try:
        _wait_for(f"http://127.0.0.1:{port}/", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(10)


@contextlib.contextmanager
def oxigraph(folder: Path) -> Iterator[Store]:
    """Oxigraph's own server."""
    with running([OXIGRAPH, "serve", "--location", folder / "store"], "--bind") as url:
        yield Store("oxigraph", f"{url}/query", f"{url}/update", f"{url}/store")


@contextlib.contextmanager
def virtuoso(folder: Path) -> Iterator[Store]:
    """Virtuoso, whose endpoint may write."""
    program, isql = shutil.which("virtuoso-t"), shutil.which("isql-vt")
    assert program, "install the Debian package virtuoso-opensource"
    assert isql, "install the Debian package virtuoso-opensource"
    sql, http = free_port(), free_port()
    (folder / "virtuoso.ini").write_text(_VIRTUOSO_INI.format(sql=sql, http=http), encoding="utf-8")
    words: list[str | Path] = [program, "+foreground", "+configfile", folder / "virtuoso.ini"]
    with running(words, "", port=http, folder=folder) as url:
        grant = 'exec=GRANT SPARQL_UPDATE TO "SPARQL";'
        subprocess.run([isql, f"127.0.0.1:{sql}", "dba", "dba", grant], check=True, capture_output=True)
        yield Store("virtuoso", f"{url}/sparql", f"{url}/sparql", f"{url}/sparql-graph-crud")


STORES: dict[str, Callable[[Path], AbstractContextManager[Store]]] = {
    "oxigraph": oxigraph,
    "virtuoso": virtuoso,
}
