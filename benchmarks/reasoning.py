"""How long answers take, beside ``owlready2.sync_reasoner``, in one run on one machine.

``make bench`` runs it whole; ``--quick`` runs a small part of it. It ends with exit status 1 where
the two reasoners disagree about a patient; a target that is missed is only said.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import pyoxigraph as ox
from generator import patients
from rich.console import Console
from rich.table import Table

from dvt_kg import HermiT, Ontology, Patient, classify, load, read_text, recommend
from dvt_kg.ontology import OWL, RDF
from dvt_kg.reasoner import Entailed
from dvt_kg.rules import Value
from dvt_kg.writers import write

HERE = Path(__file__).resolve().parent
LIMIT = 120.0  # s, for one run of sync_reasoner
COLD, TIMES_FASTER, COHORT, A_PROFILE = 3.0, 5.0, 10.0, 8.0  # s, times, s, ms

T = TypeVar("T")


@dataclass(frozen=True)
class Size:
    """How much is run: records for sync_reasoner, and the records and profiles of each part."""

    runs: int
    owlready: tuple[int, ...]
    different: int
    records: int
    profiles: int
    many: int


WHOLE = Size(runs=3, owlready=(1, 10, 30, 100), different=100, records=10_000, profiles=200, many=5_000)
QUICK = Size(runs=1, owlready=(1, 10), different=10, records=500, profiles=20, many=100)


class Row(NamedTuple):
    """A line of the table; no seconds where the limit was reached."""

    what: str
    number: int
    seconds: float | None
    target: str = ""
    reached: bool | None = None


class Run(NamedTuple):
    """What one process with sync_reasoner took, and found of each patient."""

    process: float
    call: float
    found: dict[str, list[str]]


def timed(work: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def shell() -> float:
    """The seconds of one record from the shell, Python and Java started anew."""
    program = str(Path(sys.executable).with_name("dvt-kg"))
    command = [program, "recommend", "--format", "json", "--reasoner", "hermit"]
    record = str(HERE.parent / "examples" / "patient.json")
    seconds, _ = timed(lambda: subprocess.run([*command, record], check=True, stdout=subprocess.DEVNULL))
    return seconds


def triples(ontology: Ontology, chosen: Iterable[Patient]) -> Iterator[ox.Triple]:
    """The merged ontology, without imports, and patients as individuals."""
    kind, imports = ox.NamedNode(RDF + "type"), ox.NamedNode(OWL + "imports")
    yield from (quad.triple for quad in ontology.store if quad.predicate != imports)
    for patient in chosen:
        yield from patient.triples()
        yield ox.Triple(ox.NamedNode(patient.iri), kind, ox.NamedNode(OWL + "NamedIndividual"))


def sync_reasoner(ontology: Ontology, chosen: Sequence[Patient]) -> Run | None:
    """Owlready2 in a process of its own; None where it does not finish within the limit."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "patients.nt"
        ox.serialize(triples(ontology, chosen), str(file), format=ox.RdfFormat.N_TRIPLES)
        command = [sys.executable, str(HERE / "owlready.py"), str(file), *(p.iri for p in chosen)]
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its Java too
            process.wait()
        whole = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"owlready2 failed:\n{err}")
    answer = json.loads(out)
    return Run(whole, answer["seconds"], answer["patients"])


def asked(entailed: Entailed | None) -> list[str]:
    """The presentations that HermiT.judge finds met or ruled out, as owlready.py says them."""
    assert entailed is not None, "the generator draws no contradictory patient"
    names = ("hasPresentation", "ruledOutPresentation")
    return sorted(f"{a.property} {a.value}" for a in entailed if isinstance(a, Value) and a.property in names)


def differing(chosen: Sequence[Patient], judged: Sequence[Entailed | None], run: Run) -> list[str]:
    """The patients about whom the two disagree."""
    assert any(run.found.values()), "sync_reasoner found no presentation of anybody"
    pairs = zip(chosen, judged, strict=True)
    return [p.id for p, found in pairs if p.iri in run.found and run.found[p.iri] != asked(found)]


def one_record(size: Size, ontology: Ontology, chosen: Sequence[Patient]) -> list[Row]:
    seconds = statistics.median(shell() for _ in range(size.runs))
    runs = [sync_reasoner(ontology, chosen[:1]) for _ in range(size.runs)]
    process = statistics.median(LIMIT if run is None else run.process for run in runs)
    return [
        Row("dvt-kg recommend --reasoner hermit, cold", 1, seconds, f"{COLD:g} s", seconds <= COLD),
        Row("sync_reasoner, whole process", 1, process),
    ]


