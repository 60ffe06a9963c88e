"""Outputs: the answers of a cohort as Parquet, CSV, NDJSON or N-Quads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dvt_kg.cohorts.summaries import Counts
from dvt_kg.errors import UsageError
from dvt_kg.graph import INFERRED
from dvt_kg.ontology import dvt
from dvt_kg.patients import Patient
from dvt_kg.program import LISTS
from dvt_kg.tables import SEPARATOR

#: the columns of answers that are triples, with the property of each
_TERMS = {
    "status": dvt("status"),
    **{c: dvt(p) for c, p in LISTS.items() if p not in ("conflictsOn", "clashesOn")},
}


class Written(NamedTuple):
    """What an engine wrote.

    :param names: the names of the output and of the rejects
    :param counts: what they hold
    :param profiles: how many different profiles the answered rows have
    """

    names: tuple[str, str]
    counts: Counts
    profiles: int


class Format(NamedTuple):
    """How an output is written.

    :param ending: the ending of its files
    :param write: what writes tables to a file; what is known of them as a whole is for quads
    """

    ending: str
    write: Callable[[Path, pa.Schema, Iterable[pa.Table], str], None]


def format_of(output: Path) -> Format:
    """How an output is written, by its ending.

    :raises UsageError: where no format has it
    """
    name = output.name.lower()
    packed = next((p for p in PACKED if name.endswith(p)), "")
    ending = next((e for e in _WRITERS if name.removesuffix(packed).endswith(e)), "")
    if not ending or (packed and ending == ".parquet"):
        known = ", ".join(_WRITERS)
        raise UsageError(
            f"{output.name!r} does not end in one of {known}, all but the first with .gz or .zst behind it"
        )
    return Format(ending + packed, partial(_WRITERS[ending], packed=packed))


def rejects_format(chosen: Format) -> Format:
    """How rejects are written beside answers: in the same way, but beside N-Quads as CSV."""
    if not chosen.ending.startswith(".nq"):
        return chosen
    return Format(".csv", partial(_csv, packed=""))


def beside(output: Path, what: str) -> str:
    """The name of a file that belongs to an output.

    >>> beside(Path("ward.csv.gz"), "summary.json")
    'ward.summary.json'
    """
    name = output.name
    for ending in (*PACKED, *_WRITERS):
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
    return f"{name}.{what}"


def names(output: Path, chosen: Format, *, page: bool) -> list[str]:
    """The names of all files of a run, the output first."""
    several = ("summary.json", "summary.txt", *(["summary.html"] if page else []), "provenance.ttl")
    return [
        output.name,
        beside(output, "rejects" + rejects_format(chosen).ending),
        *(beside(output, n) for n in several),
    ]


def _parquet(path: Path, schema: pa.Schema, tables: Iterable[pa.Table], _: str, *, packed: str) -> None:
    assert not packed, "Parquet packs by itself"
    writer = None
    try:
        for table in tables:
            if writer is None:  # without the schema of Arrow, so that readers see plain texts and lists
                writer = pq.ParquetWriter(path, table.schema, compression="zstd", store_schema=False)
            writer.write_table(table)
        if writer is None:
            writer = pq.ParquetWriter(path, schema, compression="zstd", store_schema=False)
    finally:
        if writer is not None:
            writer.close()


def _copied(path: Path, schema: pa.Schema, tables: Iterable[pa.Table], select: str, options: str) -> None:
    """Write tables by DuckDB's COPY."""
    stopped = False

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal stopped
        try:
            for table in tables:
                yield from table.cast(schema).to_batches()
        except KeyboardInterrupt:
            stopped = True
            raise

    reader = pa.RecordBatchReader.from_batches(schema, batches())
    target = str(path).replace("'", "''")
    try:
        with duckdb.connect() as connection:
            connection.register("answers", reader)
            connection.execute(f"COPY (SELECT {select} FROM answers) TO '{target}' ({options})")
    except Exception as error:  # DuckDB says in its own words that it was interrupted
        if stopped or "interrupt" in str(error).lower():
            raise KeyboardInterrupt from None
        raise


def _csv(path: Path, schema: pa.Schema, tables: Iterable[pa.Table], _: str, *, packed: str) -> None:
    cells = (
        f'array_to_string("{field.name}", \'{SEPARATOR}\') AS "{field.name}"'
        if pa.types.is_list(field.type)
        else f'"{field.name}"'
        for field in schema
    )
    _copied(
        path,
        schema,
        tables,
        ", ".join(cells),
        f"FORMAT csv, HEADER, COMPRESSION {PACKED.get(packed, 'none')}",
    )


def _ndjson(path: Path, schema: pa.Schema, tables: Iterable[pa.Table], _: str, *, packed: str) -> None:
    _copied(path, schema, tables, "*", f"FORMAT json, COMPRESSION {PACKED.get(packed, 'none')}")


def _quads(path: Path, _: pa.Schema, tables: Iterable[pa.Table], head: str, *, packed: str) -> None:
    with (
        pa.OSFile(str(path), "wb") as file,
        pa.CompressedOutputStream(file, PACKED[packed]) if packed else file as out,
    ):
        out.write(head.encode())
        for table in tables:
            out.write("".join(quads(table)).encode())


def quads(table: pa.Table) -> Iterator[str]:
    """Answers as lines of N-Quads."""
    for row in table.to_pylist():
        patient = f"<{Patient(row['id'], frozenset()).iri}>"
        for column, term in _TERMS.items():
            found = row[column]
            for name in [found] if isinstance(found, str) else found:
                yield f"{patient} {term} {dvt(name)} {INFERRED} .\n"


PACKED = {".gz": "gzip", ".zst": "zstd"}
_WRITERS: dict[str, Callable[..., None]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".ndjson": _ndjson,
    ".jsonl": _ndjson,
    ".nq": _quads,
}
