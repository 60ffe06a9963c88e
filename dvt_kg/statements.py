"""What an ontology states, in a form in which two versions can be compared.

The same however its modules are cut, ordered or serialised: blank nodes have no names, operands no
order, and a number is its value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache

import pyoxigraph as ox

from dvt_kg.manchester import expression
from dvt_kg.ontology import IRI, OWL, PREFIXES, RDF, RDFS, XSD, Ontology, RdfTerm, dvt

DEPRECATED = OWL + "deprecated"
TYPE = RDF + "type"
_ANNOTATIONS = {RDFS + name for name in ("label", "comment", "isDefinedBy", "seeAlso")} | {
    DEPRECATED,
    *(OWL + name for name in ("versionInfo", "priorVersion")),
}
_UNORDERED = {
    OWL + name
    for name in ("intersectionOf", "unionOf", "oneOf", "members", "distinctMembers", "withRestrictions")
}
_SYMMETRIC = {OWL + "equivalentClass", OWL + "disjointWith"}
_WORDS = {
    RDFS + "subClassOf": "SubClassOf",
    RDFS + "subPropertyOf": "SubPropertyOf",
    RDFS + "domain": "Domain",
    RDFS + "range": "Range",
    OWL + "equivalentClass": "EquivalentTo",
    OWL + "disjointWith": "DisjointWith",
}

_ONTOLOGY = ox.NamedNode(OWL + "Ontology")

Values = dict[str, str]  # each value in a form to compare by, and as it is shown


@dataclass(frozen=True)
class Statement:
    """A logical axiom.

    :param words: the axiom in the manner of the Manchester syntax
    :param about: the IRI of the named term that it is stated of, where there is one
    :param compiled: the words under which rules are compiled from it
    """

    words: str
    about: str | None
    compiled: tuple[str, ...]


def short(iri: str) -> str:
    """An IRI with a known prefix, and a term of the ontology by its local name.

    >>> short("https://w3id.org/dvt-kg#tense-edema"), short("http://www.w3.org/2002/07/owl#deprecated")
    ('tense-edema', 'owl:deprecated')
    """
    for prefix, namespace in PREFIXES.items():
        if iri.startswith(namespace):
            return (
                iri.removeprefix(namespace) if prefix == "dvt" else f"{prefix}:{iri.removeprefix(namespace)}"
            )
    return iri


def in_words(name: str) -> str:
    """A name in camel case as words, for what has no label.

    >>> in_words("dcterms:bibliographicCitation"), in_words("owl:versionIRI")
    ('bibliographic citation', 'version IRI')
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.rpartition(":")[2]).split()
    return " ".join(word if word.isupper() else word.lower() for word in words)


@lru_cache(maxsize=4)
def statements(ontology: Ontology) -> Statements:
    """What an ontology states, read once for each ontology."""
    return Statements(ontology)


