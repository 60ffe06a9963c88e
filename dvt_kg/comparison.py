"""Over time: two records of one patient, what changed between them in facts and answer, and why."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

from dvt_kg.answers import NOTICE
from dvt_kg.classification import Classification, Profile
from dvt_kg.counterfactuals import Outcome, difference
from dvt_kg.errors import RecordError, UsageError
from dvt_kg.explainer import Explainer, Explanation
from dvt_kg.explanations import Shaper
from dvt_kg.patients import Fact, Patient, question_of

Answer = dict[str, Any]
Stated = dict[str, tuple[Fact, ...]]
Key = tuple[str, str]  # presentation, contraindication or alert, and its local name
NONE = "none"  # the state of what a contradictory record says nothing of, and of an alert that is not raised
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
    explained = [shaper.explainer.explain(*record, what_if=False) for record in (before, after)]
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
    }
    found["why"] = list(_why(explained, stated, names, shaper))
    for when, explanation in zip(("before", "after"), explained, strict=True):
        if explanation.contradiction is not None:
            found.setdefault("contradiction", {})[when] = shaper.justified(explanation.contradiction)
    return found


def _stated(patient: Patient) -> Stated:
    """What a record says on each question; one that contradicts itself may say two things."""
    found: Stated = {}
    for fact in sorted(patient.facts, key=str):
        found[question_of(fact)] = (*found.get(question_of(fact), ()), fact)
    return found


def _why(
    explained: Sequence[Explanation], stated: Sequence[Stated], names: Sequence[str], shaper: Shaper
) -> Iterator[Answer]:
    """For each presentation, contraindication and alert that is otherwise now, what made it so."""
    before, after = (dict(_states(e.outcome)) for e in explained)
    moved = {key: state for key, state in after.items() if before.get(key, NONE) != state}
    moved |= {key: NONE for key in before if key not in after}
    rated = [{c.intervention for c in e.contraindications} for e in explained]
    for kind, name in list(moved):
        if kind == "contraindication" and not all(name in interventions for interventions in rated):
            del moved[kind, name]  # no option of it before, or none now
    reasons = _reasons(stated[0], stated[1], names, moved, shaper.explainer)
    for key, chosen in reasons.items():
        kind, name = key
        yield {
            kind: name,
            "label": shaper.label(name),
            "because": [[shaper.key(n) for n in changes] for changes in chosen or [tuple(names)]],
            "smallest": bool(chosen),
            "before": _state(key, before.get(key, NONE), explained[0], shaper),
            "after": _state(key, after.get(key, NONE), explained[1], shaper),
        }


def _states(outcome: Outcome) -> Iterator[tuple[Key, str]]:
    """The state of each presentation and contraindication, and each alert that is raised."""
    yield from ((("presentation", name), state) for name, state in outcome.presentations.items())
    if outcome.status != "contradictory":
        yield from ((("contraindication", i), state) for i, state in outcome.contraindications.items())
    yield from ((("alert", name), "raised") for name in outcome.alerts)


def _reasons(
    before: Stated, after: Stated, names: Sequence[str], moved: dict[Key, str], explainer: Explainer
) -> dict[Key, list[tuple[str, ...]]]:
    """For everything that moved the smallest sets of changes that move it there by themselves.

    :param names: what is recorded otherwise
    :param moved: what moved, with its state afterwards
    :returns: the sets; none where there are too many to try
    """
    found: dict[Key, list[tuple[str, ...]]] = {key: [] for key in moved}
    tried = 0
    for size in range(1, len(names) + 1):
        waiting = [key for key in moved if not found[key]]
        tried += math.comb(len(names), size)
        if not waiting or tried > MOST_TRIED:
            break
        for chosen in itertools.combinations(names, size):
            facts = {n: f for n, f in before.items() if n not in chosen}
            facts |= {n: after[n] for n in chosen if n in after}
            true = explainer.outlook.closure(itertools.chain.from_iterable(facts.values()))
            states = {} if None in true else dict(_states(explainer.outlook.outcome(true)))
            for key in waiting:
                if states.get(key, NONE) == moved[key]:
                    found[key].append(chosen)
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


def _state(key: Key, state: str, explanation: Explanation, shaper: Shaper) -> Answer:
    """A state with what it rests on, and of a presentation the criteria that fail or are open."""
    kind, name = key
    if kind == "contraindication":
        found = {c.intervention: c.why for c in explanation.contraindications}
        return {"state": state, **shaper.justified(found.get(name))}
    if kind == "alert":
        raised = {alert.about: alert for alert in explanation.alerts}
        return {"state": state, **shaper.justified(raised.get(name))}
    presentation = next(p for p in explanation.presentations if p.name == name)
    return {
        "state": presentation.state,
        **shaper.justified(presentation.why),
        "failed": [c.name for c in presentation.criteria if c.state == "not-met"],
        "open": [c.name for c in presentation.criteria if c.state == "unknown"],
    }
