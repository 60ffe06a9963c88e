"""Explanations put to the test: what HermiT says of the cited facts alone, and of one of them fewer."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

from dvt_kg import Fact, HermiT, Patient, RuleReasoner, classify, read_records
from dvt_kg.derivations import ground
from dvt_kg.explainer import Conclusion, Explainer, Explanation, explainer
from dvt_kg.reasoner import Entailed
from dvt_kg.rules import PATIENT, Atom, Value

from .strategies import ONTOLOGY, facts_drawn, one_value_each

Facts = frozenset[Fact]
DERIVATIONS = ground(ONTOLOGY)
EXPLAINER: Explainer = explainer(ONTOLOGY)
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
    for patient, profile in classify(tuple(patients), RuleReasoner(ONTOLOGY)):
        yield EXPLAINER.explain(patient, profile)


def conclusions(explanation: Explanation) -> Iterator[Conclusion]:
    """Everything in an explanation that has justifications."""
    if explanation.contradiction:
        yield explanation.contradiction
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