class Statements:
    """The facts about named terms, the axioms and the header of an ontology.

    :param ontology: one version
    """

    def __init__(self, ontology: Ontology) -> None:
        self.ontology = ontology
        self.facts: dict[tuple[str, str], Values] = {}
        self.axioms: dict[str, Statement] = {}
        self.header: dict[str, Values] = {}
        quads = ontology.match()
        headers = {q.subject for q in quads if q.predicate.value == TYPE and q.object == _ONTOLOGY}
        inner = {q.object for q in quads if isinstance(q.object, ox.BlankNode)}
        for quad in quads:
            subject, predicate, value = quad.subject, quad.predicate.value, quad.object
            if subject in headers:
                if subject == ox.NamedNode(IRI) and predicate not in (OWL + "imports", TYPE):
                    self.header.setdefault(predicate, {})[self._key(value)] = self._shown(value)
            elif isinstance(subject, ox.NamedNode):
                if _logical(quad):
                    self._axiom(subject, predicate, value)
                else:
                    values = self.facts.setdefault((subject.value, predicate), {})
                    values[self._key(value)] = self._shown(value)
            elif isinstance(subject, ox.BlankNode) and subject not in inner:
                self._anonymous(subject, predicate, value)

    def _anonymous(self, subject: ox.BlankNode, predicate: str, value: RdfTerm) -> None:
        """What is stated of an expression, or by a node that is an axiom of its own."""
        if predicate in _WORDS:
            self._axiom(subject, predicate, value)
        elif not any(q.predicate.value in _WORDS for q in self.ontology.match(subject)):
            self.axioms[self._key(subject)] = Statement(self._whole(subject), None, ())

    def _axiom(self, subject: RdfTerm, predicate: str, value: RdfTerm) -> None:
        sides = [self._key(subject), self._key(value, ordered=predicate not in _UNORDERED)]
        key = f"{predicate} {' '.join(sorted(sides) if predicate in _SYMMETRIC else sides)}"
        left, right = (expression(self.ontology, side) for side in (subject, value))
        if predicate == OWL + "propertyChainAxiom":
            chain = " o ".join(expression(self.ontology, step) for step in self.ontology.members(value))
            words = f"{chain} SubPropertyOf {left}"
        else:
            words = f"{left} {_WORDS.get(predicate, short(predicate))} {right}"
        compiled: tuple[str, ...] = (words,)
        if predicate == OWL + "equivalentClass":
            compiled = (f"{left} SubClassOf {right}", f"{right} SubClassOf {left}")
        about = subject.value if isinstance(subject, ox.NamedNode) else None
        self.axioms[key] = Statement(words, about, compiled)

    def _whole(self, node: ox.BlankNode) -> str:
        """An axiom that is a node of its own, as a group of disjoint classes is."""
        parts = {q.predicate.value: q.object for q in self.ontology.match(node)}
        members = self.ontology.members(parts.get(OWL + "members"))
        if not members:
            return expression(self.ontology, node)
        words = ", ".join(sorted(expression(self.ontology, member) for member in members))
        return f"{expression(self.ontology, parts.get(TYPE)).removeprefix('All')}: {words}"

    def _key(self, node: RdfTerm, *, ordered: bool = True, within: frozenset[RdfTerm] = frozenset()) -> str:
        """A term in a form that is the same in every file that states the same."""
        if isinstance(node, ox.Literal):
            number = _number(node)
            return str(ox.Literal(number, datatype=node.datatype) if number else node)
        if not isinstance(node, ox.BlankNode):
            return str(node)
        if node in within:
            return "[a loop]"
        within |= {node}
        if members := self.ontology.members(node):
            keys = [self._key(member, within=within) for member in members]
            return f"({' '.join(keys if ordered else sorted(keys))})"
        parts = []
        for quad in self.ontology.match(node):
            name = quad.predicate.value
            if name not in _WORDS or len(within) > 1:  # else it is an axiom about the whole expression
                value = self._key(quad.object, ordered=name not in _UNORDERED, within=within)
                parts.append(f"{name} {value}")
        return f"[{'; '.join(sorted(parts))}]"

    def _shown(self, value: RdfTerm) -> str:
        if isinstance(value, ox.NamedNode):
            return self.label(value.value)
        if isinstance(value, ox.Literal):
            return _number(value) or value.value
        return self._key(value)

    def label(self, iri: str) -> str:
        """The label of a term, else its name in words."""
        node = ox.NamedNode(iri)
        name = short(iri)
        plain = in_words(name) if iri.startswith((OWL, RDF, RDFS, *_VOCABULARIES)) else name
        return self.ontology.text(node, ox.NamedNode(RDFS + "label"), plain)

    @cached_property
    def terms(self) -> set[str]:
        """The IRIs of the terms of which something is stated."""
        return {subject for subject, _ in self.facts}

    def values(self, term: str, name: str) -> Values:
        """The values of a term's property."""
        return self.facts.get((term, name), {})

    def kinds(self, term: str) -> list[str]:
        """The IRIs of a term's classes, those of OWL only where it has no other."""
        found = [key.strip("<>") for key in self.values(term, TYPE)]
        found = sorted(kind for kind in found if kind != OWL + "NamedIndividual")
        return [kind for kind in found if not kind.startswith(OWL)] or found

    def clinical(self) -> dict[str, set[str]]:
        """The properties that matter clinically, by the class for which the ontology says so."""
        found: dict[str, set[str]] = {}
        for quad in self.ontology.match(None, dvt("clinicalProperty")):
            found.setdefault(_iri(quad.subject), set()).add(_iri(quad.object))
        return found

    def converses(self) -> dict[str, str]:
        """The property of which each is the converse."""
        found = self.ontology.match(None, dvt("converseOf"))
        return {_iri(q.subject): _iri(q.object) for q in found}

    @cached_property
    def _above(self) -> dict[str, set[str]]:
        """Every class with those above it and itself, for the classes that have members."""
        kinds = {kind for term in self.terms for kind in self.kinds(term)}
        above = ox.NamedNode(RDFS + "subClassOf")
        reached = {kind: self.ontology.reached({ox.NamedNode(kind)}, above, upwards=True) for kind in kinds}
        return {kind: set(map(_iri, nodes)) for kind, nodes in reached.items()}

    def classes(self, term: str) -> set[str]:
        """The IRIs of a term's classes and of all that are above them."""
        return {name for kind in self.kinds(term) for name in self._above[kind]}


_VOCABULARIES = tuple(namespace for prefix, namespace in PREFIXES.items() if prefix in ("skos", "dcterms"))


def _iri(node: RdfTerm) -> str:
    return str(getattr(node, "value", node))


def _logical(quad: ox.Quad) -> bool:
    """Whether a triple about a named term is an axiom rather than a fact or an annotation."""
    predicate = quad.predicate.value
    return isinstance(quad.object, ox.BlankNode) or (
        predicate.startswith((OWL, RDFS)) and predicate not in _ANNOTATIONS
    )


def _number(literal: ox.Literal) -> str | None:
    """A decimal number in its shortest form, or None for anything else."""
    if literal.datatype.value != XSD + "decimal":
        return None
    try:
        return f"{Decimal(literal.value).normalize():f}"
    except InvalidOperation:
        return None
