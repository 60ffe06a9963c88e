"""Seeded patients for the benchmarks: coherent records, with part of what is known left out."""

from __future__ import annotations

import csv
import io
import itertools
import random
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dvt_kg.cohorts.encoding import Encoder, Profiles
from dvt_kg.ontology import Ontology
from dvt_kg.patients import Fact, Patient
from dvt_kg.program import program
from dvt_kg.records import Vocabulary
from dvt_kg.rules import PATIENT, Atom, Range, RuleSet, Value
from dvt_kg.slots import Number
from dvt_kg.tables import ID, SEPARATOR, columns, layout_of, read_header, row_draft, text

BASE = 3_000  # coherent patients, from whom those of a cohort of all different ones are made
GROUP = 122_880  # rows in a group of a Parquet file
HIDDEN = 0.6  # at most such a share of a patient's facts is hidden
AGES = (18, 95)


def facts(
    rng: random.Random, ontology: Ontology, rules: RuleSet, wanted: Sequence[Fact] = ()
) -> frozenset[Fact]:
    """The facts of one patient: drawn one by one, each kept if it contradicts nothing before it.

    :param wanted: facts that come before those that are drawn
    """
    candidates = [
        Fact(rng.choice(("hasThrombusIn", "hasThrombusIn", "lacksThrombusIn")), v)
        for v in rng.sample(sorted(ontology.veins), rng.randint(1, 3))
    ]
    candidates += [
        Fact(rng.choice(("hasFinding", "lacksFinding", "lacksFinding", "lacksFinding")), f)
        for f in rng.sample(sorted(ontology.findings), rng.randint(5, 25))
    ]
    candidates += [Fact(p, rng.choice(ontology.values(p))) for p in ("sex", "recordedSeverity", "side")]
    for measurement in ontology.measurements.values():
        limits = {limit for r in rules.ranges.get(measurement.property, ()) for _, limit in r.bounds}
        if limits and rng.random() < 0.6:
            number = max(Decimal(0), rng.choice(sorted(limits)) + Decimal(rng.choice((-1, 0, 5, 40))) / 10)
            candidates.append(Fact(measurement.property, min(number, measurement.maximum)))
    rng.shuffle(candidates)
    kept: list[Fact] = []
    closed = rules.closure({PATIENT})
    for fact in (*wanted, *candidates):
        more = rules.closure(rules.seeds(fact), closed)
        if None not in more and all(
            fact.property != f.property for f in kept if isinstance(f.value, Decimal)
        ):
            kept.append(fact)
            closed = more
    return frozenset(kept)


def fitting(rng: random.Random, ontology: Ontology, rules: RuleSet) -> list[Fact]:
    """Facts by which a presentation is met, one of all drawn at random."""
    heads = {rule.head for rule in rules.rules if isinstance(rule.head, Value)}
    goal = rng.choice(sorted(head for head in heads if head.property == "hasPresentation"))
    seeds = frozenset(program(ontology).seeds)

    def behind(atom: Atom, above: frozenset[Atom]) -> set[Atom] | None:
        """Recordable atoms from which one follows, None where there are none."""
        if atom in seeds:
            return {atom}
        ways = rules.by_head.get(atom, [])
        for rule in rng.sample(ways, len(ways)):
            if not rule.body & above:
                parts = [behind(a, above | {atom}) for a in sorted(rule.body - {PATIENT}, key=str)]
                if None not in parts:
                    return set().union(*(part for part in parts if part is not None))
        return None

    found = sorted(behind(goal, frozenset()) or (), key=str)
    ranges = [atom for atom in found if isinstance(atom, Range)]
    numbers = []
    for property in dict.fromkeys(r.property for r in ranges):
        mine = [r for r in ranges if r.property == property]
        limits = {limit for r in rules.ranges[property] for _, limit in r.bounds}
        near = sorted({limit + step for limit in limits for step in (-1, 0, 1) if limit + step >= 0})
        if inside := [number for number in near if all(r.holds(number) for r in mine)]:
            numbers.append(Fact(property, rng.choice(inside)))
    return [*(Fact(*atom) for atom in found if isinstance(atom, Value)), *numbers]


