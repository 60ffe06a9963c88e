"""HermiT over the files as they are, no projection: what the rules carry beyond the shipped axioms."""

from __future__ import annotations

from collections.abc import Callable

import pyoxigraph as ox
import pytest

from dvt_kg import Fact, HermiT, Ontology, Patient
from dvt_kg.ontology import OWL, XSD, dvt
from dvt_kg.rules import Type, Value
from tests.test_reasoner import CARRIED

REFUSED_BY_HERMIT = tuple(XSD + name for name in ("date", "boolean", "gYear"))


def document(ontology: Ontology, patient: Patient) -> str:
    """The ontology without imports and with one patient as an individual, as RDF/XML."""
    own = (quad.triple for quad in ontology.match() if quad.predicate.value != OWL + "imports")
    triples = {
        triple
        for triple in (*own, *patient.triples())
        if not (isinstance(triple.object, ox.Literal) and triple.object.datatype.value in REFUSED_BY_HERMIT)
    }
    data = ox.serialize(sorted(triples, key=str), format=ox.RdfFormat.RDF_XML)
    assert data is not None
    return data.decode()


@pytest.mark.parametrize(("turtle", "facts", "entailed"), CARRIED.values(), ids=CARRIED)
def test_hermit_concludes_from_the_files_what_the_rules_carry(
    extended: Callable[[str], Ontology],
    reasoner: HermiT,
    turtle: str,
    facts: list[Fact],
    entailed: Type | Value,
) -> None:
    patient = Patient("p", frozenset(facts))
    java = reasoner._class
    manager = java("org.semanticweb.owlapi.apibinding.OWLManager").createOWLOntologyManager()
    source = java("org.semanticweb.owlapi.io.StringDocumentSource")(document(extended(turtle), patient))
    ontology = manager.loadOntologyFromOntologyDocument(source)
    hermit = java("org.semanticweb.HermiT.Reasoner")(java("org.semanticweb.HermiT.Configuration")(), ontology)
    assert hermit.isConsistent()
    factory, iri = manager.getOWLDataFactory(), java("org.semanticweb.owlapi.model.IRI").create
    individual = factory.getOWLNamedIndividual(iri(patient.iri))
    if isinstance(entailed, Type):
        cls = factory.getOWLClass(iri(dvt(entailed.name).value))
        axiom = factory.getOWLClassAssertionAxiom(cls, individual)
    else:
        prop = factory.getOWLObjectProperty(iri(dvt(entailed.property).value))
        value = factory.getOWLNamedIndividual(iri(dvt(entailed.value).value))
        axiom = factory.getOWLObjectPropertyAssertionAxiom(prop, individual, value)
    assert hermit.isEntailed(axiom)
