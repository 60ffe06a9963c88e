"""A SPARQL endpoint of others: queries and updates through SPARQLWrapper, graphs by the Graph Store Protocol.

Each call ends: with a whole answer, or with an :class:`EndpointError` that says what came in its place.
"""

from __future__ import annotations

import base64
import contextlib
import email.utils
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import SplitResult, unquote, urlencode, urlsplit, urlunsplit

import pyoxigraph as ox
import SPARQLWrapper
import tenacity

from dvt_kg.errors import EndpointError, UsageError
from dvt_kg.graph import GRAPHS
from dvt_kg.ontology import RdfTerm
from dvt_kg.queries import Query, Rows, bound_text, load

TIMEOUT = 30.0
ATTEMPTS = 5
LONGEST_WAIT = 60.0  # seconds between two attempts, also where the endpoint asks for more
PASSWORD, TOKEN = "DVT_KG_ENDPOINT_PASSWORD", "DVT_KG_ENDPOINT_TOKEN"
_BUSY = {429: "too many requests", 502: "bad gateway", 503: "overloaded"}
_PIECE = 1 << 16
_SHOWN = 200  # characters of what an endpoint says in place of an answer


class _Busy(Exception):
    """The endpoint asks to come again later, after so many seconds where it says how many."""

    def __init__(self, said: str, wait: float | None) -> None:
        self.said = said
        self.wait = wait
        super().__init__(said)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect with the same request, and nowhere else with what it carries."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        same = (old.scheme, old.netloc) == (new.scheme, new.netloc)
        if not same and (old.scheme, new.scheme, old.hostname) != ("http", "https", new.hostname):
            shown = urlunsplit((new.scheme, new.netloc.rpartition("@")[2], new.path, "", ""))
            raise _Elsewhere(shown)
        if code == 303:
            return super().redirect_request(req, fp, code, msg, headers, newurl)
        again = urllib.request.Request(newurl, req.data, dict(req.headers), method=req.get_method())
        for name, value in req.unredirected_hdrs.items():
            if name in ("Authorization", "Content-type"):
                again.add_unredirected_header(name, value)
        return again


class _Elsewhere(Exception):
    """A redirect to another server."""


@dataclass(frozen=True)
class _Answer:
    """A whole answer: its media type and its bytes."""

    media_type: str
    body: bytes
    headers: Mapping[str, str]


