"""The server on a port of this machine."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Callable

import uvicorn

from dvt_kg.errors import UsageError
from dvt_kg.server.app import Settings, application
from dvt_kg.server.desk import Contents
from dvt_kg.server.workers import Worker

GRACE = 5
"""Seconds that requests in progress are given when the server is stopped."""


def serve(
    contents: Contents,
    settings: Settings,
    host: str,
    port: int,
    first: Worker,
    started: Callable[[str], None],
) -> None:
    """Serve until the process is told to stop.

    :param host: the address to listen at
    :param port: the port to listen at; 0 takes a free one
    :param first: a worker that was started before
    :param started: called with the server's address once it answers
    :raises UsageError: where that cannot be listened at, or no worker starts
    """
    with _listening(host, port) as listening:
        config = uvicorn.Config(
            application(contents, settings, first),
            access_log=False,
            log_config=None,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=GRACE,
        )
        shown = f"[{host}]" if ":" in host else host
        server = _Server(config, lambda: started(f"http://{shown}:{listening.getsockname()[1]}/"))
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how it is stopped
            server.run(sockets=[listening])
    if not server.answered:
        raise UsageError("no process could be started to do the work; see whether there is memory for it")


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._say = started
        self.answered = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.answered = True
            self._say()


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, UnicodeError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise UsageError(
                f"port {port} is in use; choose another with --port, or 0 for a free one"
            ) from None
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot listen at {host}, port {port}: {reason}; see --host and --port") from None
