from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import rdflib
from rdflib.namespace import DCAT, DCTERMS, OWL, RDF, SKOS, VOID

from dvt_kg import (
    KnowledgeGraph,
    Ontology,
    UsageError,
    ask,
    build,
    catalogue,
    load,
)
from dvt_kg.datasets import DATASET, SPDX
from dvt_kg.ontology import IRI
from dvt_kg.queries import Query

from .rows import texts
from .test_queries import REQUIRED

DVT = rdflib.Namespace("https://w3id.org/dvt-kg#")
pytestmark = pytest.mark.xdist_group("release")  # one worker, so that one build serves all

GRAPHS = ("dvt-kg", "dvt-kg-base", "dvt-kg-examples", "dvt-kg-inferred", "dvt-kg-mappings")
ENDINGS = ("ttl", "owl", "jsonld")
FORMATS = {"ttl": ox.RdfFormat.TURTLE, "owl": ox.RdfFormat.RDF_XML, "jsonld": ox.RdfFormat.JSON_LD}
OTHERS = ("dvt-kg-mappings.sssom.tsv", "context.jsonld", "void.ttl", "dcat.ttl", "SHA256SUMS")


@pytest.fixture(scope="module")
def folder(ontology: Ontology, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("built") / "deep"
    written = build(target, ontology)
    assert [p.name for p in written] == [*(f"{n}.{e}" for n in GRAPHS for e in ENDINGS), *OTHERS]
    return target


@pytest.fixture(scope="module")
def void(folder: Path) -> rdflib.Graph:
    return rdflib.Graph().parse(folder / "void.ttl", publicID="https://example.org/release/")


@pytest.fixture(scope="module")
def dcat(folder: Path) -> rdflib.Graph:
    return rdflib.Graph().parse(folder / "dcat.ttl", publicID="https://example.org/release/")


def test_two_builds_write_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    code = f"from dvt_kg import build, load; build({str(tmp_path)!r}, load())"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONHASHSEED": "77"})
    for file in folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name


def stored(file: Path) -> ox.Store:
    store = ox.Store()
    store.load(path=str(file), format=FORMATS[file.suffix[1:]])
    return store


def canonical(file: Path) -> set[str]:
    """The triples of a file with canonical blank nodes, numbers by their value."""
    dataset = ox.Dataset(stored(file))
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return set(map(str, dataset))


@pytest.mark.parametrize("name", GRAPHS)
def test_the_forms_of_a_graph_say_the_same_and_import_nothing(folder: Path, name: str) -> None:
    turtle = canonical(folder / f"{name}.ttl")
    assert turtle == canonical(folder / f"{name}.owl") == canonical(folder / f"{name}.jsonld")
    assert not [line for line in turtle if str(OWL.imports) in line]
    assert len([line for line in turtle if line.endswith(f"<{RDF.type}> <{OWL.Ontology}>")]) == 1


def test_the_merged_file_is_the_ontology(folder: Path, ontology: Ontology) -> None:
    merged = load(folder / "dvt-kg.ttl")
    assert merged.findings == ontology.findings
    assert merged.version == ontology.version


def test_the_base_describes_the_ontologys_own_terms_only(folder: Path, ontology: Ontology) -> None:
    base = load(folder / "dvt-kg-base.ttl")
    assert base.findings == ontology.findings
    assert {t.name for t in base.terms} == {t.name for t in ontology.terms}
    described = {
        quad.subject.value: quad.predicate.value
        for quad in base.match()
        if isinstance(quad.subject, ox.NamedNode)
        and not quad.subject.value.startswith("https://w3id.org/dvt-kg")
    }
    assert set(described.values()) == {str(RDF.type)}
    assert not base.match(None, None, ox.NamedNode(str(SKOS.Concept)))


def test_the_mappings_file_holds_every_match_and_every_code(folder: Path, ontology: Ontology) -> None:
    mappings = load(folder / "dvt-kg-mappings.ttl")
    concept = ox.NamedNode(str(SKOS.Concept))
    codes = {quad.subject for quad in ontology.match(None, None, concept)}
    assert codes == {quad.subject for quad in mappings.match(None, None, concept)} != set()
    for way in ("exactMatch", "broadMatch", "narrowMatch", "closeMatch", "relatedMatch"):
        matches = {q for q in ontology.match(None, ox.NamedNode(str(SKOS[way]))) if q.object in codes}
        assert set(mappings.match(None, ox.NamedNode(str(SKOS[way])))) == matches != set()


def test_the_inferred_file_shows_the_examples_classified(folder: Path) -> None:
    graph = rdflib.Graph().parse(folder / "dvt-kg-inferred.ttl")
    patients = set(graph.subjects(RDF.type, DVT.Patient))
    assert len(patients) == 15
    assert {
        str(p).rsplit(":", 1)[-1] for p in graph.subjects(DVT.hasPresentation, DVT["acr-2020-iliofemoral-5"])
    } == {"phlegmasia-cerulea"}
    assert all(graph.value(p, DVT.status) for p in patients)


@pytest.fixture(scope="module")
def in_oxigraph(folder: Path) -> ox.Store:
    return stored(folder / "dvt-kg-inferred.owl")


@pytest.mark.parametrize(
    "query", [q for q in catalogue().values() if q.name != "provenance"], ids=lambda q: q.name
)
def test_the_inferred_file_answers_the_catalogue_without_a_reasoner(
    query: Query, explained_examples: KnowledgeGraph, in_oxigraph: ox.Store
) -> None:
    parameters = REQUIRED.get(query.name, {})
    expected = ask(explained_examples, query, **parameters)
    bound = query.bind(parameters)
    names = [f"?{name}" for name in bound]
    values = f"\nVALUES ({' '.join(names)}) {{ ({' '.join(map(str, bound.values()))}) }}" if bound else ""
    theirs = in_oxigraph.query(query.text + values)
    assert isinstance(theirs, ox.QuerySolutions)
    assert texts(theirs, expected.variables) == texts(expected, expected.variables)


def test_the_provenance_bears_the_versions_date(in_oxigraph: ox.Store, ontology: Ontology) -> None:
    rows = in_oxigraph.query(catalogue()["provenance"].text)
    assert isinstance(rows, ox.QuerySolutions)
    created = ontology.text(ox.NamedNode(IRI), ox.NamedNode(str(DCTERMS.created)))
    assert [row["time"].value for row in rows] == [created]


def test_the_checksums_are_those_of_the_files(folder: Path) -> None:
    lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    sums = {name: found for found, name in (line.split("  ") for line in lines)}
    assert set(sums) == {path.name for path in folder.iterdir()} - {"SHA256SUMS"}
    for name, found in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == found


def test_void_counts_what_the_merged_file_holds(void: rdflib.Graph, folder: Path) -> None:
    merged = rdflib.Graph().parse(folder / "dvt-kg.ttl")

    def number(subject: Any, predicate: Any) -> int:
        return int(str(void.value(subject, predicate)))

    assert number(DATASET, VOID.triples) == len(merged)
    assert number(DATASET, VOID.distinctSubjects) == len(set(merged.subjects()))
    assert number(DATASET, VOID.properties) == len(set(merged.predicates()))
    for part in void.objects(DATASET, VOID.classPartition):
        members = set(merged.subjects(RDF.type, void.value(part, VOID["class"])))
        assert number(part, VOID.entities) == len(members)
    dumps = {str(file).rsplit("/", 1)[-1] for file in void.objects(DATASET, VOID.dataDump)}
    assert dumps == {f"dvt-kg.{ending}" for ending in ENDINGS}
    links = sum(number(subset, VOID.triples) for subset in void.objects(DATASET, VOID.subset))
    ways = [SKOS.exactMatch, SKOS.closeMatch, SKOS.broadMatch, SKOS.narrowMatch, SKOS.relatedMatch]
    codes = set(merged.subjects(RDF.type, SKOS.Concept))
    assert links == len([o for way in ways for o in merged.objects(None, way) if o in codes]) > 100


def test_dcat_describes_each_file_with_its_size_and_checksum(dcat: rdflib.Graph, folder: Path) -> None:
    parts = list(dcat.objects(DATASET, DCAT.distribution))
    files = {str(dcat.value(part, DCAT.downloadURL)).rsplit("/", 1)[-1]: part for part in parts}
    described = {path.name for path in folder.iterdir()} - {"SHA256SUMS", "void.ttl", "dcat.ttl"}
    assert set(files) == described
    for name, part in files.items():
        data = (folder / name).read_bytes()
        assert int(str(dcat.value(part, DCAT.byteSize))) == len(data)
        checksum = dcat.value(part, SPDX.checksum)
        assert str(dcat.value(checksum, SPDX.checksumValue)) == hashlib.sha256(data).hexdigest()
        assert dcat.value(part, DCTERMS.title)
        assert dcat.value(part, DCTERMS.license)
    assert str(dcat.value(DATASET, DCTERMS.license)) == "https://creativecommons.org/licenses/by/4.0/"


def test_the_sssom_file_has_the_matches_of_the_graph(folder: Path, ontology: Ontology) -> None:
    text = (folder / "dvt-kg-mappings.sssom.tsv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(io.StringIO("\n".join(lines)), delimiter="\t"))
    concepts = {q.subject for q in ontology.match(None, None, ox.NamedNode(str(SKOS.Concept)))}
    ways = ("exactMatch", "closeMatch", "broadMatch", "narrowMatch", "relatedMatch")
    matches = [
        q for way in ways for q in ontology.match(None, ox.NamedNode(str(SKOS[way]))) if q.object in concepts
    ]
    assert len(rows) == len(matches) > 100


def test_the_context_is_the_one_of_the_records(folder: Path) -> None:
    context = json.loads((folder / "context.jsonld").read_text(encoding="utf-8"))
    assert context["@context"]["dvt"] == str(DVT)


def test_a_folder_that_cannot_be_written_is_one_clear_error(ontology: Ontology, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot write to"):
        build(tmp_path / "file" / "below", ontology)
