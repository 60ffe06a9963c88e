"""The form: all that a page needs to ask about a patient and to name what is answered."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import pyoxigraph as ox

from dvt_kg.answers import NOTICE, json_number
from dvt_kg.documents import to_json
from dvt_kg.errors import UsageError
from dvt_kg.ontology import DCTERMS, RDFS, SKOS, Ontology, data_dir, dvt, local_name
from dvt_kg.patients import THROMBUS
from dvt_kg.readers import read
from dvt_kg.records import Vocabulary
from dvt_kg.slots import Name, Number, Slot, State, Time

Item = dict[str, Any]

REST = "more"  # the group of what no section asks for
_DEFINITION, _COMMENT = ox.NamedNode(SKOS + "definition"), ox.NamedNode(RDFS + "comment")
_BROADER = tuple(map(dvt, ("partOf", "narrowerThan", "segmentOf")))


def form(ontology: Ontology) -> Item:
    """All that a page needs to ask about a patient, and to name what the answer speaks of.

    :param ontology: the ontology whose names the record uses
    :returns: ``groups``, each with an ``id``, ``label``, ``definition`` and its ``fields`` in order;
        ``ratings`` and ``statuses`` with their labels and definitions, ``labels`` of all terms by
        name, and ``links`` of sources by name and by citation. A field has the ``path`` of its value
        in a JSON record, the ``key`` by which answers name it, a ``kind`` (``state``, ``vein``,
        ``choice``, ``number`` or ``time``), ``label``, ``definition``, ``comments``, and ``within``:
        the key of the field of the same group that it is part of or narrower than; a number has
        ``unit``, ``minimum`` and ``maximum``, a choice its ``choices``

    >>> from dvt_kg.ontology import load
    >>> groups = form(load())["groups"]
    >>> next(f["path"] for g in groups for f in g["fields"] if f["key"] == "tense-edema")
    'findings/tense-edema'
    """
    return {
        "ontology_version": ontology.version,
        "notice": NOTICE,
        "groups": list(_Form(ontology).groups()),
        "ratings": _described(ontology, "RatingCategory"),
        "statuses": _described(ontology, "Status"),
        "labels": ontology.labels,
        "links": _links(ontology),
    }


def examples(ontology: Ontology) -> list[Item]:
    """The shipped example patients, those first that come first in their file.

    :returns: for each its ``id``, ``label`` and JSON ``record``; a patient who states what a JSON
        record cannot is left out
    """
    file = data_dir("ontology") / "examples.ttl"
    labels = {str(q.subject.value): q.object.value for q in _labels(file.read_text(encoding="utf-8"))}
    found = []
    for patient in read([file], ontology).patients:
        try:
            record = to_json(patient, ontology)
        except UsageError:
            continue
        found.append({"id": patient.id, "label": labels.get(patient.iri, patient.id), "record": record})
    return found


def _labels(turtle: str) -> Iterator[Any]:
    label = ox.NamedNode(RDFS + "label")
    return (q for q in ox.parse(turtle, format=ox.RdfFormat.TURTLE) if q.predicate == label)


def _described(ontology: Ontology, kind: str) -> list[Item]:
    """The individuals of a class with their labels and definitions, in their order."""
    names = ontology.individuals(kind)
    return [
        {"id": name, "label": ontology.label(name), "definition": ontology.text(dvt(name), _DEFINITION)}
        for name in sorted(names, key=lambda name: (_position(ontology, name), name))
    ]


def _position(ontology: Ontology, name: str) -> float:
    return float(ontology.text(dvt(name), dvt("position"), "inf"))


def _links(ontology: Ontology) -> dict[str, str]:
    """Where a source can be read, by its name and by its citation."""
    found = {}
    for quad in ontology.match(None, dvt("doi")):
        if isinstance(quad.subject, ox.NamedNode) and isinstance(quad.object, ox.Literal):
            citation = ontology.text(quad.subject, ox.NamedNode(DCTERMS + "bibliographicCitation"))
            for key in (local_name(quad.subject), citation):
                found[key] = f"https://doi.org/{quad.object.value}"
    return found


class _Form:
    """The fields of a record, sorted into the sections of the form."""

    def __init__(self, ontology: Ontology) -> None:
        self.ontology = ontology
        self.vocabulary = Vocabulary(ontology)
        self.sections = sorted(
            ontology.individuals("FormSection"), key=lambda name: (_position(ontology, name), name)
        )

    @cached_property
    def asked(self) -> dict[str, str]:
        """The section that asks for a term by name; the first of several."""
        found: dict[str, str] = {}
        for section in self.sections:
            for term in self.ontology.objects(dvt(section), dvt("asksFor")):
                found.setdefault(local_name(term), section)
        return found

    def groups(self) -> Iterator[Item]:
        """The sections that ask for anything, each with its fields."""
        members: dict[str, list[tuple[str, Item]]] = {}
        for term, field in self.fields():
            members.setdefault(self.section(term), []).append((term, field))
        for name in (*self.sections, REST):
            if name in members:
                yield {
                    "id": name,
                    "label": self.ontology.label(name) if name != REST else "",
                    "definition": self.ontology.text(dvt(name), _DEFINITION),
                    "fields": list(self.nested(dict(members[name]))),
                }

    def broader(self, term: str) -> list[str]:
        """What a finding or vein is part of or narrower than, directly."""
        found = {local_name(o) for p in _BROADER for o in self.ontology.objects(dvt(term), p)}
        return sorted(found)

    def section(self, term: str) -> str:
        """The section that asks for a term, or for the nearest that is broader."""
        level, seen = [term], {term}
        while level:
            asking = {self.asked[name] for name in level if name in self.asked}
            if asking:
                return min(asking, key=self.sections.index)
            level = [b for name in level for b in self.broader(name) if b not in seen]
            seen.update(level)
        return REST

    def nested(self, members: dict[str, Item]) -> Iterator[Item]:
        """A section's fields: measurements and choices first, and what is narrower below what is broader."""
        below: dict[str | None, list[str]] = {}
        for term in members:
            wholes = [name for name in self.broader(term) if name in members]
            below.setdefault(self._nearest(wholes), []).append(term)

        def walk(whole: str | None) -> Iterator[Item]:
            key = members[whole]["key"] if whole else None
            order = sorted(
                below.get(whole, ()), key=lambda t: (t in self._named, members[t]["label"].lower())
            )
            for term in order:
                yield {**members[term], "within": key}
                yield from walk(term)

        return walk(None)

    def _nearest(self, wholes: list[str]) -> str | None:
        """Of several wholes the one that is itself below the others."""
        below_another = [w for w in wholes if set(self.broader(w)) & set(wholes)]
        return min(below_another or wholes, default=None)

    @cached_property
    def _named(self) -> frozenset[str]:
        return self.ontology.findings | self.ontology.veins

    def fields(self) -> Iterator[tuple[str, Item]]:
        """Everything that a record can state, each with its term: a finding, a vein or a property."""
        vocabulary = self.vocabulary
        veins = {vocabulary.path(property, "") for property in THROMBUS}
        properties = {vocabulary.path(p, ""): p for p in vocabulary.properties}
        for path, slot in vocabulary.places.items():
            if path not in veins:
                term = path.rpartition("/")[2] if isinstance(slot, State) else properties[path]
                yield term, self.field(path, term, slot)
        for vein in sorted(self.ontology.veins):
            yield vein, {"path": "thrombus", "key": vein, "kind": "vein", **self.words(vein)}

    def field(self, path: str, term: str, slot: Slot) -> Item:
        """One place of a record, as a form asks for it."""
        field: Item = {"path": path, "key": self.ontology.notations.get(term, term), **self.words(term)}
        if isinstance(slot, State):
            return {**field, "kind": "state"}
        if isinstance(slot, Number):
            known = slot.measurement
            unit = "" if known.unit == "1" else known.unit
            limits = {
                "minimum": json_number(str(known.minimum)),
                "maximum": json_number(str(known.maximum)),
            }
            return {**field, "kind": "number", "unit": unit, **limits}
        if isinstance(slot, Time):
            return {**field, "kind": "time"}
        assert isinstance(slot, Name)
        return {**field, "kind": "choice", "choices": [self.choice(name) for name in sorted(slot.names)]}

    def choice(self, name: str) -> Item:
        """A value to choose."""
        words = self.words(name)
        return {"value": name, "label": words["label"], "definition": words["definition"]}

    def words(self, term: str) -> Item:
        """What is said of a term."""
        node = dvt(term)
        comments = sorted(c.value for c in self.ontology.objects(node, _COMMENT))
        return {
            "label": self.ontology.label(term),
            "definition": self.ontology.text(node, _DEFINITION),
            "comments": comments,
        }
