"""What every request passes: the token, the count, and the headers that keep a browser in bounds."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dvt_kg.server.refusals import Refused

_CSP = "; ".join(
    (
        *("default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:"),
        *("connect-src 'self'", "font-src 'self'", "base-uri 'none'", "form-action 'none'"),
        "frame-ancestors 'none'",
    )
)
HEADERS = [
    (b"content-security-policy", _CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
]
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
# What a browser needs to show the page, which then asks for the token; and what a supervisor asks.
_OPEN = ("/", "/health")
_OPEN_UNDER = "/page/"
_ROUTES = ("sparql", "recommend", "explain", "queries", "terms", "form", "examples", "page", "metrics")


class Guard:
    """Lets a request in, and counts it with what came of it; its address is counted by its first part only.

    :param app: what answers
    :param registry: where the numbers are kept
    :param token: what a client has to send, None where everybody may ask
    :param hosts: the names by which the server may be called, so that no page of another site reaches it
        under a name of its own; every one if none is given
    """

    def __init__(
        self, app: ASGIApp, registry: CollectorRegistry, token: str | None, hosts: Collection[str]
    ) -> None:
        self._app = app
        self._token = token
        self._hosts = hosts
        self._requests = Counter(
            "dvt_kg_requests", "Requests by address and status.", ("route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "dvt_kg_request_seconds", "Seconds until the response began.", ("route",), registry=registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        first = scope["path"].lstrip("/").split("/", 1)[0]
        route = first if first in _ROUTES else "other"

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *HEADERS]}
                self._requests.labels(route, str(message["status"])).inc()
                self._seconds.labels(route).observe(time.perf_counter() - began)
            await send(message)

        refused = self._refused(scope["path"], Headers(scope=scope))
        if refused is None:
            await self._app(scope, receive, counted)
        else:
            response = JSONResponse(refused.body(), refused.status, refused.headers)
            await response(scope, receive, counted)

    def _refused(self, path: str, headers: Headers) -> Refused | None:
        """Why a request is not let in."""
        host = headers.get("host", "")
        if not _HOST.fullmatch(host):
            return Refused(400, "host", "the Host header has to be a name with at most a port", field="Host")
        if self._hosts and _name(host) not in self._hosts:
            message = f"this server is called {', '.join(self._hosts)}; --allow-host lets in another name"
            return Refused(400, "host", message, field="Host")
        if self._token is None or path in _OPEN or path.startswith(_OPEN_UNDER):
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token.encode()):
            return None
        return Refused(
            401,
            "token",
            "this server asks for a token: send Authorization: Bearer TOKEN",
            field="Authorization",
            headers={"WWW-Authenticate": "Bearer"},
        )


def _name(host: str) -> str:
    """The name in a Host header, without the port."""
    return host.rpartition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
