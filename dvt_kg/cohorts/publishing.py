"""Publishing: what is said beside the answers of a run, its summary and its provenance."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version as package_version
from pathlib import Path

import pyoxigraph as ox

from dvt_kg.classification import PROV
from dvt_kg.cohorts import outputs
from dvt_kg.cohorts.batches import Part
from dvt_kg.cohorts.job import Job
from dvt_kg.cohorts.outputs import Written
from dvt_kg.cohorts.summaries import as_page, in_words
from dvt_kg.ontology import DCTERMS, IRI, RDF, RDFS, XSD, Ontology
from dvt_kg.reasoner import RuleReasoner

_TERMS = {name: ox.NamedNode(DCTERMS + name) for name in ("identifier", "title")}


def describe(
    job: Job,
    written: Written,
    ontology: Ontology,
    parts: Sequence[Part],
    audited: int,
    made: datetime,
    *,
    page: bool,
) -> list[str]:
    """Write summary and provenance into a run's folder.

    :param written: what the engine wrote
    :param audited: how many profiles HermiT judged
    :param made: when
    :param page: whether the summary is a page too
    :returns: the names of all files of the run
    """
    summary = written.counts.summary(ontology, missing=job.identity["options"]["missing"]) | {
        "engine": job.identity["options"]["engine"],
        "profiles": written.profiles,
        "audit": {"profiles": audited, "agreeing": audited, "seed": job.identity["seed"]},
        "inputs": [part.name for part in parts],
        "output": job.output.name,
    }
    names = list(written.names)
    for ending, text in (
        ("summary.json", json.dumps(summary, indent=2, ensure_ascii=False) + "\n"),
        ("summary.txt", in_words(summary)),
        *([("summary.html", as_page(summary))] if page else []),
    ):
        names.append(outputs.beside(job.output, ending))
        job.write(names[-1], text)
    names.append(outputs.beside(job.output, "provenance.ttl"))
    job.write(names[-1], _provenance(job, ontology, parts, names[:-1], made))
    return names


def _provenance(
    job: Job, ontology: Ontology, parts: Sequence[Part], names: Sequence[str], made: datetime
) -> str:
    """Who made the files of what and when, in PROV as Turtle."""
    run = ox.BlankNode("run")
    agent = ox.BlankNode("program")
    kind, label = ox.NamedNode(RDF + "type"), ox.NamedNode(RDFS + "label")

    def prov(name: str) -> ox.NamedNode:
        return ox.NamedNode(PROV + name)

    def time(when: datetime) -> ox.Literal:
        text = when.replace(microsecond=0).isoformat().replace("+00:00", "Z")
        return ox.Literal(text, datatype=ox.NamedNode(XSD + "dateTime"))

    version = ox.NamedNode(f"{IRI}/{ontology.version}")
    triples = [
        ox.Triple(run, kind, prov("Activity")),
        ox.Triple(run, prov("startedAtTime"), time(datetime.fromisoformat(job.identity["started"]))),
        ox.Triple(run, prov("endedAtTime"), time(made)),
        ox.Triple(run, prov("wasAssociatedWith"), agent),
        ox.Triple(agent, kind, prov("SoftwareAgent")),
        ox.Triple(agent, label, ox.Literal(f"{RuleReasoner.version}, dvt-kg {package_version('dvt-kg')}")),
        ox.Triple(run, prov("used"), version),
        ox.Triple(version, kind, prov("Entity")),
        ox.Triple(version, _TERMS["identifier"], ox.Literal(f"sha256 of the triples {ontology.digest}")),
    ]
    for number, part in enumerate(parts):
        entity = ox.BlankNode(f"input{number}")
        triples += [
            ox.Triple(run, prov("used"), entity),
            ox.Triple(entity, kind, prov("Entity")),
            ox.Triple(entity, _TERMS["title"], ox.Literal(part.name)),
        ]
    for number, name in enumerate(names):
        entity = ox.BlankNode(f"output{number}")
        digest = _digest(job.folder / name)
        triples += [
            ox.Triple(entity, kind, prov("Entity")),
            ox.Triple(entity, prov("wasGeneratedBy"), run),
            ox.Triple(entity, _TERMS["title"], ox.Literal(name)),
            ox.Triple(entity, _TERMS["identifier"], ox.Literal(f"sha256 {digest}")),
        ]
    prefixes = {"prov": PROV, "dcterms": DCTERMS, "rdfs": RDFS, "xsd": XSD}
    turtle = ox.serialize(triples, format=ox.RdfFormat.TURTLE, prefixes=prefixes)
    assert turtle is not None, "nothing is given to write to"
    return turtle.decode()


def _digest(path: Path) -> str:
    """The SHA-256 of a file or, of a folder, of its files in the order of their names."""
    found = hashlib.sha256()
    for file in sorted(f for f in path.rglob("*") if f.is_file()) if path.is_dir() else [path]:
        with file.open("rb") as content:
            while block := content.read(1 << 20):
                found.update(block)
    return found.hexdigest()
