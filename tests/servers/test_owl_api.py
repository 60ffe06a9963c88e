"""The files in the OWL API, as Protégé opens them, classified by HermiT."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from dvt_kg import HermiT, Ontology, Patient, read
from dvt_kg.ontology import OWL, catalog, data_dir
from dvt_kg.release import merged
from dvt_kg.rules import Type
from dvt_kg.serialisation import canonical, rdf_xml

OWLAPI = "org.semanticweb.owlapi"


@pytest.fixture(scope="module")
def patients(ontology: Ontology) -> tuple[Patient, ...]:
    reading = read([data_dir("ontology") / "examples.ttl"], ontology)
    assert len(reading.patients) == 15
    return reading.patients


def silent_manager(java: Any) -> Any:
    """A manager that fails at any import that nothing on this machine was named for."""
    manager = java(f"{OWLAPI}.apibinding.OWLManager").createOWLOntologyManager()
    manager.setSilentMissingImportsHandling(False)
    return manager


def classified(java: Any, manager: Any, opened: Any, chosen: Iterable[Patient]) -> dict[str, set[str]]:
    """The classes of each patient by HermiT over the ontology as it was opened."""
    factory, iri = manager.getOWLDataFactory(), java(f"{OWLAPI}.model.IRI").create
    hermit = java("org.semanticweb.HermiT.Reasoner")(java("org.semanticweb.HermiT.Configuration")(), opened)
    assert hermit.isConsistent()
    found = {}
    for patient in chosen:
        individual = factory.getOWLNamedIndividual(iri(patient.iri))
        types = {str(c.toStringID()) for c in hermit.getTypes(individual, False).getFlattened()}
        found[patient.id] = {name.rsplit("#", 1)[-1] for name in types if name != OWL + "Thing"}
    return found


def expected(reasoner: HermiT, chosen: Sequence[Patient]) -> dict[str, set[str]]:
    """The classes of each patient as the package has them."""
    found = {}
    for patient, entailed in zip(chosen, reasoner.judge([p.facts for p in chosen]), strict=True):
        assert entailed is not None
        found[patient.id] = {atom.name for atom in entailed if isinstance(atom, Type)}
    return found


def test_the_merged_file_opens_without_network_or_catalog_and_classifies_the_examples(
    ontology: Ontology, reasoner: HermiT, patients: tuple[Patient, ...], tmp_path: Path
) -> None:
    java: Any = reasoner._class
    file = tmp_path / "dvt-kg.owl"
    triples = canonical({*merged(ontology), *(t for p in patients for t in p.triples())})
    file.write_bytes(rdf_xml(triples))
    manager = silent_manager(java)
    opened = manager.loadOntologyFromOntologyDocument(java("java.io.File")(str(file)))
    assert opened.getImportsDeclarations().isEmpty()
    assert manager.getOntologies().size() == 1
    assert classified(java, manager, opened, patients) == expected(reasoner, patients)


def test_the_root_opens_with_the_catalog_and_classifies_the_examples(
    reasoner: HermiT, patients: tuple[Patient, ...]
) -> None:
    java: Any = reasoner._class
    manager, iri = silent_manager(java), java(f"{OWLAPI}.model.IRI")
    files = catalog(data_dir("ontology"))
    for name, file in files.items():
        document = iri.create(java("java.io.File")(str(file)))
        manager.addIRIMapper(java(f"{OWLAPI}.util.SimpleIRIMapper")(iri.create(name), document))
    opened = manager.loadOntology(iri.create("https://w3id.org/dvt-kg/examples"))
    assert manager.getOntologies().size() == len(files)
    assert classified(java, manager, opened, patients) == expected(reasoner, patients)


def test_without_the_catalog_the_root_is_not_opened(reasoner: HermiT) -> None:
    java: Any = reasoner._class
    file = java("java.io.File")(str(data_dir("ontology") / "dvt-kg.ttl"))
    with pytest.raises(java("java.lang.Exception"), match="Could not load imported ontology"):
        silent_manager(java).loadOntologyFromOntologyDocument(file)
