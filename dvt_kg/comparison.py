"""Over time: two records of one patient, what changed between them in facts and answer, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from dvt_kg.answers import NOTICE
from dvt_kg.classification import Classification, Profile
from dvt_kg.counterfactuals import difference
from dvt_kg.errors import RecordError, UsageError
from dvt_kg.explainer import Explanation, Presentation
from dvt_kg.explanations import Shaper
from dvt_kg.patients import Fact, Patient, question_of

Answer = dict[str, Any]


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
    facts = [{question_of(fact): fact for fact in patient.facts} for patient, _ in (before, after)]
    altered = {fact for name in {**facts[0], **facts[1]} for fact in _altered(facts, name)}
    found: Answer = {
        "patient": after[0].id,
        "before": before[0].id,
        "facts": [
            {"name": shaper.key(name)}
            | {
                when: shaper.fact(side[name]) if name in side else None
                for when, side in zip(("before", "after"), facts, strict=True)
            }
            for name in sorted({**facts[0], **facts[1]})
            if _altered(facts, name)
        ],
        **difference(explained[0].outcome, explained[1].outcome),
    }
    found["why"] = list(_reasons(explained, altered, shaper))
    for when, explanation in zip(("before", "after"), explained, strict=True):
        if explanation.contradiction is not None:
            found.setdefault("contradiction", {})[when] = shaper.justified(explanation.contradiction)
    return found


def _altered(facts: Sequence[dict[str, Fact]], name: str) -> list[Fact]:
    """The facts of one name, where they are not the same before and after."""
    stated = [side[name] for side in facts if name in side]
    return stated if len(set(stated)) > 1 or len(stated) == 1 else []


def _reasons(explained: Sequence[Explanation], altered: set[Fact], shaper: Shaper) -> Iterator[Answer]:
    """For each presentation whose state changed, what it rests on now and rested on before."""
    for before, after in zip(explained[0].presentations, explained[1].presentations, strict=True):
        if before.state == after.state:
            continue
        cited = {fact for p in (before, after) for fact in _cited(p)}
        yield {
            "presentation": after.name,
            "label": shaper.label(after.name),
            "because": [shaper.fact(fact) for fact in sorted(cited & altered, key=str)],
            "before": _state(before, shaper),
            "after": _state(after, shaper),
        }


def _cited(presentation: Presentation) -> Iterator[Fact]:
    """The facts on which a presentation's state or any criterion's rests."""
    for conclusion in (presentation.why, *(criterion.why for criterion in presentation.criteria)):
        for justification in conclusion.justifications if conclusion else ():
            yield from justification.facts


def _state(presentation: Presentation, shaper: Shaper) -> Answer:
    def named(state: str) -> Iterable[str]:
        return (c.name for c in presentation.criteria if c.state == state)

    return {
        "state": presentation.state,
        **shaper.justified(presentation.why),
        "failed": list(named("not-met")),
        "open": list(named("unknown")),
    }
