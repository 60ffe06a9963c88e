"""wrk, given any requests in turn: how many a second are answered, how fast, and what goes wrong."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

PATIENCE = 60  # s, that wrk waits for one answer

_SCRIPT = """
local requests, place = {}, 0
function init(args)
  requests = {%s}
end
function request()
  place = place %% #requests + 1
  return requests[place]
end
function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format(
    '\\n{"requests": %%d, "seconds": %%f, "p50": %%f, "p99": %%f, "refused": %%d, "broken": %%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e6, latency:percentile(99) / 1e6,
    e.status, e.connect + e.read + e.write + e.timeout))
end
"""


@dataclass(frozen=True)
class Request:
    """What is sent, again and again."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None

    def lua(self) -> str:
        """The request as wrk's scripts make one."""
        headers = ", ".join(f"[{_text(name)}] = {_text(value)}" for name, value in self.headers.items())
        body = "nil" if self.body is None else _text(self.body)
        return f"wrk.format({_text(self.method)}, {_text(self.path)}, {{{headers}}}, {body})"


def _text(value: str) -> str:
    """A text for Lua, which writes quotes, backslashes and line ends as JSON does."""
    return json.dumps(value, ensure_ascii=False)


class Load(NamedTuple):
    """What came of a time under load.

    :param rate: answers a second
    :param p50: the median of the seconds to an answer
    :param p99: the seconds within which 99 of 100 came
    :param refused: answers of status 400 and above
    :param broken: connections that failed or waited in vain
    """

    rate: float
    p50: float
    p99: float
    refused: int
    broken: int

    @property
    def errors(self) -> int:
        """All that went wrong."""
        return self.refused + self.broken


def load(address: str, requests: Sequence[Request], connections: int, seconds: float) -> Load:
    """Send requests in turn over some connections for some time, each as soon as the last is answered.

    :param address: the server, without a path
    """
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "requests.lua"
        script.write_text(_SCRIPT % ",\n".join(request.lua() for request in requests), encoding="utf-8")
        words = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", f"--timeout={PATIENCE}s"]
        done = subprocess.run(
            [*words, "-s", str(script), address],
            check=True,
            capture_output=True,
            text=True,
            timeout=seconds + 2 * PATIENCE,
        )
    found = json.loads(done.stdout.splitlines()[-1])
    rate = (found["requests"] - found["refused"]) / found["seconds"]
    return Load(rate, found["p50"], found["p99"], found["refused"], found["broken"])
