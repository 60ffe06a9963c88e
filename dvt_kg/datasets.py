"""What a release says of itself: VoID for those who query it, DCAT for those who catalogue it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import pyoxigraph as ox
import rdflib
from rdflib.namespace import DCAT, DCTERMS, OWL, RDF, RDFS, SKOS, VOID, XSD

from dvt_kg.mappings import MEANINGS
from dvt_kg.ontology import IRI, NAMESPACE, PREFIXES, Ontology
from dvt_kg.serialisation import Triples

SPDX = rdflib.Namespace("http://spdx.org/rdf/terms#")
DATASET = rdflib.URIRef(f"{IRI}/dataset")
#: the media type of a file, by its ending
MEDIA_TYPES = {
    "ttl": "text/turtle",
    "owl": "application/rdf+xml",
    "jsonld": "application/ld+json",
    "tsv": "text/tab-separated-values",
}
_MEDIA = "https://www.iana.org/assignments/media-types/"
_FORMATS = "http://www.w3.org/ns/formats/"
_RDF_FORMATS = {"ttl": "Turtle", "owl": "RDF_XML", "jsonld": "JSON-LD"}


def void(
    ontology: Ontology,
    merged: Triples,
    dumps: Iterable[Path],
    issued: datetime,
    *,
    endpoint: str | None = None,
) -> bytes:
    """The VoID description of the merged graph, as Turtle.

    :param merged: the graph's triples
    :param dumps: the files that hold it, named relative to the description
    :param endpoint: the address of a SPARQL endpoint that serves it
    """
    graph = _described(ontology, VOID.Dataset, issued)
    if endpoint:
        graph.add((DATASET, VOID.sparqlEndpoint, rdflib.URIRef(endpoint)))
    subjects = {t.subject for t in merged}
    classes = Counter(kind for t in merged if (kind := _named_type(t)))
    properties = Counter(t.predicate.value for t in merged)
    numbers = {
        VOID.triples: len(merged),
        VOID.entities: len({s for s in subjects if isinstance(s, ox.NamedNode)}),
        VOID.classes: len(classes),
        VOID.properties: len(properties),
        VOID.distinctSubjects: len(subjects),
        VOID.distinctObjects: len({t.object for t in merged}),
    }
    for property_, number in numbers.items():
        graph.add((DATASET, property_, rdflib.Literal(number)))
    graph.add((DATASET, VOID.uriSpace, rdflib.Literal(NAMESPACE)))
    graph.add((DATASET, VOID.rootResource, rdflib.URIRef(IRI)))
    for namespace in PREFIXES.values():
        if any(name.startswith(namespace) for name in (*properties, *classes)):
            graph.add((DATASET, VOID.vocabulary, rdflib.URIRef(namespace)))
    for file in dumps:
        graph.add((DATASET, VOID.dataDump, rdflib.URIRef(file.name)))
        graph.add((DATASET, VOID.feature, _format(file)))
    for kind, used in (("class", classes), ("property", properties)):
        for name, number in used.items():
            part = rdflib.URIRef(f"{DATASET}/{kind}/{name.rsplit('/', 1)[-1].replace('#', '-')}")
            graph.add((DATASET, VOID[f"{kind}Partition"], part))
            graph.add((part, VOID[kind], rdflib.URIRef(name)))
            counted = VOID.entities if kind == "class" else VOID.triples
            graph.add((part, counted, rdflib.Literal(number)))
    _links(graph, merged)
    return _turtle(graph)


def dcat(ontology: Ontology, files: Iterable[Path], titles: Mapping[str, str], issued: datetime) -> bytes:
    """The DCAT description of a release with each of its files and their checksums, as Turtle.

    :param files: the files, named relative to the description
    :param titles: what a file holds, by its name without the ending
    """
    graph = _described(ontology, DCAT.Dataset, issued)
    graph.add((DATASET, rdflib.URIRef(f"{DCAT}version"), rdflib.Literal(ontology.version)))
    for file in files:
        name, ending = file.name.split(".", 1)[0], file.suffix.lstrip(".")
        data = file.read_bytes()
        part, checksum = (rdflib.URIRef(f"{DATASET}/{file.name}{end}") for end in ("", "/checksum"))
        for triple in (
            (DATASET, DCAT.distribution, part),
            (part, RDF.type, DCAT.Distribution),
            (part, DCTERMS.title, rdflib.Literal(titles[name], lang="en")),
            *((part, DCTERMS.license, licence) for licence in graph.objects(DATASET, DCTERMS.license)),
            (part, DCAT.downloadURL, rdflib.URIRef(file.name)),
            (part, DCAT.mediaType, rdflib.URIRef(_MEDIA + MEDIA_TYPES[ending])),
            (part, DCAT.byteSize, rdflib.Literal(len(data), datatype=XSD.nonNegativeInteger)),
            (part, SPDX.checksum, checksum),
            (checksum, RDF.type, SPDX.Checksum),
            (checksum, SPDX.algorithm, SPDX.checksumAlgorithm_sha256),
            (checksum, SPDX.checksumValue, rdflib.Literal(sha256(data), datatype=XSD.hexBinary)),
        ):
            graph.add(triple)
        if ending in _RDF_FORMATS and name != "context":
            graph.add((part, DCTERMS.conformsTo, rdflib.URIRef(str(OWL).rstrip("#"))))
    return _turtle(graph)


def sha256(data: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _described(ontology: Ontology, kind: rdflib.URIRef, issued: datetime) -> rdflib.Graph:
    """A graph with what the ontology's header says, of the dataset."""
    graph = rdflib.Graph(bind_namespaces="none")
    for prefix, namespace in {
        **PREFIXES,
        **{"void": str(VOID), "dcat": str(DCAT), "spdx": str(SPDX), "formats": _FORMATS},
    }.items():
        graph.bind(prefix, namespace)
    graph.add((DATASET, RDF.type, kind))
    graph.add((DATASET, OWL.versionInfo, rdflib.Literal(ontology.version)))
    graph.add((DATASET, DCTERMS.issued, rdflib.Literal(issued)))
    graph.add((DATASET, DCTERMS.isVersionOf, rdflib.URIRef(IRI)))
    for property_ in (DCTERMS.title, DCTERMS.description, DCTERMS.creator, DCTERMS.license, RDFS.comment):
        for value in ontology.objects(ox.NamedNode(IRI), ox.NamedNode(str(property_))):
            if isinstance(value, ox.NamedNode):
                graph.add((DATASET, property_, rdflib.URIRef(value.value)))
            else:
                graph.add((DATASET, property_, rdflib.Literal(value.value, lang=value.language)))
    return graph