def different_records(
    size: Size, reasoner: HermiT, chosen: Sequence[Patient]
) -> tuple[list[Row], list[str], int]:
    """Records of as many profiles, beside sync_reasoner; also who is judged differently, of how many."""
    count = len(chosen)
    judging, judged = timed(lambda: reasoner.judge([p.facts for p in chosen]))
    classifying, classification = timed(lambda: classify(chosen, reasoner))
    recommending, _ = timed(lambda: recommend(classification))
    rows, disagreements, compared, call = [], set[str](), 0, LIMIT
    for number in size.owlready:
        run = sync_reasoner(reasoner.ontology, chosen[:number])
        rows.append(Row("sync_reasoner, the call alone", number, run and run.call))
        if run is None:
            break
        disagreements |= set(differing(chosen, judged, run))
        compared = number
        call = run.call
    largest = rows[-1]
    ratio = call / judging if largest.number == count or largest.seconds is None else None
    more = "" if ratio is None else f": {'over ' * (largest.seconds is None)}{ratio:.0f} times"
    target = f"{TIMES_FASTER:g} times sync_reasoner{more}"
    mine = [
        Row(
            "HermiT.judge (HermiT, warm)",
            count,
            judging,
            target,
            None if ratio is None else ratio >= TIMES_FASTER,
        ),
        Row("classify (HermiT, rules, reasons, what is missing)", count, classifying),
        Row("recommend", count, recommending),
    ]
    return mine + rows, sorted(disagreements), compared


def cohort(size: Size, reasoner: HermiT, chosen: Sequence[Patient]) -> list[Row]:
    """Many records of few profiles, from text to answer."""
    count = len(chosen)
    texts = {form: write(chosen, form, reasoner.ontology) for form in ("csv", "json")}
    reading = {form: timed(lambda f=form: read_text(texts[f], f, reasoner.ontology)) for form in texts}  # type: ignore[misc]
    for _, read in reading.values():
        assert len(read.patients) == count, read.errors[:1]
    classifying, classification = timed(lambda: classify(reading["json"][1].patients, reasoner))
    recommending, _ = timed(lambda: recommend(classification))
    total = reading["json"][0] + classifying + recommending
    label = f"{size.profiles} profiles"
    return [
        *(Row(f"read {form.upper()}, {label}", count, seconds) for form, (seconds, _) in reading.items()),
        Row(f"classify, {label}", count, classifying),
        Row(f"recommend, {label}", count, recommending),
        Row(f"JSON to answers, {label}", count, total, f"{COHORT:g} s", total <= COHORT),
    ]


def many_profiles(reasoner: HermiT, chosen: Sequence[Patient]) -> list[Row]:
    seconds, _ = timed(lambda: reasoner.judge([p.facts for p in chosen]))
    reached = seconds * 1000 / len(chosen) <= A_PROFILE
    return [
        Row("HermiT.judge, all profiles different", len(chosen), seconds, f"{A_PROFILE:g} ms each", reached)
    ]


def show(rows: Sequence[Row], console: Console) -> None:
    table = Table("what", title="dvt-kg beside owlready2.sync_reasoner (HermiT both)")
    for heading in ("records", "seconds", "ms a record"):
        table.add_column(heading, justify="right")
    table.add_column("target")
    table.add_column("reached")
    for row in rows:
        took = (
            (f"> {LIMIT:g} s", "")
            if row.seconds is None
            else (f"{row.seconds:.2f}", f"{row.seconds * 1000 / row.number:.1f}")
        )
        reached = "" if row.reached is None else "yes" if row.reached else "NO"
        table.add_row(row.what, f"{row.number:,}", *took, row.target, reached)
    console.print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run, to see that it works")
    size = QUICK if parser.parse_args().quick else WHOLE
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    ontology = load()
    reasoner = HermiT(ontology)

    def drawn(count: int, profiles: int, seed: int) -> list[Patient]:
        return patients(count, profiles, ontology, reasoner.rules, seed)

    different = drawn(size.different, size.different, 1)
    rows = one_record(size, ontology, different)
    recommend(classify(drawn(20, 20, 2), reasoner))  # Java and the queries warm
    compared_rows, disagreements, compared = different_records(size, reasoner, different)
    rows += compared_rows
    rows += cohort(size, reasoner, drawn(size.records, size.profiles, 3))
    rows += many_profiles(reasoner, drawn(size.many, size.many, 4))
    show(rows, console)
    if disagreements:
        console.print(f"sync_reasoner and HermiT.judge disagree about {', '.join(disagreements)}")
        return 1
    console.print(f"sync_reasoner and HermiT.judge agree on the {compared} patients that both did")
    return 0 if compared else 1


if __name__ == "__main__":
    sys.exit(main())
