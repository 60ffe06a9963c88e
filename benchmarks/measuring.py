"""A process of its own, measured whole: its seconds, its peak memory, and its end at a limit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from typing import NamedTuple

import psutil

EVERY = 0.05  # s, between two looks at the memory


class Measured(NamedTuple):
    """What a process took.

    :param seconds: from its start to its end
    :param memory: the most bytes of resident memory seen, of all its processes together
    :param status: its exit status, None where it was stopped
    :param reason: why it was stopped or, where it failed, the last line that it said
    """

    seconds: float
    memory: int
    status: int | None
    reason: str


def run(words: Sequence[str], limit: float, memory: int) -> Measured:
    """Run a process, and stop it with all that it started at a limit.

    :param words: the command
    :param limit: the seconds that it may take
    :param memory: the bytes that it may use
    """
    most = 0
    stopped = ""
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
        )
        family: dict[int, psutil.Process] = {}
        try:
            while not stopped:
                most = max(most, _resident(process.pid, family))
                if most > memory:
                    stopped = f"out of memory: > {memory / 1e9:.0f} GB"
                elif time.perf_counter() - started > limit:
                    stopped = f"> {limit:g} s"
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(EVERY)
                    break
            seconds = time.perf_counter() - started
        finally:
            _end(process, family)
        said.seek(0)
        lines = [line.strip() for line in said.read().decode(errors="replace").splitlines() if line.strip()]
    if stopped:
        return Measured(seconds, most, None, stopped)
    return Measured(seconds, most, process.returncode, lines[-1] if process.returncode and lines else "")


def _resident(pid: int, family: dict[int, psutil.Process]) -> int:
    """The resident memory of a process and all that it started; the processes are kept to be ended."""
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        family |= {one.pid: one for one in (root, *root.children(recursive=True))}
    resident = 0
    for one in family.values():
        with contextlib.suppress(psutil.Error):
            resident += one.memory_info().rss
    return resident


def _end(process: subprocess.Popen[bytes], family: dict[int, psutil.Process]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for one in family.values():  # some leave the group
        with contextlib.suppress(psutil.Error):
            one.kill()
    process.wait()
