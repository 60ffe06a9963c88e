"""Tables: the records of CSV and TSV, one row a patient."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from dvt_kg.documents import to_json
from dvt_kg.errors import RecordError
from dvt_kg.ontology import Ontology
from dvt_kg.patients import THROMBUS, Patient
from dvt_kg.records import Draft, Layout, Vocabulary
from dvt_kg.slots import Number, Slot, UnknownName, Written, shown

ID = "id"
DELIMITERS = (",", ";", "\t")
SEPARATOR = ";"  # between the names of one cell


class Column(NamedTuple):
    """A column: its name, and its slot or what is wrong with every cell that fills it."""

    name: str
    slot: Slot | None = None
    fault: str = ""
    nearest: str | None = None


def column(path: str) -> str:
    """The name of the column for a place of the JSON record.

    >>> column("thrombus/present"), column("thrombus/side"), column("findings/tense-edema")
    ('thrombus_present', 'side', 'tense-edema')
    """
    return path.replace("/", "_") if f"/{path}" in THROMBUS.values() else path.rpartition("/")[2]


def columns(vocabulary: Vocabulary) -> dict[str, Slot]:
    """The slots of a row by their columns, in the order of a template and without ``id``."""
    return {column(path): slot for path, slot in vocabulary.places.items()}


def drafts(text: str, name: str, vocabulary: Vocabulary) -> Iterator[Draft | RecordError]:
    """The records of a table with a header, delimited by comma, semicolon or tab.

    :param text: the text
    :param name: the file's name
    :param vocabulary: the places and names of a record
    :returns: the records, and the errors of rows that cannot be read
    :raises RecordError: where the header cannot be used
    """
    layout = layout_of(vocabulary)
    lines = io.StringIO(text, newline="")
    delimiter = delimiter_of(next(line for line in lines if line.strip()), layout)
    lines.seek(0)
    header: list[Column] = []
    index = 0
    for row in rows(lines, delimiter):
        if row.cells is None:
            if not header:
                raise row.broken(name, None)
            yield row.broken(name, index)
        elif not row.filled:
            continue
        elif header:
            yield row_draft(row.cells, header, layout, index=index, file=name, line=row.line)
        else:
            header = read_header([cell.strip() for cell in row.cells], layout, file=name, line=row.line)
            continue
        index += 1


def layout_of(vocabulary: Vocabulary) -> Layout:
    """How a table spells the places of a record."""
    return Layout(vocabulary, lambda property, finding: column(vocabulary.path(property, finding)))


def text(patients: Iterable[Patient], ontology: Ontology, *, delimiter: str = ",") -> str:
    """Patients as a table, with the columns that any of them fills."""
    rows = [_row(to_json(patient, ontology)) for patient in patients]
    used = {ID}.union(*rows)
    names = [ID, *columns(Vocabulary(ontology))]
    return _written([name for name in names if name in used], rows, delimiter)


def template(vocabulary: Vocabulary, *, delimiter: str = ",") -> str:
    """The header of a table with every column."""
    return _written([ID, *columns(vocabulary)], [], delimiter)


def _row(record: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """A JSON record as the cells of a row."""
    row: dict[str, str] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            row |= _row(value, f"{prefix}{key}/")
        else:
            row[column(prefix + key)] = SEPARATOR.join(value) if isinstance(value, list) else str(value)
    return row


def _written(names: list[str], rows: list[dict[str, str]], delimiter: str) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, restval="", delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def row_draft(
    row: Sequence[object],
    header: Sequence[Column],
    layout: Layout,
    *,
    index: int,
    file: str,
    line: int | None,
) -> Draft:
    """The draft of a row.

    :param row: the cells: texts as a file of text has them, or values as a typed table does, where a
        list holds several names and None is unknown
    :param header: the columns
    :param index: the row's place in its table, counted from 0
    :param file: the file
    :param line: its line, or the row's number
    """
    ids = (cell for c, cell in zip(header, row, strict=False) if c.name == ID)
    draft = Draft(_id(next(ids, None)), layout, index=index, file=file, line=line)
    for place, cell in zip(header, row, strict=False):
        value = cell.strip() if isinstance(cell, str) else cell
        slot = place.slot
        if value is None or value == "":
            continue
        if slot is None:
            if place.fault:  # the id has none
                draft.refuse(place.name, value, place.fault, place.nearest)
        elif isinstance(slot, Number):
            draft.state(place.name, slot, Written(value) if isinstance(value, str) else value)
        elif slot.many and isinstance(value, str | list):
            several = value.split(SEPARATOR) if isinstance(value, str) else value
            for each in several:
                name = each.strip() if isinstance(each, str) else each
                if name != "":
                    draft.state(place.name, slot, name)
        else:
            draft.state(place.name, slot, value)
    if len(row) > len(header):
        message = (
            f"the row has {len(row)} cells and the header {len(header)};"
            " quote a cell that has the delimiter in it, and write a decimal point"
        )
        draft.refuse(None, "|".join(map(str, row[len(header) :])), message)
    return draft


def _id(cell: object) -> object:
    """An id as a table holds it: a cell is text, and whole numbers are their digits."""
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)
    return cell.strip() if isinstance(cell, str) else "" if cell is None else cell


def read_header(names: Sequence[str], layout: Layout, *, file: str, line: int | None = None) -> list[Column]:
    """The columns of a header.

    :raises RecordError: where no column holds the ids
    """
    slots = columns(layout.vocabulary)
    known = frozenset(slots) | {ID}
    header: list[Column] = []
    taken: set[object] = set()
    for name in names:
        measured = layout.vocabulary.properties.get(name)
        slot = slots.get(name, measured if isinstance(measured, Number) else None)
        if not name:
            found = Column(name, fault="the cell stands under no column; name the column or empty the cell")
        elif slot is None and name != ID:
            unknown = layout.misplaced(UnknownName("column", name, known))
            found = Column(name, fault=str(unknown), nearest=unknown.nearest)
        elif (slot or name) in taken:
            found = Column(name, fault="the column stands twice in the header; keep one of the two")
        else:
            found = Column(name, slot)
        taken.add(slot or name)
        header.append(found)
    if all(place.name != ID for place in header):
        message = "the header has no column 'id'; add one and give every row its id"
        raise RecordError(message, file=file, line=line, field=ID)
    return header


def delimiter_of(header: str, layout: Layout) -> str:
    """The delimiter that makes most known names of a header, else most names."""
    known = columns(layout.vocabulary).keys() | {ID}

    def names(delimiter: str) -> tuple[int, int]:
        cells = [cell.strip(' "\r\n') for cell in header.split(delimiter)]
        return sum(cell in known for cell in cells), len(cells)

    return max(DELIMITERS, key=names)


class Row(NamedTuple):
    """A row of a table of text.

    :param line: the line on which it begins, counted from 1
    :param lines: how many lines it has
    :param text: its first line
    :param cells: its cells, None where it cannot be read
    :param fault: why not
    """

    line: int
    lines: int
    text: str
    cells: list[str] | None
    fault: str = ""

    @property
    def filled(self) -> bool:
        """Whether any cell holds something."""
        return bool(self.cells) and any(map(str.strip, self.cells or ()))

    def broken(self, file: str, index: int | None) -> RecordError:
        """The refusal of a row that cannot be read."""
        remedy = "close its quotation marks, and double those inside a cell"
        message = f"the row cannot be read ({self.fault}); {remedy}"
        value = shown(self.text.strip())
        return RecordError(message, file=file, line=self.line, record=index, value=value)


def rows(lines: Iterable[str], delimiter: str, before: int = 0) -> Iterator[Row]:
    """The rows of a table of text; after one that cannot be read comes the line below its first.

    :param lines: the lines with their ends
    :param delimiter: what stands between cells
    :param before: how many lines come before
    """
    table = partial(csv.reader, delimiter=delimiter, skipinitialspace=True, strict=True)
    source = iter(lines)
    again: deque[str] = deque()  # lines that a broken row had run on into
    taken: list[str] = []  # the lines of the row at hand

    def taking() -> Iterator[str]:
        while True:
            if again:
                line = again.popleft()
            elif (found := next(source, None)) is not None:
                line = found
            else:
                return
            taken.append(line)
            yield line

    reader = table(taking())
    line = before + 1
    while True:
        taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, 1, taken[0], None, str(error))
            again.extendleft(reversed(taken[1:]))
            reader = table(taking())
            line += 1
        else:
            yield Row(line, len(taken), taken[0], cells)
            line += len(taken)
