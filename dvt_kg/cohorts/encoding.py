"""Encoding: the rows of a table as columns of bits, and the rows that are refused.

Each distinct cell is looked up once, in the slots through which every record goes. What is not
plainly right goes, with its whole row, through the door itself, which says what is wrong with it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dvt_kg.axioms import compile_rules
from dvt_kg.cohorts.bits import Bits, Flags, packed, unpacked
from dvt_kg.cohorts.rejects import reject
from dvt_kg.errors import RecordError
from dvt_kg.ontology import Ontology
from dvt_kg.patients import Fact
from dvt_kg.program import Program, Term
from dvt_kg.records import LONGEST_ID, Draft, Layout, Vocabulary
from dvt_kg.rules import Atom, Range
from dvt_kg.slots import UNKNOWN, Name, Number, Slot, State, Time
from dvt_kg.tables import ID, SEPARATOR, Column, layout_of

_COMPARED = {
    "minInclusive": np.greater_equal,
    "maxInclusive": np.less_equal,
    "minExclusive": np.greater,
    "maxExclusive": np.less,
}
# Only what is certainly right: the door decides about the rest.
_PLAIN_NUMBER = r"^[0-9]{1,6}(\.[0-9]{1,9})?$"
_PLAIN_ID = r"^[^\p{Z}\p{C}]([^\p{Zl}\p{Zp}\p{C}]*[^\p{Z}\p{C}])?$"
_PLAIN_TIME = (
    r"^(19|20)[0-9]{2}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    r"|02-(0[1-9]|1[0-9]|2[0-8]))T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,18})?"
    r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])?$"
)
_YEAR_2, _YEAR_9999 = -62_104_060_800, 253_370_764_800  # in seconds
_LEAST_PLAIN = 0.01  # a float of 17 digits above it has 18 decimals at most


@dataclass
class Encoded:
    """The rows of a table as bits.

    :param rows: how many rows there are
    :param true: for each recorded fact that a rule asks about the rows that state it
    :param ids: the id of each row
    :param refused: by row what is said of those that are refused
    """

    rows: int
    true: dict[Term, Bits]
    ids: pa.Array
    refused: dict[int, dict[str, Any]] = field(default_factory=dict)


class Encoder:
    """What turns tables into bits.

    :param ontology: the ontology whose names the tables use
    :param program: the program that the bits are for
    """

    def __init__(self, ontology: Ontology, program: Program) -> None:
        self.rules = compile_rules(ontology)
        self.layout: Layout = layout_of(Vocabulary(ontology))
        self.asked = frozenset(program.seeds)
        self._cells: dict[Slot, dict[str, tuple[Atom, ...]]] = {}

    def atoms(self, fact: Fact) -> tuple[Atom, ...]:
        """What a fact makes true at once of what the program asks about."""
        return tuple(atom for atom in self.rules.seeds(fact) if atom in self.asked)

    def encode(
        self,
        table: pa.RecordBatch,
        header: Sequence[Column],
        draft: Callable[[int], Draft | RecordError],
        broken: Iterable[int] = (),
    ) -> Encoded:
        """The bits of a table.

        :param table: the rows, a column for each of the header
        :param header: what the columns are
        :param draft: the draft of a row, for the door
        :param broken: rows that are known to need it
        """
        work = _Work(self, table.num_rows)
        work.doubtful[list(broken)] = True
        ids: pa.Array | None = None
        for place, column in zip(header, table.columns, strict=True):
            if place.name == ID and not place.fault:
                ids = work.identify(column)
            elif place.slot is None:
                work.doubtful |= _filled(column)
            else:
                work.take(place.slot, column)
        assert ids is not None, "a header has a column of ids"
        return work.finish(ids, draft)

    def cells(self, slot: Slot) -> dict[str, tuple[Atom, ...]]:
        """What each plain text makes true in a slot of names."""
        found = self._cells.get(slot)
        if found is None:
            facts: Mapping[str, Fact | None] = slot.facts if isinstance(slot, State | Name) else {}
            found = {name: self.atoms(fact) if fact else () for name, fact in facts.items()}
            if isinstance(slot, Name) and slot.unknown:
                found[UNKNOWN] = ()
            found[""] = ()
            self._cells[slot] = found
        return found


class _Work:
    """One table on its way."""

    def __init__(self, encoder: Encoder, rows: int) -> None:
        self.encoder = encoder
        self.rows = rows
        self.doubtful: Flags = np.zeros(rows, np.bool_)
        self.true: dict[Term, Bits] = {}

    def mark(self, atoms: Iterable[Atom], flags: Flags) -> None:
        """Say that something is true of some rows."""
        bits = packed(flags)
        for atom in atoms:
            known = self.true.get(atom)
            self.true[atom] = bits if known is None else known | bits

    def identify(self, column: pa.Array) -> pa.Array:
        """The ids of the rows."""
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
            try:
                column = column.cast(pa.string())
                short = pc.less_equal(pc.utf8_length(column), LONGEST_ID)
                self.doubtful |= ~_flags(pc.and_(pc.match_substring_regex(column, _PLAIN_ID), short))
                return column
            except pa.ArrowException:  # it is no UTF-8
                pass
        self.doubtful[:] = True
        return pa.nulls(self.rows, pa.string())

    def take(self, slot: Slot, column: pa.Array) -> None:
        """Read a column into bits."""
        if column.null_count == len(column):
            return
        if isinstance(slot, Number):
            self._numbers(slot, column)
        elif isinstance(slot, Time):
            self._times(column)
        elif slot.many and (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
            parents = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
            codes, values = _coded(pc.list_flatten(column))
            if values is None:
                self.doubtful |= _valid(column)
                return
            self.doubtful[parents[codes < 0]] = True
            self._names(slot, codes, values, parents)
        else:
            codes, values = _coded(column)
            if values is None:
                self.doubtful |= _valid(column)
            else:
                self._names(slot, codes, values)

    def _names(
        self,
        slot: Slot,
        codes: NDArray[np.int32],
        values: Sequence[str | None],
        parents: NDArray[np.int64] | None = None,
    ) -> None:
        """Mark the rows of each name; the rows of what is none are doubtful."""
        cells = self.encoder.cells(slot)
        for code, value in enumerate(values):
            texts = (value or "").split(SEPARATOR) if slot.many and parents is None else [value or ""]
            atoms: list[Atom] | None = []
            for text in map(str.strip, texts):
                known = cells.get(text)
                atoms = None if known is None or atoms is None else [*atoms, *known]
            if value is None and parents is not None:
                atoms = None
            if atoms is None or atoms:
                flags = codes == code
                if parents is not None:
                    rows = np.zeros(self.rows, np.bool_)
                    rows[parents[flags]] = True
                    flags = rows
                if atoms is None:
                    self.doubtful |= flags
                else:
                    self.mark(atoms, flags)

    def _numbers(self, slot: Number, column: pa.Array) -> None:
        valid = _filled(column)
        numbers = _numbers(column)
        if numbers is None:
            self.doubtful |= valid
            return
        known = slot.measurement
        with np.errstate(invalid="ignore"):
            low, high = float(known.minimum), float(known.maximum)
            plain = (numbers >= low) & (numbers <= high)
            plain &= (numbers == 0) | (np.abs(numbers) >= _LEAST_PLAIN)
        self.doubtful |= valid & ~plain
        valid &= plain
        # Each limit has few digits, so that a float lies on the same side of it as its shortest decimal.
        for atom in self.encoder.asked:
            if isinstance(atom, Range) and atom.property == known.property:
                flags = valid.copy()
                for facet, limit in atom.bounds:
                    flags &= _COMPARED[facet](numbers, float(limit))
                self.mark((atom,), flags)

    def _times(self, column: pa.Array) -> None:
        if pa.types.is_timestamp(column.type):
            self.doubtful |= _valid(column) & ~_ordinary(column)
            return
        if pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            self.doubtful |= _filled(column) & ~_flags(pc.match_substring_regex(column, _PLAIN_TIME))
        else:
            self.doubtful |= _filled(column)

    def finish(self, ids: pa.Array, draft: Callable[[int], Draft | RecordError]) -> Encoded:
        """Show the doubtful rows to the door."""
        encoded = Encoded(self.rows, self.true, ids)
        doubtful = np.flatnonzero(self.doubtful).tolist()
        if not doubtful:
            return encoded
        certain = packed(~self.doubtful)
        for atom, bits in self.true.items():
            self.true[atom] = bits & certain
        stated: dict[Atom, list[int]] = {}
        named: dict[int, str] = {}
        for row in doubtful:
            found = draft(row)
            if isinstance(found, RecordError):
                encoded.refused[row] = reject([found], None)
            elif found.errors:
                encoded.refused[row] = reject(found.errors, found.id)
            else:
                named[row] = str(found.id)
                for fact in found.facts:
                    for atom in self.encoder.atoms(fact):
                        stated.setdefault(atom, []).append(row)
        for atom, rows in stated.items():
            flags = np.zeros(self.rows, np.bool_)
            flags[rows] = True
            self.mark((atom,), flags)
        if named:
            texts = ids.to_pylist()
            for row, name in named.items():
                texts[row] = name
            encoded.ids = pa.array(texts, pa.string())
        return encoded


def _ordinary(column: pa.Array) -> Flags:
    """Which times of a column fall into the years that a record can state, in a zone that there is."""
    zone = column.type.tz
    try:
        if zone and not re.fullmatch(r"[+-]\d\d:\d\d", zone):
            ZoneInfo(zone)
        seconds = column.cast(pa.timestamp("s", zone), safe=False).cast(pa.int64())
    except (ValueError, KeyError, OSError, pa.ArrowException):
        return np.zeros(len(column), np.bool_)
    return _flags(pc.and_(pc.greater(seconds, _YEAR_2), pc.less(seconds, _YEAR_9999)))


def _valid(column: pa.Array) -> Flags:
    return _flags(column.is_valid())


def _filled(column: pa.Array) -> Flags:
    """Where a column holds something: a text of no characters is nothing."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _flags(pc.not_equal(column, ""))
    codes, values = _coded(column) if pa.types.is_dictionary(column.type) else (None, None)
    if codes is not None and values is not None:
        return np.array([*(bool(value) for value in values), False])[codes]
    return _valid(column)


