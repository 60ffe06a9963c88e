"""What several test modules share: the shipped ontology, one HermiT, and a way to change a copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dvt_kg import HermiT, KnowledgeGraph, Ontology, classify, explained, load, read
from dvt_kg.ontology import data_dir


@pytest.fixture(scope="session")
def ontology() -> Ontology:
    return load()


@pytest.fixture(scope="session")
def reasoner(ontology: Ontology) -> HermiT:
    return HermiT(ontology)


@pytest.fixture(scope="session")
def explained_examples(ontology: Ontology, reasoner: HermiT) -> KnowledgeGraph:
    """The shipped example patients with all that the package infers of them, and why."""
    reading = read([data_dir("ontology") / "examples.ttl"], ontology)
    return explained(classify(reading.patients, reasoner))


@pytest.fixture
def extended(tmp_path: Path) -> Callable[[str], Ontology]:
    """Load a copy of the ontology with a module of more Turtle, as a clinician would add one."""

    def extend(turtle: str) -> Ontology:
        folder = tmp_path / "ontology"
        shutil.copytree(data_dir("ontology"), folder)
        prefixes = (folder / "findings.ttl").read_text(encoding="utf-8").split("\n\n", 1)[0]
        (folder / "local.ttl").write_text(f"{prefixes}\n{turtle}", encoding="utf-8")
        catalog = folder / "catalog-v001.xml"
        entry = '    <uri name="https://w3id.org/dvt-kg/local" uri="local.ttl"/>\n</catalog>'
        catalog.write_text(catalog.read_text(encoding="utf-8").replace("</catalog>", entry), encoding="utf-8")
        root = folder / "dvt-kg.ttl"
        text = root.read_text(encoding="utf-8")
        root.write_text(
            text.replace(
                "<https://w3id.org/dvt-kg/metadata> ;",
                "<https://w3id.org/dvt-kg/metadata> , <https://w3id.org/dvt-kg/local> ;",
            ),
            encoding="utf-8",
        )
        return load(folder)

    return extend
