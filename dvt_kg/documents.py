"""Documents: the records of JSON, and of Python objects in the same form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from dvt_kg.errors import RecordError
from dvt_kg.records import Draft, Layout, Vocabulary
from dvt_kg.slots import Name, Slot, kind, numeral, shown

ID = "id"
PATIENTS = "patients"
LINKED = frozenset({"@context", "@graph", "@id"})


def drafts(text: str, name: str, vocabulary: Vocabulary) -> Iterator[Draft | RecordError]:
    """The records of a JSON text: a list, an object with ``patients``, or one record.

    :param text: the text
    :param name: the file's name
    :param vocabulary: the places and names of a record
    :returns: the records, and the errors of what is none
    :raises RecordError: where the text as a whole cannot be read
    """
    document = _parsed(text, name)
    if isinstance(document, dict) and PATIENTS in document:
        yield from _beside(document, name)
        document = document[PATIENTS]
    elif isinstance(document, dict) and not LINKED.isdisjoint(document):
        raise RecordError("it is JSON-LD; name the format jsonld or the file .jsonld", file=name)
    elif isinstance(document, dict) and not _Form(vocabulary).top.isdisjoint(document):
        document = [document]
    if not isinstance(document, list):
        message = f"{kind(document)} is no list of records; write a list of objects that have an 'id'"
        raise RecordError(message, file=name, value=shown(document))
    yield from record_drafts(document, name, vocabulary)


def record_drafts(
    records: Iterable[object], name: str, vocabulary: Vocabulary
) -> Iterator[Draft | RecordError]:
    """The records of Python objects in the form of JSON.

    :param records: the objects
    :param name: what errors call them
    :param vocabulary: the places and names of a record
    :returns: the records, and the errors of what is none
    """
    form = _Form(vocabulary)
    for index, record in enumerate(records):
        if isinstance(record, dict):
            yield form.draft(record, index, name)
        else:
            message = f"{kind(record)} is no record; write an object that has an 'id'"
            yield RecordError(message, file=name, record=index, value=shown(record))


class _Form:
    """The form of a JSON record: its keys, and the keys of each group."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.layout = Layout(vocabulary, vocabulary.path)
        self.slots = vocabulary.places
        self.groups: dict[str, frozenset[str]] = {}
        for group in dict.fromkeys(path.rpartition("/")[0] for path in self.slots):
            self.groups[group] = frozenset(
                path.rpartition("/")[2] for path in self.slots if path.rpartition("/")[0] == group
            )
        own = self.groups.pop("")
        #: the keys at the top of a record
        self.top = frozenset({ID, *own, *self.groups})

    def draft(self, record: dict[Any, Any], index: int, name: str) -> Draft:
        """The draft of a record."""
        draft = Draft(record.get(ID), self.layout, index=index, file=name)
        for key, value in record.items():
            if key not in self.top:
                draft.refuse_name(str(key), value, "key of a record", str(key), self.top)
            elif key not in self.groups:
                if key != ID:
                    self._put(draft, key, value)
            elif isinstance(value, dict):
                self._fill(draft, key, value)
            elif value is not None:
                draft.refuse(key, value, f"{kind(value)} cannot hold {key}; write an object")
        _refuse_repeated(draft, record, "")
        return draft

    def _fill(self, draft: Draft, group: str, values: dict[Any, Any]) -> None:
        """Put the values of a group into their slots."""
        known = self.groups[group]
        for key, value in values.items():
            if key in known:
                self._put(draft, f"{group}/{key}", value)
            else:
                draft.refuse_name(f"{group}/{key}", value, f"key of {group}", str(key), known)
        _refuse_repeated(draft, values, f"{group}/")

    def _put(self, draft: Draft, path: str, value: object) -> None:
        """Put a value, or each of a list, into the slot of a path."""
        slot = self.slots[path]
        if not _takes_many(slot):
            draft.state(path, slot, value)
        elif isinstance(value, list | tuple):
            for each in value:
                draft.state(path, slot, each)
        elif value is not None:
            remedy = (
                f"write [{json.dumps(shown(value))}]" if isinstance(value, str) else "write a list of names"
            )
            draft.refuse(path, value, f"{kind(value)} is no list; {remedy}")


class _Repeated(dict[str, Any]):
    """An object in which keys are written more than once."""

    repeated: tuple[str, ...]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
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


def _parsed(text: str, name: str) -> Any:
    try:
        return json.loads(
            text, parse_float=numeral, parse_int=numeral, parse_constant=Decimal, object_pairs_hook=_object
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


def _takes_many(slot: Slot) -> bool:
    return isinstance(slot, Name) and not slot.single