def _flags(array: pa.Array) -> Flags:
    """A column of true and false as flags, false where there is none."""
    flags: Flags = pc.fill_null(array, False).to_numpy(zero_copy_only=False)
    return flags


def _coded(column: pa.Array) -> tuple[NDArray[np.int32], Sequence[str | None] | None]:
    """A column of texts as codes, -1 where there is none, and the text of each code."""
    if not pa.types.is_dictionary(column.type):
        if pa.types.is_null(column.type):
            return np.full(len(column), -1, np.int32), []
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            return np.zeros(0, np.int32), None
        try:
            column = column.dictionary_encode()
        except pa.ArrowException:
            return np.zeros(0, np.int32), None
    if not (pa.types.is_string(column.dictionary.type) or pa.types.is_large_string(column.dictionary.type)):
        return np.zeros(0, np.int32), None
    indices = column.indices
    codes = (indices if not indices.null_count else pc.fill_null(indices.cast(pa.int32()), -1)).to_numpy()
    try:
        return codes, column.dictionary.to_pylist()
    except UnicodeDecodeError:  # what is no UTF-8 is known to no slot
        kind = pa.large_binary() if pa.types.is_large_string(column.dictionary.type) else pa.binary()
        found = column.dictionary.cast(kind).to_pylist()
        return codes, [None if text is None else text.decode("utf-8", "surrogateescape") for text in found]