class Endpoint:
    """A SPARQL 1.1 endpoint, with what it takes to be let in.

    Every request has a time limit. Where the endpoint answers 429, 502 or 503 it is asked again after a
    while that doubles, or as long as it says; so an update must be one that may be sent twice.

    :param url: its address; a user and password in it are taken out and used
    :param update: where it takes updates; if not given the same address, but ``.../update`` beside one that
        ends in ``/query``
    :param graph_store: where it takes graphs by the Graph Store Protocol, if it does
    :param user: with ``password``, sent as Basic authentication, or as Digest where the endpoint asks for it
    :param token: a bearer token
    :param timeout: the seconds in which an answer must be whole
    :param attempts: how often at most it is asked
    :raises EndpointError: for an address that is none of http or https
    """

    def __init__(
        self,
        url: str,
        *,
        update: str | None = None,
        graph_store: str | None = None,
        user: str | None = None,
        password: str | None = None,
        token: str | None = None,
        timeout: float = TIMEOUT,
        attempts: int = ATTEMPTS,
    ) -> None:
        address = _split(url)
        if address.username and user is None:
            user, password = unquote(address.username), unquote(address.password or "")
        self.url = _plain(address)
        self.shown = urlunsplit(urlsplit(self.url)._replace(query=""))  # which may hold a key
        beside = self.url.removesuffix("/query") + "/update" if self.url.endswith("/query") else self.url
        self.update_url = _plain(_split(update)) if update else beside
        self.graph_store = _plain(_split(graph_store)) if graph_store else None
        self.timeout = timeout
        self.attempts = attempts
        self._authorization = None if token is None else f"Bearer {token}"
        handlers: list[urllib.request.BaseHandler] = [_Redirects()]
        if user is not None:
            pair = base64.b64encode(f"{user}:{password or ''}".encode()).decode()
            self._authorization = f"Basic {pair}"
            known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
            for where in filter(None, (self.url, self.update_url, self.graph_store)):
                known.add_password(None, where, user, password or "")
            handlers.append(urllib.request.HTTPDigestAuthHandler(known))
        self._opener = urllib.request.build_opener(*handlers)

    def __repr__(self) -> str:
        return f"Endpoint({self.shown!r})"

    def select(self, query: Query | str, *, graphs: Iterable[str] | None = None, **parameters: str) -> Rows:
        """Run a SELECT over the union of some graphs.

        :param query: a query, or the name of one of the catalogue
        :param graphs: the graphs; the three named graphs if not given
        :param parameters: the query's parameters as text
        :raises EndpointError: where no whole answer comes
        """
        chosen = load(query) if isinstance(query, str) else query
        answer = self._asked("SELECT", bound_text(chosen, parameters), graphs)
        said = self._json(answer)
        try:
            names = tuple(said["head"]["vars"])
            found = tuple(tuple(_term(b.get(n)) for n in names) for b in said["results"]["bindings"])
        except (KeyError, TypeError, AttributeError, ValueError):
            raise self.error("the answer is no SPARQL JSON; is this a SPARQL endpoint?") from None
        self._uncut(answer, len(found))
        return Rows(names, found)

    def construct(self, query: str, *, graphs: Iterable[str] | None = None) -> list[ox.Triple]:
        """Run a CONSTRUCT over the union of some graphs.

        :param query: its text
        :param graphs: the graphs; the three named graphs if not given
        :raises EndpointError: where no whole answer comes
        """
        found, answer = self._constructed(query, graphs)
        self._uncut(answer, len(found))
        return found

    def _constructed(self, query: str, graphs: Iterable[str] | None) -> tuple[list[ox.Triple], _Answer]:
        answer = self._asked("CONSTRUCT", query, graphs)
        form = ox.RdfFormat.from_media_type(answer.media_type)
        if form is None:
            raise self._odd(answer, "no RDF")
        try:
            return [q.triple for q in ox.parse(answer.body, format=form)], answer
        except (SyntaxError, ValueError):
            raise self.error(f"only half an answer came: its {form.name} breaks off") from None

    def triples(self, graph: str) -> list[ox.Triple]:
        """All triples of a graph; in pages, where the endpoint gives no more than so many at a time.

        :param graph: its name
        :raises EndpointError: where they do not all come
        """
        whole = "CONSTRUCT { ?subject ?property ?value } WHERE { ?subject ?property ?value }"
        total = self.count(graph)
        found = dict.fromkeys(self._constructed(whole, (graph,))[0])
        while len(found) < total:
            page = self._constructed(f"{whole} OFFSET {len(found)}", (graph,))[0]
            before = len(found)
            found |= dict.fromkeys(page)
            # Blank nodes have other names in each answer.
            if len(found) == before or any(isinstance(t.subject, ox.BlankNode) for t in found):
                raise self.error(
                    f"only half an answer came: {before:,} of the {total:,} triples in {graph};"
                    " let it give more rows at a time"
                )
        return list(found)

    def count(self, graph: str) -> int:
        """The number of triples in a graph."""
        counted = Query("count", "SELECT (COUNT(*) AS ?triples) WHERE { ?subject ?property ?value }")
        ((number,),) = self.select(counted, graphs=(graph,)).rows
        assert isinstance(number, ox.Literal)
        return int(number.value)

    def update(self, request: str) -> None:
        """Run a SPARQL update; it must be one that may be sent twice.

        :raises EndpointError: where it is refused, or nothing says that it was done
        """
        self._send(lambda: self._wrapped("INSERT", request, ()))

    def put(self, graph: str, data: bytes) -> None:
        """Put N-Triples in the place of a graph, by the Graph Store Protocol.

        :raises EndpointError: where they are refused, or nothing says that they were taken
        """
        self._send(lambda: self._stored("PUT", graph, data))

    def add(self, graph: str, data: bytes) -> None:
        """Add N-Triples without blank nodes to a graph, by the Graph Store Protocol.

        :raises EndpointError: where they are refused, or nothing says that they were taken
        """
        self._send(lambda: self._stored("POST", graph, data))

    def error(self, message: str) -> EndpointError:
        """An error that names the endpoint without anything secret."""
        return EndpointError(message, endpoint=self.shown)

    def _asked(self, kind: str, text: str, graphs: Iterable[str] | None) -> _Answer:
        chosen = [g.value for g in GRAPHS] if graphs is None else list(graphs)
        return self._send(lambda: self._wrapped(kind, text, chosen))

    def _wrapped(self, kind: str, text: str, graphs: Iterable[str]) -> urllib.request.Request:
        """A request as SPARQLWrapper writes it.

        By POST, which bears a query of any length and leaves no patient's id in the log of a server.
        """
        wrapper = SPARQLWrapper.SPARQLWrapper(self.url, self.update_url, returnFormat=SPARQLWrapper.JSON)
        wrapper.setMethod(SPARQLWrapper.POST)
        wrapper.setOnlyConneg(True)
        # Not by setQuery, which takes the word "address" in a comment for the operation ADD.
        wrapper.queryString, wrapper.queryType = text, kind
        for graph in graphs:
            wrapper.addParameter("default-graph-uri", graph)
        if kind == "CONSTRUCT":
            wrapper.addCustomHttpHeader("Accept", ox.RdfFormat.N_TRIPLES.media_type)
        request: urllib.request.Request = wrapper._createRequest()  # sent here, to be in command of it
        return request

    def _stored(self, method: str, graph: str, data: bytes) -> urllib.request.Request:
        """A request of the Graph Store Protocol."""
        if self.graph_store is None:
            raise self.error("no graph store is known; say where with --graph-store")
        joint = "&" if urlsplit(self.graph_store).query else "?"
        url = f"{self.graph_store}{joint}{urlencode({'graph': graph})}"
        headers = {"Content-Type": ox.RdfFormat.N_TRIPLES.media_type}
        return urllib.request.Request(url, data, headers, method=method)

    def _send(self, made: Callable[[], urllib.request.Request]) -> _Answer:
        """Send a request, again while the endpoint is busy."""
        growing = tenacity.wait_exponential_jitter(initial=0.5, max=LONGEST_WAIT / 2, jitter=0.5)

        def wait(state: tenacity.RetryCallState) -> float:
            busy = state.outcome.exception() if state.outcome else None
            asked = busy.wait if isinstance(busy, _Busy) else None
            return growing(state) if asked is None else asked

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Busy),
            stop=tenacity.stop_after_attempt(self.attempts),
            wait=wait,
            reraise=True,
        )
        try:
            return retrying(lambda: self._once(made()))
        except _Busy as busy:
            raise self.error(f"{busy.said}, also at attempt {self.attempts}; try again later") from None

    def _once(self, request: urllib.request.Request) -> _Answer:
        """Send a request and read the whole answer."""
        if self._authorization:
            request.add_unredirected_header("Authorization", self._authorization)
        until = time.monotonic() + self.timeout
        late = f"no whole answer within {self.timeout:g} s; allow more with --timeout"
        try:
            with self._opener.open(request, timeout=self.timeout) as response:
                return _Answer(
                    response.headers.get_content_type(), _whole(response, until), dict(response.headers)
                )
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error) from None
        except _Elsewhere as other:
            raise self.error(f"it sends on to {other}; if that is to be trusted, ask there") from None
        except TimeoutError:
            raise self.error(late) from None
        except http.client.RemoteDisconnected:
            raise self.error("it closed the connection without an answer") from None
        except (http.client.HTTPException, ConnectionError):
            raise self.error("only half an answer came: the connection was closed") from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise self.error(late) from None
            raise self.error(f"cannot be reached: {error.reason}") from None
        except OSError as error:
            raise self.error(f"cannot be reached: {error}") from None
        except ValueError:  # urllib's word for a challenge that it does not know
            raise self.error("it asks for credentials in a way that is not supported") from None

    def _refusal(self, error: urllib.error.HTTPError) -> EndpointError | _Busy:
        """What an answer that is none comes to."""
        code, said = error.code, ""
        if code in _BUSY:
            busy = _Busy(f"it is busy ({code}, {_BUSY[code]})", _seconds(error.headers.get("Retry-After")))
            if busy.wait is None or busy.wait <= LONGEST_WAIT:
                return busy
            return self.error(f"{busy.said} and asks to wait {busy.wait:,.0f} s; try again then")
        with contextlib.suppress(OSError, http.client.HTTPException):
            lines = error.read(_PIECE).decode("utf-8", "replace").strip().splitlines()
            page = "html" in error.headers.get_content_type()
            said = "" if page or not lines else f": {lines[0][:_SHOWN]}"
        wanted = f"a token in {TOKEN}, or --user and a password in {PASSWORD}"
        known = {
            400: f"the query was refused{said or ' without a reason'}",
            401: f"it asks for credentials (401): {wanted}",
            403: f"it asks for credentials (403): {wanted}",
            404: "there is nothing at this address (404); is this its SPARQL address?",
        }
        if self._authorization:
            known |= {code: f"it refused the credentials ({code})" for code in (401, 403)}
        if 300 <= code < 400:
            return self.error(f"it redirects in a circle, or to nowhere ({code})")
        return self.error(known.get(code, f"it answered {code} {error.reason}{said}"))

    def _json(self, answer: _Answer) -> Any:
        try:
            return json.loads(answer.body)
        except ValueError:
            if answer.body.lstrip().startswith(b"{"):
                raise self.error("only half an answer came: its JSON breaks off") from None
            raise self._odd(answer, "no SPARQL JSON") from None

    def _odd(self, answer: _Answer, what: str) -> EndpointError:
        page = "html" in answer.media_type or answer.body.lstrip()[:9].lower() in (b"<!doctype", b"<html>")
        came = "a page (HTML)" if page else what
        return self.error(f"the answer is {came} in place of results; is this its SPARQL address?")

    def _uncut(self, answer: _Answer, found: int) -> None:
        """Refuse an answer that was cut off at a limit: Virtuoso does so, and says it in a header alone."""
        limit = answer.headers.get("X-SPARQL-MaxRows", "")
        if limit.isdecimal() and found >= int(limit):
            raise self.error(f"only half an answer came: it gives no more than {limit} rows")


