"""The addresses of the server, and what each has done."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from dvt_kg.server import requests
from dvt_kg.server.caching import ReplyCache
from dvt_kg.server.desk import Contents, Job, Reply
from dvt_kg.server.guard import Guard
from dvt_kg.server.limits import Limits
from dvt_kg.server.openapi import openapi
from dvt_kg.server.refusals import Refused
from dvt_kg.server.workers import Worker, Workers

PAGE = Path(__file__).parent.parent / "page"
_STORED_NOWHERE = {"Cache-Control": "no-store"}


@dataclass(frozen=True)
class Settings:
    """How a server is set up.

    :param workers: how many free-form queries are done at a time, and how many other jobs
    :param hosts: the names by which the server may be called; every one if none is given
    :param origins: the origins of other pages whose scripts may read the answers
    :param token: what a client has to send, None where everybody may ask
    :param cache: bytes of replies to keep
    """

    limits: Limits = field(default_factory=Limits)
    workers: int = 2
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    token: str | None = None
    cache: int = 64_000_000


def application(contents: Contents, settings: Settings, first: Worker | None = None) -> Starlette:
    """The server as an ASGI application.

    :param contents: what is served
    :param first: a worker that was started before
    """
    registry = CollectorRegistry()
    workers = Workers(contents, settings.limits, settings.workers, first)
    Gauge("dvt_kg_workers", "Processes that work.", registry=registry).set_function(lambda: workers.ready)
    ended = Gauge("dvt_kg_workers_ended", "Processes that were ended or died.", registry=registry)
    ended.set_function(lambda: workers.ended)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with workers.working():
            yield

    middleware = [Middleware(Guard, registry=registry, token=settings.token, hosts=settings.hosts)]
    if settings.origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(settings.origins),
                allow_methods=["GET", "POST"],
                allow_headers=["Accept", "Authorization", "Content-Type"],
            )
        )
    middleware += [
        Middleware(ReplyCache, size=settings.cache),
        Middleware(GZipMiddleware, minimum_size=500, compresslevel=5),
    ]
    handlers = _Handlers(workers, settings.limits, contents.patients, registry)
    return Starlette(
        routes=[
            Route("/sparql", handlers.sparql, methods=["GET", "POST"]),
            Route("/.well-known/void", handlers.void),
            Route("/recommend", handlers.recommend, methods=["POST"]),
            Route("/explain", handlers.explain, methods=["POST"]),
            Route("/queries", handlers.simple("catalogue")),
            Route("/queries/{name}", handlers.query),
            Route("/terms", handlers.terms),
            Route("/terms/{name}", handlers.term),
            Route("/form", handlers.simple("form")),
            Route("/examples", handlers.simple("examples")),
            Route("/health", handlers.health),
            Route("/metrics", handlers.metrics),
            Route("/openapi.json", handlers.openapi),
            Route("/", handlers.page),
            Mount("/page", StaticFiles(directory=PAGE)),
        ],
        middleware=middleware,
        exception_handlers={Refused: _refused, HTTPException: _http, Exception: _fault},
        lifespan=lifespan,
    )


class _Handlers:
    """What each address does: it makes a job of the request, and a response of the reply."""

    def __init__(self, workers: Workers, limits: Limits, patients: int, registry: CollectorRegistry) -> None:
        self._workers = workers
        self._limits = limits
        self._patients = patients
        self._registry = registry

    async def _do(self, job: str, **arguments: Any) -> Reply:
        return await self._workers.do(Job(job, arguments))

    async def sparql(self, request: Request) -> Response:
        """A query, or the service description."""
        asked = await requests.sparql_request(request, self._limits.text)
        accept = request.headers.get("accept")
        if asked.text is None:
            return _response(await self._do("description", endpoint=_address(request), accept=accept))
        reply = await self._do(
            "sparql",
            text=asked.text,
            base=_address(request),
            accept=accept,
            default=asked.default,
            named=asked.named,
        )
        return _response(reply)

    async def void(self, request: Request) -> Response:
        """What is served, in VoID."""
        requests.parameters(request, ())
        endpoint = str(request.url_for("sparql"))
        return _response(await self._do("void", endpoint=endpoint, accept=request.headers.get("accept")))

    async def recommend(self, request: Request) -> Response:
        """The answer to posted records."""
        given = requests.once(requests.parameters(request, ("guidelines",)))
        body, format = await requests.records_of(request, self._limits.body)
        reply = await self._do(
            "recommend",
            body=body,
            format=format,
            accept=request.headers.get("accept"),
            guidelines=given.get("guidelines", "acr"),
        )
        return _response(reply, _STORED_NOWHERE)

    async def explain(self, request: Request) -> Response:
        """The explanation of posted records."""
        given = requests.parameters(request, ("presentation", "conclusion"))
        body, format = await requests.records_of(request, self._limits.body)
        reply = await self._do(
            "explain",
            body=body,
            format=format,
            accept=request.headers.get("accept"),
            presentations=[value for name, value in given if name == "presentation"],
            conclusions=[value for name, value in given if name == "conclusion"],
        )
        return _response(reply, _STORED_NOWHERE)

    def simple(self, job: str) -> Any:
        """An address without parameters."""

        async def answer(request: Request) -> Response:
            requests.parameters(request, ())
            return _response(await self._do(job))

        return answer

    async def query(self, request: Request) -> Response:
        """A query of the catalogue, its parameters in the address."""
        given = requests.once(requests.parameters(request, None))
        reply = await self._do(
            "query",
            name=request.path_params["name"],
            parameters=given,
            accept=request.headers.get("accept"),
        )
        return _response(reply)

    async def terms(self, request: Request) -> Response:
        """Terms by words or by a code."""
        given = requests.once(requests.parameters(request, ("text", "system", "code")))
        if "code" in given or "system" in given:
            for name in ("system", "code"):
                if name not in given:
                    raise Refused(400, "missing-parameter", "give both system and code", field=name)
            return _response(await self._do("terms-of-code", system=given["system"], code=given["code"]))
        return _response(await self._do("terms", text=given.get("text", "")))

    async def term(self, request: Request) -> Response:
        """One term."""
        requests.parameters(request, ())
        name, accept = request.path_params["name"], request.headers.get("accept")
        return _response(await self._do("term", name=name, accept=accept))

    async def health(self, request: Request) -> Response:
        """Whether the server works, and what it serves."""
        about = {"status": "ok", "version": package_version("dvt-kg"), "patients": self._patients}
        return JSONResponse(
            about | self._workers.about | {"workers": self._workers.ready}, 200, _STORED_NOWHERE
        )

    async def metrics(self, request: Request) -> Response:
        """The numbers for Prometheus."""
        return Response(generate_latest(self._registry), 200, _STORED_NOWHERE, media_type=CONTENT_TYPE_LATEST)

    async def openapi(self, request: Request) -> Response:
        """The description of all addresses."""
        return JSONResponse(openapi())

    async def page(self, request: Request) -> Response:
        """The page."""
        return FileResponse(PAGE / "index.html", media_type="text/html")


def _response(reply: Reply, headers: Mapping[str, str] | None = None) -> Response:
    vary = {"Vary": "Accept"}
    kind = reply.media_type
    kind += "; charset=utf-8" if kind.startswith("text/") else ""
    return Response(reply.body, reply.status, {**reply.headers, **vary, **(headers or {})}, media_type=kind)


def _address(request: Request) -> str:
    """The address of a request without its query."""
    return str(request.url.replace(query=""))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return JSONResponse(error.body(), error.status, {**error.headers, **_STORED_NOWHERE})


async def _http(request: Request, error: Exception) -> Response:
    """What the framework itself refuses: an address or a method."""
    assert isinstance(error, HTTPException)
    headers = {**(error.headers or {}), **_STORED_NOWHERE}
    if error.status_code == 405 and request.method == "OPTIONS":
        return Response(None, 204, {"Allow": f"{headers.get('Allow', 'GET')}, OPTIONS"})
    kind, message = {
        404: ("no-such-address", "nothing is at this address; /openapi.json lists what there is"),
        405: ("method", "this address does not take that method"),
    }.get(error.status_code, ("refused", error.detail))
    return JSONResponse(Refused(error.status_code, kind, message).body(), error.status_code, headers)


async def _fault(request: Request, error: Exception) -> Response:
    from dvt_kg.server.jobs import fault  # noqa: PLC0415 - brings in what only workers need

    return JSONResponse(fault(error).body(), 500, _STORED_NOWHERE)
