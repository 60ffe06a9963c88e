"""Texts: CSV, TSV and NDJSON files, plain or compressed, line by line."""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa
from pyarrow import csv

from dvt_kg.cohorts.batches import ROWS, Batch, File
from dvt_kg.documents import object_once, parsed, record_drafts
from dvt_kg.errors import CohortError, RecordError
from dvt_kg.records import Draft, Layout
from dvt_kg.slots import Number, Written, shown
from dvt_kg.tables import (
    ID,
    SEPARATOR,
    Column,
    Row,
    column,
    columns,
    delimiter_of,
    read_header,
    row_draft,
    rows,
)

_SURROGATE = re.compile("[\udc80-\udcff]")  # a byte that is no UTF-8
_HALF = re.compile("[\ud800-\udfff]")  # of a character that JSON can write
PACKED = {".gz": "gzip", ".zst": "zstd"}
_NOT_TEXT = "it is not UTF-8; save it as UTF-8"


class _Text(File):
    """A file of lines."""

    def pieces(self) -> list[tuple[int, int | None]]:
        """The whole: lines are counted from its beginning."""
        return [(0, None)]

    def _lines(self) -> Iterator[tuple[str, float]]:
        """The lines with their ends, and how much of the file is read."""
        try:
            with self.path.open("rb") as file, _unpacked(file, self.path) as stream:
                start = stream.peek(2)[:2]
                wide = start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
                coding = "utf-16" if wide else "utf-8-sig"
                text = io.TextIOWrapper(stream, coding, errors="surrogateescape", newline="")
                for line in text:
                    yield line, file.tell() / max(1.0, self.size)
        except (OSError, EOFError, UnicodeError) as error:
            message = f"it cannot be read to its end ({' '.join(str(error).split())[:200]})"
            raise CohortError(message, source=self.name) from None


def _unpacked(file: IO[bytes], path: Path) -> io.BufferedReader:
    """A file's content, unpacked where the name says that it is packed."""
    packed = PACKED.get(path.suffix.lower())
    source: Any = pa.CompressedInputStream(pa.PythonFile(file, "r"), packed) if packed else file
    return io.BufferedReader(source, 1 << 20)


