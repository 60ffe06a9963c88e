"""Axioms of the ontology as Horn rules about one patient.

The ontology's core is in OWL 2 EL and RL; over the facts of one patient every axiom is a Horn
clause. An axiom that is none is refused by name (:mod:`dvt_kg.fragment`), so that nothing is
silently left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import lru_cache

import pyoxigraph as ox

from dvt_kg.errors import UnsupportedAxiom
from dvt_kg.fragment import DECIMAL, THING, Fragment, Node, fragment, owl, rdfs
from dvt_kg.ontology import DCTERMS, Ontology, dvt, local_name, named
from dvt_kg.rules import PATIENT, Atom, Range, Rule, RuleSet, Type, Value


@lru_cache(maxsize=4)
def _values(axioms: Fragment) -> dict[str, set[str]]:
    """The individuals to which each property of patients can link one."""
    ontology = axioms.ontology
    found = {name: set(ontology.values(name)) for name in axioms.of_patients}
    for node, value in axioms.pairs(owl("hasValue")):
        if isinstance(value, ox.NamedNode):
            found.setdefault(axioms.words(axioms.one(node, owl("onProperty"))), set()).add(local_name(value))
    size = -1
    while size != (size := sum(map(len, found.values()))):
        for lower, upper in axioms.supers:
            if lower in found and upper in found:
                found[upper] |= found[lower]
        for result, first, second, _ in axioms.chains:
            for link in axioms.links_below(second):
                quads = ontology.match(None, named(link))
                found[result] |= {
                    local_name(q.object) for q in quads if local_name(q.subject) in found[first]
                }
    return found


def links(ontology: Ontology) -> Iterator[tuple[Value, Value, str]]:
    """What a property value of a patient entails by itself: chains and sub-properties, grounded.

    A chain's second property links the ontology's own individuals, so each of its links is one
    implication between two values of a patient.

    :returns: the value, the entailed value, and the axioms in words
    """
    axioms = fragment(ontology)
    values = _values(axioms)
    for result, first, second, words in axioms.chains:
        known = axioms.range_of(result)
        for link in sorted(axioms.links_below(second)):
            for quad in sorted(ontology.match(None, named(link)), key=str):
                a, b = local_name(quad.subject), local_name(quad.object)
                if a in values[first]:
                    if known and b not in known:
                        raise UnsupportedAxiom(
                            f"{a} {link} {b}", f"{b} is not stated to be in the range of {result}"
                        )
                    yield Value(first, a), Value(result, b), f"{a} {link} {b}; {words}"
    for lower, upper in sorted(axioms.supers):
        if lower != upper and lower in axioms.of_patients:
            for value in sorted(values[lower]):
                yield Value(lower, value), Value(upper, value), f"{lower} SubPropertyOf {upper}"


def domains(ontology: Ontology) -> Iterator[tuple[Value | Range, Type, str]]:
    """What a property of patients by itself says of its subject, beyond being a patient.

    :returns: each value of the property, the class, and the axiom in words
    """
    axioms = fragment(ontology)
    values = _values(axioms)
    for prop, domain in axioms.pairs(rdfs("domain")):
        name = local_name(prop)
        if domain in (THING, dvt(PATIENT.name)) or name not in axioms.of_patients:
            continue
        numeric = axioms.has_type(prop, owl("DatatypeProperty"))
        atoms: list[Value | Range] = [Value(name, value) for value in sorted(values[name])]
        for atom in [Range(name, ())] if numeric else atoms:
            yield atom, Type(local_name(domain)), f"{name} Domain {axioms.words(domain)}"


def existentials(ontology: Ontology) -> Iterator[tuple[Node, list[Value]]]:
    """Each existential over the individuals of a class, with the values of a patient that satisfy it."""
    axioms = fragment(ontology)
    for node, _ in axioms.pairs(owl("someValuesFrom")):
        prop = axioms.one(node, owl("onProperty"))
        if axioms.has_type(prop, owl("ObjectProperty")):
            bodies = axioms.bodies(node)
            yield node, [atom for body in bodies for atom in body if isinstance(atom, Value)]


class Sources:
    """The sources that an ontology names for what rules are about."""

    def __init__(self, ontology: Ontology) -> None:
        self._of_terms: dict[str, set[str]] = {}
        for quad in ontology.match(None, ox.NamedNode(DCTERMS + "source")):
            self._of_terms.setdefault(local_name(quad.subject), set()).add(local_name(quad.object))
        self._of_limits: dict[tuple[str, Decimal, bool], set[str]] = {}
        for quad in ontology.match(None, dvt("measurement")):
            assert isinstance(quad.subject, ox.NamedNode)
            measured, limit = local_name(quad.object), ontology.text(quad.subject, dvt("limit"))
            # "< 14" and ">= 14" divide the numbers alike, "<= 14" and "> 14" otherwise.
            above = ontology.text(quad.subject, dvt("comparator")) in ("<", ">=")
            named = self._of_terms.get(local_name(quad.subject), set())
            self._of_limits.setdefault((measured, Decimal(limit), above), set()).update(named)

    def of_terms(self, *names: str) -> set[str]:
        """The sources of terms, by local name."""
        return set().union(*(self._of_terms.get(name, set()) for name in names))

    def of(self, atoms: Iterable[Atom | None]) -> tuple[str, ...]:
        """The sources of the terms and thresholds that atoms name, by local name, sorted."""
        found: set[str] = set()
        for atom in atoms:
            if isinstance(atom, Range):
                for facet, limit in atom.bounds:
                    above = facet in ("maxExclusive", "minInclusive")
                    found |= self._of_limits.get((atom.property, limit, above), set())
            elif atom is not None:
                found |= self._of_terms.get(atom.value if isinstance(atom, Value) else atom.name, set())
        return tuple(sorted(found))


@lru_cache(maxsize=4)
def compile_rules(ontology: Ontology) -> RuleSet:
    """Read the rules from an ontology's axioms, once for each ontology.

    :raises UnsupportedAxiom: for an axiom that is no Horn clause about one patient
    """
    axioms = fragment(ontology)
    axioms.refuse_unknown()
    axioms.refuse_properties()
    rules: dict[tuple[frozenset[Atom], Atom | None], Rule] = {}
    sources = Sources(ontology)

    def add(body: frozenset[Atom], head: Atom | None, axiom: str) -> None:
        body = body - {PATIENT} or frozenset({PATIENT})
        for atom in (*body, head):
            if isinstance(atom, Range) and set(ontology.objects(named(atom.property), rdfs("range"))) - {
                DECIMAL
            }:
                raise UnsupportedAxiom(axiom, f"{atom.property} is no xsd:decimal")
        if head not in body and head != PATIENT and (body, head) not in rules:
            rules[body, head] = Rule(body, head, axiom, sources.of({*body, head}))

    def subsumption(lower: Node, upper: Node) -> None:
        axiom = f"{axioms.words(lower)} SubClassOf {axioms.words(upper)}"
        heads = axioms.heads(upper, axiom)
        axioms.refuse_individuals(axiom, lower, upper)
        for head, body in itertools.product(heads, axioms.bodies(lower)):
            add(body, head, axiom)

    for lower, upper in axioms.pairs(rdfs("subClassOf")):
        subsumption(lower, upper)
    for one, other in axioms.pairs(owl("equivalentClass")):
        axiom = f"{axioms.words(one)} EquivalentTo {axioms.words(other)}"
        axioms.refuse_individuals(axiom, one, other)
        subsumption(one, other)
        subsumption(other, one)
    groups = [list(pair) for pair in axioms.pairs(owl("disjointWith"))]
    groups += [
        axioms.items(head)
        for node, head in axioms.pairs(owl("members"))
        if axioms.has_type(node, owl("AllDisjointClasses"))
    ]
    for group in groups:
        for one, other in itertools.combinations(group, 2):
            axiom = f"{axioms.words(one)} DisjointWith {axioms.words(other)}"
            axioms.refuse_individuals(axiom, one, other)
            for left, right in itertools.product(axioms.bodies(one), axioms.bodies(other)):
                add(left | right, None, axiom)
    for premise, conclusion, axiom in links(ontology):
        add(frozenset({premise}), conclusion, axiom)
    for atom, cls, axiom in domains(ontology):
        add(frozenset({atom}), cls, axiom)
    return RuleSet(tuple(sorted(rules.values(), key=lambda r: (str(r.head), sorted(map(str, r.body))))))