def _numbers(column: pa.Array) -> NDArray[np.float64] | None:
    """A column of numbers as floats, not a number where there is none that is plainly one."""
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        found = column.cast(pa.float64(), safe=False)
    elif pa.types.is_decimal(kind) and kind.precision <= 15:
        found = column.cast(pa.float64())
    else:
        codes, values = _coded(column)
        if values is None:
            return None
        stripped = ("" if v is None else v.strip() for v in values)
        texts = pa.array([v if v.isascii() else None for v in stripped], pa.string())
        plain = pc.match_substring_regex(texts, _PLAIN_NUMBER)
        distinct = pc.if_else(plain, texts, pa.scalar(None, pa.string())).cast(pa.float64())
        numbers = np.append(distinct.to_numpy(zero_copy_only=False), np.nan)  # the last is for code -1
        return numbers[codes]
    return found.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


class Profiles:
    """The key of a row's profile: rows that state the same, numbers cut at the thresholds, have the same.

    Each fact has a random number of 128 bits, from its name, and the key is the sum of a row's.

    :param program: the program whose seeds are the facts
    """

    def __init__(self, program: Program) -> None:
        names = [f"{type(atom).__name__} {atom}" for atom in program.seeds]
        digests = b"".join(hashlib.sha256(name.encode()).digest()[:16] for name in names)
        numbers = np.frombuffer(digests, "<u8").reshape(-1, 2).astype(np.uint64)
        #: the facts in groups of eight, and for each choice of a group's the sum of their numbers
        self._groups = []
        for start in range(0, len(names), 8):
            sums = np.zeros((256, 2), np.uint64)
            for bit, number in enumerate(numbers[start : start + 8]):
                sums[1 << bit : 2 << bit] = sums[: 1 << bit] + number
            self._groups.append((program.seeds[start : start + 8], sums[:, 0].copy(), sums[:, 1].copy()))

    def keys(self, encoded: Encoded) -> NDArray[np.uint64]:
        """The keys of the rows, two numbers for each."""
        found = np.zeros((2, encoded.rows), np.uint64)
        for facts, first, second in self._groups:
            codes: NDArray[np.uint8] | None = None
            for place, atom in enumerate(facts):
                if atom in encoded.true:
                    flags = unpacked(encoded.true[atom], encoded.rows) << np.uint8(place)
                    codes = flags if codes is None else codes | flags
            if codes is not None:
                found[0] += first[codes]
                found[1] += second[codes]
        return found