def from_environment(url: str, *, user: str | None = None, **options: Any) -> Endpoint:
    """An endpoint with the credentials that the environment holds.

    :param url: its address
    :param user: whose password is in ``DVT_KG_ENDPOINT_PASSWORD``; else a token in ``DVT_KG_ENDPOINT_TOKEN``
        is used, where there is one
    :param options: of :class:`Endpoint`
    :raises UsageError: where the user's password is not there
    """
    if user is None:
        return Endpoint(url, token=os.environ.get(TOKEN) or None, **options)
    if (password := os.environ.get(PASSWORD)) is None:
        raise UsageError(f"--user needs the password in the environment variable {PASSWORD}")
    return Endpoint(url, user=user, password=password, **options)


def ask_endpoint(
    endpoint: str,
    query: Query | str,
    *,
    timeout: float = TIMEOUT,
    graphs: Iterable[str] | None = None,
    **parameters: str,
) -> Rows:
    """Run a SELECT on a remote endpoint over the union of the graphs.

    :param endpoint: the address of a SPARQL 1.1 endpoint
    :param timeout: seconds
    :param graphs: the graphs whose union is asked; the three named graphs if not given
    :raises EndpointError: where no whole answer comes
    """
    return Endpoint(endpoint, timeout=timeout).select(query, graphs=graphs, **parameters)