def patients(
    count: int, profiles: int, ontology: Ontology, rules: RuleSet, seed: int = 1, *, fit: bool = False
) -> list[Patient]:
    """Patients of so many different profiles, the profiles in turn, each patient of an own age.

    :param count: how many patients
    :param profiles: how many different profiles
    :param fit: whether every other one is made to fit a presentation
    """
    rng = random.Random(seed)
    different: dict[frozenset[object], frozenset[Fact]] = {}
    while len(different) < profiles:
        wanted = fitting(rng, ontology, rules) if fit and len(different) % 2 else ()
        drawn = facts(rng, ontology, rules, wanted)
        different.setdefault(rules.profile(drawn), drawn)
    drawn_facts = list(different.values())
    ages = [Fact("ageYears", Decimal(rng.randint(*AGES))) for _ in range(count)]
    return [Patient(f"patient-{n}", drawn_facts[n % profiles] | {ages[n]}) for n in range(count)]


class Cell(NamedTuple):
    """What a column says of each patient of a base.

    :param values: its different values
    :param codes: which of them each patient has, -1 for none
    """

    values: list[str | float]
    codes: NDArray[np.int16]


def cohort(
    path: Path, count: int, profiles: int | None, ontology: Ontology, rules: RuleSet, seed: int = 1
) -> int:
    """Write patients as a table of records in Parquet; of one seed the first ones are always the same.

    :param path: the file
    :param count: how many patients
    :param profiles: how many different profiles, in turn; None for patients who all differ
    :returns: how many different profiles the table has
    """
    base = patients(profiles or BASE, profiles or BASE, ontology, rules, seed, fit=True)
    source = _Base(base, ontology, seed)
    drawn = source.in_turn() if profiles else source.different()
    names = [ID, *columns(Vocabulary(ontology))]
    written = 0
    writer: pq.ParquetWriter | None = None
    for table in _regrouped(drawn, count):
        ids = [f"patient-{n:07}" for n in range(written + 1, written + 1 + table.num_rows)]
        whole = table.append_column(ID, pa.array(ids)).select(names)
        writer = writer or pq.ParquetWriter(path, whole.schema, compression="zstd", store_schema=False)
        writer.write_table(whole, row_group_size=GROUP)
        written += table.num_rows
    assert writer is not None, "a cohort has patients"
    writer.close()
    return min(profiles or count, count)


def rows(path: Path, ontology: Ontology, chosen: Collection[int]) -> Iterator[Patient]:
    """Some patients of a table, by their places."""
    file = pq.ParquetFile(path)
    layout = layout_of(Vocabulary(ontology))
    header = read_header(file.schema_arrow.names, layout, file=path.name)
    places = np.array(sorted(chosen), np.int64)
    start = 0
    for batch in file.iter_batches(10_000):
        low, high = np.searchsorted(places, (start, start + batch.num_rows))
        mine = batch.take(pa.array(places[low:high] - start))
        for row in zip(*(column.to_pylist() for column in mine.columns), strict=True):
            draft = row_draft(row, header, layout, index=0, file=path.name, line=None)
            assert not draft.errors, draft.errors
            yield Patient(str(draft.id), frozenset(draft.facts))
        start += batch.num_rows


def _regrouped(tables: Iterator[pa.Table], count: int) -> Iterator[pa.Table]:
    """The first rows of a stream, in groups."""
    waiting: list[pa.Table] = []
    held = 0
    while count:
        size = min(GROUP, count)
        while held < size:
            waiting.append(next(tables))
            held += waiting[-1].num_rows
        whole = pa.concat_tables(waiting)
        yield whole.slice(0, size).combine_chunks()
        waiting = [whole.slice(size)]
        held -= size
        count -= size


