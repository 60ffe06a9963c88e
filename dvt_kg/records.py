"""Records: the one door through which the records of every format become patients.

A format says what a record states by putting values into slots; the draft keeps the facts
and the faults, and the door lets in the records that have none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pyoxigraph as ox

from dvt_kg.errors import RecordError
from dvt_kg.ontology import RDFS, XSD, Ontology, dvt
from dvt_kg.patients import FIELDS, STATES, THROMBUS, Fact, Patient, entry
from dvt_kg.slots import Name, Number, Refused, Slot, State, Time, UnknownName, kind, shown

LONGEST_ID = 256
CAN_SAY_UNKNOWN = frozenset({"sex"})  # the other fields leave out what is not known

#: the properties of a record in the order in which it is written, before measurements and findings
ORDER = ("assessedAt", "ageYears", "sex", "recordedSeverity", *THROMBUS, "side", "confirmedBy")
SEEN = "the id was seen before, in {where}, and the first stands; give this one another id"
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Vocabulary:
    """Every place of a record, and every name that can stand in one, as the ontology has them.

    :param ontology: the ontology

    >>> from dvt_kg.ontology import load
    >>> vocabulary = Vocabulary(load())
    >>> vocabulary.places["findings/tense-edema"].fact("present")
    Fact(property='hasFinding', value='tense-edema')
    >>> vocabulary.names["external-iliac-vein"]
    ('hasThrombusIn', 'lacksThrombusIn')
    """

    def __init__(self, ontology: Ontology) -> None:
        self.ontology = ontology
        numbers = {m.property: Number(m) for m in ontology.measurements.values()}
        #: the slots by their properties
        self.properties: dict[str, Slot] = {
            **{p: Name(p, ontology.findings, what="finding", many=True) for p in STATES},
            **{p: Name(p, ontology.veins, what="vein", many=True) for p in THROMBUS},
            **{p: self._field(p) for p in FIELDS if p not in numbers},
            **numbers,
        }
        #: the slots by their paths in a JSON record, in the order of a template
        self.places: dict[str, Slot] = {
            **{self.path(p, ""): self.properties[p] for p in ORDER},
            **{self.path(p, ""): slot for p, slot in numbers.items() if p not in FIELDS},
            **{self.path("hasFinding", name): State(name) for name in sorted(ontology.findings)},
        }
        #: the properties to which a name belongs
        self.names: dict[str, tuple[str, ...]] = {}
        for property, slot in self.properties.items():
            aliases = {property, ontology.notations.get(property, property)}
            aliases |= {FIELDS.get(property, property).rpartition("/")[2]}
            for name in aliases | (slot.names if isinstance(slot, Name) else frozenset()):
                self.names[name] = (*self.names.get(name, ()), property)

    def _field(self, property: str) -> Slot:
        ranges = self.ontology.objects(dvt(property), ox.NamedNode(RDFS + "range"))
        if any(getattr(r, "value", None) == XSD + "dateTime" for r in ranges):
            return Time(property)
        names, what = self.ontology.values(property), self.ontology.label(property)
        return Name(property, names, what=what, unknown=property in CAN_SAY_UNKNOWN)

    def path(self, property: str, name: str) -> str:
        """Where a JSON record keeps a property or, of a finding, the name.

        :param property: the property
        :param name: the finding
        :returns: the path in the record

        >>> from dvt_kg.ontology import load
        >>> Vocabulary(load()).path("side", "left")
        'thrombus/side'
        """
        return entry(Fact(property, name), self.ontology).path[1:]


@dataclass(frozen=True)
class Layout:
    """How a format spells the places of a record.

    :param vocabulary: the places and names
    :param spell: the spelling of a property and, of a finding, the name
    :param id_field: the spelling of the id
    """

    vocabulary: Vocabulary
    spell: Callable[[str, str], str]
    id_field: str = "id"

    def misplaced(self, unknown: UnknownName) -> Refused:
        """The refusal of an unknown name, with the place where it belongs if it has one."""
        properties = self.vocabulary.names.get(unknown.name, ())
        homes = list(dict.fromkeys(self.spell(property, unknown.name) for property in properties))
        if not homes:
            return unknown
        belongs = f"{shown(unknown.name)!r} is no {unknown.what}; it belongs in {' or '.join(homes)}"
        return Refused(belongs, homes[0] if len(homes) == 1 else None)


class Draft:
    """One record on its way in: the facts so far, and the parts that were refused.

    :param id: the id that the record states
    :param layout: how its format spells the places
    :param index: the record's place in its file, counted from 0
    :param file: the file
    :param line: the line, where the format has lines
    :param fault: what is wrong with the id, where the format itself found that out
    """

    def __init__(
        self,
        id: object,
        layout: Layout,
        *,
        index: int,
        file: str,
        line: int | None = None,
        fault: str | None = None,
    ) -> None:
        self.layout = layout
        self.file = file
        self.line = line
        self.index = index
        self.facts: set[Fact] = set()
        self.errors: list[RecordError] = []
        self._single: dict[str, Fact] = {}
        fault = fault or _id_fault(id)
        self.id = id if isinstance(id, str) and not fault else None
        if fault:
            self.refuse(layout.id_field, id, fault)

    @property
    def where(self) -> str:
        """The record's file and place, in words."""
        place = f"record {self.index}" if self.line is None else f"line {self.line}"
        return f"{self.file}, {place}"

    def refuse(self, field: str | None, value: object, message: str, nearest: str | None = None) -> None:
        """Refuse a part of the record, and with it the record.

        :param field: the place, as the format spells it
        :param value: what stands there
        :param message: what is wrong and how to mend it
        :param nearest: the nearest known name, where a name was unknown
        """
        self.errors.append(
            RecordError(
                message,
                file=self.file,
                line=self.line,
                record=self.index if self.id is None else self.id,
                field=shown(field),
                value=shown(value),
                nearest=nearest,
            )
        )

    def refuse_name(self, field: str, value: object, what: str, name: str, known: frozenset[str]) -> None:
        """Refuse a name that is not known where it stands, and say where it belongs."""
        refusal = self.layout.misplaced(UnknownName(what, name, known))
        self.refuse(field, value, str(refusal), refusal.nearest)

    def state(self, field: str, slot: Slot, value: object) -> None:
        """Put a value into a slot, or refuse the value.

        :param field: the place, as the format spells it
        :param slot: the slot
        :param value: what stands there
        """
        try:
            fact = slot.fact(value)
        except Refused as reason:
            refusal = self.layout.misplaced(reason) if isinstance(reason, UnknownName) else reason
            self.refuse(field, value, str(refusal), refusal.nearest)
            return
        if fact is None:
            return
        if slot.single and self._single.setdefault(fact.property, fact) != fact:
            self.refuse(field, value, "the record has another value there too; keep the right one")
        self.facts.add(fact)


class Door:
    """What lets the records of one reading in: whole or not at all, and each id once."""

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}

    def admit(self, draft: Draft) -> Patient | None:
        """Let a record in.

        :param draft: the record
        :returns: its patient, or None where a part of it is refused: the draft has the errors
        """
        if draft.id is None:
            return None
        first = self.seen.get(draft.id)
        if first is None:
            self.seen[draft.id] = draft.where
        else:
            draft.refuse(draft.layout.id_field, draft.id, SEEN.format(where=first))
        if draft.errors:
            return None
        return Patient(draft.id, frozenset(draft.facts), draft.file, draft.line)


def _id_fault(id: object) -> str | None:
    """What is wrong with an id, and the remedy."""
    if id is None:
        return "the record has no id; give it one that no other record has"
    if not isinstance(id, str):
        return f"{kind(id)} is no id; write the id as text"
    faults = (
        (not id.strip(), "the id is empty; give the record one that no other record has"),
        (id != id.strip(), "the id begins or ends with white space; remove it"),
        (len(id) > LONGEST_ID, f"the id is longer than {LONGEST_ID} characters; shorten it"),
        (_CONTROL.search(id), "the id has a control character in it; remove it"),
    )
    return next((fault for found, fault in faults if found), None)