class Csv(_Text):
    """A table of text with a header, delimited by comma, semicolon or tab."""

    def __init__(self, path: Path, layout: Layout) -> None:
        super().__init__(path, layout)
        self._header()

    def _header(self) -> tuple[int, str, tuple[Column, ...]]:
        """How many lines the header takes, the delimiter and the columns."""
        first = next((line for line, _ in self._lines() if line.strip()), None)
        if first is None:
            raise CohortError("it is empty; write records in it", source=self.name)
        delimiter = delimiter_of(first, self.layout)
        for row in rows((line for line, _ in self._lines()), delimiter):
            if row.cells is None:
                raise row.broken(self.name, None)
            if row.filled:
                names = [cell.strip() for cell in row.cells]
                header = read_header(names, self.layout, file=self.name, line=row.line)
                self.columns = dict.fromkeys(names, "text")
                return row.line + row.lines - 1, delimiter, tuple(header)
        raise AssertionError("a line that is filled is a row that is filled")

    def batches(self, behind: int) -> Iterator[Batch]:
        """The rows behind some lines."""
        first, delimiter, header = self._header()
        behind = max(behind, first)
        done = 0.0

        def lines() -> Iterator[str]:
            nonlocal done
            for line, done in islice(self._lines(), behind, None):  # noqa: B007
                yield line

        stream = lines()
        plain = _plain(delimiter, len(header))
        while True:
            taken: list[str] = []
            some: list[_Line] = []
            for text in stream:
                taken.append(text)
                if plain(text):
                    some.append(_Line(behind + len(taken), text, True))
                elif text.replace(delimiter, "").strip():
                    (row, *_) = rows([text], delimiter)
                    if row.cells is None and row.fault == "unexpected end of data":
                        break
                    if row.cells is not None and not row.filled:
                        continue
                    some.append(_Line(behind + len(taken), text, False))
                if len(some) == ROWS:
                    break
            else:
                if some:
                    yield self._lines_batch(some, header, delimiter, done)
                return
            if len(some) < ROWS:
                break
            behind += len(taken)
            yield self._lines_batch(some, header, delimiter, done)
        # A cell that runs over lines: from here on the rows are read one by one.
        found = (r for r in rows(chain(taken, stream), delimiter, behind) if r.cells is None or r.filled)
        while some_rows := list(islice(found, ROWS)):
            yield self._rows_batch(some_rows, header, done)

    def _lines_batch(
        self, some: list[_Line], header: tuple[Column, ...], delimiter: str, done: float
    ) -> Batch:
        """A batch of lines each of which is a row."""
        nothing = delimiter * (len(header) - 1)
        names = [str(place) for place in range(len(header))]
        read = csv.read_csv(
            pa.BufferReader("".join(line.text if line.plain else f"{nothing}\n" for line in some).encode()),
            csv.ReadOptions(column_names=names, block_size=1 << 30),
            csv.ParseOptions(delimiter=delimiter, ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True
            ),
        )
        (table,) = read.combine_chunks().to_batches()

        def draft(place: int) -> Draft | RecordError:
            (row, *_) = rows([some[place].text], delimiter, some[place].line - 1)
            return self._draft(row, header)

        broken = tuple(place for place, line in enumerate(some) if not line.plain)
        lines = [line.line for line in some]
        return Batch(self.name, table, header, lines, draft, broken, lines[-1], done)

    def _rows_batch(self, some: list[Row], header: tuple[Column, ...], done: float) -> Batch:
        """A batch of rows."""
        width = len(header)
        broken = []
        cells: list[Sequence[str | None]] = []
        for place, row in enumerate(some):
            found = row.cells
            plain = found is not None and (row.text.isascii() or not _SURROGATE.search("".join(found)))
            if found is None or not plain or len(found) > width:
                broken.append(place)
                cells.append([None] * width)
            else:
                cells.append(found if len(found) == width else [*found, *[None] * (width - len(found))])
        names = [str(place) for place in range(len(header))]
        table = pa.record_batch([pa.array(c, pa.string()) for c in zip(*cells, strict=True)], names)
        last = some[-1]
        return Batch(
            self.name,
            table,
            header,
            [row.line for row in some],
            lambda place: self._draft(some[place], header),
            tuple(broken),
            last.line + last.lines - 1,
            done,
        )

    def _draft(self, row: Row, header: tuple[Column, ...]) -> Draft | RecordError:
        if row.cells is None:
            return row.broken(self.name, row.line - 1)
        if _SURROGATE.search("".join(row.cells)):
            return RecordError(_NOT_TEXT, file=self.name, line=row.line, value=shown(row.text.strip()))
        return row_draft(row.cells, header, self.layout, index=row.line - 1, file=self.name, line=row.line)


class _Line(NamedTuple):
    """A line that is a row: its number, its text, and whether its cells are plainly told apart."""

    line: int
    text: str
    plain: bool


def _plain(delimiter: str, width: int) -> Callable[[str], bool]:
    """What tells the lines that every reader of tables takes apart into so many cells, in the same way."""
    cell = f'(?:"[^"\\r\\n]*"|[^"{delimiter}\\r\\n]*)'
    pattern = re.compile(f"{cell}(?:{delimiter}{cell}){{{width - 1}}}\\r?\\n")

    def plain(text: str) -> bool:
        if width == 1 or not (text.isascii() or not _SURROGATE.search(text)):
            return False
        if not (text[0].isalnum() or text.replace(delimiter, "").replace('"', "").strip()):
            return False
        if '"' not in text:
            return text.count(delimiter) == width - 1 and text.endswith("\n")
        return pattern.fullmatch(text) is not None

    return plain


