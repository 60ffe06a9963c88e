"""Explanations as triples: justifications and missing sets beside what was inferred."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime

import pyoxigraph as ox

from dvt_kg.classification import Classification, part, recorded_fact
from dvt_kg.explainer import Axiom, Conclusion, Explanation, explainer
from dvt_kg.graph import INFERRED, KnowledgeGraph
from dvt_kg.ontology import DCTERMS, RDF, RDFS, Ontology, dvt
from dvt_kg.patients import Patient

_TYPE = ox.NamedNode(RDF + "type")
_LABEL = ox.NamedNode(RDFS + "label")
_SOURCE = ox.NamedNode(DCTERMS + "source")


def explained(classification: Classification, *, made: datetime | None = None) -> KnowledgeGraph:
    """The patients, what was inferred of them, and why, as a knowledge graph.

    :param made: the time that the provenance states; now if not given
    """
    graph = classification.graph(made=made)
    ontology = classification.ontology
    for patient, profile in classification:
        explanation = explainer(ontology).explain(patient, profile, what_if=False)
        graph.add(INFERRED, _explanation(explanation, ontology))
    return graph


def _explanation(explanation: Explanation, ontology: Ontology) -> Iterator[ox.Triple]:
    patient = explanation.patient
    node = ox.NamedNode(patient.iri)
    for conclusion in _conclusions(explanation):
        yield from _concluded(patient, conclusion, ontology)
    for presentation in explanation.presentations:
        yield from _open(node, presentation.name, presentation.missing)
    conditions = {name: sets for c in explanation.contraindications for name, sets in c.missing.items()}
    for condition, sets in sorted(conditions.items()):
        question = part(node, "open", condition)
        yield ox.Triple(node, dvt("hasOpenQuestion"), question)
        yield ox.Triple(question, _TYPE, dvt("OpenQuestion"))
        yield ox.Triple(question, dvt("aboutCondition"), dvt(condition))
        yield from _open(node, condition, sets)


def _open(node: ox.NamedNode, name: str, sets: Iterable[Iterable[str]]) -> Iterator[ox.Triple]:
    """The sets that would settle an open question."""
    for number, names in enumerate(sets, 1):
        missing = part(node, "open", f"{name}/{number}")
        yield ox.Triple(part(node, "open", name), dvt("hasMissingSet"), missing)
        yield ox.Triple(missing, _TYPE, dvt("MissingSet"))
        yield from (ox.Triple(missing, dvt("missing"), dvt(item)) for item in names)


def _conclusions(explanation: Explanation) -> Iterator[Conclusion]:
    """Everything in an explanation that has justifications."""
    if explanation.contradiction is not None:
        yield explanation.contradiction
        yield from explanation.alerts
        return
    for presentation in explanation.presentations:
        if presentation.why is not None:
            yield presentation.why
    criteria = {c.name: c.why for p in explanation.presentations for c in p.criteria if c.why is not None}
    yield from criteria.values()
    yield from (c.why for c in explanation.contraindications if c.why is not None)
    yield from explanation.alerts
    yield from explanation.conflicts


def _concluded(patient: Patient, conclusion: Conclusion, ontology: Ontology) -> Iterator[ox.Triple]:
    node = ox.NamedNode(patient.iri)
    name = "/".join((conclusion.property, *(conclusion.statements or (conclusion.about,)))).rstrip("/")
    concluded = part(node, "conclusion", name)
    yield ox.Triple(node, dvt("hasConclusion"), concluded)
    yield ox.Triple(concluded, _TYPE, dvt("Conclusion"))
    if not conclusion.complete:
        yield ox.Triple(concluded, _TYPE, dvt("CappedConclusion"))
    if not conclusion.statements:
        yield ox.Triple(concluded, dvt("concludedProperty"), dvt(conclusion.property))
    for about in conclusion.statements or filter(None, [conclusion.about]):
        yield ox.Triple(concluded, dvt("concludes"), dvt(about))
    for number, justification in enumerate(conclusion.justifications, 1):
        justified = part(node, "conclusion", f"{name}/{number}")
        yield ox.Triple(concluded, dvt("hasJustification"), justified)
        yield ox.Triple(justified, _TYPE, dvt("Justification"))
        for fact in justification.facts:
            recorded, said = recorded_fact(patient, fact, ontology)
            yield ox.Triple(justified, dvt("citedFact"), recorded)
            yield from said
        yield from _axioms(justified, justification.axioms)
        yield from (ox.Triple(justified, _SOURCE, dvt(source)) for source in justification.sources)


def _axioms(justified: ox.NamedNode, axioms: Iterable[Axiom]) -> Iterator[ox.Triple]:
    for axiom in axioms:
        digest = hashlib.sha256(axiom.words.encode()).hexdigest()
        node = ox.NamedNode(f"urn:dvt-kg:axiom:{digest[:16]}")
        yield ox.Triple(justified, dvt("usedAxiom"), node)
        yield ox.Triple(node, _TYPE, dvt("Axiom"))
        yield ox.Triple(node, _LABEL, ox.Literal(axiom.words, language="en"))
        yield from (ox.Triple(node, _SOURCE, dvt(source)) for source in axiom.sources)
