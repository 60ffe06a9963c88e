"""A SPARQL endpoint of others: queries and updates through SPARQLWrapper, graphs by the Graph Store Protocol.

Each call ends: with a whole answer, or with an :class:`EndpointError` that says what came in its place.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import SplitResult, unquote, urlencode, urlsplit, urlunsplit

import pyoxigraph as ox
import SPARQLWrapper

from dvt_kg.errors import EndpointError, UsageError
from dvt_kg.exchange import PASSWORD, TOKEN, Answer, Exchange, shown
from dvt_kg.graph import GRAPHS
from dvt_kg.ontology import RdfTerm
from dvt_kg.queries import Query, Rows, bound_text, load

TIMEOUT = 30.0
ATTEMPTS = 5
# The operations that are sent, with the form in which they are answered.
_FORMS = {"SELECT": SPARQLWrapper.JSON, "CONSTRUCT": SPARQLWrapper.TURTLE, "INSERT": SPARQLWrapper.JSON}


class Endpoint:
    """A SPARQL 1.1 endpoint, with what it takes to be let in.

    Every request has a time limit. Where the endpoint answers 429, 502 or 503 it is asked again after a
    while that doubles, or as long as it says; so an update must be one that may be sent twice.

    :param url: its address; a user and password in it are taken out and used
    :param update: where it takes updates; if not given the same address, but ``.../update`` beside one that
        ends in ``/query``
    :param graph_store: where it takes graphs by the Graph Store Protocol, if it does
    :param user: with ``password``, sent where it is asked for, in the way that is asked for: Basic or Digest
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
        self.shown = shown(self.url)
        beside = self.url.removesuffix("/query") + "/update" if self.url.endswith("/query") else self.url
        self.update_url = _plain(_split(update)) if update else beside
        self.graph_store = _plain(_split(graph_store)) if graph_store else None
        addresses = [a for a in (self.url, self.update_url, self.graph_store) if a]
        self._exchange = Exchange(
            addresses,
            user=user,
            password=password,
            token=token,
            timeout=timeout,
            attempts=attempts,
        )

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
        answer = self._asked("CONSTRUCT", query, graphs)
        form = ox.RdfFormat.from_media_type(answer.media_type)
        if form is None:
            raise self._odd(answer, "no RDF")
        try:
            found = [q.triple for q in ox.parse(answer.body, format=form)]
        except (SyntaxError, ValueError):
            raise self.error(f"only half an answer came: its {form.name} breaks off") from None
        self._uncut(answer, len(found))
        return found

    def triples(self, graph: str) -> list[ox.Triple]:
        """All triples of a graph; in pages, where no more than so many come at a time, as from Virtuoso.

        :param graph: its name
        :raises EndpointError: where they do not all come
        """
        whole = "CONSTRUCT { ?subject ?property ?value } WHERE { ?subject ?property ?value }"
        total = self.count(graph)
        found = dict.fromkeys(self.construct(whole, graphs=(graph,)))
        size = len(found)
        while (before := len(found)) < total:
            blank = any(isinstance(triple.subject, ox.BlankNode) for triple in found)
            # Blank nodes have other names in each answer, so that pages with such do not fit together.
            page = [] if blank else self.construct(f"{whole} LIMIT {size} OFFSET {before}", graphs=(graph,))
            found |= dict.fromkeys(page)
            if len(found) == before:
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
        self._exchange.send(self._wrapped("INSERT", request, ()))

    def put(self, graph: str, data: bytes) -> None:
        """Put N-Triples in the place of a graph, by the Graph Store Protocol.

        :raises EndpointError: where they are refused, or nothing says that they were taken
        """
        self._exchange.send(self._stored("PUT", graph, data))

    def add(self, graph: str, data: bytes) -> None:
        """Add N-Triples without blank nodes to a graph, by the Graph Store Protocol.

        :raises EndpointError: where they are refused, or nothing says that they were taken
        """
        self._exchange.send(self._stored("POST", graph, data))

    def error(self, message: str) -> EndpointError:
        """An error that names the endpoint without anything secret."""
        return EndpointError(message, endpoint=self.shown)

    def _asked(self, kind: str, text: str, graphs: Iterable[str] | None) -> Answer:
        chosen = [g.value for g in GRAPHS] if graphs is None else list(graphs)
        return self._exchange.send(self._wrapped(kind, text, chosen))

    def _wrapped(self, kind: str, text: str, graphs: Iterable[str]) -> urllib.request.Request:
        """A request as SPARQLWrapper writes it.

        By POST, which bears a query of any length and leaves no patient's id in the log of a server.
        """
        wrapper = SPARQLWrapper.SPARQLWrapper(self.url, self.update_url, _FORMS[kind])
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

    def _json(self, answer: Answer) -> Any:
        try:
            return json.loads(answer.body)
        except ValueError:
            if answer.body.lstrip().startswith(b"{"):
                raise self.error("only half an answer came: its JSON breaks off") from None
            raise self._odd(answer, "no SPARQL JSON") from None

    def _odd(self, answer: Answer, what: str) -> EndpointError:
        page = "html" in answer.media_type or answer.body.lstrip()[:9].lower() in (b"<!doctype", b"<html>")
        came = "a page (HTML)" if page else what
        return self.error(f"the answer is {came} in place of results; is this its SPARQL address?")

    def _uncut(self, answer: Answer, found: int) -> None:
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
        bare = url.rpartition("@")[2].partition("?")[0]
        raise EndpointError("this is no address of the form http://... or https://...", endpoint=bare)
    return address


def _plain(address: SplitResult) -> str:
    """An address without user and password."""
    return urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[2], fragment=""))


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
