"""Explanations as one object: for each record and presentation why, what is missing, what would change it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from dvt_kg.answers import NOTICE, json_number
from dvt_kg.classification import Classification
from dvt_kg.counterfactuals import Change, Outcome, difference
from dvt_kg.errors import RecordError, UsageError
from dvt_kg.explainer import (
    Conclusion,
    Contraindicated,
    Explainer,
    Explanation,
    Justification,
    Presentation,
    explainer,
)
from dvt_kg.ontology import Ontology, dvt, nearest
from dvt_kg.patients import Fact, entry

Answer = dict[str, Any]


def explain(
    classification: Classification,
    errors: Sequence[RecordError] = (),
    *,
    presentations: Sequence[str] = (),
    conclusions: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Answer:
    """Explain every classified record.

    :param classification: the patients with what was concluded of them
    :param errors: what was refused when the records were read
    :param presentations: the presentations to explain, by local name; all if neither these nor
        conclusions are given
    :param conclusions: terms about which to explain whatever is concluded, by local name: a
        criterion, a finding, a contraindication, an intervention, an alert
    :param progress: called with the records explained and their number
    :returns: the object that ``dvt-kg explain --format json`` prints
    :raises UsageError: for a name that is no presentation, or no term
    """
    check_names(classification.ontology, presentations, conclusions)
    shaper = Shaper(classification.ontology)
    asked = (presentations or None) if presentations or not conclusions else ()
    entries: list[Answer] = []
    records: list[Answer] = []
    for patient, profile in classification:
        explained = shaper.explainer.explain(patient, profile, asked)
        changes = [shaper.change(change, explained.outcome) for change in explained.changes]
        for presentation in explained.presentations:
            entries.append({**shaper.presentation(patient.id, presentation), "changes": changes})
        for name in conclusions:
            found = shaper.explainer.about(patient, profile, name)
            entries += [shaper.concluded(patient.id, name, conclusion) for conclusion in found]
            if not found:
                entries.append(shaper.concluded(patient.id, name, None))
        records.append(shaper.record(explained))
        if progress:
            progress(len(records), len(classification.patients))
    return {
        "ontology_version": classification.ontology.version,
        "reasoner": classification.reasoner,
        "notice": NOTICE,
        "explanations": entries,
        "records": records,
        "errors": [error.as_json() for error in errors],
    }


def check_names(ontology: Ontology, presentations: Iterable[str], conclusions: Iterable[str]) -> None:
    """Refuse a name that is no presentation, or no term.

    :raises UsageError: with the nearest name
    """
    _check("presentation", presentations, explainer(ontology).criteria)
    _check("term", conclusions, ontology.labels)


def _check(kind: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            hint = nearest(name, known)
            raise UsageError(f"no {kind} {name!r}" + (f"; did you mean {hint!r}?" if hint else ""))


class Shaper:
    """Shapes what the explainer found, with paths into the record and labels."""

    def __init__(self, ontology: Ontology) -> None:
        self.ontology = ontology
        self.explainer: Explainer = explainer(ontology)

    def fact(self, fact: Fact) -> Answer:
        """A fact by its place and value in the record."""
        path, value = entry(fact, self.ontology)
        return {"path": path, "value": value if isinstance(value, str) else json_number(str(value))}

    def justification(self, justification: Justification) -> Answer:
        """A set of facts with the axioms that carry it and the sources."""
        return {
            "facts": [self.fact(fact) for fact in justification.facts],
            "axioms": [axiom.words for axiom in justification.axioms],
            "sources": list(justification.sources),
        }

    def justified(self, conclusion: Conclusion | None) -> Answer:
        """The justifications of a conclusion, none where there is no conclusion."""
        found = conclusion.justifications if conclusion else ()
        return {
            "justifications": [self.justification(j) for j in found],
            "complete": conclusion.complete if conclusion else True,
        }

    def label(self, name: str) -> str:
        """The label of a term."""
        return self.ontology.label(name)

    def key(self, name: str) -> str:
        """The name of something missing as a record has it."""
        return self.ontology.notations.get(name, name)

    def sets(self, sets: Iterable[Iterable[str]]) -> list[list[str]]:
        """Sets of missing names as a record has them."""
        return [sorted(map(self.key, names)) for names in sets]

    def presentation(self, patient: str, presentation: Presentation) -> Answer:
        """A presentation as an entry of the explanations, without its changes."""
        return {
            "patient": patient,
            "presentation": presentation.name,
            "label": self.label(presentation.name),
            "state": presentation.state,
            **self.justified(presentation.why),
            "criteria": [
                {"id": c.name, "label": self.label(c.name), "state": c.state, **self.justified(c.why)}
                for c in presentation.criteria
            ],
            "options": [
                {**option._asdict(), "label": self.label(option.intervention)}
                | {"rank": json_number(self.ontology.text(dvt(option.rating), dvt("position")))}
                | {"sources": sorted(self.explainer.sources.of_terms(option.statement))}
                for option in presentation.options
            ],
            "missing": self.sets(presentation.missing),
        }

    def concluded(self, patient: str, name: str, conclusion: Conclusion | None) -> Answer:
        """A conclusion about a term; of a contradictory record its contradiction."""
        entry: Answer = {"patient": patient, "conclusion": name, "label": self.label(name)}
        if conclusion is None:
            return {**entry, "property": None, "state": "nothing concluded", **self.justified(None)}
        if conclusion.statements:
            entry |= {"property": None, "state": "conflict", "statements": list(conclusion.statements)}
        elif conclusion.property == "hasClash":
            entry |= {"property": None, "state": "contradictory"}
        else:
            entry |= {"property": conclusion.property, "state": self.label(conclusion.property)}
        return {**entry, **self.justified(conclusion)}

    def change(self, change: Change, now: Outcome) -> Answer:
        """A fact otherwise, and how the answer would differ from what it is now."""
        was = None if change.was is None else self.fact(change.was)["value"]
        return {"set": self.fact(change.fact), "was": was, **difference(now, change.outcome)}

    def record(self, explained: Explanation) -> Answer:
        """What is explained of a record as a whole."""
        found: Answer = {
            "patient": explained.patient.id,
            "status": explained.outcome.status,
            "alerts": [
                {"id": c.about, "label": self.label(c.about), **self.justified(c)} for c in explained.alerts
            ],
            "contraindications": [self.contraindicated(c) for c in explained.contraindications],
            "conflicts": [
                {
                    "intervention": c.about,
                    "label": self.label(c.about),
                    "statements": list(c.statements),
                    "labels": [self.label(statement) for statement in c.statements],
                    **self.justified(c),
                }
                for c in explained.conflicts
            ],
            "next": [
                {"name": self.key(name), "label": self.label(name)}
                | {
                    "settles": {
                        kind: {"least": share.least, "average": round(share.average, 2)}
                        for kind, share in settled._asdict().items()
                    }
                }
                for name, settled in explained.settles.items()
            ],
            "contradicting": [self.fact(fact) for fact in explained.impossible],
        }
        if explained.contradiction is not None:
            found["contradiction"] = self.justified(explained.contradiction)
        return found

    def contraindicated(self, found: Contraindicated) -> Answer:
        """The contraindications to an intervention."""
        return {
            "intervention": found.intervention,
            "label": self.label(found.intervention),
            "state": found.state,
            **self.justified(found.why),
            "unassessed": [
                {"condition": condition, "label": self.label(condition), "missing": self.sets(sets)}
                for condition, sets in found.missing.items()
            ],
        }
