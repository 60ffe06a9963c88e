"""Documents: the records of JSON, and of Python objects in the same form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

from dvt_kg.errors import RecordError, UsageError
from dvt_kg.ontology import Ontology, load
from dvt_kg.patients import STATES, THROMBUS, Fact, Patient, entry
from dvt_kg.records import ORDER, Draft, Layout, Vocabulary
from dvt_kg.slots import UNKNOWN, Name, Slot, State, kind, numeral, shown

ID = "id"
PATIENTS = "patients"
CALLED = {"findings": "finding", "measurements": "measurement"}
LINKED = frozenset({"@context", "@graph", "@id"})


def drafts(text: str, name: str, vocabulary: Vocabulary) -> Iterator[Draft | RecordError]:
    """The records of a JSON text: a list, an object with ``patients``, or one record.

    :param text: the text
    :param name: the file's name
    :param vocabulary: the places and names of a record
    :returns: the records, and the errors of what is none
    :raises RecordError: where the text as a whole cannot be read
    """
    document = parsed(text, name)
    if isinstance(document, dict) and PATIENTS in document:
        yield from _beside(document, name)
        document = document[PATIENTS]
    elif isinstance(document, dict) and not LINKED.isdisjoint(document):
        raise RecordError("it is JSON-LD; name the format jsonld or the file .jsonld", file=name)
    elif isinstance(document, dict) and not _form(vocabulary).top.isdisjoint(document):
        document = [document]
    if not isinstance(document, list):
        message = f"{kind(document)} is no list of records; write a list of objects that have an 'id'"
        raise RecordError(message, file=name, value=shown(document))
    yield from record_drafts(document, name, vocabulary)


def record_drafts(
    records: Iterable[object], name: str, vocabulary: Vocabulary, *, line: int | None = None
) -> Iterator[Draft | RecordError]:
    """The records of Python objects in the form of JSON.

    :param records: the objects
    :param name: what errors call them
    :param vocabulary: the places and names of a record
    :param line: the line on which they stand, where the format has lines
    :returns: the records, and the errors of what is none
    """
    form = _form(vocabulary)
    for index, record in enumerate(records):
        if isinstance(record, dict):
            yield form.draft(record, index, name, line)
        else:
            message = f"{kind(record)} is no record; write an object that has an 'id'"
            yield RecordError(message, file=name, line=line, record=index, value=shown(record))


def to_json(patient: Patient, ontology: Ontology | None = None) -> dict[str, Any]:
    """The JSON record of a patient.

    :param patient: the patient
    :param ontology: the ontology whose names the record uses; the shipped one if not given
    :returns: the record, with what is known and nothing else
    :raises UsageError: where the patient states what a JSON record cannot: a finding both
        present and absent, or two values of a field

    >>> to_json(Patient("case-01", frozenset({Fact("hasFinding", "tense-edema"), Fact("side", "left")})))
    {'id': 'case-01', 'thrombus': {'side': 'left'}, 'findings': {'tense-edema': 'present'}}
    """
    ontology = ontology or load()
    record: dict[str, Any] = {ID: patient.id}
    for fact in sorted(patient.facts, key=_place):
        path, value = entry(fact, ontology)
        group, _, key = path[1:].rpartition("/")
        values = record.setdefault(group, {}) if group else record
        if fact.property in THROMBUS:
            values.setdefault(key, []).append(value)
        elif key in values:
            message = f"{key} has two values, which JSON and tables cannot hold; write a format of triples"
            raise UsageError(f"record {patient.id!r}: {message}")
        else:
            values[key] = _plain(value) if isinstance(value, Decimal) else value
    return record


def text(patients: Iterable[Patient], ontology: Ontology) -> str:
    """Patients as a list of JSON records."""
    return json.dumps([to_json(p, ontology) for p in patients], ensure_ascii=False, indent=1) + "\n"


def template(vocabulary: Vocabulary) -> str:
    """A JSON record with every key, of which nothing is known."""
    record: dict[str, Any] = {ID: ""}
    for path, slot in vocabulary.places.items():
        group, _, key = path.rpartition("/")
        says_unknown = isinstance(slot, State) or (isinstance(slot, Name) and slot.unknown)
        empty: object = [] if slot.many else UNKNOWN if says_unknown else None
        (record.setdefault(group, {}) if group else record)[key] = empty
    return json.dumps([record], ensure_ascii=False, indent=1) + "\n"


def _plain(number: Decimal) -> int | float:
    """A number as JSON writes it; the door lets in only what a float holds exactly."""
    return int(number) if number == int(number) else float(number)


def _place(fact: Fact) -> tuple[int, str]:
    """Where a fact stands in a written record."""
    if fact.property in ORDER:
        return ORDER.index(fact.property), str(fact.value)
    if fact.property in STATES:
        return len(ORDER), str(fact.value)
    return len(ORDER) + 1, fact.property


class _Form:
    """The form of a JSON record: its keys, and the keys of each group."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.layout = Layout(vocabulary, vocabulary.path)
        self.groups: dict[str, dict[str, tuple[str, Slot]]] = {}
        for path, slot in vocabulary.places.items():
            group, _, key = path.rpartition("/")
            self.groups.setdefault(group, {})[key] = (path, slot)
        self.own = self.groups.pop("")
        #: the keys at the top of a record
        self.top = frozenset({ID, *self.own, *self.groups})

    def draft(self, record: dict[Any, Any], index: int, name: str, line: int | None) -> Draft:
        """The draft of a record."""
        draft = Draft(record.get(ID), self.layout, index=index, file=name, line=line)
        for key, value in record.items():
            if key in self.own:
                self._put(draft, *self.own[key], value)
            elif key in self.groups:
                self._fill(draft, key, value)
            elif key != ID:
                draft.refuse_name(str(key), value, "key of a record", str(key), self.top)
        _refuse_repeated(draft, record, "")
        return draft

    def _fill(self, draft: Draft, group: str, values: object) -> None:
        """Put the values of a group into their slots."""
        if values is None:
            return
        if not isinstance(values, dict):
            draft.refuse(group, values, f"{kind(values)} cannot hold {group}; write an object")
            return
        places = self.groups[group]
        for key, value in values.items():
            if key in places:
                self._put(draft, *places[key], value)
            else:
                called = CALLED.get(group, f"key of {group}")
                draft.refuse_name(f"{group}/{key}", value, called, str(key), frozenset(places))
        _refuse_repeated(draft, values, f"{group}/")

    def _put(self, draft: Draft, path: str, slot: Slot, value: object) -> None:
        """Put a value, or each of a list, into a slot."""
        if not slot.many:
            draft.state(path, slot, value)
        elif isinstance(value, list | tuple):
            for each in value:
                draft.state(path, slot, each)
        elif value is not None:
            names = (
                json.dumps([shown(value)], ensure_ascii=False)
                if isinstance(value, str)
                else "a list of names"
            )
            draft.refuse(path, value, f"{kind(value)} is no list; write {names}")


