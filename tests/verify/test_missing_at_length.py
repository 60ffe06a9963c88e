"""What is missing, by brute force: every set settles its question, and no smaller set does."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from dvt_kg import Fact
from dvt_kg.patients import question_of
from dvt_kg.rules import PATIENT, Value
from tests.probing import EXPLAINER, explanations, records
from tests.strategies import RULES

MISSING = EXPLAINER.missing
QUESTIONS = {question.name: question.answers for question in MISSING.questions}
LARGEST = 3  # of the smaller sets that are tried one by one


def settles(facts: Iterable[Fact], names: tuple[str, ...], goal: Value) -> bool:
    """Whether some answers to the named questions yield a goal beside a record."""
    kept = [fact for fact in facts if question_of(fact) not in names]
    return any(
        None not in (closed := RULES.closure({PATIENT, *RULES.profile([*kept, *answers])})) and goal in closed
        for answers in itertools.product(*(QUESTIONS[name] for name in names))
    )


def smaller(facts: frozenset[Fact], size: int, goal: Value) -> Iterator[tuple[str, ...]]:
    """The sets of questions of a size that a record leaves open and that bear on a goal."""
    recorded = {question_of(fact) for fact in facts} - {"recordedSeverity"}
    near = {n for atom in MISSING.conjuncts(goal) for n in MISSING._near(atom)} - recorded
    yield from itertools.combinations(sorted(near), size)


def test_every_set_settles_its_presentation_or_rules_it_out_and_no_smaller_set_does() -> None:
    sets = 0
    for explanation in explanations(records(60, seed=12)):
        facts = explanation.patient.facts
        for presentation in explanation.presentations:
            if presentation.state != "open":
                continue
            met, out = (Value(p, presentation.name) for p in ("hasPresentation", "ruledOutPresentation"))
            goal = met if MISSING.every(facts, met) else out
            assert presentation.missing
            for names in presentation.missing:
                assert settles(facts, names, goal)
                sets += 1
            for size in range(1, min(len(presentation.missing[0]), LARGEST + 1)):
                assert not any(settles(facts, names, goal) for names in smaller(facts, size, goal))
    assert sets > 100


def test_every_set_of_an_unassessed_contraindication_shows_or_excludes_its_condition() -> None:
    sets = 0
    for explanation in explanations(records(60, seed=13)):
        for found in explanation.contraindications:
            for condition, alternatives in found.missing.items():
                goals = [Value(prop, condition) for prop in ("hasFinding", "lacksFinding")]
                for names in alternatives:
                    assert any(settles(explanation.patient.facts, names, goal) for goal in goals)
                    assert len(names) == 1  # a condition can be recorded itself, so no set is larger
                    sets += 1
    assert sets > 200
