"""How long an answer takes cold and an explanation warm, by the rules and beside HermiT, in one run.

``make bench`` runs it whole; ``--quick`` runs each part once. It ends with exit status 1 where the two
reasoners disagree; a target that is missed is only said.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from dvt_kg import Fact, HermiT, Ontology, Patient, RuleReasoner, classify, explain, load, read
from dvt_kg.missing import search
from dvt_kg.patients import question_of
from dvt_kg.reasoner import Reasoner
from dvt_kg.rules import PATIENT, RuleSet
from dvt_kg.writers import write

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "patient.json"
SIZES = (5, 15, 40)
COLD, TIMES_RDFLIB, WARM = 0.8, 4, 100  # s; times `import rdflib`; ms
FIRST = ("hasThrombusIn", "symptomDurationDays", "recordedSeverity", "hasFinding", "anticoagulationDays")


def record(size: int, ontology: Ontology, rules: RuleSet, seed: int) -> Patient:
    """A coherent record of so many facts: the example's, then absent findings that clash with none."""
    rng = random.Random(seed)
    (example,) = read([EXAMPLE], ontology).patients
    asked = sorted((fact for fact in example.facts if rules.seeds(fact)), key=str)
    rng.shuffle(asked)
    facts = set(sorted(asked, key=lambda f: f.property not in FIRST)[:size])
    for name in rng.sample(sorted(ontology.findings), len(ontology.findings)):
        absent = Fact("lacksFinding", name)
        known = {question_of(fact) for fact in facts}
        if len(facts) < size and name not in known:
            closed = rules.closure({PATIENT, *rules.profile({*facts, absent})})
            facts |= {absent} if None not in closed else set()
    assert len(facts) == size
    return Patient(f"facts-{size}-{seed}", frozenset(facts))


def what_ifs(patient: Patient, ontology: Ontology) -> list[frozenset[Fact]]:
    """The records that differ from one by a single answer."""
    return [
        frozenset(f for f in patient.facts if question_of(f) != question.name) | {answer}
        for question in search(ontology).questions
        for answer in question.answers
        if answer not in patient.facts
    ]


def median(work: Callable[[], object], runs: int) -> float:
    """The median of the seconds of several runs."""
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def cold(patient: Patient, ontology: Ontology, reasoner: str, runs: int) -> float:
    """One record from the shell, Python started anew."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "record.json"
        file.write_text(write([patient], "json", ontology), encoding="utf-8")
        program = str(Path(sys.executable).with_name("dvt-kg"))
        words = [program, "recommend", "--format", "json", "--reasoner", reasoner, str(file)]
        return median(lambda: subprocess.run(words, check=True, stdout=subprocess.DEVNULL), runs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run, to see that it works")
    runs = 1 if parser.parse_args().quick else 5
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    ontology = load()
    rules, hermit = RuleReasoner(ontology), HermiT(ontology)
    imported = median(lambda: subprocess.run([sys.executable, "-c", "import rdflib"], check=True), runs)
    limit = max(COLD, TIMES_RDFLIB * imported)
    table = Table("what", title="one record, by the rules and by HermiT")
    patients = [record(size, ontology, rules.rules, 0) for size in SIZES]
    unseen = [
        [record(size, ontology, rules.rules, seed) for seed in range(1, 4 * runs + 1)] for size in SIZES
    ]
    for patient in patients:
        table.add_column(f"{len(patient.facts)} facts", justify="right")
    table.add_column("target")
    table.add_column("reached")

    def row(what: str, seconds: list[float], target: float | None = None, unit: str = "s") -> None:
        scale, digits = (1, 2) if unit == "s" else (1000, 1)
        shown = [f"{s * scale:.{digits}f} {unit}" for s in seconds]
        goal = "" if target is None else f"{target * scale:.{digits}f} {unit}"
        reached = "" if target is None else "yes" if max(seconds) <= target else "NO"
        table.add_row(what, *shown, goal, reached)

    classified = [classify([patient], rules) for patient in patients]
    what_if = [what_ifs(patient, ontology) for patient in patients]
    agree = all(rules.judge(w) == hermit.judge(w) for w in what_if)  # and all is warm
    for one in classified:
        explain(one)

    def medians(works: Iterable[Callable[[], object]]) -> list[float]:
        return [median(work, runs) for work in works]

    row("recommend, cold from the shell, rules", [cold(p, ontology, "rules", runs) for p in patients], limit)
    row("recommend, cold from the shell, HermiT", [cold(p, ontology, "hermit", runs) for p in patients])
    reasoners: dict[str, Reasoner] = {"rules": rules, "HermiT": hermit}
    for name, reasoner in reasoners.items():
        row(f"judge, warm, {name}", medians(partial(reasoner.judge, [p.facts]) for p in patients), unit="ms")
    row("classify, warm, rules", medians(partial(classify, [p], rules) for p in patients), unit="ms")
    fresh = [[median(partial(explain, classify([p], rules)), 1) for p in drawn] for drawn in unseen]
    row("explain, warm, a record not seen before: median", [statistics.median(f) for f in fresh], unit="ms")
    row("explain, warm, a record not seen before: slowest", [max(f) for f in fresh], WARM / 1000, "ms")
    row("explain, warm, the same again", medians(partial(explain, one) for one in classified), unit="ms")
    for name, reasoner in reasoners.items():
        row(
            f"all what-ifs judged, {name}",
            medians(partial(reasoner.judge, w) for w in what_if),
            unit="ms",
        )
    table.add_row("what-ifs", *(f"{len(w)}" for w in what_if))
    table.add_row(
        "characters of the explanation as JSON", *(f"{len(json.dumps(explain(c))):,}" for c in classified)
    )
    console.print(table)
    console.print(
        f"importing rdflib took {imported:.2f} s; the two reasoners {'agree' if agree else 'DISAGREE'}"
    )
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
