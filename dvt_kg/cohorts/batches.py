"""Batches: the rows of a cohort, some ten thousand at a time, and where the next ones begin."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Protocol

import pyarrow as pa

from dvt_kg.errors import CohortError, RecordError
from dvt_kg.records import Draft, Layout
from dvt_kg.tables import Column

ROWS = 131_072  # in a batch
#: called with what is done, how much of it, and the rows so far
Progress = Callable[[str, float, int], None]


class Place(NamedTuple):
    """Where a batch begins: in which part of the input, and behind how many of its rows or lines."""

    part: int
    behind: int


@dataclass(frozen=True)
class Batch:
    """Some rows of one part of a cohort.

    :param file: what errors call the part
    :param table: the rows, a column for each of the header
    :param header: what the columns are
    :param lines: the line of each row or, where a part has no lines, its number, counted from 1
    :param draft: what gives the draft of a row for the door
    :param broken: rows that are known to need the door
    :param behind: how many rows or lines of the part come before the next batch
    :param done: how much of the part is behind, from 0 to 1
    """

    file: str
    table: pa.RecordBatch
    header: tuple[Column, ...]
    lines: range | list[int]
    draft: Callable[[int], Draft | RecordError]
    broken: tuple[int, ...]
    behind: int
    done: float

    def until(self, behind: int | None) -> Batch:
        """The rows of it that come before so many of the part."""
        if behind is None or self.behind <= behind:
            return self
        kept = self.table.num_rows - (self.behind - behind)
        return replace(self, table=self.table.slice(0, kept), lines=self.lines[:kept], behind=behind)


class Part(Protocol):
    """A file or table of a cohort.

    ``address`` is where it is, ``name`` what errors call it; ``size`` how much it weighs beside the
    others; ``rows`` how many rows it has, None where that is not known before they are read;
    ``columns`` its columns with their types, None where it has none of its own; ``mark`` something that
    changes when its content does.
    """

    address: str
    name: str
    size: float
    rows: int | None
    columns: dict[str, str] | None
    mark: list[float | str]

    def marked(self) -> list[float | str]:
        """The mark as it is now."""

    def pieces(self) -> list[tuple[int, int | None]]:
        """What can be read by itself: behind how many rows or lines, and up to which if not to the end."""

    def batches(self, behind: int) -> Iterator[Batch]:
        """The rows behind some rows or lines.

        :raises CohortError: where they cannot be read
        """


class File:
    """What is common to the files of a cohort.

    :param path: the file
    :param layout: how a table spells the places of a record
    :raises CohortError: where there is no such file
    """

    columns: dict[str, str] | None = None
    rows: int | None = None

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path = path
        self.address = str(path.absolute())
        self.name = str(path)
        self.layout = layout
        self.mark = file_mark(path)
        self.size = float(self.mark[0])

    def marked(self) -> list[float | str]:
        """The mark as it is now."""
        return file_mark(self.path)


def file_mark(path: Path) -> list[float | str]:
    """What changes when a file's content does: its size and its time.

    :raises CohortError: where there is no such file
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        raise CohortError("there is no such file; check the name", source=str(path)) from None
    except OSError as error:
        raise CohortError(f"it cannot be read ({error.strerror})", source=str(path)) from None
    if not stat.S_ISREG(found.st_mode):
        raise CohortError("it is no file that can be read twice; save it as one", source=str(path))
    return [found.st_size, found.st_mtime_ns]
