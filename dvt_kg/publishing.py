"""Publishing: the graphs into a store of others, in batches, so that a run that broke off goes on.

Blank nodes become IRIs (``urn:dvt-kg:genid:``, as RDF 1.1 advises), for to insert a blank node twice is to
have two. How far each graph has come stands in a graph of its own, in the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import pyoxigraph as ox

from dvt_kg.classification import PROV, provenance
from dvt_kg.endpoint import Endpoint
from dvt_kg.graph import INFERRED, ONTOLOGY, PATIENTS, KnowledgeGraph
from dvt_kg.ontology import XSD, RdfTerm
from dvt_kg.queries import Query
from dvt_kg.serialisation import canonical
from dvt_kg.stored import GENID
from dvt_kg.updates import updates

PUBLISHING = ox.NamedNode("urn:dvt-kg:publishing")
# Virtuoso's parser bears some 5,000 triples in one request.
BATCH_TRIPLES, BATCH_BYTES = 1_000, 500_000
_ENDED = ox.NamedNode(PROV + "endedAtTime")
_FAR = Query(
    "how far",
    f"PREFIX far: <{PUBLISHING.value}#>\n"
    "SELECT ?graph ?digest ?triples ?done ?time\n"
    "WHERE { ?graph far:digest ?digest ; far:triples ?triples ; far:done ?done ; far:time ?time }",
)


class Published(NamedTuple):
    """What became of a graph.

    :param graph: its name
    :param triples: how many of them the store holds
    :param how: ``published``, ``resumed`` or ``unchanged``
    """

    graph: str
    triples: int
    how: str


@dataclass(frozen=True)
class _Far:
    """How far a graph, or the place where it is gathered, has come.

    :param digest: of what is to be there
    :param triples: how many that is
    :param done: how many of them are there
    :param time: when it was concluded, which is not in the digest; empty for what has no time
    """

    digest: str
    triples: int
    done: int = 0
    time: str = ""

    def said(self, graph: str) -> str:
        """The same as N-Triples."""
        values = (f'"{self.digest}"', _integer(self.triples), _integer(self.done), f'"{self.time}"')
        pairs = zip(("digest", "triples", "done", "time"), values, strict=True)
        return "".join(f"<{graph}> <{PUBLISHING.value}#{name}> {value} .\n" for name, value in pairs)


class _Way(Protocol):
    """A way to write into a store."""

    #: ends the name under which a graph is gathered before it takes its place
    beside: str

    def begin(self, graph: str, far: _Far) -> None: ...

    def add(self, graph: str, batch: str, far: _Far) -> None: ...

    def finish(self, graph: str, far: _Far) -> None: ...

    def note(self, graph: str, far: _Far) -> None: ...


class _ByUpdate:
    """By SPARQL Update: a graph is gathered under another name, and takes its place in one step."""

    beside = ":unfinished"

    def __init__(self, endpoint: Endpoint) -> None:
        self._update = endpoint.update

    def begin(self, graph: str, far: _Far) -> None:
        there = graph + self.beside
        self._update(f"DROP SILENT GRAPH <{there}> ;\n{_noted(there, far)}")

    def add(self, graph: str, batch: str, far: _Far) -> None:
        there = graph + self.beside
        self._update(f"INSERT DATA {{ GRAPH <{there}> {{\n{batch}}} }} ;\n{_noted(there, far)}")

    def finish(self, graph: str, far: _Far) -> None:
        there = graph + self.beside
        self._update(
            f"MOVE GRAPH <{there}> TO GRAPH <{graph}> ;\n{_noted(graph, far)} ;\n{_forgotten(there)}"
        )

    def note(self, graph: str, far: _Far) -> None:
        self._update(_noted(graph, far))


class _ByGraphStore:
    """By the Graph Store Protocol, which moves nothing: who asks meanwhile sees a part of the graph."""

    beside = ""

    def __init__(self, endpoint: Endpoint, far: dict[str, _Far]) -> None:
        self._endpoint = endpoint
        self._far = dict(far)

    def begin(self, graph: str, far: _Far) -> None:
        self.note(graph, far)
        self._endpoint.put(graph, b"")

    def add(self, graph: str, batch: str, far: _Far) -> None:
        self._endpoint.add(graph, batch.encode())
        self.note(graph, far)

    def finish(self, graph: str, far: _Far) -> None:
        """The last batch was the last step."""

    def note(self, graph: str, far: _Far) -> None:
        self._far[graph] = far
        said = "".join(each.said(name) for name, each in sorted(self._far.items()))
        self._endpoint.put(PUBLISHING.value, said.encode())


class _Whole(NamedTuple):
    """All of a graph as sorted lines of N-Triples, and the triple that says when it was concluded."""

    lines: list[str]
    ended: ox.Triple | None

    @property
    def far(self) -> _Far:
        """How far the graph is when it is not begun."""
        digest = hashlib.sha256("".join(self.lines).encode()).hexdigest()
        time = self.ended.object.value if self.ended and isinstance(self.ended.object, ox.Literal) else ""
        return _Far(digest, len(self.lines) + bool(self.ended), 0, time)

    def all(self, time: str) -> list[str]:
        """All lines, concluded at a time."""
        if self.ended is None:
            return self.lines
        value = ox.Literal(time, datatype=ox.NamedNode(XSD + "dateTime"))
        return [*self.lines, f"{ox.Triple(self.ended.subject, self.ended.predicate, value)} .\n"]


def publish(
    endpoint: Endpoint,
    graph: KnowledgeGraph,
    graphs: Sequence[ox.NamedNode] = (ONTOLOGY, PATIENTS, INFERRED),
    *,
    rules: bool = False,
    triples: int = BATCH_TRIPLES,
    size: int = BATCH_BYTES,
    progress: Callable[[int, int], None] | None = None,
) -> list[Published]:
    """Put graphs into a store, each in the place of the graph of that name.

    A graph that is there already, by digest and number of triples, is left as it is. It is done by SPARQL
    Update, or by the Graph Store Protocol where the endpoint has a ``graph_store``.

    :param endpoint: the store's endpoint
    :param graph: what holds the graphs
    :param graphs: which of them, in the order in which they are put
    :param rules: whether the store itself classifies the patients, by the rules as one SPARQL request
    :param triples: how many triples a batch holds at most
    :param size: how many bytes a batch holds at most, but for one triple that is longer
    :param progress: called with the triples done and their number
    :returns: what became of each graph
    :raises EndpointError: where the store does not take them; the next run goes on from there
    """
    far = _all_far(endpoint)
    way: _Way = _ByGraphStore(endpoint, far) if endpoint.graph_store else _ByUpdate(endpoint)
    wholes = {name.value: _whole(graph.triples(name)) for name in graphs if not (rules and name == INFERRED)}
    total, before = sum(whole.far.triples for whole in wholes.values()), 0
    came = []
    for name, whole in wholes.items():

        def step(done: int, before: int = before) -> None:
            if progress:
                progress(before + done, total)

        came.append(_put(endpoint, way, far, name, whole, _Limits(triples, size), step))
        before += whole.far.triples
    if rules:
        came.append(_classified(endpoint, way, far, graph, [whole.far.digest for whole in wholes.values()]))
    return came


class _Limits(NamedTuple):
    """How much a batch holds at most."""

    triples: int
    size: int

    def batches(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """The lines in batches."""
        batch: list[str] = []
        length = 0
        for line in lines:
            added = len(line.encode())
            if batch and (len(batch) == self.triples or length + added > self.size):
                yield batch
                batch, length = [], 0
            batch.append(line)
            length += added
        if batch:
            yield batch


def _put(
    endpoint: Endpoint,
    way: _Way,
    far: dict[str, _Far],
    name: str,
    whole: _Whole,
    limits: _Limits,
    step: Callable[[int], None],
) -> Published:
    """Put one graph there."""
    wanted, begun = whole.far, far.get(name + way.beside)
    if _is_there(endpoint, far.get(name), name, wanted.digest):
        step(wanted.triples)
        return Published(name, wanted.triples, "unchanged")
    how = "published"
    if (
        begun
        and begun.digest == wanted.digest
        and 0 < begun.done <= endpoint.count(name + way.beside) <= wanted.triples
    ):
        wanted, how = begun, "resumed"
    else:
        way.begin(name, wanted)
    lines = whole.all(wanted.time)
    for batch in limits.batches(lines[wanted.done :]):
        wanted = replace(wanted, done=wanted.done + len(batch))
        way.add(name, "".join(batch), wanted)
        step(wanted.done)
    way.finish(name, wanted)
    if (held := endpoint.count(name)) != wanted.triples:
        raise endpoint.error(
            f"the graph {name} holds {held:,} triples in place of {wanted.triples:,}: does anyone else"
            " write there? Publish it again"
        )
    return Published(name, wanted.triples, how)


def _classified(
    endpoint: Endpoint, way: _Way, far: dict[str, _Far], graph: KnowledgeGraph, digests: Iterable[str]
) -> Published:
    """Have the store classify the patients that it holds."""
    request = updates(graph.ontology).text()
    name = INFERRED.value
    digest = hashlib.sha256("\n".join([*digests, request]).encode()).hexdigest()
    there = far.get(name)
    if there and _is_there(endpoint, there, name, digest):
        return Published(name, there.triples, "unchanged")
    endpoint.update(request)
    said = provenance("compiled rules as SPARQL, run by the store", graph.ontology, datetime.now(UTC))
    lines = "".join(f"{triple} .\n" for triple in said)
    endpoint.update(f"INSERT DATA {{ GRAPH {INFERRED} {{\n{lines}}} }}")
    held = endpoint.count(name)
    way.note(name, _Far(digest, held, held))
    return Published(name, held, "published")


def _is_there(endpoint: Endpoint, far: _Far | None, name: str, digest: str) -> bool:
    """Whether a graph is in the store whole."""
    return bool(far and far.digest == digest and far.done == far.triples == endpoint.count(name))


def _all_far(endpoint: Endpoint) -> dict[str, _Far]:
    """How far each graph has come, as the store says."""
    rows = endpoint.select(_FAR, graphs=(PUBLISHING.value,)).plain()
    return {
        str(row["graph"]): _Far(
            str(row["digest"]), int(str(row["triples"])), int(str(row["done"])), str(row["time"])
        )
        for row in rows
    }


def _noted(graph: str, far: _Far) -> str:
    """The operations that say how far a graph has come."""
    return f"{_forgotten(graph)} ;\nINSERT DATA {{ GRAPH {PUBLISHING} {{\n{far.said(graph)}}} }}"


def _forgotten(graph: str) -> str:
    """The operation that unsays how far a graph has come."""
    return f"DELETE WHERE {{ GRAPH {PUBLISHING} {{ <{graph}> ?property ?value }} }}"


def _whole(triples: Iterable[ox.Triple]) -> _Whole:
    """A graph as lines that are the same at every run."""
    held = list(triples)
    if any(isinstance(node, ox.BlankNode) for t in held for node in (t.subject, t.object)):
        held = canonical(held)
    ended = next((t for t in held if t.predicate == _ENDED), None)
    lines = {f"{_named(t.subject)} {t.predicate} {_named(t.object)} .\n" for t in held if t != ended}
    return _Whole(sorted(lines), ended)


def _named(node: RdfTerm) -> RdfTerm:
    """An IRI that stands for a blank node; any other term as it is."""
    return ox.NamedNode(GENID + node.value) if isinstance(node, ox.BlankNode) else node


def _integer(number: int) -> str:
    return f'"{number}"^^<{XSD}integer>'
