from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import rdflib
from rdflib.namespace import OWL, RDF

from dvt_kg import HermiT, Ontology, UsageError, build, load

DVT = rdflib.Namespace("https://w3id.org/dvt-kg#")
NAMES = ("dvt-kg", "dvt-kg-examples", "dvt-kg-inferred")


@pytest.fixture(scope="module")
def folder(ontology: Ontology, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("built") / "deep"
    written = build(target, ontology)
    assert [p.name for p in written] == [f"{name}.{ending}" for name in NAMES for ending in ("ttl", "owl")]
    return target


def test_two_builds_write_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    code = f"from dvt_kg import build, load; build({str(tmp_path)!r}, load())"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONHASHSEED": "77"})
    for file in folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name


def canonical(file: Path) -> set[str]:
    """The triples of a file with canonical blank nodes."""
    dataset = ox.Dataset(load(file).store)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return set(map(str, dataset))


@pytest.mark.parametrize("name", NAMES)
def test_turtle_and_rdf_xml_say_the_same_and_import_nothing(folder: Path, name: str) -> None:
    turtle = canonical(folder / f"{name}.ttl")
    assert turtle == canonical(folder / f"{name}.owl")
    assert not [line for line in turtle if str(OWL.imports) in line]
    assert len([line for line in turtle if line.endswith(f"<{RDF.type}> <{OWL.Ontology}>")]) == 1


def test_the_merged_file_is_the_ontology(folder: Path, ontology: Ontology) -> None:
    merged = load(folder / "dvt-kg.ttl")
    assert merged.findings == ontology.findings
    assert merged.version == ontology.version


def test_the_inferred_file_shows_the_examples_classified(folder: Path) -> None:
    graph = rdflib.Graph().parse(folder / "dvt-kg-inferred.ttl")
    patients = set(graph.subjects(RDF.type, DVT.Patient))
    assert len(patients) == 15
    assert {
        str(p).rsplit(":", 1)[-1] for p in graph.subjects(DVT.hasPresentation, DVT["acr-2020-iliofemoral-5"])
    } == {"phlegmasia-cerulea"}
    assert all(graph.value(p, DVT.status) for p in patients)


@pytest.mark.parametrize("name", ["dvt-kg-examples.owl", "dvt-kg-examples.ttl"])
def test_the_owl_api_opens_the_examples_and_hermit_classifies_them(
    folder: Path, reasoner: HermiT, name: str
) -> None:
    jclass: Any = reasoner._class
    manager = jclass("org.semanticweb.owlapi.apibinding.OWLManager").createOWLOntologyManager()
    loaded = manager.loadOntologyFromOntologyDocument(jclass("java.io.File")(str(folder / name)))
    hermit = jclass("org.semanticweb.HermiT.Reasoner")(
        jclass("org.semanticweb.HermiT.Configuration")(), loaded
    )
    assert hermit.isConsistent()
    factory, iri = manager.getOWLDataFactory(), jclass("org.semanticweb.owlapi.model.IRI").create
    patient = factory.getOWLNamedIndividual(iri("urn:dvt-kg:patient:phlegmasia-cerulea"))
    types = {str(c.getIRI().getFragment()) for c in hermit.getTypes(patient, False).getFlattened()}
    assert {"Acr2020Iliofemoral5Patient", "PhlegmasiaCeruleaMet", "AcuteOnsetMet"} <= types


def test_a_folder_that_cannot_be_written_is_one_clear_error(ontology: Ontology, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot write to"):
        build(tmp_path / "file" / "below", ontology)