def _cells(base: Sequence[Patient], ontology: Ontology) -> dict[str, Cell]:
    """The columns of a base; one that can hold several names is a column for each, until it is written."""
    table = list(csv.DictReader(io.StringIO(text(base, ontology))))
    cells: dict[str, Cell] = {}
    for name, slot in columns(Vocabulary(ontology)).items():
        said = [row.get(name, "") for row in table]
        if slot.many:
            for value in sorted(set(SEPARATOR.join(said).split(SEPARATOR)) - {""}):
                held = [value in one.split(SEPARATOR) for one in said]
                cells[name + SEPARATOR + value] = Cell([value], np.where(held, 0, -1).astype(np.int16))
        else:
            values = sorted(set(said) - {""})
            places = {"": -1} | {value: place for place, value in enumerate(values)}
            numbers = isinstance(slot, Number)
            codes = np.array([places[one] for one in said], np.int16)
            cells[name] = Cell([*map(float, values)] if numbers else [*values], codes)
    return cells


class _Base:
    """Patients of whom those of a cohort are made.

    :param base: the patients
    """

    def __init__(self, base: Sequence[Patient], ontology: Ontology, seed: int) -> None:
        self.size = len(base)
        self.ontology = ontology
        self.draw = np.random.default_rng(seed)
        self._slots = columns(Vocabulary(ontology))
        self._cells = _cells(base, ontology)

    def _rows(self, who: NDArray[np.int64], hidden: NDArray[np.float32] | None = None) -> pa.Table:
        """Patients as columns, each of an own age.

        :param who: which patient of the base each row is
        :param hidden: for each row the share of its facts that is hidden
        """
        plain: dict[str, pa.Array] = {}
        several: dict[str, list[pa.Array]] = {}
        for name, (values, codes) in self._cells.items():
            none = codes[who] < 0
            if hidden is not None:
                none |= self.draw.random(len(who), np.float32) < hidden
            column, _, one = name.partition(SEPARATOR)
            kind = pa.float64() if isinstance(self._slots[column], Number) else pa.string()
            places = pa.array(np.where(none, 0, codes[who]), pa.int16(), mask=none)
            array = pa.DictionaryArray.from_arrays(places, pa.array(values, kind))
            if one:
                several.setdefault(column, []).append(array.cast(kind))
            else:
                plain[name] = array.cast(kind)
        for column, parts in several.items():
            start = pa.array([""] * len(who))  # without it, rows that hold nothing are dropped
            joined = pc.binary_join_element_wise(start, *parts, SEPARATOR, null_handling="skip")
            names = pc.utf8_ltrim(joined, SEPARATOR)
            plain[column] = pc.if_else(pc.equal(names, ""), None, names)
        ages = self.draw.integers(AGES[0], AGES[1], len(who), endpoint=True)
        plain["age_years"] = pa.array(ages.astype(np.float64))
        return pa.table({name: plain.get(name, pa.nulls(len(who), pa.string())) for name in self._slots})

    def in_turn(self) -> Iterator[pa.Table]:
        """The patients one after the other, without end."""
        for start in itertools.count(0, GROUP):
            yield self._rows(np.arange(start, start + GROUP) % self.size)

    def different(self) -> Iterator[pa.Table]:
        """The patients with a part of their facts hidden, no profile twice, without end.

        Without some of its facts a coherent record is coherent.
        """
        encoder = Encoder(self.ontology, program(self.ontology))
        profiles = Profiles(program(self.ontology))
        seen = np.zeros(0, np.uint64)
        while True:
            who = self.draw.integers(0, self.size, GROUP)
            table = self._rows(who, self.draw.uniform(0, HIDDEN, GROUP).astype(np.float32))
            (batch,) = table.append_column(ID, pa.array(map(str, range(GROUP)))).to_batches()
            header = read_header(batch.schema.names, encoder.layout, file="")
            key = profiles.keys(encoder.encode(batch, header, _doubtful))[0]
            _, first = np.unique(key, return_index=True)
            new = np.sort(first[~np.isin(key[first], seen)])
            seen = np.concatenate([seen, key[new]])
            yield table.take(pa.array(new))


def _doubtful(row: int) -> NoReturn:
    raise AssertionError(f"row {row} is not plainly right")
