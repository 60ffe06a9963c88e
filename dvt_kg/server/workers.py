"""Processes that do the work, each of which is ended when it takes too long, and replaced."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import resource
import signal
import sys
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from dvt_kg.server.desk import Contents, Job, Reply
from dvt_kg.server.limits import Limits
from dvt_kg.server.refusals import Refused

# A new process that has nothing of this one, so that it can be made at any time.
_PROCESSES = multiprocessing.get_context("spawn")
FREE_FORM = "sparql"
"""The job for which there are workers of their own, of low priority: such a query may run to its limit."""
LOW = 10
"""How much less of the processor such a worker gets while others want it, as ``nice`` counts."""
RECURSION = 5_000
"""Calls within calls that a worker may make: a parser makes some 50 for each bracket within brackets."""
AGAIN = 1.0
"""Seconds until another worker is started in the place of one that died as it started."""


class WorkerDied(Exception):
    """A worker ended before it replied."""


def work(pipe: Connection, limits: Limits, niceness: int) -> None:
    """Take what is served from a pipe, then jobs, and put replies into it, while somebody is at its end."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "it is started as a process of its own"
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    # Slow to import, and not needed in the process that serves.
    from dvt_kg.server.desk import Desk  # noqa: PLC0415
    from dvt_kg.server.jobs import do  # noqa: PLC0415

    sys.setrecursionlimit(RECURSION)
    os.nice(niceness)
    with contextlib.suppress(EOFError, OSError):
        desk = Desk(pipe.recv(), limits)
        _limit_memory(limits.memory)
        pipe.send(desk.about())
        while True:
            pipe.send(do(desk, pipe.recv()))


def _end_with(sentinel: int) -> None:
    """End this process with another, even in the middle of a query."""
    connection.wait([sentinel])
    os._exit(1)


def _limit_memory(more: int) -> None:
    """Allow so many bytes of memory more than are in use, where the system tells how many that is."""
    if not sys.platform.startswith("linux"):
        return
    with open("/proc/self/statm", encoding="ascii") as statm:
        used = int(statm.read().split()[5]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (used + more, hard))


class Worker:
    """One process and the pipe to it; it gets ready by itself while what it is to serve is made."""

    def __init__(self, limits: Limits, *, free_form: bool = False) -> None:
        self.free_form = free_form
        self._pipe, theirs = _PROCESSES.Pipe()
        arguments = (theirs, limits, LOW if free_form else 0)
        self._process = _PROCESSES.Process(target=work, args=arguments, daemon=True)
        # Ctrl-C is for the process that serves: what is blocked in this thread is blocked in its children.
        resource_tracker.ensure_running()  # else it is started now, and unblocks
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    def load(self, contents: Contents) -> dict[str, str]:
        """Give it what it serves; afterwards it takes jobs.

        :returns: what it says of that
        :raises WorkerDied: where the process ends
        """
        return self._exchanged(contents)  # type: ignore[no-any-return]

    def do(self, job: Job) -> Reply | Refused:
        """Have a job done.

        :raises WorkerDied: where the process ends before it replies
        """
        return self._exchanged(job)  # type: ignore[no-any-return]

    def _exchanged(self, sent: Contents | Job) -> Any:
        try:
            self._pipe.send(sent)
            return self._pipe.recv()
        except (EOFError, OSError):
            raise WorkerDied from None

    def lives(self) -> bool:
        """Whether the process is there."""
        return self._process.is_alive()

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


class Workers:
    """The processes: as many for free-form queries as for everything else, which so never waits for them.

    :param contents: what each of them holds
    :param limits: what a job may take
    :param number: how many jobs of each of the two kinds are done at a time
    :param first: one for everything else that was started before
    """

    def __init__(self, contents: Contents, limits: Limits, number: int, first: Worker | None = None) -> None:
        self._first = first
        self._contents = contents
        self._limits = limits
        self._number = number
        self._free: dict[bool, asyncio.LifoQueue[Worker]] = {
            free_form: asyncio.LifoQueue() for free_form in (False, True)
        }
        self._all: set[Worker] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(4 * number)
        self.about: dict[str, str] = {}
        self.ended = 0
        self._loaded = 0

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[Workers]:
        """The time in which the workers work: from when the first of each kind is ready."""
        try:
            await asyncio.gather(self._start(free_form=False), self._start(free_form=True))
            for _ in range(self._number - 1):
                self._start_soon(free_form=False)
                self._start_soon(free_form=True)
            yield self
        finally:
            for task in self._starting:
                task.cancel()
            for worker in self._all:
                worker.end()
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def _start(self, *, free_form: bool) -> None:
        worker = None if free_form else self._first
        if worker is None:
            worker = await self._in_thread(partial(Worker, self._limits, free_form=free_form))
        else:
            self._first = None
        self._all.add(worker)
        try:
            self.about = await self._in_thread(worker.load, self._contents)
        except WorkerDied:
            self._all.discard(worker)
            raise
        self._loaded += 1
        self._free[free_form].put_nowait(worker)

    async def _start_again(self, *, free_form: bool) -> None:
        """Start a worker, and another where it dies at once."""
        while True:
            with contextlib.suppress(WorkerDied):
                return await self._start(free_form=free_form)
            await asyncio.sleep(AGAIN)

    def _start_soon(self, *, free_form: bool) -> None:
        task = asyncio.create_task(self._start_again(free_form=free_form))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _in_thread(self, call: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)

    @property
    def ready(self) -> int:
        """How many processes can do a job, or are doing one."""
        return self._loaded

    async def do(self, job: Job) -> Reply:
        """Have a job done within the limits.

        :raises Refused: what the job refuses; 503 where no worker is free in time; 422 where the work takes
            longer than allowed or ends its process
        """
        free = self._free[job.name == FREE_FORM]
        try:
            async with asyncio.timeout(self._limits.waiting):
                worker = await free.get()
                while not worker.lives():  # ended by somebody else
                    self._replace(worker)
                    worker = await free.get()
        except TimeoutError:
            message = "the server is busy; try again in a moment"
            raise Refused(503, "busy", message, headers={"Retry-After": "1"}) from None
        found = await self._done(worker, job)
        if isinstance(found, Refused):
            raise found
        return found

    async def _done(self, worker: Worker, job: Job) -> Reply | Refused:
        try:
            async with asyncio.timeout(self._limits.seconds):
                found: Reply | Refused = await self._in_thread(worker.do, job)
        except TimeoutError:
            self._replace(worker)
            return Refused(
                422, "time-limit", f"stopped after {self._limits.seconds:g} s; narrow it down or ask for less"
            )
        except WorkerDied:
            self._replace(worker)
            return Refused(422, "memory", "this takes more memory or depth than allowed; ask for less")
        self._free[worker.free_form].put_nowait(worker)
        return found

    def _replace(self, worker: Worker) -> None:
        self.ended += 1
        self._all.discard(worker)
        self._loaded -= 1
        self._threads.submit(worker.end)
        self._start_soon(free_form=worker.free_form)
