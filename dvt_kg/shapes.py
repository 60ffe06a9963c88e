"""Shapes: patient graphs checked against the SHACL shapes of ``ontology/shapes.ttl``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyoxigraph as ox

from dvt_kg.errors import OntologyError
from dvt_kg.ontology import NAMESPACE, RDF, RDFS, SKOS, XSD, Ontology, data_dir
from dvt_kg.patients import Patient

if TYPE_CHECKING:
    import rdflib

SHAPES_FILE = "shapes.ttl"
SH = {"sh": "http://www.w3.org/ns/shacl#"}

# What the shapes read of the ontology.
_READ = (
    *(RDF + "type", RDFS + "domain", RDFS + "range", SKOS + "notation"),
    *(NAMESPACE + name for name in ("plausibleMinimum", "plausibleMaximum", "unit")),
)
_CONSTRAINTS = "SELECT ?select WHERE { ?shape sh:sparql/sh:select ?select }"
_DECLARED = (
    "SELECT ?prefix ?namespace WHERE { ?shapes sh:declare [ sh:prefix ?prefix ; sh:namespace ?namespace ] }"
)


@dataclass(frozen=True, order=True)
class Violation:
    """One thing in a patients graph that the shapes do not allow.

    :param focus: the patient, or the class of patients where a subject has no type
    :param path: the property, or nothing
    :param value: the value, or nothing
    :param message: what the shapes ask for
    """

    focus: str
    path: str
    value: str
    message: str

    def __str__(self) -> str:
        return f"{' '.join(filter(None, (self.focus, self.path, self.value)))}: {self.message}"


def validate(data: Iterable[Patient] | rdflib.Graph, ontology: Ontology) -> tuple[Violation, ...]:
    """Check patients, or a graph of patients, against the shapes.

    pySHACL parses every constraint anew for every patient, which takes nearly a second each. So
    Oxigraph first runs each constraint once over the whole graph, and pySHACL validates the
    subjects that any of them returns.

    :param data: the patients, or their graph
    :param ontology: the ontology whose names the graph uses
    :returns: the violations, none where the graph conforms

    >>> from dvt_kg.ontology import load
    >>> from dvt_kg.patients import Fact
    >>> validate([Patient("case-01", frozenset({Fact("side", "left")}))], load())
    ()
    >>> validate([Patient("case-01", frozenset({Fact("side", "tense-edema")}))], load())[0].message
    'The ontology has no dvt:Side that is called dvt:tense-edema.'
    """
    import rdflib  # noqa: PLC0415 - slow to import, and so is pySHACL

    if isinstance(data, rdflib.Graph):
        return _validated(data, ontology)
    triples = [triple for patient in data for triple in patient.triples()]
    suspects = _returned((ox.Quad(*triple) for triple in triples), ontology)
    return conformance(_graph(t for t in triples if t.subject in suspects), ontology) if suspects else ()


def _validated(data: rdflib.Graph, ontology: Ontology) -> tuple[Violation, ...]:
    """The violations of a graph of rdflib, which can hold what is no RDF."""
    import rdflib  # noqa: PLC0415

    subjects: dict[object, rdflib.term.Node] = {}
    quads, broken = [], []
    for subject, predicate, object_ in data:
        try:
            quad = _quad(subject, predicate, object_)
        except ValueError:
            message = (
                "An IRI or a text has a character in it that it cannot have; percent-encode or remove it."
            )
            broken.append(Violation(_written(subject), _written(predicate), _written(object_), message))
        else:
            quads.append(quad)
            subjects[quad.subject] = subject
    suspects = rdflib.Graph()
    for found in _returned(quads, ontology) & subjects.keys():
        suspects += data.triples((subjects[found], None, None))
    return tuple(sorted({*broken, *(conformance(suspects, ontology) if suspects else ())}))


def conformance(data: rdflib.Graph, ontology: Ontology) -> tuple[Violation, ...]:
    """Check a graph of patients with pySHACL alone, however long it takes.

    :param data: the graph
    :param ontology: the ontology whose names the graph uses
    :returns: the violations, none where the graph conforms
    :raises OntologyError: where the shapes cannot be used
    """
    import pyshacl  # noqa: PLC0415
    import rdflib  # noqa: PLC0415

    file = data_dir("ontology") / SHAPES_FILE
    shapes = rdflib.Graph().parse(file, format="turtle")
    _, report, text = pyshacl.validate(_graph(_vocabulary(ontology)) + data, shacl_graph=shapes)
    if not isinstance(report, rdflib.Graph):
        raise OntologyError(f"the shapes cannot be used: {text}", source=str(file))
    found = set()
    for result in report.subjects(rdflib.RDF.type, rdflib.SH.ValidationResult):
        parts = (rdflib.SH.focusNode, rdflib.SH.resultPath, rdflib.SH.value, rdflib.SH.resultMessage)
        found.add(Violation(*(_written(report.value(result, part)) for part in parts)))
    return tuple(sorted(found))


def _vocabulary(ontology: Ontology) -> Iterator[ox.Triple]:
    """What the shapes read of the ontology."""
    for predicate in _READ:
        for quad in ontology.match(None, ox.NamedNode(predicate)):
            yield quad.triple


def _returned(quads: Iterable[ox.Quad], ontology: Ontology) -> set[object]:
    """The terms that the constraints return when each runs once over a whole graph."""
    store = ox.Store()
    store.extend(ox.Quad(*triple) for triple in _vocabulary(ontology))
    vocabulary = {quad.subject for quad in store}
    store.extend(quads)
    shapes = ox.Store()
    shapes.load(path=data_dir("ontology") / SHAPES_FILE, format=ox.RdfFormat.TURTLE)
    declared = _solutions(shapes, _DECLARED)
    header = "".join(f"PREFIX {prefix.value}: <{namespace.value}>\n" for prefix, namespace in declared)
    constraints = [select.value for (select,) in _solutions(shapes, _CONSTRAINTS)]
    found = {term for select in constraints for row in _solutions(store, header + select) for term in row}
    return found - vocabulary


def _solutions(store: ox.Store, query: str) -> Iterator[Any]:
    """The rows of a query."""
    found = store.query(query, prefixes=SH)
    assert isinstance(found, ox.QuerySolutions)
    return iter(found)


def _graph(triples: Iterable[ox.Triple]) -> rdflib.Graph:
    """Triples as a graph of rdflib."""
    import rdflib  # noqa: PLC0415

    data = "\n".join(f"{triple} ." for triple in triples)
    return rdflib.Graph().parse(data=data, format="nt")


def _quad(subject: rdflib.term.Node, predicate: rdflib.term.Node, object_: rdflib.term.Node) -> ox.Quad:
    """A triple of rdflib for Oxigraph.

    :raises ValueError: where it is no triple of RDF
    """
    about, property = _term(subject), _term(predicate)
    if isinstance(about, ox.Literal) or not isinstance(property, ox.NamedNode):
        raise ValueError("a literal is no subject, and only an IRI is a property")
    return ox.Quad(about, property, _term(object_))


def _term(node: rdflib.term.Node) -> ox.NamedNode | ox.BlankNode | ox.Literal:
    """A term of rdflib for Oxigraph.

    :raises ValueError: where it is no term of RDF
    """
    import rdflib  # noqa: PLC0415

    if isinstance(node, rdflib.URIRef):
        return ox.NamedNode(str(node))
    if isinstance(node, rdflib.BNode):
        return ox.BlankNode(str(node))
    if not isinstance(node, rdflib.Literal):
        raise ValueError(f"{node!r} is no term of RDF")
    if node.language:
        return ox.Literal(str(node), language=node.language)
    return ox.Literal(str(node), datatype=ox.NamedNode(str(node.datatype or XSD + "string")))


def _written(node: object) -> str:
    """A term, or a message with terms in it, as a violation repeats it."""
    return (
        str("" if node is None else node).replace(NAMESPACE, "dvt:").replace(XSD, "xsd:").replace(RDF, "rdf:")
    )
