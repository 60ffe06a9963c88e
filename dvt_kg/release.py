"""The files that a release ships: merged, with examples, and with all that is inferred."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyoxigraph as ox

from dvt_kg.classification import classify
from dvt_kg.errors import OntologyError, UsageError
from dvt_kg.graph import INFERRED
from dvt_kg.hermit import TIMEOUT, HermiT
from dvt_kg.ontology import DCTERMS, IRI, OWL, PREFIXES, XSD, Ontology, RdfTerm, data_dir
from dvt_kg.readers import read

EXAMPLES = "examples.ttl"


def build(
    folder: Path | str,
    ontology: Ontology,
    *,
    java: str | os.PathLike[str] | None = None,
    timeout: float = TIMEOUT,
) -> list[Path]:
    """Write the merged ontology, without imports, alone, with examples, and with what is inferred.

    Each as Turtle and as RDF/XML. Two runs write the same bytes: the time in the provenance is
    that of SOURCE_DATE_EPOCH, else the version's date.

    :param folder: where to write; made if it is not there
    :returns: the files
    :raises UsageError: where the folder cannot be written
    """
    target = Path(folder)
    merged = set(_merged(ontology))
    reading = read([_examples(ontology)], ontology)
    if reading.errors:
        raise reading.errors[0]
    classification = classify(reading.patients, HermiT(ontology, java=java, timeout=timeout))
    graph = classification.graph(made=_date(ontology))
    examples = merged | {t for patient in reading.patients for t in patient.triples()}
    contents = {
        "dvt-kg": merged,
        "dvt-kg-examples": examples,
        "dvt-kg-inferred": examples | set(graph.triples(INFERRED)),
    }
    written = []
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, triples in contents.items():
            canonical = _canonical(triples)
            for ending, data in (("ttl", _turtle(canonical)), ("owl", _rdf_xml(canonical))):
                path = target / f"{name}.{ending}"
                path.write_bytes(data)
                written.append(path)
    except OSError as error:
        raise UsageError(f"cannot write to {str(target)!r}: {error.strerror}") from None
    return written


def _examples(ontology: Ontology) -> Path:
    """The example patients beside the ontology, else the shipped ones."""
    beside = ontology.path / EXAMPLES
    return beside if beside.is_file() else data_dir("ontology") / EXAMPLES


def _merged(ontology: Ontology) -> Iterator[ox.Triple]:
    """The ontology's triples without imports and without the modules' own headers."""
    imports = OWL + "imports"
    for quad in ontology.match():
        module = isinstance(quad.subject, ox.NamedNode) and quad.subject.value.startswith(IRI + "/")
        if not module and quad.predicate.value != imports:
            yield quad.triple


def _date(ontology: Ontology) -> datetime:
    """The date that the built files bear."""
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        return datetime.fromtimestamp(int(epoch), UTC)
    created = ontology.text(ox.NamedNode(IRI), ox.NamedNode(DCTERMS + "created"))
    if not created:
        raise OntologyError("the ontology states no dcterms:created", source=IRI)
    return datetime.fromisoformat(created)


def _canonical(triples: Iterable[ox.Triple]) -> list[ox.Triple]:
    """The triples sorted, with canonical blank nodes."""
    dataset = ox.Dataset(ox.Quad(t.subject, t.predicate, t.object) for t in triples)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return sorted((q.triple for q in dataset), key=str)


def _rdf_xml(triples: list[ox.Triple]) -> bytes:
    data = ox.serialize(triples, format=ox.RdfFormat.RDF_XML, prefixes=PREFIXES)
    assert data is not None
    return data


def _turtle(triples: list[ox.Triple]) -> bytes:
    """Turtle with nested blank nodes, as a person would write it."""
    import rdflib  # noqa: PLC0415 - slow to import, and needed only here

    def term(node: RdfTerm) -> rdflib.term.Node:
        if isinstance(node, ox.NamedNode):
            return rdflib.URIRef(node.value)
        if isinstance(node, ox.BlankNode):
            return rdflib.BNode(node.value)
        assert isinstance(node, ox.Literal)
        plain = node.language or node.datatype.value == XSD + "string"
        datatype = None if plain else rdflib.URIRef(node.datatype.value)
        return rdflib.Literal(node.value, lang=node.language, datatype=datatype)

    graph = rdflib.Graph(bind_namespaces="none")
    for prefix, namespace in PREFIXES.items():
        graph.bind(prefix, namespace)
    for triple in triples:  # kept one by one, for parsing would rename the blank nodes
        graph.add((term(triple.subject), term(triple.predicate), term(triple.object)))
    text = graph.serialize(format="turtle", encoding="utf-8")
    assert isinstance(text, bytes)
    return text
