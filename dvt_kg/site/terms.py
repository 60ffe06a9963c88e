"""The terms for reading: what is said of each, by which axioms, and where it is used."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pyoxigraph as ox

from dvt_kg.manchester import expression
from dvt_kg.ontology import (
    DCTERMS,
    NAMESPACE,
    OWL,
    RDF,
    RDFS,
    SKOS,
    Ontology,
    RdfTerm,
    Term,
    dvt,
    local_name,
    named,
)

_AXIOMS = {
    RDFS + "subClassOf": "SubClassOf",
    OWL + "equivalentClass": "EquivalentTo",
    OWL + "disjointWith": "DisjointWith",
    RDFS + "subPropertyOf": "SubPropertyOf",
    RDFS + "domain": "Domain",
    RDFS + "range": "Range",
}
_CHAIN = OWL + "propertyChainAxiom"
_ELSEWHERE = {RDFS + "label", SKOS + "definition", RDFS + "comment", RDFS + "isDefinedBy", RDF + "type"}
#: terms of OWL itself, with how a reader calls them
_CONSTRUCTS = {
    "Class": "Classes",
    "ObjectProperty": "Object properties",
    "DatatypeProperty": "Data properties",
    "AnnotationProperty": "Annotation properties",
}
_WORDS = re.compile(r"[A-Za-z][\w-]*")


@dataclass(frozen=True)
class Value:
    """A value for reading: its words, and the term or address that it names, if any."""

    text: str
    term: str = ""
    address: str = ""


@dataclass(frozen=True)
class Entry:
    """A term with all that is said of it.

    :param statements: by the property's label, its values
    :param axioms: for each axiom its words, each with the term that it names, if any
    :param used: by the property's label, the terms of which it is a value
    """

    term: Term
    comments: tuple[str, ...]
    statements: Mapping[str, tuple[Value, ...]]
    axioms: tuple[tuple[Value, ...], ...]
    used: Mapping[str, tuple[Value, ...]]

    @property
    def iri(self) -> str:
        """The term's IRI."""
        return NAMESPACE + self.term.name


@dataclass(frozen=True)
class Kind:
    """The terms of one kind, which stand on one page."""

    name: str
    label: str
    entries: tuple[Entry, ...]


def kinds(ontology: Ontology) -> list[Kind]:
    """Every term of the ontology's namespace, by what it is foremost, in the order of the labels."""
    readers = _Readers(ontology)
    found: dict[str, list[Entry]] = defaultdict(list)
    for term in ontology.terms:
        found[kind_of(term)].append(readers.entry(term))
    every = [Kind(name, _label(ontology, name), tuple(entries)) for name, entries in found.items()]
    return sorted(every, key=lambda kind: (kind.name in _CONSTRUCTS, kind.label.lower()))


def kind_of(term: Term) -> str:
    """What a term is foremost: the construct of OWL for classes and properties, else its first class."""
    constructs = [kind for kind in term.kinds if kind in _CONSTRUCTS]
    return (constructs or list(term.kinds) or ["Class"])[0]


def _label(ontology: Ontology, kind: str) -> str:
    if kind in _CONSTRUCTS:
        return _CONSTRUCTS[kind]
    label = ontology.text(named(kind), ox.NamedNode(RDFS + "label"), _words(kind))
    return label[:1].upper() + label[1:]


def _words(name: str) -> str:
    """The last part of a name without the camel's humps."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.split(r"[#/]", name)[-1]).lower()


class _Readers:
    """Puts triples into words and links."""

    def __init__(self, ontology: Ontology) -> None:
        self.ontology = ontology
        self.names = {term.name: term.label for term in ontology.terms}

    def entry(self, term: Term) -> Entry:
        node = dvt(term.name)
        statements: dict[str, list[Value]] = defaultdict(list)
        axioms = []
        for quad in sorted(self.ontology.match(node), key=str):
            predicate = quad.predicate.value
            if predicate in _AXIOMS:
                axioms.append(f"{_AXIOMS[predicate]} {expression(self.ontology, quad.object)}")
            elif predicate == _CHAIN:
                chain = " o ".join(local_name(m) for m in self.ontology.members(quad.object))
                axioms.append(f"{chain} SubPropertyOf {term.name}")
            elif predicate not in _ELSEWHERE:
                statements[self.property(quad.predicate)].append(self.value(quad.object))
        comments = self.ontology.objects(node, ox.NamedNode(RDFS + "comment"))
        return Entry(
            term,
            tuple(sorted(c.value for c in comments)),
            {label: tuple(values) for label, values in sorted(statements.items())},
            tuple(self.linked(axiom) for axiom in sorted(axioms)),
            self.used(node),
        )

    def used(self, node: ox.NamedNode) -> dict[str, tuple[Value, ...]]:
        """The named terms that have a term as a value, by property."""
        found: dict[str, list[Value]] = defaultdict(list)
        for quad in sorted(self.ontology.match(None, None, node), key=str):
            subject = local_name(quad.subject)
            if subject in self.names:
                typed = quad.predicate.value == RDF + "type"
                label = "members" if typed else f"as “{self.property(quad.predicate)}” of"
                found[label].append(self.value(quad.subject))
        return {label: tuple(values) for label, values in sorted(found.items())}

    def property(self, predicate: ox.NamedNode) -> str:
        """The label of a property, else its name without the camel's humps."""
        name = local_name(predicate)
        return self.names.get(name, _words(name))

    def value(self, node: RdfTerm) -> Value:
        """A value as a link where it is a term or an address."""
        if isinstance(node, ox.Literal):
            return Value(node.value)
        if isinstance(node, ox.BlankNode):
            return Value(expression(self.ontology, node))
        name = local_name(node)
        if name in self.names:
            return Value(self.names[name], term=name)
        return Value(self.foreign(node), address=name) if isinstance(node, ox.NamedNode) else Value(name)

    def foreign(self, node: ox.NamedNode) -> str:
        """A term of another vocabulary in words: its code and, where it is shipped, its label."""
        text = self.ontology.text
        code = text(node, ox.NamedNode(SKOS + "notation"))
        scheme = next(iter(self.ontology.objects(node, ox.NamedNode(SKOS + "inScheme"))), None)
        label = text(node, ox.NamedNode(RDFS + "label")) or text(node, ox.NamedNode(DCTERMS + "title"))
        system = self.names.get(local_name(scheme), "") if scheme else ""
        return " ".join(part for part in (system, code, label) if part) or node.value

    def linked(self, axiom: str) -> tuple[Value, ...]:
        """An axiom's words, those that name a term as links."""
        parts, end = [], 0
        for found in _WORDS.finditer(axiom):
            if found[0] in self.names:
                parts += [Value(axiom[end : found.start()]), Value(found[0], term=found[0])]
                end = found.end()
        return tuple(part for part in (*parts, Value(axiom[end:])) if part.text)


def address(kind: Kind, entry: Entry) -> str:
    """Where a term stands, relative to the site's root."""
    return f"terms/{kind.name.rsplit('#', 1)[-1]}.html#{entry.term.name}"
