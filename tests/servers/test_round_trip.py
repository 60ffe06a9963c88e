"""Loaded and saved by Owlready2, by rdflib and by the OWL API, the graph loses nothing that is read.

Compared are the rows of every query of the catalogue and of every quality query, and the rules that
the axioms come to: numbers by their value, for each tool writes them in its own way.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import owlready2
import pytest
import rdflib

from dvt_kg import HermiT, Ontology, ask, catalogue, load
from dvt_kg.axioms import compile_rules
from dvt_kg.checks import violation_queries
from dvt_kg.graph import KnowledgeGraph
from dvt_kg.release import merged
from dvt_kg.serialisation import canonical, rdf_xml
from tests.rows import texts
from tests.test_queries import REQUIRED

Read = dict[str, list[str]]


def read(ontology: Ontology) -> Read:
    """What the queries read, and the rules."""
    graph = KnowledgeGraph(ontology)
    found: Read = {}
    for query in (*catalogue().values(), *violation_queries().values()):
        rows = ask(graph, query, **REQUIRED.get(query.name, {}))
        found[query.name] = texts(rows, rows.variables)
    rules = compile_rules(ontology).rules
    found["rules"] = sorted(
        f"{sorted(map(str, rule.body))} {rule.head} {sorted(rule.sources)}" for rule in rules
    )
    return found


@pytest.fixture(scope="module")
def file(ontology: Ontology, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The merged ontology as RDF/XML, which all of them read."""
    path = tmp_path_factory.mktemp("merged") / "dvt-kg.owl"
    path.write_bytes(rdf_xml(canonical(merged(ontology))))
    return path


@pytest.fixture(scope="module")
def before(file: Path) -> Read:
    found = read(load(file))
    assert sum(map(bool, found.values())) > 20
    assert len(found["rules"]) > 500
    return found


def by_owlready(source: Path, target: Path) -> None:
    world = owlready2.World()
    with source.open("rb") as data:
        world.get_ontology("https://w3id.org/dvt-kg").load(fileobj=data).save(str(target), format="rdfxml")
    world.close()


def by_rdflib(source: Path, target: Path) -> None:
    """Through Turtle, RDF/XML and JSON-LD, one after the other."""
    graph = rdflib.Graph().parse(source, format="xml")
    for form in ("turtle", "xml", "json-ld"):
        graph = rdflib.Graph().parse(data=graph.serialize(format=form), format=form)
    graph.serialize(target, format="nt", encoding="utf-8")


def by_owl_api(source: Path, target: Path) -> None:
    """Through functional syntax and OWL/XML to RDF/XML, each document read anew."""
    java: Any = HermiT(load())._class
    document, iri = java("java.io.File"), java("org.semanticweb.owlapi.model.IRI")
    for form in ("OWLFunctionalSyntax", "OWLXML", "RDFXML"):
        manager = java("org.semanticweb.owlapi.apibinding.OWLManager").createOWLOntologyManager()
        opened = manager.loadOntologyFromOntologyDocument(document(str(source)))
        kept = target if form == "RDFXML" else target.with_suffix(f".{form.lower()}")
        written = java(f"org.semanticweb.owlapi.io.{form}OntologyFormat")()
        manager.saveOntology(opened, written, iri.create(document(str(kept))))
        source = kept


TOOLS: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "Owlready2": (by_owlready, "owl"),
    "rdflib": (by_rdflib, "nt"),
    "OWL API": (by_owl_api, "owl"),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_nothing_that_is_read_is_lost(tool: str, file: Path, before: Read, tmp_path: Path) -> None:
    save, ending = TOOLS[tool]
    target = tmp_path / f"saved.{ending}"
    save(file, target)
    after = read(load(target))
    assert {name: rows for name, rows in after.items() if rows != before[name]} == {}


def test_a_loss_is_seen(file: Path, before: Read, tmp_path: Path) -> None:
    graph = rdflib.Graph().parse(file, format="xml")
    graph.remove(
        (
            rdflib.URIRef("https://w3id.org/dvt-kg#cyanosis"),
            rdflib.URIRef("https://w3id.org/dvt-kg#implies"),
            None,
        )
    )
    graph.remove((None, rdflib.URIRef("https://w3id.org/dvt-kg#locator"), None))
    graph.serialize(tmp_path / "less.nt", format="nt", encoding="utf-8")
    after = read(load(tmp_path / "less.nt"))
    assert after != before
