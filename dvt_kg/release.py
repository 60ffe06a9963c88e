"""The files that a release ships: base, merged, with examples, with all that is inferred, mappings."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyoxigraph as ox

from dvt_kg.classification import classify
from dvt_kg.errors import OntologyError, UsageError
from dvt_kg.graph import INFERRED
from dvt_kg.hermit import TIMEOUT, HermiT
from dvt_kg.mappings import MEANINGS, sssom
from dvt_kg.ontology import DCTERMS, IRI, NAMESPACE, OWL, RDF, SKOS, Ontology, data_dir
from dvt_kg.readers import read
from dvt_kg.serialisation import FORMS, canonical

EXAMPLES = "examples.ttl"
CONTEXT = "context.jsonld"
CHECKSUMS = "SHA256SUMS"
#: what the files of a release hold, by their names without the ending
TITLES = {
    "dvt-kg": "The ontology, merged: every module in one file without imports",
    "dvt-kg-base": "The base: what is said of the ontology's own terms, others' codes not described",
    "dvt-kg-examples": "The merged ontology with invented patients",
    "dvt-kg-inferred": "Merged, with invented patients and all that is inferred of them, with reasons",
    "dvt-kg-mappings": "The codes of other terminologies and how they relate to the ontology's terms",
    "context": "The JSON-LD context of patient records",
}
_MATCHES = {SKOS + way for way in MEANINGS}
_TYPE = RDF + "type"


def build(
    folder: Path | str,
    ontology: Ontology,
    *,
    java: str | os.PathLike[str] | None = None,
    timeout: float = TIMEOUT,
) -> list[Path]:
    """Write a release of an ontology: its graphs, mappings, context, descriptions and checksums.

    Each graph as Turtle, RDF/XML and JSON-LD; mappings as SSSOM besides; VoID, DCAT and SHA256SUMS
    of the rest. Two runs write the same bytes: the time in the provenance is that of
    SOURCE_DATE_EPOCH, else the version's date.

    :param folder: where to write; made if it is not there
    :returns: the files
    :raises UsageError: where the folder cannot be written
    """
    from dvt_kg.datasets import dcat, sha256, void  # noqa: PLC0415 - rdflib is slow to import

    target = Path(folder)
    whole = set(merged(ontology))
    date = issued(ontology)
    examples, inferred = _classified(ontology, date, java, timeout)
    contents = {
        "dvt-kg": whole,
        "dvt-kg-base": set(_base(whole)),
        "dvt-kg-examples": whole | examples,
        "dvt-kg-inferred": whole | examples | inferred,
        "dvt-kg-mappings": set(_mappings(ontology)),
    }
    written: list[Path] = []

    def write(name: str, data: bytes) -> Path:
        path = target / name
        path.write_bytes(data)
        written.append(path)
        return path

    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, triples in contents.items():
            ordered = canonical(triples)
            for ending, serialised in FORMS.items():
                write(f"{name}.{ending}", serialised(ordered))
        write("dvt-kg-mappings.sssom.tsv", sssom(ontology).encode())
        write(CONTEXT, (data_dir("ontology") / CONTEXT).read_bytes())
        files = list(written)
        dumps = [target / f"dvt-kg.{ending}" for ending in FORMS]
        write("void.ttl", void(ontology, list(whole), dumps, date))
        write("dcat.ttl", dcat(ontology, files, TITLES, date))
        sums = (f"{sha256(file.read_bytes())}  {file.name}\n" for file in sorted(written))
        write(CHECKSUMS, "".join(sums).encode())
    except OSError as error:
        raise UsageError(f"cannot write to {str(target)!r}: {error.strerror}") from None
    return written


def _classified(
    ontology: Ontology, made: datetime, java: str | os.PathLike[str] | None, timeout: float
) -> tuple[set[ox.Triple], set[ox.Triple]]:
    """The example patients' triples, and what is inferred of them with the reasons."""
    from dvt_kg.explanation_graph import explained  # noqa: PLC0415 - slow to import

    beside = ontology.path / EXAMPLES
    file = beside if beside.is_file() else data_dir("ontology") / EXAMPLES
    reading = read([file], ontology)
    if reading.errors:
        raise reading.errors[0]
    classification = classify(reading.patients, HermiT(ontology, java=java, timeout=timeout))
    examples = {t for patient in reading.patients for t in patient.triples()}
    return examples, set(explained(classification, made=made).triples(INFERRED))


def merged(ontology: Ontology) -> Iterator[ox.Triple]:
    """The ontology's triples without imports and without the modules' own headers."""
    imports = OWL + "imports"
    for quad in ontology.match():
        module = isinstance(quad.subject, ox.NamedNode) and quad.subject.value.startswith(IRI + "/")
        if not module and quad.predicate.value != imports:
            yield quad.triple


def _base(whole: Iterable[ox.Triple]) -> Iterator[ox.Triple]:
    """What is said of the ontology's own terms: of others' it only says of what kind they are.

    That is the base file of OBO practice: another ontology can import it beside those it refers to.
    """
    for triple in whole:
        subject = triple.subject
        own = not isinstance(subject, ox.NamedNode) or subject.value.startswith((NAMESPACE, IRI))
        if own or (triple.predicate.value == _TYPE and not _is_concept(triple)):
            yield triple


def _mappings(ontology: Ontology) -> Iterator[ox.Triple]:
    """The matches of terms, all that is said of codes and code systems, and what kind of property says it."""
    triples = [quad.triple for quad in ontology.match()]
    described = {t.subject for t in triples if _is_concept(t)}
    header = ox.NamedNode(f"{IRI}/mappings")
    chosen = [
        t
        for t in triples
        if t.subject in described
        or (t.subject == header and t.predicate.value != OWL + "imports")
        or (t.predicate.value in _MATCHES and t.object in described)
    ]
    used = {t.predicate for t in chosen} | {t.object for t in chosen if t.predicate.value == _TYPE}
    yield from chosen
    yield from (t for t in triples if t.subject in used and t.predicate.value == _TYPE)


def _is_concept(triple: ox.Triple) -> bool:
    kinds = (ox.NamedNode(SKOS + "Concept"), ox.NamedNode(SKOS + "ConceptScheme"))
    return triple.predicate.value == _TYPE and triple.object in kinds


def issued(ontology: Ontology) -> datetime:
    """The date that the built files bear.

    :raises OntologyError: where the ontology states none
    """
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        return datetime.fromtimestamp(int(epoch), UTC)
    created = ontology.text(ox.NamedNode(IRI), ox.NamedNode(DCTERMS + "created"))
    if not created:
        raise OntologyError("the ontology states no dcterms:created", source=IRI)
    return datetime.fromisoformat(created)
