"""Codes of other systems: looked up, and written as SSSOM.

A mapping relates the meaning of a code to that of a term; no code is read into a record by itself.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import pyoxigraph as ox
import yaml

from dvt_kg.errors import MappingError
from dvt_kg.graph import KnowledgeGraph
from dvt_kg.ontology import DCTERMS, IRI, NAMESPACE, PREFIXES, RDF, RDFS, SKOS, Ontology, local_name, nearest
from dvt_kg.queries import ask

MAPPING_SET = f"{IRI}/mappings"
MEANINGS = {
    "exactMatch": "the same meaning",
    "closeMatch": "nearly the same meaning; neither implies the other",
    "broadMatch": "the code is broader; it does not imply the term",
    "narrowMatch": "the code is narrower; what it means implies the term",
    "relatedMatch": "related or overlapping; nothing follows either way",
}
"""What each kind of match says of a code and a term of ours."""
_COLUMNS = (
    *("subject_id", "subject_label", "predicate_id", "object_id", "object_label"),
    *("mapping_justification", "object_source", "comment"),
)
_VANN = PREFIXES["vann"]


@dataclass(frozen=True)
class CodeSystem:
    """A code system: its local name, label, the names it can be asked for by, and its prefixes.

    :param prefix: the prefix of a CURIE, as ``ICD10CM`` in ``ICD10CM:I26``
    :param namespace: what the IRIs of its codes begin with
    :param notice: what its owner wants to be said
    """

    name: str
    label: str
    names: tuple[str, ...]
    prefix: str
    namespace: str
    notice: str

    def curie(self, iri: str) -> str:
        """The CURIE of a code of this system."""
        return f"{self.prefix}:{iri.removeprefix(self.namespace)}"


@dataclass(frozen=True)
class Mapping:
    """What one code says of one term.

    :param term: the term's local name
    :param predicate: one of :data:`MEANINGS`
    :param system: the local name of the code system
    :param code: the code as its system writes it
    :param code_label: the code's name, empty where it was not seen or may not be shipped
    :param justification: a term of SEMAPV
    :param through: the IRI of the code on whose mapping alone this one rests, or empty
    """

    term: str
    label: str
    predicate: str
    system: str
    code: str
    code_label: str
    justification: str
    through: str
    comment: str
    iri: str


def code_systems(ontology: Ontology) -> tuple[CodeSystem, ...]:
    """The code systems on file, by their local names."""
    found = []
    for node in ontology.subjects(ox.NamedNode(RDF + "type"), ox.NamedNode(SKOS + "ConceptScheme")):
        names = sorted(n.value for n in ontology.objects(node, ox.NamedNode(SKOS + "notation")))
        found.append(
            CodeSystem(
                local_name(node),
                ontology.text(node, ox.NamedNode(RDFS + "label"), local_name(node)),
                tuple(names),
                ontology.text(node, ox.NamedNode(_VANN + "preferredNamespacePrefix")),
                ontology.text(node, ox.NamedNode(_VANN + "preferredNamespaceUri")),
                ontology.text(node, ox.NamedNode(DCTERMS + "rights")),
            )
        )
    return tuple(found)


@lru_cache(maxsize=4)
def code_mappings(ontology: Ontology) -> tuple[Mapping, ...]:
    """The mappings on file, by term, system and code: the rows of the query ``mappings``."""
    rows = ask(KnowledgeGraph(ontology), "mappings").plain()
    return tuple(Mapping(*(row[key] or "" for key in _ROW)) for row in rows)


_ROW = (
    *("term", "label", "predicate", "system", "code", "codeLabel"),
    *("justification", "through", "comment", "iri"),
)


def look_up_code(ontology: Ontology, system: str, code: str) -> tuple[Mapping, ...]:
    """What a code says of our terms.

    :param system: any name of the system, in whatever case and punctuation: ``ICD-10-CM``, ``icd10cm``
    :param code: the code, with or without a CURIE's prefix and its dots: ``I82.422``, ``i82422``
    :raises MappingError: where no such system or code is on file

    >>> from dvt_kg import load
    >>> [(m.term, m.predicate) for m in look_up_code(load(), "loinc", "LOINC:26515-7")]
    [('plateletCount', 'exactMatch')]
    """
    chosen = _system(ontology, system)
    of_system = [m for m in code_mappings(ontology) if m.system == chosen.name]
    asked = code.strip()
    before, colon, after = asked.partition(":")
    if colon and _plain(before) in set(map(_plain, _names(chosen))):
        asked = after
    elif local := asked.removeprefix(chosen.namespace):
        asked = local
    known = {_plain(m.iri.removeprefix(chosen.namespace)): m.code for m in of_system}
    if _plain(asked) not in known:
        hint = nearest(code, known.values())
        meant = f"; the nearest on file is {hint!r}" if hint else ""
        raise MappingError(
            f"no code {code!r} of {chosen.label} is mapped{meant}. 'dvt-kg query mappings --param"
            f" system={chosen.name}' lists them",
            system=chosen.label,
            code=code,
            nearest=hint,
        )
    return tuple(m for m in of_system if m.code == known[_plain(asked)])


def _names(system: CodeSystem) -> tuple[str, ...]:
    return (*system.names, system.name, system.label, system.prefix)


def _plain(text: str) -> str:
    """A name or code without case and punctuation."""
    return re.sub(r"[\W_]", "", text.casefold())


def _system(ontology: Ontology, name: str) -> CodeSystem:
    systems = code_systems(ontology)
    for system in systems:
        if _plain(name) in set(map(_plain, _names(system))):
            return system
    spelt = {_plain(n): s.label for s in systems for n in _names(s)}
    close = nearest(_plain(name), spelt)
    hint = spelt[close] if close else None
    meant = f"did you mean {hint!r}? " if hint else ""
    raise MappingError(
        f"no code system {name!r}; {meant}There are {', '.join(sorted(s.label for s in systems))}",
        system=name,
        nearest=hint,
    )


def sssom(ontology: Ontology) -> str:
    """The mappings as a file in the form SSSOM/TSV, the same text at every run.

    Its metadata hold the notice of each code system. Where a mapping rests on another system's
    mapping alone, the comment names the code that it goes through.
    """
    systems = {system.name: system for system in code_systems(ontology)}
    prefixes = {"dvt": NAMESPACE, "semapv": PREFIXES["semapv"], "skos": SKOS}
    prefixes |= {"w3id": IRI.removesuffix("dvt-kg")}
    prefixes |= {system.prefix: system.namespace for system in systems.values()}
    root = ox.NamedNode(IRI)
    created = ontology.text(root, ox.NamedNode(DCTERMS + "created"))
    licenses = ontology.objects(root, ox.NamedNode(DCTERMS + "license"))
    notices = " ".join(f"{system.label}: {system.notice}" for system in systems.values())
    metadata = {
        "mapping_set_id": MAPPING_SET,
        "mapping_set_version": ontology.version,
        "mapping_set_title": ontology.text(ox.NamedNode(MAPPING_SET), ox.NamedNode(DCTERMS + "title")),
        "license": licenses[0].value if licenses else "",
        "subject_source": "w3id:dvt-kg",
        "subject_source_version": ontology.version,
        "mapping_date": created[:10],
        "comment": notices,
        "curie_map": dict(sorted(prefixes.items())),
    }
    text = yaml.safe_dump(
        {key: value for key, value in metadata.items() if value}, sort_keys=False, width=1_000_000
    )
    out = io.StringIO()
    out.writelines(f"#{line}\n" for line in text.splitlines())
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(sorted(_sssom_rows(code_mappings(ontology), systems)))
    return out.getvalue()


def _sssom_rows(found: Iterable[Mapping], systems: dict[str, CodeSystem]) -> Iterable[tuple[str, ...]]:
    curies = {}
    for mapping in found:
        curies[mapping.iri] = systems[mapping.system].curie(mapping.iri)
    for m in found:
        rests = f"Rests on the mapping of {curies.get(m.through, m.through)} alone." if m.through else ""
        yield (
            *(f"dvt:{m.term}", m.label, f"skos:{m.predicate}", curies[m.iri], m.code_label),
            f"semapv:{m.justification.removeprefix(PREFIXES['semapv'])}",
            *(f"dvt:{m.system}", " ".join(filter(None, (m.comment, rests)))),
        )
