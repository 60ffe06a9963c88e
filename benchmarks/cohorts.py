"""Cohorts of one to a million patients: this project beside other reasoners, in one run on one machine.

``make bench`` runs it whole; ``--quick`` runs a small part of it. Every contestant is a process of its
own, timed whole, and stopped at the limit. The peers are given the shipped ontology with the patients
as individuals, this project the same patients as a table. It ends with exit status 1 where this
project's own answers are not those of the rules; what the others answer, and a target that is missed,
are only said.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pyoxigraph as ox
from generator import cohort, rows
from measuring import Measured, run
from owlready import ASKED
from peers import INCONSISTENT, PEERS, questions
from plotting import Line, draw
from reasoning import triples
from rich import box
from rich.console import Console
from rich.table import Table

from dvt_kg import RuleReasoner, load
from dvt_kg.patients import PATIENT_IRI
from dvt_kg.program import LISTS
from dvt_kg.rules import RuleSet, Value

HERE = Path(__file__).resolve().parent
PROFILES = 200
LOCAL = "dvt-kg, local"
OURS = {LOCAL: "local", "dvt-kg, Spark": "spark"}
OPTIONS = ("--audit", "0", "--no-page")
COMPARED = 1_000  # of larger cohorts so many patients, drawn at random
CONTRADICTION = "finds a contradiction"
LONG = 10.0  # s; what takes longer is run once
#: the targets: times DuckDB's copy and seconds on top; bytes; times as long for a further patient
TIMES, PLUS, MEMORY, GROWTH = 3, 5.0, 2e9, 1.2

Said = frozenset[tuple[str, str]]  # of one patient: properties and values


@dataclass(frozen=True)
class Size:
    """How much is run: the patients of each cohort, the seconds for each, and how often."""

    patients: tuple[int, ...]
    limit: float
    runs: int
    copied: tuple[int, ...]


WHOLE = Size(tuple(10**n for n in range(7)), limit=120.0, runs=3, copied=(10_000, 100_000, 1_000_000))
QUICK = Size((1, 10, 100), limit=40.0, runs=1, copied=(100, 1_000, 10_000))


@dataclass(frozen=True)
class Row:
    """One contestant on one cohort.

    :param different: whether all patients differ
    :param profiles: how many different profiles the cohort has
    :param seconds: the median of several runs or, where it was stopped, when
    :param memory: the most bytes
    :param reason: why there is no answer
    :param agreeing: of how many patients it says the same as the rules
    :param compared: of how many patients that was looked at
    :param sound: whether it says nothing that the rules do not say
    """

    contestant: str
    patients: int
    different: bool
    profiles: int
    seconds: float
    memory: int
    reason: str
    agreeing: int = 0
    compared: int = 0
    sound: bool = True

    @property
    def answered(self) -> bool:
        """Whether there is an answer, right or wrong."""
        return self.compared > 0


class Cohort:
    """Patients in the forms that the contestants read, each written when it is first asked for.

    :param profiles: how many different profiles, None for patients who all differ
    """

    def __init__(self, folder: Path, count: int, profiles: int | None, reasoner: RuleReasoner) -> None:
        self.count = count
        self.different = profiles is None
        self.reasoner = reasoner
        self.ontology = reasoner.ontology
        self.table = folder / f"patients-{count}-{profiles or 'different'}.parquet"
        self.profiles = cohort(self.table, count, profiles, self.ontology, reasoner.rules)
        self._triples = self.table.with_suffix(".ttl")
        drawn = random.Random(count).sample(range(count), min(count, COMPARED))
        chosen = list(rows(self.table, self.ontology, drawn))
        judged = reasoner.judge([patient.facts for patient in chosen])
        #: what the rules say of some patients, by their ids
        self.expected: dict[str, Said] = {}
        for patient, entailed in zip(chosen, judged, strict=True):
            assert entailed is not None, "the generator draws no contradictory patient"
            values = (atom for atom in entailed if isinstance(atom, Value))
            self.expected[patient.id] = frozenset(
                (a.property, a.value) for a in values if a.property in ASKED
            )

    @property
    def triples(self) -> Path:
        """The ontology with the patients as N-Triples, which Turtle is too."""
        if not self._triples.exists():
            patients = rows(self.table, self.ontology, range(self.count))
            whole = itertools.chain(triples(self.ontology, patients), questions(_asked(self.reasoner.rules)))
            ox.serialize(whole, str(self._triples), format=ox.RdfFormat.N_TRIPLES)
        return self._triples

    def remove(self) -> None:
        """Remove the files."""
        self.table.unlink()
        self._triples.unlink(missing_ok=True)

    def sound(self, said: Mapping[str, Said]) -> bool:
        """Whether nothing is said that the rules do not say."""
        return all(values <= self.expected[patient] for patient, values in said.items())

    def agreeing(self, said: Mapping[str, Said]) -> int:
        """Of how many patients the same is said as by the rules."""
        return sum(said.get(patient, frozenset()) == values for patient, values in self.expected.items())


def _asked(rules: RuleSet) -> list[Value]:
    """The values that are asked about."""
    return sorted({r.head for r in rules.rules if isinstance(r.head, Value) and r.head.property in ASKED})


@dataclass(frozen=True)
class Contestant:
    """What is measured.

    :param command: the words of its command for a cohort, and where its answers go
    :param said: its answers about some patients
    """

    name: str
    command: Callable[[Cohort, Path], list[str]]
    said: Callable[[Path, Collection[str]], dict[str, Said]]


def _our_command(engine: str, cohort: Cohort, answers: Path) -> list[str]:
    program = str(Path(sys.executable).with_name("dvt-kg"))
    return [program, "cohort", "--engine", engine, *OPTIONS, str(cohort.table), str(answers)]


def _our_answers(answers: Path, patients: Collection[str]) -> dict[str, Said]:
    columns = {column: property for column, property in LISTS.items() if property in ASKED}
    found = pq.read_table(answers, columns=["id", *columns], filters=[("id", "in", list(patients))])
    return {
        row["id"]: frozenset((property, value) for c, property in columns.items() for value in row[c])
        for row in found.to_pylist()
    }


def _peer_command(peer: str, cohort: Cohort, answers: Path) -> list[str]:
    return [sys.executable, str(HERE / "peers.py"), peer, str(cohort.triples), str(answers)]


def _peer_answers(answers: Path, patients: Collection[str]) -> dict[str, Said]:
    found: dict[str, set[tuple[str, str]]] = {}
    with answers.open(encoding="utf-8") as lines:
        for line in lines:
            patient, property, value = line.rstrip("\n").split("\t")
            if (id := patient.removeprefix(PATIENT_IRI)) in patients:
                found.setdefault(id, set()).add((property, value))
    return {id: frozenset(values) for id, values in found.items()}


CONTESTANTS = {
    **{name: Contestant(name, partial(_our_command, engine), _our_answers) for name, engine in OURS.items()},
    **{name: Contestant(name, partial(_peer_command, name), _peer_answers) for name in PEERS},
}


def contest(contestant: Contestant, cohort: Cohort, size: Size, memory: int) -> Row:
    """One contestant on one cohort: the median of several runs, or one where that takes long."""
    taken: list[Measured] = []
    reason = ""
    agreeing, sound = 0, True
    while not taken or (len(taken) < size.runs and taken[0].seconds < LONG and not reason):
        with tempfile.TemporaryDirectory(dir=cohort.table.parent) as folder:
            answers = Path(folder) / "answers.parquet"
            taken.append(run(contestant.command(cohort, answers), size.limit, memory))
            reason = _fault(taken[-1])
            if not reason and len(taken) == 1:
                said = contestant.said(answers, cohort.expected.keys())
                agreeing, sound = cohort.agreeing(said), cohort.sound(said)
    seconds = taken[-1].seconds if reason else statistics.median(one.seconds for one in taken)
    return Row(
        contestant.name,
        cohort.count,
        cohort.different,
        cohort.profiles,
        seconds,
        max(one.memory for one in taken),
        reason,
        agreeing,
        0 if reason and reason != CONTRADICTION else len(cohort.expected),
        sound,
    )


def _fault(measured: Measured) -> str:
    """Why a run gave no answer."""
    if measured.status is None:
        return measured.reason
    if measured.status == INCONSISTENT:
        return CONTRADICTION
    return f"failed: {measured.reason or measured.status}" if measured.status else ""


def contests(
    names: Sequence[str], folder: Path, size: Size, memory: int, reasoner: RuleReasoner, console: Console
) -> list[Row]:
    """Each contestant on ever larger cohorts, until one is too large; last, patients who all differ."""
    found: list[Row] = []
    running = list(names)
    for count, profiles in (*((count, PROFILES) for count in size.patients), (size.patients[-1], None)):
        if not running:
            break
        cohort = Cohort(folder, count, profiles, reasoner)
        for name in tuple(running):
            row = contest(CONTESTANTS[name], cohort, size, memory)
            found.append(row)
            console.print(
                f"{name}, {count:,} patients of {cohort.profiles:,} profiles: {_took(row)}; {_agreement(row)}"
            )
            if not row.answered:
                running.remove(name)
        cohort.remove()
    return found


def copies(folder: Path, size: Size, memory: int, reasoner: RuleReasoner) -> list[Row]:
    """DuckDB's plain copy of the tables, and this project's answers to them."""
    found = []
    for profiles in (PROFILES, None):
        for count in size.copied:
            cohort = Cohort(folder, count, profiles, reasoner)
            found += [contest(one, cohort, size, memory) for one in (COPY, CONTESTANTS[LOCAL])]
            cohort.remove()
    return found


def _copy_command(cohort: Cohort, answers: Path) -> list[str]:
    statement = f"COPY (FROM '{cohort.table}') TO '{answers}' (FORMAT parquet, COMPRESSION zstd)"
    return [sys.executable, "-c", f"import duckdb\nduckdb.sql('SET threads = 2')\nduckdb.sql({statement!r})"]


COPY = Contestant("DuckDB's copy", _copy_command, lambda _answers, _patients: {})


def _took(row: Row) -> str:
    return f"{row.seconds:.2f} s, {row.memory / 1e9:.2f} GB" if row.answered else row.reason


def _agreement(row: Row) -> str:
    """Of how many patients a contestant says what the rules say, and how it fails with the rest."""
    if not row.answered:
        return ""
    rest = row.reason or ("incomplete" if row.sound else "wrong")
    return f"{row.agreeing:,} of {row.compared:,}" + (
        f"; the rest: {rest}" if row.agreeing < row.compared else ""
    )


def _table(*headings: str, title: str) -> Table:
    table = Table(title=title, box=box.MARKDOWN)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left")
    return table


def show_contests(found: Sequence[Row], console: Console) -> None:
    cohorts = list(dict.fromkeys((row.patients, row.different) for row in found))
    headings = [f"{count:,}" + ", all different" * different for count, different in cohorts]
    table = _table(
        "contestant", *headings, "answers as the rules", title="seconds and peak memory by patients"
    )
    for name in dict.fromkeys(row.contestant for row in found):
        mine = {(row.patients, row.different): row for row in found if row.contestant == name}
        cells = [_took(mine[key]) if key in mine else "" for key in cohorts]
        last = [row for row in mine.values() if row.answered][-1:]
        table.add_row(name, *cells, *(map(_agreement, last) if last else ("",)))
    console.print(table)


def show_copies(found: Sequence[Row], console: Console) -> None:
    """The targets, each for patients of few profiles and for patients who all differ."""
    table = _table(
        "what", "patients", "seconds", "peak memory", "target", "reached", title="dvt-kg beside DuckDB's copy"
    )
    by = {(row.contestant, row.different, row.patients): row for row in found}
    counts = sorted({row.patients for row in found})
    most = counts[-1]
    for different in (False, True):
        kind = "all different" if different else f"{PROFILES} profiles"
        copy, mine = by[COPY.name, different, most], by[LOCAL, different, most]
        least, middle = by[LOCAL, different, counts[0]], by[LOCAL, different, counts[-2]]
        bound = TIMES * copy.seconds + PLUS
        table.add_row(f"DuckDB's copy, {kind}", f"{most:,}", f"{copy.seconds:.2f}", _gigabytes(copy), "", "")
        for count in counts:
            row = by[LOCAL, different, count]
            goal = f"{TIMES} times the copy + {PLUS:g} s: {bound:.1f} s; {MEMORY / 1e9:g} GB"
            fine = row.seconds <= bound and row.memory <= MEMORY
            last = (goal, "yes" if fine else "NO") if count == most else ("", "")
            table.add_row(f"dvt-kg, {kind}", f"{count:,}", f"{row.seconds:.2f}", _gigabytes(row), *last)
        # What a further patient takes: the start, and the rules made ready, are left out.
        later, earlier = (
            (after.seconds - before.seconds) / (after.patients - before.patients)
            for after, before in ((mine, middle), (middle, least))
        )
        grown = later / max(earlier, 1e-9)
        what = f"a further patient, {kind}: times as long as one of the first {middle.patients:,}"
        reached = "yes" if grown <= GROWTH else "NO"
        table.add_row(what, "", f"{grown:.2f}", "", f"{GROWTH:g} times", reached)
    console.print(table)


def _gigabytes(row: Row) -> str:
    return f"{row.memory / 1e9:.2f} GB"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a small run, to see that it works")
    parser.add_argument(
        "--only", action="append", choices=CONTESTANTS, metavar="NAME", help=f"of {', '.join(CONTESTANTS)}"
    )
    parser.add_argument("--most", type=int, metavar="N", help="no cohorts of more patients")
    parser.add_argument(
        "--memory", type=float, metavar="GB", help="three quarters of the machine's if not given"
    )
    parser.add_argument("--plot", type=Path, metavar="PATH", help="draw the times as SVG")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the numbers")
    parser.add_argument(
        "--read", type=Path, metavar="PATH", help="show numbers that were written, measure nothing"
    )
    return parser.parse_args()


def main() -> int:
    given = _arguments()
    size = QUICK if given.quick else WHOLE
    if given.most:
        kept = [tuple(n for n in counts if n <= given.most) for counts in (size.patients, size.copied)]
        size = replace(size, patients=kept[0], copied=kept[1])
    total = psutil.virtual_memory().total
    memory = int(given.memory * 1e9 if given.memory else total * 3 / 4)
    console = Console(width=220, highlight=False)
    if given.read:
        numbers = json.loads(given.read.read_text(encoding="utf-8"))
    else:
        names = given.only or list(CONTESTANTS)
        reasoner = RuleReasoner(load())
        with tempfile.TemporaryDirectory() as folder:
            found = contests(
                names, Path(folder), size, memory, reasoner, Console(stderr=True, highlight=False)
            )
            copied = copies(Path(folder), size, memory, reasoner) if LOCAL in names and size.copied else []
        machine = f"{os.cpu_count()} cores, {total / 1e9:.0f} GB of memory"
        numbers = {
            "machine": machine,
            "limit": size.limit,
            "contests": [asdict(row) for row in found],
            "copies": [asdict(row) for row in copied],
        }
    found, copied = ([Row(**row) for row in numbers[part]] for part in ("contests", "copies"))
    show_contests(found, console)
    if len({row.patients for row in copied}) > 2:
        show_copies(copied, console)
    console.print(f"on a machine of {numbers['machine']}; each stopped at {numbers['limit']:g} s")
    if given.json:
        given.json.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    if given.plot:
        few = [row for row in found if not row.different]
        given.plot.write_text(draw(_lines(few), numbers["limit"]), encoding="utf-8")
    ours = [row for row in (*found, *copied) if row.contestant in OURS]
    wrong = [row for row in ours if not row.answered or row.agreeing < row.compared]
    for row in wrong:
        console.print(f"{row.contestant} on {row.patients:,} patients: {_took(row)}; {_agreement(row)}")
    return 1 if wrong else 0


def _lines(found: Sequence[Row]) -> list[Line]:
    """The times as lines of a plot."""
    lines = []
    for name in dict.fromkeys(row.contestant for row in found):
        mine = [row for row in found if row.contestant == name]
        points = [(row.patients, row.seconds) for row in mine if row.answered]
        end = next(((row.patients, row.seconds, row.reason) for row in mine if not row.answered), None)
        lines.append(Line(name, points, end, all(row.agreeing == row.compared for row in mine)))
    return lines


if __name__ == "__main__":
    sys.exit(main())
