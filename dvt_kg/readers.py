"""Readers: record files of every format into patients, and the errors of what is refused.

Each format of the table :data:`READERS` turns a text into drafts; one door lets them in.
"""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from dvt_kg import documents, tables, triples
from dvt_kg.errors import RecordError, UsageError
from dvt_kg.ontology import Ontology, load
from dvt_kg.patients import Patient
from dvt_kg.records import Door, Draft, Vocabulary

STANDARD_INPUT = "-"

_SURROGATE = re.compile("[\ud800-\udfff]")
_LINKED = re.compile(r'"@(context|graph|id|type)"')
_TURTLE = re.compile(r"(@prefix|@base|prefix\s|base\s|[<#\[]|_:)", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """What came of reading: the patients that were let in and the errors of what was not."""

    patients: tuple[Patient, ...]
    errors: tuple[RecordError, ...]


class Reader(NamedTuple):
    """A format: the extensions of its files, and what turns a text with a name into drafts."""

    extensions: tuple[str, ...]
    drafts: Callable[[str, str, Vocabulary], Iterable[Draft | RecordError]]


READERS: dict[str, Reader] = {
    "json": Reader((".json",), documents.drafts),
    "jsonld": Reader((".jsonld",), triples.linked_drafts),
    "csv": Reader((".csv",), tables.drafts),
    "tsv": Reader((".tsv",), tables.drafts),
    "ttl": Reader((".ttl",), triples.drafts),
    "nt": Reader((".nt",), triples.drafts),
}

TEMPLATES: dict[str, Callable[[Vocabulary], str]] = {
    "csv": tables.template,
    "tsv": partial(tables.template, delimiter="\t"),
    "json": documents.template,
}


def read(
    sources: Iterable[Path | str] | Path | str,
    ontology: Ontology | None = None,
    *,
    format: str | None = None,
    strict: bool = False,
) -> Reading:
    """Read record files, the good records beside the bad ones.

    :param sources: the files; ``-`` is standard input
    :param ontology: the ontology whose names the records use; the shipped one if not given
    :param format: a name of :data:`READERS`; if not given, each file's by its extension, and
        standard input's by how it begins
    :param strict: whether to stop at the first error
    :returns: the patients, and the errors of the records and files that were refused
    :raises UsageError: where the format is not known
    :raises RecordError: with ``strict``, the first error

    >>> print(read(["no-such-file.json"]).errors[0])
    no-such-file.json: there is no such file; check the name
    """
    if format is not None:
        _reader(format)
    desk = _Desk(ontology, strict)
    for source in [sources] if isinstance(sources, str | Path) else sources:
        desk.take(str(source), lambda name: _file(name, format))
    return desk.reading()


def read_text(
    text: str | bytes,
    format: str,
    ontology: Ontology | None = None,
    *,
    name: str = "<text>",
    strict: bool = False,
) -> Reading:
    """Read the records of a text.

    :param text: the text
    :param format: a name of :data:`READERS`
    :param ontology: the ontology whose names the records use; the shipped one if not given
    :param name: what errors call the text
    :param strict: whether to stop at the first error
    :returns: the patients and the errors
    :raises UsageError: where the format is not known
    :raises RecordError: with ``strict``, the first error

    >>> reading = read_text("id,tense-edema\\ncase-01,present\\ncase-02,yes\\n", "csv")
    >>> reading.patients[0].facts
    frozenset({Fact(property='hasFinding', value='tense-edema')})
    >>> reading.errors[0].line, reading.errors[0].field, reading.errors[0].value
    (3, 'tense-edema', 'yes')
    """
    reader = _reader(format)
    desk = _Desk(ontology, strict)
    desk.take(name, lambda name: (reader, _decoded(text, name)))
    return desk.reading()


def read_records(
    records: Iterable[Mapping[str, Any]],
    ontology: Ontology | None = None,
    *,
    name: str = "<records>",
    strict: bool = False,
) -> Reading:
    """Read records that are Python objects in the form of the JSON record.

    :param records: the records
    :param ontology: the ontology whose names the records use; the shipped one if not given
    :param name: what errors call the records
    :param strict: whether to stop at the first error
    :returns: the patients and the errors
    :raises RecordError: with ``strict``, the first error

    >>> read_records([{"id": "case-01", "sex": "female"}]).patients[0].id
    'case-01'
    """
    desk = _Desk(ontology, strict)
    desk.admit(documents.record_drafts(records, name, desk.vocabulary))
    return desk.reading()


def template(format: str, ontology: Ontology | None = None) -> str:
    """An empty record with every place that can be filled in.

    Once it has an id, it reads as a record of which nothing else is known. A table is the
    header alone, for rows to be added.

    :param format: a name of :data:`TEMPLATES`
    :param ontology: the ontology whose names the record uses; the shipped one if not given
    :returns: the text
    :raises UsageError: where the format has no template

    >>> template("csv")[:36]
    'id,assessed_at,age_years,sex,recorde'
    """
    if format not in TEMPLATES:
        raise UsageError(f"no template is called {format!r}; the templates are {', '.join(TEMPLATES)}")
    return TEMPLATES[format](Vocabulary(ontology or load()))


@lru_cache(maxsize=4)
def _vocabulary(ontology: Ontology) -> Vocabulary:
    """The names that records use, gathered once for each ontology."""
    return Vocabulary(ontology)


class _Desk:
    """One reading in progress."""

    def __init__(self, ontology: Ontology | None, strict: bool) -> None:
        self.vocabulary = _vocabulary(ontology or load())
        self.strict = strict
        self.door = Door()
        self.patients: list[Patient] = []
        self.errors: list[RecordError] = []

    def take(self, name: str, text: Callable[[str], tuple[Reader, str]]) -> None:
        """Read a text, which may be broken as a whole."""
        try:
            reader, found = text(name)
            self.admit(reader.drafts(found, name, self.vocabulary))
        except RecordError as error:
            self.refuse(error)
        except RecursionError:
            self.refuse(RecordError("it is nested too deep for a record file; flatten it", file=name))

    def admit(self, drafts: Iterable[Draft | RecordError]) -> None:
        """Show drafts to the door."""
        for draft in drafts:
            if isinstance(draft, RecordError):
                self.refuse(draft)
            elif patient := self.door.admit(draft):
                self.patients.append(patient)
            else:
                for error in draft.errors:
                    self.refuse(error)

    def refuse(self, error: RecordError) -> None:
        if self.strict:
            raise error
        self.errors.append(error)

    def reading(self) -> Reading:
        return Reading(tuple(self.patients), tuple(self.errors))


def _reader(format: str) -> Reader:
    if format not in READERS:
        raise UsageError(f"no format is called {format!r}; the formats are {', '.join(READERS)}")
    return READERS[format]


def _file(name: str, format: str | None) -> tuple[Reader, str]:
    """The reader and the text of a file."""
    if name == STANDARD_INPUT:
        text = _decoded(_bytes(name), name)
        return _reader(format or _sniffed(text)), text
    reader = _reader(format) if format else _reader_by_extension(name)
    return reader, _decoded(_bytes(name), name)


def _reader_by_extension(name: str) -> Reader:
    extension = Path(name).suffix.lower()
    for reader in READERS.values():
        if extension in reader.extensions:
            return reader
    known = ", ".join(e for reader in READERS.values() for e in reader.extensions)
    raise RecordError(f"its extension is none of {known}; rename it or name the format", file=name)


def _sniffed(text: str) -> str:
    """The format of a text by how it begins."""
    start = text.strip()
    if start.startswith("{") or (start.startswith("[") and start.endswith("]")):
        return "jsonld" if _LINKED.search(start) else "json"
    return "ttl" if _TURTLE.match(start) else "csv"


def _bytes(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == STANDARD_INPUT else Path(name).read_bytes()
    except FileNotFoundError:
        message = "there is no such file; check the name"
    except IsADirectoryError:
        message = "it is a folder; name the files in it"
    except (OSError, ValueError) as error:
        message = (
            f"it cannot be read ({getattr(error, 'strerror', None) or error}); check its name and rights"
        )
    raise RecordError(message, file=name)


def _decoded(data: str | bytes, name: str) -> str:
    """The text of a file: in UTF-8, or in UTF-16 where a byte-order mark says so."""
    if isinstance(data, str):
        text = data.removeprefix("\ufeff")
        if _SURROGATE.search(text):
            raise RecordError("it has half a character in it; decode it from UTF-8", file=name)
    else:
        wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        try:
            text = data.decode("utf-16" if wide else "utf-8-sig")
        except UnicodeDecodeError as error:
            line = None if wide else data.count(b"\n", 0, error.start) + 1
            message = f"it is not {'UTF-16' if wide else 'UTF-8'}; save it as UTF-8"
            raise RecordError(message, file=name, line=line) from None
    if not text.strip():
        raise RecordError("it is empty; write records in it", file=name)
    return text