class JsonLines(_Text):
    """NDJSON: a record in the form of JSON on each line."""

    def __init__(self, path: Path, layout: Layout) -> None:
        super().__init__(path, layout)
        vocabulary = layout.vocabulary
        slots = columns(vocabulary)
        #: for each place its column and the type of what plainly belongs there
        self._places = {
            path: (column(path), list if slot.many else Written if isinstance(slot, Number) else str)
            for path, slot in vocabulary.places.items()
        }
        self._groups = {path.partition("/")[0] for path in self._places if "/" in path}
        self._header = (Column(ID), *(Column(name, slot) for name, slot in slots.items()))

    def batches(self, behind: int) -> Iterator[Batch]:
        """The records behind some lines."""
        numbered = enumerate(islice(self._lines(), behind, None), behind + 1)
        filled = ((number, line, done) for number, (line, done) in numbered if line.strip())
        while some := list(islice(filled, ROWS)):
            yield self._batch(some)

    def _batch(self, some: list[tuple[int, str, float]]) -> Batch:
        broken = []
        cells: dict[str, list[str | None]] = {ID: [None] * len(some)}
        for place, (_, line, _) in enumerate(some):
            row = self._row(line)
            if row is None:
                broken.append(place)
                continue
            for name, value in row.items():
                if name not in cells:
                    cells[name] = [None] * len(some)
                if value is not None and not value.isascii() and _HALF.search(value):
                    broken.append(place)
                else:
                    cells[name][place] = value

        def draft(place: int) -> Draft | RecordError:
            number, line, _ = some[place]
            return self._draft(line, number)

        header = tuple(column for column in self._header if column.name in cells)
        arrays = [pa.array(cells[column.name], pa.string()) for column in header]
        table = pa.record_batch(arrays, [column.name for column in header])
        lines = [number for number, _, _ in some]
        return Batch(self.name, table, header, lines, draft, tuple(broken), lines[-1], some[-1][2])

    def _row(self, line: str) -> dict[str, str | None] | None:
        """A record as the cells of a row, where that is plainly right."""
        try:
            record = json.loads(line, parse_float=Written, parse_int=Written, object_pairs_hook=object_once)
        except (ValueError, RecursionError):
            return None
        row: dict[str, str | None] = {}
        plain = type(record) is dict and all(
            self._group(row, key, value)
            if key in self._groups
            else self._identified(row, value)
            if key == ID
            else "/" not in key and self._put(row, key, value)
            for key, value in record.items()
        )
        return row if plain else None

    def _identified(self, row: dict[str, str | None], value: Any) -> bool:
        row[ID] = value
        return type(value) is str and bool(value) and value == value.strip()

    def _group(self, row: dict[str, str | None], key: str, values: Any) -> bool:
        return type(values) is dict and all(
            "/" not in name and self._put(row, f"{key}/{name}", value) for name, value in values.items()
        )

    def _put(self, row: dict[str, str | None], path: str, value: Any) -> bool:
        """Put a value into its column; whether it is plainly right there."""
        if path not in self._places:
            return False
        name, expected = self._places[path]
        if value is None:
            return expected is not list
        if type(value) is not expected:
            return False
        if isinstance(value, list):
            row[name] = SEPARATOR.join(map(str, value))
            return all(type(v) is str and v and v == v.strip() and SEPARATOR not in v for v in value)
        row[name] = value
        return bool(value) and value == value.strip()

    def _draft(self, line: str, number: int) -> Draft | RecordError:
        """The draft of a line."""
        if _SURROGATE.search(line):
            return RecordError(_NOT_TEXT, file=self.name, line=number, value=shown(line.strip()))
        try:
            record = parsed(line, self.name)
        except RecordError as error:
            return RecordError(error.message, file=self.name, line=number, value=shown(line.strip()))
        except RecursionError:
            message = "it is nested too deep for a record; flatten it"
            return RecordError(message, file=self.name, line=number)
        (found,) = record_drafts([record], self.name, self.layout.vocabulary, line=number)
        return found


READERS: dict[str, type[Csv | JsonLines]] = {
    ".csv": Csv,
    ".tsv": Csv,
    ".ndjson": JsonLines,
    ".jsonl": JsonLines,
}
