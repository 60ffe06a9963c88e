"""Triples as files that are the same bytes at every run: Turtle, RDF/XML and JSON-LD."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import pyoxigraph as ox

from dvt_kg.ontology import PREFIXES, XSD, RdfTerm

if TYPE_CHECKING:
    import rdflib

Triples = list[ox.Triple]


def canonical(triples: Iterable[ox.Triple]) -> Triples:
    """The triples sorted, with canonical blank nodes (RDFC-1.0)."""
    dataset = ox.Dataset(ox.Quad(t.subject, t.predicate, t.object) for t in triples)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return sorted((q.triple for q in dataset), key=str)


def rdf_xml(triples: Triples) -> bytes:
    """Canonical triples as RDF/XML."""
    data = ox.serialize(triples, format=ox.RdfFormat.RDF_XML, prefixes=_prefixes(triples))
    assert data is not None
    return data


def turtle(triples: Triples) -> bytes:
    """Canonical triples as Turtle with nested blank nodes, as a person would write it."""
    text = _graph(triples).serialize(format="turtle", encoding="utf-8")
    assert isinstance(text, bytes)
    return text


def json_ld(triples: Triples) -> bytes:
    """Canonical triples as expanded JSON-LD, which needs no context."""
    data = ox.serialize(triples, format=ox.RdfFormat.JSON_LD)
    assert data is not None
    return data


#: how to write each form, by the ending of its files
FORMS: Mapping[str, Callable[[Triples], bytes]] = {"ttl": turtle, "owl": rdf_xml, "jsonld": json_ld}


def _prefixes(triples: Triples) -> dict[str, str]:
    """The prefixes that the triples use."""
    named = {
        node.value
        for t in triples
        for node in (t.subject, t.predicate, t.object, getattr(t.object, "datatype", None))
        if isinstance(node, ox.NamedNode)
    }
    return {p: space for p, space in PREFIXES.items() if any(name.startswith(space) for name in named)}


def _graph(triples: Triples) -> rdflib.Graph:
    """The triples for rdflib, blank nodes under their own names."""
    import rdflib  # noqa: PLC0415 - slow to import, and needed only here

    def term(node: RdfTerm) -> rdflib.term.Node:
        if isinstance(node, ox.NamedNode):
            return rdflib.URIRef(node.value)
        if isinstance(node, ox.BlankNode):
            return rdflib.BNode(node.value)
        assert isinstance(node, ox.Literal)
        plain = node.language or node.datatype.value == XSD + "string"
        datatype = None if plain else rdflib.URIRef(node.datatype.value)
        # As it is written: 7.0 stays 7.0.
        return rdflib.Literal(node.value, lang=node.language, datatype=datatype, normalize=False)

    graph = rdflib.Graph(bind_namespaces="none")
    for prefix, namespace in _prefixes(triples).items():
        graph.bind(prefix, namespace)
    for triple in triples:  # one by one, for parsing would rename the blank nodes
        graph.add((term(triple.subject), term(triple.predicate), term(triple.object)))
    return graph
