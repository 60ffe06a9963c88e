"""The clinical cases of ``cases/``, each with what the design and its sources expect of it.

``expected`` of a case may hold:

* ``status``, and the ids of ``presentations`` (met), ``ruled_out``, ``undetermined``, ``alerts`` and
  ``next_steps``
* ``options``: presentation, intervention and rating of every option
* ``contraindications``: the state of an intervention; ``unassessed``: its absolute ones still open
* ``conflicts``: every intervention with two statements that disagree, and their ids
* ``missing``: what an open presentation needs; a list of lists where the design leaves a choice
* ``failed``: every failed criterion of a presentation that is ruled out, in the order of the table
* ``criteria`` and ``findings``: the state of a criterion, and of a finding or vein, inferred or recorded
* ``because``: the recorded facts behind a criterion of a presentation that is met
* ``contradiction``: every smallest clashing set

What is left out is not checked.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dvt_kg import HermiT, Ontology, classify, queries, read_records, recommend
from dvt_kg.ontology import dvt, local_name
from dvt_kg.patients import PATIENT_IRI

FOLDER = Path(__file__).parent / "cases"
NUMBER = 179
CASES: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(FOLDER.glob("*.json"))
}


@dataclass(frozen=True)
class Outcome:
    """What the program concluded of one case."""

    answer: dict[str, Any]
    recommendations: dict[str, str]
    criteria: dict[str, str]
    findings: dict[str, str]


@pytest.fixture(scope="module")
def outcomes(ontology: Ontology, reasoner: HermiT) -> dict[str, Outcome]:
    """Every case through the whole pipeline, all in one run."""
    reading = read_records([case["record"] for case in CASES.values()], ontology)
    assert reading.errors == ()
    classification = classify(reading.patients, reasoner)
    graph = classification.graph()
    criteria: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for row in queries.ask(graph, "criteria").plain():
        criteria[str(row["patient"])][str(row["criterion"])] = str(row["state"])
    findings: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for row in queries.ask(graph, "findings").plain():
        findings[str(row["patient"])][str(row["finding"])] = str(row["state"])
    further = {
        result["patient"]: {r["statement"]: r["state"] for r in result["recommendations"]}
        for result in recommend(classification, guidelines="all")["results"]
    }
    return {
        answer["patient"]: Outcome(
            answer,
            further[answer["patient"]],
            criteria[PATIENT_IRI + answer["patient"]],
            findings[PATIENT_IRI + answer["patient"]],
        )
        for answer in recommend(classification)["results"]
    }


def test_every_case_is_found_and_named_after_its_record() -> None:
    assert len(CASES) == NUMBER
    for name, case in CASES.items():
        assert case.keys() == {"why", "record", "expected"}
        assert case["record"]["id"] == name
        assert case["why"]


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, outcomes: dict[str, Outcome]) -> None:
    expected = CASES[name]["expected"]
    found = {key: SEEN[key](outcomes[name], wanted) for key, wanted in expected.items()}
    assert found == {key: _ordered(key, wanted, found[key]) for key, wanted in expected.items()}


def _ids(key: str, id_: str = "id") -> Callable[[Outcome, Any], Any]:
    return lambda outcome, _: sorted(entry[id_] for entry in outcome.answer[key])


def _options(outcome: Outcome, _: Any) -> Any:
    keys = ("presentation", "intervention", "rating")
    return sorted([option[key] for key in keys] for option in outcome.answer["options"])


def _contraindications(outcome: Outcome, wanted: Iterable[str]) -> Any:
    states = defaultdict(set)
    for option in outcome.answer["options"]:
        states[option["intervention"]].add(option["contraindication"])
    return {name: "/".join(sorted(states[name])) for name in wanted}


def _unassessed(outcome: Outcome, wanted: Iterable[str]) -> Any:
    found = {
        o["intervention"]: sorted(o.get("unassessed", ["none listed"])) for o in outcome.answer["options"]
    }
    return {name: found[name] for name in wanted}


def _conflicts(outcome: Outcome, _: Any) -> Any:
    return sorted([c["intervention"], sorted(c["statements"])] for c in outcome.answer["conflicts"])


def _missing(outcome: Outcome, wanted: Iterable[str]) -> Any:
    found = {entry["presentation"]: sorted(entry["missing"]) for entry in outcome.answer["undetermined"]}
    assert outcome.answer["missing"] == sorted({name for names in found.values() for name in names})
    return {presentation: found[presentation] for presentation in wanted}


def _failed(outcome: Outcome, wanted: Iterable[str]) -> Any:
    for entry in outcome.answer["ruled_out"]:
        assert entry["criterion"] == entry["criteria"][0]
    found = {entry["presentation"]: entry["criteria"] for entry in outcome.answer["ruled_out"]}
    return {presentation: found[presentation] for presentation in wanted}


def _because(outcome: Outcome, wanted: Iterable[str]) -> Any:
    met = [criterion for p in outcome.answer["presentations"] for criterion in p["criteria"]]
    return {name: sorted(next(c["because"] for c in met if c["id"] == name)) for name in wanted}


def _contradiction(outcome: Outcome, _: Any) -> Any:
    return _sets(outcome.answer["contradiction"])


def _sets(clashes: Iterable[Iterable[dict[str, Any]]]) -> Any:
    return sorted(sorted((fact["path"], fact["value"]) for fact in clash) for clash in clashes)


SEEN: dict[str, Callable[[Outcome, Any], Any]] = {
    "status": lambda outcome, _: outcome.answer["status"],
    "presentations": _ids("presentations"),
    "ruled_out": _ids("ruled_out", "presentation"),
    "undetermined": _ids("undetermined", "presentation"),
    "alerts": _ids("alerts"),
    "next_steps": _ids("next_steps"),
    "options": _options,
    "contraindications": _contraindications,
    "unassessed": _unassessed,
    "conflicts": _conflicts,
    "missing": _missing,
    "failed": _failed,
    "criteria": lambda outcome, wanted: {name: outcome.criteria[name] for name in wanted},
    "findings": lambda outcome, wanted: {name: outcome.findings.get(name, "unknown") for name in wanted},
    "because": _because,
    "recommendations": lambda outcome, wanted: {
        name: outcome.recommendations.get(name, "not for this patient") for name in wanted
    },
    "contradiction": _contradiction,
}


def _ordered(key: str, wanted: Any, found: Any) -> Any:
    """An expectation in the form in which the outcome is seen; of several allowed sets, the one found."""
    if key == "options":
        return sorted([option["presentation"], option["intervention"], option["rating"]] for option in wanted)
    if key == "contradiction":
        return _sets(wanted)
    if key == "unassessed":
        return {name: sorted(conditions) for name, conditions in wanted.items()}
    if key == "missing":
        choices = {p: names if isinstance(names[0], list) else [names] for p, names in wanted.items()}
        return {
            presentation: found[presentation] if found[presentation] in map(sorted, sets) else sets
            for presentation, sets in choices.items()
        }
    return wanted


def test_the_cases_cover_every_state_alert_and_step(ontology: Ontology) -> None:
    expected = [case["expected"] for case in CASES.values()]

    def listed(key: str) -> set[str]:
        return {id_ for e in expected for id_ in e.get(key, ())}

    def states(key: str) -> set[tuple[str, str]]:
        return {pair for e in expected for pair in e.get(key, {}).items()}

    presentations = set(ontology.individuals("Presentation"))
    assert listed("presentations") == listed("undetermined") == listed("ruled_out") == presentations
    of_presentations = ontology.store.quads_for_pattern(None, dvt("criterionOf"), None)
    criteria = {local_name(quad.subject) for quad in of_presentations}
    assert states("criteria") == {(c, state) for c in criteria for state in ("met", "not-met", "unknown")}
    assert listed("alerts") == set(ontology.individuals("Alert"))
    assert listed("next_steps") == set(ontology.individuals("NextStep"))
    assert {e["status"] for e in expected} == {"matched", "indeterminate", "out-of-scope", "contradictory"}
    assert states("contraindications") == _possible_states(ontology)
    kinds = {f for kind in ("Finding", "Vein") for f in ontology.individuals(kind)}
    assert listed("findings") <= kinds
    rated = {(r["presentation"], r["intervention"]) for e in expected for r in e.get("options", ())}
    assert len(rated) == sum(len(list(_rated(ontology, p))) for p in presentations)


def _rated(ontology: Ontology, presentation: str) -> Iterable[str]:
    for statement in ontology.subjects(dvt("ratedFor"), dvt(presentation)):
        for intervention in ontology.objects(statement, dvt("ratesIntervention")):
            yield intervention.value.partition("#")[2]


def _possible_states(ontology: Ontology) -> set[tuple[str, str]]:
    """Each rated intervention with each state its contraindications can have.

    The filters have none on file. What is rated only where every absolute contraindication is
    excluded is never absolutely contraindicated, and always assessed.
    """
    rated = {i for p in ontology.individuals("Presentation") for i in _rated(ontology, p)}
    filters = {"retrievable-ivc-filter", "permanent-ivc-filter"}
    vouched_for = {"anticoagulation", "catheter-directed-therapy", "surgical-thrombectomy"}
    return {
        *((i, "none-on-file") for i in filters),
        *((i, state) for i in rated - filters for state in ("relative", "excluded")),
        *((i, state) for i in rated - filters - vouched_for for state in ("absolute", "not-assessed")),
    }
