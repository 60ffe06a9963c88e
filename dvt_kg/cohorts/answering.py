"""Answers of a table: what was concluded, row by row, as columns of names."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dvt_kg.axioms import compile_rules
from dvt_kg.classification import missing_sets, red_flags
from dvt_kg.cohorts.bits import Bits, Machine, unpacked
from dvt_kg.cohorts.encoding import Encoded, Profiles
from dvt_kg.justifications import why
from dvt_kg.missing import search
from dvt_kg.ontology import Ontology
from dvt_kg.patients import Fact
from dvt_kg.program import LISTS, Term, program
from dvt_kg.rules import PATIENT, Value

NAMES = pa.list_(pa.string())
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("status", pa.string()),
        *((column, NAMES) for column in LISTS),
        ("profile", pa.string()),
    ]
)
CONTRADICTORY = "contradictory"
_TO_CONTRADICTORY = ("alerts", "clashes")  # the lists that a contradictory record has
REMEMBERED = 1_000_000  # profiles whose missing names are kept at hand

Facts = Callable[[int], Collection[Fact]]


class Answerer:
    """What answers the rows of encoded tables.

    :param ontology: the ontology whose rules are run
    """

    def __init__(self, ontology: Ontology) -> None:
        self.ontology = ontology
        self.rules = compile_rules(ontology)
        self.program = program(ontology)
        self.machine = Machine(self.program)
        self.profiles = Profiles(self.program)
        self.flags = red_flags(ontology)
        self._missing: dict[str, list[str]] = {}

    def answer(
        self, encoded: Encoded, kept: NDArray[np.int64], facts: Facts
    ) -> tuple[pa.Table, NDArray[np.uint64]]:
        """The answers of rows.

        :param encoded: the rows
        :param kept: those that are answered
        :param facts: the facts of a row, asked for where a record contradicts itself and a red flag is up
        :returns: a table of :data:`SCHEMA`, and the keys of all rows' profiles
        """
        rows = encoded.rows
        true = self.machine.run(encoded.true, rows)
        consistent = ~true[None]
        lists = {}
        for column, heads in self.program.lists.items():
            bits = {h: true[h] if column in _TO_CONTRADICTORY else true[h] & consistent for h in heads}
            if column == "alerts":
                self._keep_unclashed(bits, true, rows, facts)
            lists[column] = _lists(bits, rows)
        statuses = sorted(self.program.statuses)
        codes = np.zeros(rows, np.int8)
        for code, status in enumerate(statuses):
            mine = true[None] if status.value == CONTRADICTORY else true[status] & consistent
            codes[unpacked(mine, rows).view(np.bool_)] = code
        keys = self.profiles.keys(encoded)
        table = pa.table(
            [
                encoded.ids,
                pa.DictionaryArray.from_arrays(codes, [s.value for s in statuses]),
                *lists.values(),
                _hexadecimal(keys),
            ],
            names=SCHEMA.names,
        )
        return (table if len(kept) == rows else table.take(pa.array(kept))), keys

    def with_missing(self, answers: pa.Table, kept: NDArray[np.int64], facts: Facts) -> pa.Table:
        """Answers with what is missing for their open presentations.

        :param answers: the answers of the rows that are kept
        :param facts: the facts of a row
        """
        missing = []
        open_ = answers["undetermined"].to_pylist()
        for row, profile, presentations in zip(
            kept.tolist(), answers["profile"].to_pylist(), open_, strict=True
        ):
            names = self._missing.get(profile)
            if names is None:
                names = self._names(facts(row), presentations) if presentations else []
                if len(self._missing) < REMEMBERED:
                    self._missing[profile] = names
            missing.append(names)
        return answers.append_column("missing", pa.array(missing, NAMES))

    def _names(self, facts: Collection[Fact], presentations: list[str]) -> list[str]:
        """What is missing for presentations, by the keys of a record."""
        sets = missing_sets(search(self.ontology), facts, presentations).values()
        notations = self.ontology.notations
        return sorted({notations.get(name, name) for names in sets for name in names})

    def _keep_unclashed(
        self,
        bits: dict[Value, Bits],
        true: dict[Term, Bits],
        rows: int,
        facts: Facts,
    ) -> None:
        """Of a contradictory record keep the red flags that rest on facts outside every clash."""
        contradictory = true[None]
        suspected = np.zeros_like(contradictory)
        for head, raised in bits.items():
            if head.value in self.flags:
                suspected |= true[Value("triggersAlert", head.value)] & contradictory
            bits[head] = raised & ~contradictory
        for row in np.flatnonzero(unpacked(suspected, rows)).tolist():
            for name in self._unclashed(frozenset(facts(row))):
                word, place = divmod(row, 8)
                bits[Value("hasAlert", name)].view(np.uint8)[word] |= np.uint8(0x80 >> place)

    @lru_cache(maxsize=20_000)  # noqa: B019 - lives as long as the run it belongs to
    def _unclashed(self, facts: frozenset[Fact]) -> tuple[str, ...]:
        """The red flags that rest on facts outside every clash."""
        kept = why(self.rules, facts).unclashed()
        closed = self.rules.closure({PATIENT, *self.rules.profile(kept)})
        return tuple(name for name in self.flags if Value("triggersAlert", name) in closed)


def _lists(bits: dict[Value, Bits], rows: int) -> pa.Array:
    """For each row the names of what is true of it."""
    names = pa.array([head.value for head in bits], pa.string())
    if not bits:
        return pa.ListArray.from_arrays(pa.array(np.zeros(rows + 1, np.int32)), names)
    flags = np.ascontiguousarray(unpacked(np.stack(list(bits.values())), rows).T)
    offsets = np.zeros(rows + 1, np.int32)
    np.cumsum(flags.sum(axis=1, dtype=np.int32), out=offsets[1:])
    places = (np.flatnonzero(flags) % len(bits)).astype(np.int16)
    return pa.ListArray.from_arrays(offsets, pa.DictionaryArray.from_arrays(places, names))


def _hexadecimal(keys: NDArray[np.uint64]) -> pa.Array:
    """Keys of two numbers as texts of 32 digits."""
    rows = keys.shape[1]
    digits = np.ascontiguousarray(keys.T).astype(">u8").tobytes().hex().encode()
    offsets = np.arange(0, 32 * (rows + 1), 32, dtype=np.int32)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(digits))
