"""The three named graphs: patients, what was inferred of them, and the ontology."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

import pyoxigraph as ox

from dvt_kg.ontology import PREFIXES, Ontology

if TYPE_CHECKING:
    import rdflib

PATIENTS = ox.NamedNode("urn:dvt-kg:patients")
INFERRED = ox.NamedNode("urn:dvt-kg:inferred")
ONTOLOGY = ox.NamedNode("urn:dvt-kg:ontology")
GRAPHS = (PATIENTS, INFERRED, ONTOLOGY)

# The formats in which graphs are written, by the name that the command line takes.
FORMATS = {
    "turtle": ox.RdfFormat.TURTLE,
    "nquads": ox.RdfFormat.N_QUADS,
    "jsonld": ox.RdfFormat.JSON_LD,
    "trig": ox.RdfFormat.TRIG,
    "ntriples": ox.RdfFormat.N_TRIPLES,
    "rdfxml": ox.RdfFormat.RDF_XML,
}


@lru_cache(maxsize=4)
def _quads(ontology: Ontology) -> list[ox.Quad]:
    """The ontology's triples in its graph: made once, for each graph starts with them."""
    return [ox.Quad(q.subject, q.predicate, q.object, ONTOLOGY) for q in ontology.match()]


class KnowledgeGraph:
    """Patients, inferred facts and ontology in a store, each in a graph of its own.

    :param ontology: the ontology that the ontology graph holds
    """

    def __init__(self, ontology: Ontology) -> None:
        self.ontology = ontology
        self.store = ox.Store()
        self.store.extend(_quads(ontology))

    def add(self, graph: ox.NamedNode, triples: Iterable[ox.Triple]) -> None:
        """Add triples to one of the graphs."""
        self.store.extend(ox.Quad(t.subject, t.predicate, t.object, graph) for t in triples)

    def forget(self) -> None:
        """Take away all that is not the ontology's."""
        for graph in (PATIENTS, INFERRED):
            self.store.clear_graph(graph)

    def triples(self, graph: ox.NamedNode) -> Iterable[ox.Triple]:
        """The triples of one of the graphs."""
        return (q.triple for q in self.store.quads_for_pattern(None, None, None, graph))

    def serialize(self, format: str, *, graphs: Iterable[ox.NamedNode] = (INFERRED,)) -> bytes:
        """Some of the graphs as text; as one graph in a format that knows none.

        :param format: a name of :data:`FORMATS`
        :param graphs: the graphs to write
        """
        chosen = FORMATS[format]
        named = chosen.supports_datasets and format != "jsonld"
        quads = [q for graph in graphs for q in self.store.quads_for_pattern(None, None, None, graph)]
        items = sorted(quads, key=str) if named else sorted({q.triple for q in quads}, key=str)
        data = ox.serialize(items, format=chosen, prefixes=PREFIXES)
        assert data is not None
        return data

    def to_rdflib(self) -> rdflib.Dataset:
        """A copy of the graphs for rdflib, which answers queries over their union."""
        import rdflib  # noqa: PLC0415 - slow to import, and needed only here

        dataset = rdflib.Dataset(default_union=True)
        data = self.store.dump(format=ox.RdfFormat.N_QUADS)
        assert data is not None
        dataset.parse(data=data, format="nquads")
        for prefix, namespace in PREFIXES.items():
            dataset.bind(prefix, namespace)
        return dataset


class _Spares:
    """Graphs that hold an ontology alone, for whoever needs one for a moment.

    A new graph takes far longer than what a few records ask of it.
    """

    # To take triples away takes long, and Oxigraph's store in memory keeps them all the same; so a graph is
    # given up once that is more than a new one would be.
    _MOST = 20_000

    def __init__(self) -> None:
        self._spares: list[tuple[KnowledgeGraph, int]] = []

    def take(self, ontology: Ontology) -> tuple[KnowledgeGraph, int]:
        return self._spares.pop() if self._spares else (KnowledgeGraph(ontology), 0)

    def give_back(self, graph: KnowledgeGraph, taken_away: int) -> None:
        more = itertools.chain(graph.triples(PATIENTS), graph.triples(INFERRED))
        taken_away += sum(1 for _ in itertools.islice(more, self._MOST))
        if taken_away < self._MOST:
            graph.forget()
            self._spares.append((graph, taken_away))


@lru_cache(maxsize=4)
def _spares(ontology: Ontology) -> _Spares:
    return _Spares()


@contextmanager
def lent(ontology: Ontology) -> Iterator[KnowledgeGraph]:
    """A graph with an ontology and nothing else, whose other graphs are emptied when it is given back.

    :param ontology: the ontology that the ontology graph holds
    """
    spares = _spares(ontology)
    graph, taken_away = spares.take(ontology)
    yield graph
    spares.give_back(graph, taken_away)  # not after an error, for then nobody knows its state
