"""Our server as a process of its own on a free port of this machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

DVT_KG = Path(sys.executable).parent / "dvt-kg"
ROOT = Path(__file__).parent.parent.parent
PATIENTS = ROOT / "examples" / "patients.json"
_ADDRESS = re.compile(r"serving .* at (http://\S+)/;")
STARTING = 60.0
"""Seconds that a server may take to start on a machine that does other things too."""


@dataclass
class Served:
    """A server that runs.

    :param url: its address, without a slash at the end
    """

    url: str
    process: subprocess.Popen[bytes]
    client: httpx.Client
    _log: IO[bytes]

    def log(self) -> str:
        """What it has printed."""
        self._log.seek(0)
        return self._log.read().decode()

    def get(self, path: str, **options: object) -> httpx.Response:
        return self.client.get(path, **options)  # type: ignore[arg-type]

    def post(self, path: str, **options: object) -> httpx.Response:
        return self.client.post(path, **options)  # type: ignore[arg-type]

    def sparql(self, query: str, accept: str = "application/sparql-results+json") -> httpx.Response:
        """A query by direct POST."""
        headers = {"Content-Type": "application/sparql-query", "Accept": accept}
        return self.client.post("/sparql", content=query, headers=headers)

    def recommend(self, body: str | bytes, media_type: str = "application/json") -> httpx.Response:
        return self.client.post("/recommend", content=body, headers={"Content-Type": media_type})


@contextmanager
def serving(*arguments: str | Path, token: str | None = None, port: int = 0) -> Iterator[Served]:
    """Run ``dvt-kg serve`` with some arguments, from when it answers.

    :param token: what it asks of clients, and this client sends
    """
    command = [str(DVT_KG), "serve", "--port", str(port), *map(str, arguments)]
    environment = {**os.environ, **({"DVT_KG_TOKEN": token} if token else {})}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        try:
            url = _address(process, log)
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            with httpx.Client(base_url=url, timeout=60, headers=headers) as client:
                yield Served(url, process, client, log)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def _address(process: subprocess.Popen[bytes], log: IO[bytes]) -> str:
    """The address that a server says when it answers."""
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline:
        position = log.tell()
        log.seek(0)
        said = log.read().decode()
        log.seek(position)
        if found := _ADDRESS.search(said):
            return found[1]
        assert process.poll() is None, f"the server ended: {said}"
        time.sleep(0.02)
    raise AssertionError(f"the server does not answer after {STARTING:g} s")
