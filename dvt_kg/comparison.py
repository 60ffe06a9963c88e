"""Over time: two records of one patient, what changed between them in facts and answer, and why."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

from dvt_kg.answers import NOTICE
from dvt_kg.classification import Classification, Profile
from dvt_kg.counterfactuals import difference
from dvt_kg.errors import RecordError, UsageError
from dvt_kg.explainer import Explainer, Explanation, Presentation
from dvt_kg.explanations import Shaper
from dvt_kg.patients import Fact, Patient, question_of

Answer = dict[str, Any]
MOST_TRIED = 5000  # sets of changes; where more would have to be tried, all changes are the reason


def compare(before: Classification, after: Classification, errors: Sequence[RecordError] = ()) -> Answer:
    """Compare two states of the same patients.

    Records are matched by id; where each side holds one record, these two are compared whatever
    their ids.

    :param before: the earlier records, classified
    :param after: the later ones
    :param errors: what was refused when the records were read
    :returns: the object that ``dvt-kg compare --format json`` prints
    :raises UsageError: where no record of one side has its like on the other
    """
    shaper = Shaper(after.ontology)
    earlier, later = (
        {p.id: (p, profile) for p, profile in before},
        {p.id: (p, profile) for p, profile in after},
    )
    if len(earlier) == len(later) == 1:
        pairs = [(*earlier.values(), *later.values())]
    else:
        pairs = [(earlier[id], later[id]) for id in earlier if id in later]
    if not pairs:
        raise UsageError("no record is on both sides: records are matched by their ids")
    matched = {patient.id for pair in pairs for patient, _ in pair}
    return {
        "ontology_version": after.ontology.version,
        "reasoner": after.reasoner,
        "notice": NOTICE,
        "comparisons": [_comparison(one, other, shaper) for one, other in pairs],
        "only_before": [id for id in earlier if id not in matched],
        "only_after": [id for id in later if id not in matched],
        "errors": [error.as_json() for error in errors],
    }


def _comparison(before: tuple[Patient, Profile], after: tuple[Patient, Profile], shaper: Shaper) -> Answer:
    explained = [shaper.explainer.explain(*record) for record in (before, after)]
    stated = [_stated(patient) for patient, _ in (before, after)]
    names = [n for n in sorted({**stated[0], **stated[1]}) if stated[0].get(n) != stated[1].get(n)]
    found: Answer = {
        "patient": after[0].id,
        "before": before[0].id,
        "facts": [
            {"name": shaper.key(name)}
            | {
                when: [shaper.fact(fact) for fact in facts.get(name, ())]
                for when, facts in zip(("before", "after"), stated, strict=True)
            }
            for name in names
        ],
        **difference(explained[0].outcome, explained[1].outcome),
        "criteria": _criteria(explained[0], explained[1]),
        "why": [],
    }
    pairs = list(zip(explained[0].presentations, explained[1].presentations, strict=True))
    moved = {new.name: new.state for old, new in pairs if old.state != new.state}
    reasons = _reasons(stated[0], stated[1], names, moved, shaper.explainer)
    for old, new in pairs:
        if new.name in moved:
            found["why"].append(
                {
                    "presentation": new.name,
                    "label": shaper.label(new.name),
                    "because": [
                        [shaper.key(n) for n in chosen] for chosen in reasons[new.name] or [tuple(names)]
                    ],
                    "smallest": bool(reasons[new.name]),
                    "before": _state(old, shaper),
                    "after": _state(new, shaper),
                }
            )
    for when, explanation in zip(("before", "after"), explained, strict=True):
        if explanation.contradiction is not None:
            found.setdefault("contradiction", {})[when] = shaper.justified(explanation.contradiction)
    return found


def _stated(patient: Patient) -> dict[str, tuple[Fact, ...]]:
    """What a record says on each question; one that contradicts itself may say two things."""
    found: dict[str, tuple[Fact, ...]] = {}
    for fact in sorted(patient.facts, key=str):
        found[question_of(fact)] = (*found.get(question_of(fact), ()), fact)
    return found


def _reasons(
    before: dict[str, tuple[Fact, ...]],
    after: dict[str, tuple[Fact, ...]],
    names: Sequence[str],
    moved: dict[str, str],
    explainer: Explainer,
) -> dict[str, list[tuple[str, ...]]]:
    """For each presentation that moved the smallest sets of changes that move it there by themselves.

    :param names: what is recorded otherwise
    :param moved: the presentations that moved, with their states afterwards
    :returns: the sets; none for a presentation where there are too many to try
    """
    found: dict[str, list[tuple[str, ...]]] = {name: [] for name in moved}
    tried = 0
    for size in range(1, len(names) + 1):
        waiting = [name for name in moved if not found[name]]
        tried += math.comb(len(names), size)
        if not waiting or tried > MOST_TRIED:
            break
        for chosen in itertools.combinations(names, size):
            facts = {n: f for n, f in before.items() if n not in chosen}
            facts |= {n: after[n] for n in chosen if n in after}
            states = explainer.outlook.states(itertools.chain.from_iterable(facts.values()))
            for name in waiting:
                if states.get(name, "contradictory") == moved[name]:
                    found[name].append(chosen)
    return found


def _criteria(before: Explanation, after: Explanation) -> dict[str, dict[str, str]]:
    """The criteria of presentations whose state changed."""
    old, new = (
        {criterion.name: criterion.state for p in explanation.presentations for criterion in p.criteria}
        for explanation in (before, after)
    )
    return {
        name: {"before": old.get(name, "contradictory"), "after": new.get(name, "contradictory")}
        for name in sorted({**old, **new})
        if old.get(name) != new.get(name)
    }


def _state(presentation: Presentation, shaper: Shaper) -> Answer:
    def named(state: str) -> Iterable[str]:
        return (c.name for c in presentation.criteria if c.state == state)

    return {
        "state": presentation.state,
        **shaper.justified(presentation.why),
        "failed": list(named("not-met")),
        "open": list(named("unknown")),
    }
