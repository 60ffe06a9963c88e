"""Expressions of OWL in the manner of the Manchester syntax, by name or by label."""

from __future__ import annotations

import re

import pyoxigraph as ox

from dvt_kg.ontology import OWL, RDF, XSD, Ontology, RdfTerm, local_name
from dvt_kg.rules import FACETS


def expression(ontology: Ontology, node: RdfTerm | None) -> str:
    """A class expression, datatype or name as one line, whether or not anything else reads it."""
    if isinstance(node, ox.Literal):
        return node.value
    if not isinstance(node, ox.BlankNode):
        return local_name(node).removeprefix(OWL)
    parts = {quad.predicate.value: quad.object for quad in ontology.match(node)}

    def part(name: str) -> str:
        return expression(ontology, parts.get(OWL + name))

    for name, joint in (("intersectionOf", " and "), ("unionOf", " or ")):
        if OWL + name in parts:
            return f"({joint.join(expression(ontology, m) for m in ontology.members(parts[OWL + name]))})"
    for name, verb in (("hasValue", "value"), ("someValuesFrom", "some")):
        if OWL + name in parts:
            return f"{part('onProperty')} {verb} {part(name)}"
    if OWL + "onDatatype" in parts:
        facets = [
            q for f in ontology.members(parts.get(OWL + "withRestrictions")) for q in _facet(ontology, f)
        ]
        return f"{part('onDatatype').removeprefix(XSD)}[{', '.join(facets)}]"
    inside = (
        f"{local_name(predicate).removeprefix(OWL)} {local_name(value).removeprefix(OWL)}"
        for predicate, value in parts.items()
        if predicate != RDF + "type" and not isinstance(value, ox.BlankNode)
    )
    return f"[{', '.join(sorted(inside))}]"


def _facet(ontology: Ontology, node: RdfTerm) -> list[str]:
    """The bounds that a facet's node states."""
    if not isinstance(node, ox.NamedNode | ox.BlankNode):
        return [expression(ontology, node)]
    named = (
        (q.predicate.value.removeprefix(XSD), expression(ontology, q.object)) for q in ontology.match(node)
    )
    return [f"{FACETS.get(name, name)} {limit}" for name, limit in sorted(named)]


def labelled(ontology: Ontology, axiom: str) -> str:
    """An axiom in words with the labels of its terms, quoted as Protégé does.

    >>> from dvt_kg.ontology import load
    >>> labelled(load(), "hasFinding value cyanosis SubClassOf AcuteOnsetMet")
    "'has finding' value cyanosis SubClassOf 'acute onset: met'"
    """

    def label(found: re.Match[str]) -> str:
        text = ontology.labels.get(found[0], found[0])
        return f"'{text}'" if " " in text else text

    return re.sub(r"[A-Za-z][\w-]*", label, axiom)
