"""Typed tables: Parquet files, and tables of DuckDB and PostgreSQL."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp
from sqlglot.errors import ParseError

from dvt_kg.cohorts.batches import ROWS, Batch, File, file_mark
from dvt_kg.errors import CohortError, DvtKgError, RecordError, UsageError
from dvt_kg.records import Draft, Layout
from dvt_kg.tables import ID, read_header, row_draft

DUCKDB = "duckdb:"
_SECRETS = re.compile(r"(?<=://).*@|(?<=password=)[^&\s]*")
_WHERE = "#"  # between a database and its table


class Rows:
    """The rows of one table as the door sees them."""

    def __init__(self, name: str, layout: Layout, names: list[str]) -> None:
        self.name = name
        self.layout = layout
        self.header = tuple(read_header(names, layout, file=name))

    def batch(self, table: pa.RecordBatch, before: int, done: float) -> Batch:
        """Rows behind some others as a batch."""

        def draft(row: int) -> Draft | RecordError:
            cells = [_plain(column[row]) for column in table.columns]
            number = before + row + 1
            return row_draft(cells, self.header, self.layout, index=number - 1, file=self.name, line=number)

        lines = range(before + 1, before + table.num_rows + 1)
        return Batch(self.name, table, self.header, lines, draft, (), before + table.num_rows, done)


def _plain(scalar: pa.Scalar) -> Any:
    """A cell as a table of text or of JSON would hold it; what is no text has half characters in it."""
    kind = scalar.type
    if pa.types.is_dictionary(kind):
        return _plain(scalar.value)
    if scalar.is_valid and _family(kind) == "list":
        return [_plain(each) for each in scalar.values]
    cell = _value(scalar)
    if isinstance(cell, date):  # a time is one too
        return cell.isoformat().replace("+00:00", "Z")
    return cell.decode("utf-8", "surrogateescape") if isinstance(cell, bytes) else cell


def _value(scalar: pa.Scalar) -> Any:
    """The value of a cell, as text where Python has none for it."""
    if pa.types.is_timestamp(scalar.type) and scalar.type.unit == "ns":
        scalar = scalar.cast(pa.timestamp("us", scalar.type.tz), safe=False)
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return scalar.cast(pa.large_binary()).as_py()
    except Exception:  # a time beyond what Python counts, or in a zone that there is not
        return f"{scalar.value} of {scalar.type}"


class Parquet(File):
    """A Parquet file."""

    def __init__(self, path: Path, layout: Layout) -> None:
        super().__init__(path, layout)
        file = self._open()
        read_header(file.schema_arrow.names, layout, file=self.name)
        self.columns = {field.name: _family(field.type) for field in file.schema_arrow}
        self._groups = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
        self.rows = sum(self._groups)
        self._coded = [
            field.name
            for field in file.schema_arrow
            if field.name != ID and (pa.types.is_string(field.type) or pa.types.is_large_string(field.type))
        ]

    def _open(self, coded: list[str] | None = None) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.path, read_dictionary=coded)
        except (OSError, pa.ArrowException) as error:
            raise CohortError(f"it cannot be read as Parquet ({_short(error)})", source=self.name) from None

    def _plan(self) -> Iterator[tuple[int, list[int], int]]:
        """Row groups that are read together: where they begin, which, and their rows.

        The same wherever reading begins, so that a run that goes on cuts the file as before.
        """
        start = rows = 0
        members: list[int] = []
        for number, size in enumerate(self._groups):
            if members and rows + size > ROWS:
                yield start, members, rows
                start, members, rows = start + rows, [], 0
            members.append(number)
            rows += size
        if rows:
            yield start, members, rows

    def pieces(self) -> list[tuple[int, int | None]]:
        """The row groups that are read together."""
        return [(start, start + rows) for start, _, rows in self._plan()]

    def batches(self, behind: int) -> Iterator[Batch]:
        """The rows behind some others."""
        file = self._open(self._coded)
        rows = Rows(self.name, self.layout, file.schema_arrow.names)
        at = behind
        try:
            for start, members, size in self._plan():
                if start + size <= behind:
                    continue
                at = start
                stream = file.iter_batches(ROWS, row_groups=members)
                for table in [_one(list(stream))] if len(members) > 1 else stream:
                    if at >= behind:
                        yield rows.batch(table, at, (at + table.num_rows) / max(1, self.rows or 0))
                    at += table.num_rows
        except (OSError, pa.ArrowException) as error:
            message = f"it cannot be read behind row {at} ({_short(error)})"
            raise CohortError(message, source=self.name) from None


class Table:
    """A table of a database.

    :param url: ``duckdb:FILE#TABLE`` or ``postgresql://HOST/DATABASE#TABLE``
    :param layout: how a table spells the places of a record
    """

    def __init__(self, url: str, layout: Layout) -> None:
        self.layout = layout
        database, marked, table = url.rpartition(_WHERE)
        dialect = "duckdb" if url.startswith(DUCKDB) else "postgres"
        if not marked or not table:
            example = "duckdb:cohort.db#patients"
            raise UsageError(f"{_shown(url)!r} names no table; write it behind a #, as in {example}")
        try:
            self.table = exp.to_table(table, dialect=dialect).sql(dialect)
        except ParseError:
            raise UsageError(f"{table!r} is no name of a table; write it as SQL does") from None
        self.name = f"{_shown(database)}{_WHERE}{table}"
        self.address = url
        self._database = database
        with self._asking() as ask:
            none = ask(f"SELECT * FROM {self.table} LIMIT 0")
            read_header(none.schema.names, layout, file=self.name)
            self.columns: dict[str, str] | None = {field.name: _family(field.type) for field in none.schema}
        self.mark = self.marked()
        self.rows: int | None = int(self.mark[0])
        self.size = float(self.rows * 100)

    def marked(self) -> list[float | str]:
        """The rows of the table and, of DuckDB, the mark of its file, as they are now."""
        with self._asking() as ask:
            (rows,) = ask(f"SELECT count(*) FROM {self.table}").read_all().column(0).to_pylist()
        file = self._database.removeprefix(DUCKDB)
        return [int(rows), *(file_mark(Path(file)) if file != self._database else [])]

    @contextlib.contextmanager
    def _asking(self) -> Iterator[Callable[[str], pa.RecordBatchReader]]:
        """What sends queries to the database."""
        try:
            with contextlib.ExitStack() as stack:
                if self._database.startswith(DUCKDB):
                    path = self._database.removeprefix(DUCKDB)
                    file_mark(Path(path))
                    database = stack.enter_context(_package("duckdb", "cohort").connect(path, read_only=True))
                    yield lambda query: database.sql(query).to_arrow_reader(ROWS)
                else:
                    adbc = _package("adbc_driver_postgresql.dbapi", "postgres")
                    cursor = stack.enter_context(stack.enter_context(adbc.connect(self._database)).cursor())

                    def ask(query: str) -> pa.RecordBatchReader:
                        cursor.execute(query)
                        return cursor.fetch_record_batch()

                    yield ask
        except (DvtKgError, GeneratorExit):
            raise
        except Exception as error:  # each driver has errors of its own
            said = _scrubbed(error, self._database)
            raise CohortError(f"it cannot be read ({said})", source=self.name) from None

    def pieces(self) -> list[tuple[int, int | None]]:
        """The whole: its order is that of one query."""
        return [(0, None)]

    def batches(self, behind: int) -> Iterator[Batch]:
        """The rows behind some others, in the order of their ids."""
        rows = Rows(self.name, self.layout, list(self.columns or ()))
        # By every column that can be ordered, so that rows of one id keep their order when a run goes on.
        columns = self.columns or {}
        names = [n for n, kind in columns.items() if kind in ("text", "number", "time") and n != ID]
        order = ", ".join('"' + name.replace('"', '""') + '"' for name in (ID, *names))
        with self._asking() as ask:
            at = behind
            for table in _whole(ask(f"SELECT * FROM {self.table} ORDER BY {order} OFFSET {behind}")):
                yield rows.batch(table, at, (at + table.num_rows) / max(1, self.rows or 0))
                at += table.num_rows


def _whole(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """A stream cut into batches of the usual size."""
    waiting: list[pa.RecordBatch] = []
    held = 0
    for table in reader:
        while table.num_rows:
            piece = table.slice(0, ROWS - held)
            table = table.slice(len(piece))  # noqa: PLW2901
            waiting.append(piece)
            held += piece.num_rows
            if held == ROWS:
                yield _one(waiting)
                waiting, held = [], 0
    if held:
        yield _one(waiting)


def _one(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    (batch,) = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks().to_batches()
    return batch


def _package(name: str, extra: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        package = name.partition(".")[0].replace("_", "-")
        raise UsageError(f"this needs {package}: pip install 'dvt-kg[{extra}]'") from None


def _shown(url: str) -> str:
    """An address without user and password."""
    return _SECRETS.sub("", url)


def _scrubbed(error: BaseException, url: str) -> str:
    """What a driver says, without the secrets of an address."""
    said = _short(error)
    for secret in _SECRETS.findall(url):
        for part in sorted({secret, unquote(secret), *re.split("[:@/]", secret)}, key=len, reverse=True):
            said = said.replace(part, "…") if len(part) > 1 else said
    return said


def _family(kind: pa.DataType) -> str:
    """What kind of values a column holds; columns of one kind can stand under each other."""
    if pa.types.is_dictionary(kind):
        return _family(kind.value_type)
    families = {
        "text": (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        "number": (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
        "list": (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list),
        "time": (pa.types.is_timestamp,),
        "nothing": (pa.types.is_null,),
    }
    return next((name for name, tests in families.items() if any(test(kind) for test in tests)), str(kind))


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