def _links(graph: rdflib.Graph, merged: Triples) -> None:
    """A linkset for each code system and way of matching."""
    in_scheme = str(SKOS.inScheme)
    schemes: dict[object, str] = {
        t.subject: t.object.value
        for t in merged
        if t.predicate.value == in_scheme and isinstance(t.object, ox.NamedNode)
    }
    ways = {str(SKOS[way]): SKOS[way] for way in MEANINGS}
    counted = Counter(
        (schemes[t.object], t.predicate.value)
        for t in merged
        if t.predicate.value in ways and t.object in schemes
    )
    for (scheme, way), number in counted.items():
        name = f"{scheme.removeprefix(NAMESPACE)}-{way.rsplit('#', 1)[-1]}"
        links = rdflib.URIRef(f"{DATASET}/links/{name}")
        for triple in (
            (DATASET, VOID.subset, links),
            (links, RDF.type, VOID.Linkset),
            (links, VOID.linkPredicate, ways[way]),
            (links, VOID.subjectsTarget, DATASET),
            (links, VOID.objectsTarget, rdflib.URIRef(scheme)),
            (links, VOID.triples, rdflib.Literal(number)),
        ):
            graph.add(triple)


def _named_type(triple: ox.Triple) -> str:
    """The class that a triple states of its subject, if it is one with a name."""
    typed = triple.predicate.value == str(RDF.type)
    return triple.object.value if typed and isinstance(triple.object, ox.NamedNode) else ""


def _format(file: Path) -> rdflib.URIRef:
    return rdflib.URIRef(_FORMATS + _RDF_FORMATS[file.suffix.lstrip(".")])


def _turtle(graph: rdflib.Graph) -> bytes:
    text = graph.serialize(format="turtle", encoding="utf-8")
    assert isinstance(text, bytes)
    return text
