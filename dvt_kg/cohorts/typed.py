"""Typed tables: Parquet files, and tables of DuckDB and PostgreSQL."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pyarrow as pa
import pyarrow.parquet as pq

from dvt_kg.cohorts.batches import ROWS, Batch, File, file_mark
from dvt_kg.errors import CohortError, DvtKgError, RecordError, UsageError
from dvt_kg.records import Draft, Layout
from dvt_kg.tables import ID, read_header, row_draft

DUCKDB = "duckdb:"
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
    """A cell as a table of text or of JSON would hold it."""
    if pa.types.is_timestamp(scalar.type) and scalar.type.unit == "ns":
        scalar = scalar.cast(pa.timestamp("us", scalar.type.tz), safe=False)
    try:
        cell = scalar.as_py()
    except (ValueError, OverflowError):  # a time beyond what Python counts
        return str(scalar)
    if isinstance(cell, datetime):
        return cell.isoformat().replace("+00:00", "Z")
    if isinstance(cell, date):
        return cell.isoformat()
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell


class Parquet(File):
    """A Parquet file."""

    def __init__(self, path: Path, layout: Layout) -> None:
        super().__init__(path, layout)
        file = self._open()
        read_header(file.schema_arrow.names, layout, file=self.name)
        self.columns = {field.name: _family(field.type) for field in file.schema_arrow}
        self._groups = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
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

    def pieces(self) -> list[tuple[int, int | None]]:
        """Each row group by itself."""
        ends = list(itertools.accumulate(self._groups))
        return list(zip([0, *ends], ends, strict=False))

    def batches(self, behind: int) -> Iterator[Batch]:
        """The rows behind some others."""
        file = self._open(self._coded)
        rows = Rows(self.name, self.layout, file.schema_arrow.names)
        groups = self._groups
        total = max(1, sum(groups))
        first = before = 0
        while first < len(groups) and before + groups[first] <= behind:
            before += groups[first]
            first += 1
        stream = file.iter_batches(ROWS, row_groups=range(first, len(groups)))
        yield from _from(stream, rows, before, behind, total)


class Table:
    """A table of a database.

    :param url: ``duckdb:FILE#TABLE`` or ``postgresql://HOST/DATABASE#TABLE``
    :param layout: how a table spells the places of a record
    """

    def __init__(self, url: str, layout: Layout) -> None:
        self.layout = layout
        database, _, self.table = url.partition(_WHERE)
        if not self.table:
            raise UsageError(
                f"{_shown(database)!r} names no table; write it behind a #, as in duckdb:cohort.db#patients"
            )
        self.name = f"{_shown(database)}{_WHERE}{self.table}"
        self._database = database
        self.address = url
        with self._asking() as ask:
            (rows,) = (
                ask(f"SELECT count(*) AS rows FROM {_quoted(self.table)}").read_all()["rows"].to_pylist()
            )
            none = ask(f"SELECT * FROM {_quoted(self.table)} LIMIT 0")
            read_header(none.schema.names, layout, file=self.name)
        self.columns: dict[str, str] | None = {field.name: _family(field.type) for field in none.schema}
        self.rows = int(rows)
        self.size = float(self.rows * 100)
        self.mark: list[float | str] = [self.rows]

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
            raise CohortError(f"it cannot be read ({_short(error)})", source=self.name) from None

    def pieces(self) -> list[tuple[int, int | None]]:
        """The whole: its order is that of one query."""
        return [(0, None)]

    def batches(self, behind: int) -> Iterator[Batch]:
        """The rows behind some others, in the order of their ids."""
        rows = Rows(self.name, self.layout, list(self.columns or ()))
        query = f'SELECT * FROM {_quoted(self.table)} ORDER BY "{ID}" OFFSET {behind}'
        with self._asking() as ask:
            yield from _from(_whole(ask(query)), rows, behind, behind, max(1, self.rows))


def _from(
    stream: Iterator[pa.RecordBatch], rows: Rows, before: int, behind: int, total: int
) -> Iterator[Batch]:
    """The batches of a stream that begins behind some rows, from a later row on."""
    try:
        for table in stream:
            skipped = min(table.num_rows, max(0, behind - before))
            before += skipped
            if kept := table.slice(skipped):
                after = before + kept.num_rows
                yield rows.batch(kept, before, after / total)
                before = after
    except (OSError, pa.ArrowException) as error:
        message = f"it cannot be read behind row {before} ({_short(error)})"
        raise CohortError(message, source=rows.name) from None


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
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def _package(name: str, extra: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        package = name.partition(".")[0].replace("_", "-")
        raise UsageError(f"this needs {package}: pip install 'dvt-kg[{extra}]'") from None


def _quoted(table: str) -> str:
    """A table's name, which may begin with its schema's, for SQL."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in table.split("."))


def _shown(url: str) -> str:
    """An address without user and password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    kept = [(key, value) for key, value in parse_qsl(parts.query) if key not in ("user", "password")]
    return urlunsplit(parts._replace(netloc=host, query=urlencode(kept, safe="/"))) if parts.scheme else url


def _family(kind: pa.DataType) -> str:
    """What kind of values a column holds; columns of one kind can stand under each other."""
    if pa.types.is_dictionary(kind):
        return _family(kind.value_type)
    families = {
        "text": (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        "number": (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
        "list": (pa.types.is_list, pa.types.is_large_list),
        "time": (pa.types.is_timestamp,),
        "nothing": (pa.types.is_null,),
    }
    return next((name for name, tests in families.items() if any(test(kind) for test in tests)), str(kind))


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