@lru_cache(maxsize=4)
def _form(vocabulary: Vocabulary) -> _Form:
    """The form of a vocabulary, made once."""
    return _Form(vocabulary)


class _Repeated(dict[str, Any]):
    """An object in which keys are written more than once."""

    repeated: tuple[str, ...]


def object_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object that remembers the keys that are written more than once."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeated = _Repeated(found)
    names = [key for key, _ in pairs]
    repeated.repeated = tuple(key for key in found if names.count(key) > 1)
    return repeated


def _refuse_repeated(draft: Draft, values: dict[Any, Any], prefix: str) -> None:
    if isinstance(values, _Repeated):
        for key in values.repeated:
            draft.refuse(
                f"{prefix}{key}", values[key], "the key is written more than once; keep the right one"
            )


def parsed(text: str, name: str) -> Any:
    """A text of JSON, its numbers exact.

    :param text: the text
    :param name: what errors call it
    :raises RecordError: where it is not valid
    """
    try:
        return json.loads(
            text,
            parse_float=numeral,
            parse_int=numeral,
            parse_constant=Decimal,
            object_pairs_hook=object_once,
        )
    except json.JSONDecodeError as error:
        message = f"it is not valid JSON ({error.msg}, column {error.colno}); mend it there"
        raise RecordError(message, file=name, line=error.lineno) from None


def _beside(document: dict[str, Any], name: str) -> Iterator[RecordError]:
    """The errors of what stands beside ``patients``."""
    repeated = document.repeated if isinstance(document, _Repeated) else ()
    for key, value in document.items():
        if key != PATIENTS:
            message = "the key is not known beside 'patients'; remove it"
            yield RecordError(message, file=name, field=shown(key), value=shown(value))
        elif key in repeated:
            yield RecordError("'patients' is written more than once; make one list", file=name, field=key)