def _split(url: str) -> SplitResult:
    """An address in its parts."""
    try:
        address = urlsplit(url)
        sound = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise EndpointError("this is no address of the form http://... or https://...", endpoint=_bare(url))
    return address


def _bare(text: str) -> str:
    """What was given for an address, without what may be a password or a key."""
    return text.rpartition("@")[2].partition("?")[0]


def _plain(address: SplitResult) -> str:
    """An address without user and password."""
    return urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[2], fragment=""))


def _whole(response: http.client.HTTPResponse, until: float) -> bytes:
    """The whole body, if it comes in time: a limit on each read alone would bear a trickle for ever."""
    pieces = []
    while piece := response.read1(_PIECE):
        pieces.append(piece)
        if time.monotonic() > until:
            raise TimeoutError
    body = b"".join(pieces)
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and len(body) < int(announced):
        raise http.client.IncompleteRead(b"")
    return body


def _seconds(said: str | None) -> float | None:
    """How long a Retry-After says to wait: in seconds, or until a date."""
    if said is None:
        return None
    if said.strip().isdecimal():
        return float(said)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return None


def _term(binding: Mapping[str, str] | None) -> RdfTerm | None:
    """A term of the SPARQL JSON results format."""
    if binding is None:
        return None
    kind, value = binding["type"], binding["value"]
    if kind == "uri":
        return ox.NamedNode(value)
    if kind == "bnode":
        return ox.BlankNode(value)
    if language := binding.get("xml:lang"):
        return ox.Literal(value, language=language)
    if datatype := binding.get("datatype"):
        return ox.Literal(value, datatype=ox.NamedNode(datatype))
    return ox.Literal(value)
