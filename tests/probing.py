"""Explanations put to the test: what HermiT says of the cited facts alone, and of one of them fewer."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dvt_kg import Fact, HermiT, Patient, RuleReasoner, classify, read_records, recommend
from dvt_kg.counterfactuals import Change, Outcome
from dvt_kg.derivations import ground
from dvt_kg.explainer import Conclusion, Explainer, Explanation, explainer
from dvt_kg.patients import question_of
from dvt_kg.reasoner import Entailed
from dvt_kg.rules import PATIENT, Atom, Value

from .strategies import ONTOLOGY, facts_drawn, one_value_each

Facts = frozenset[Fact]
DERIVATIONS = ground(ONTOLOGY)
EXPLAINER: Explainer = explainer(ONTOLOGY)
REASONER = RuleReasoner(ONTOLOGY)
_FILES = sorted((Path(__file__).parent / "cases").glob("*.json"))
CASES: list[Facts] = [
    patient.facts
    for patient in read_records(
        [json.loads(file.read_text(encoding="utf-8"))["record"] for file in _FILES], ONTOLOGY
    ).patients
]


def records(count: int, seed: int) -> list[Patient]:
    """Records drawn at random: cases with facts left out, turned round and added, coherent or not."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        kept = [fact for fact in sorted(rng.choice(CASES), key=str) if rng.random() > 0.1]
        added = facts_drawn(rng, rng.choice((0, 0, 1, 2, 4)))
        found.append(Patient(f"r{number}", one_value_each([*kept, *added])))
    return found


def explanations(patients: Iterable[Patient]) -> Iterator[Explanation]:
    """Each record explained."""
    for patient, profile in classify(tuple(patients), REASONER):
        yield EXPLAINER.explain(patient, profile)


def conclusions(explanation: Explanation) -> Iterator[Conclusion]:
    """Everything in an explanation that has justifications."""
    if explanation.contradiction:
        yield explanation.contradiction
        yield from explanation.alerts
        return
    for presentation in explanation.presentations:
        yield from (c for c in (presentation.why, *(x.why for x in presentation.criteria)) if c)
    yield from (c.why for c in explanation.contraindications if c.why)
    yield from (*explanation.alerts, *explanation.conflicts)


def holds(conclusion: Conclusion, entailed: Entailed | None) -> bool:
    """Whether a conclusion is drawn of a record, given what HermiT entails of it."""
    if conclusion.property == "hasClash":
        return entailed is None
    true: frozenset[Atom | None] = entailed if entailed is not None else frozenset({PATIENT, None})
    derived = DERIVATIONS.conclude(DERIVATIONS.given(true))
    presentations = {s: p for p, rated in EXPLAINER.outlook.ratings.items() for _, _, s in rated}
    goals = {Value("hasPresentation", presentations[s]) for s in conclusion.statements} or {
        Value(conclusion.property, conclusion.about)
    }
    return goals <= (true | derived)


def probed(found: Iterable[Conclusion], reasoner: HermiT, most: int | None) -> int:
    """Check that each justification suffices and that no fact of it can be spared; gives their number.

    :param most: the justifications of one conclusion that are looked at; all if None
    """
    claims: dict[tuple[Conclusion, Facts], bool] = {}
    for conclusion in found:
        for justification in conclusion.justifications[:most]:
            cited = frozenset(justification.facts)
            claims[conclusion, cited] = True
            for fact in cited:
                claims[conclusion, cited - {fact}] = False
    asked = list(dict.fromkeys(facts for _, facts in claims))
    answers = dict(zip(asked, reasoner.judge(asked), strict=True))
    for (conclusion, cited), expected in claims.items():
        assert holds(conclusion, answers[cited]) is expected, (
            f"{conclusion.property} {conclusion.about}: {sorted(map(str, cited))}"
        )
    return sum(claims.values())


# Counterfactuals


def changes(facts: frozenset[Fact]) -> tuple[tuple[Change, ...], tuple[Fact, ...]]:
    ((patient, profile),) = classify([Patient("p", facts)], REASONER)
    explanation = EXPLAINER.explain(patient, profile)
    return explanation.changes, explanation.impossible


def otherwise(facts: frozenset[Fact], fact: Fact) -> frozenset[Fact]:
    """A record with one fact in place of what it says on the same question."""
    return frozenset(f for f in facts if question_of(f) != question_of(fact)) | {fact}


Short = tuple[str, dict[str, str], set[tuple[str, ...]], frozenset[str], frozenset[str]]


def answered(result: dict[str, Any]) -> Short:
    """An answer of recommend, in short."""
    states = {item["id"]: "met" for item in result["presentations"]}
    states |= {item["presentation"]: "open" for item in result["undetermined"]}
    states |= {item["presentation"]: "ruled-out" for item in result["ruled_out"]}
    keys = ("intervention", "presentation", "rating", "contraindication", "statement")
    options = {tuple(option[key] for key in keys) for option in result["options"]}
    alerts = frozenset(alert["id"] for alert in result["alerts"])
    steps = frozenset(step["id"] for step in result["next_steps"])
    return result["status"], states, options, alerts, steps


def short(outcome: Outcome) -> Short:
    """An outcome in the same form."""
    options = {tuple(option) for option in outcome.options}
    return outcome.status, outcome.presentations, options, outcome.alerts, outcome.steps


def recommended(records: list[frozenset[Fact]], reasoner: Any = REASONER) -> list[Short]:
    patients = [Patient(f"p{n}", facts) for n, facts in enumerate(records)]
    return [answered(result) for result in recommend(classify(patients, reasoner))["results"]]


def mismatched(chosen: Iterable[Facts]) -> tuple[int, list[tuple[Facts, Fact]]]:
    """How many changes are shown of records, and those of which recommend says something else."""
    shown = [(facts, change) for facts in chosen for change in changes(facts)[0]]
    answers = recommended([otherwise(facts, change.fact) for facts, change in shown])
    wrong = [
        (facts, change.fact)
        for (facts, change), answer in zip(shown, answers, strict=True)
        if short(change.outcome) != answer
    ]
    return len(shown), wrong


# Completeness


def other_sets(patient: Patient, explanation: Explanation, reasoner: HermiT) -> list[Conclusion]:
    """The conclusions whose justifications are not exactly the minimal ones among all sets of facts."""
    ordered = sorted(patient.facts, key=str)
    sizes = range(len(ordered) + 1)
    subsets = [frozenset(s) for size in sizes for s in itertools.combinations(ordered, size)]
    answers = dict(zip(subsets, reasoner.judge(subsets), strict=True))
    wrong = []
    found = [explanation.contradiction] if explanation.contradiction else conclusions(explanation)
    for conclusion in found:
        entailing = [s for s in subsets if holds(conclusion, answers[s])]
        minimal = {s for s in entailing if not any(other < s for other in entailing)}
        if {frozenset(j.facts) for j in conclusion.justifications} != minimal:
            wrong.append(conclusion)
    return wrong
