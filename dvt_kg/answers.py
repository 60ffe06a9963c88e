"""Answers: the rows of the catalogue's queries, shaped into one object for each record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from dvt_kg import queries
from dvt_kg.classification import Classification
from dvt_kg.errors import RecordError, UsageError
from dvt_kg.graph import KnowledgeGraph, lent
from dvt_kg.ontology import Ontology
from dvt_kg.patients import Patient, entry, words

NOTICE = "For research and information, for review by a professional; not medical advice."

# The queries of the catalogue that make up an answer.
QUERIES = (
    *("status", "presentations", "criteria", "options", "contraindications", "unassessed-contraindications"),
    *("ruled-out", "missing", "conflicts", "alerts", "next-steps", "clashes", "caveats"),
    "interventions-to-tell-apart",
)
# What is asked besides, by whose statements are wanted: of the rating panels alone, or of every source.
GUIDELINES = {
    "acr": (),
    "all": (
        *("recommendations", "population-criteria-of-patients"),
        *("guideline-conflicts", "disagreements-of-patients"),
    ),
}

PlainRow = dict[str, str | None]
Answer = dict[str, Any]


def recommend(
    classification: Classification, errors: Sequence[RecordError] = (), *, guidelines: str = "acr"
) -> Answer:
    """The answer for every classified patient: rated options with reasons, and what is open.

    Each distinct profile is asked about once.

    :param classification: the patients with what was concluded of them
    :param errors: what was refused when the records were read
    :param guidelines: ``acr`` for the ratings of the panels alone, ``all`` for what every other
        source on file says beside them: recommendations, conflicts with them, and disagreements
    :returns: the object that ``dvt-kg recommend --format json`` prints
    :raises UsageError: where ``guidelines`` is neither
    """
    if guidelines not in GUIDELINES:
        raise UsageError(f"no guidelines {guidelines!r}; choose one of {', '.join(GUIDELINES)}")
    ontology = classification.ontology
    representatives = classification.representatives()
    with lent(ontology) as graph:
        classification.fill(graph, representatives)
        shaped = _shape(graph, [p for p, _ in representatives], (*QUERIES, *GUIDELINES[guidelines]))
    groups = classification.alike()
    results = {}
    for first, _ in representatives:
        answer = shaped[first.iri]
        for patient in groups[first.id]:
            results[patient.id] = _for_patient(answer, first, patient, ontology)
    return {
        "ontology_version": ontology.version,
        "reasoner": classification.reasoner,
        "notice": NOTICE,
        "results": [results[patient.id] for patient in classification.patients],
        "errors": [error.as_json() for error in errors],
    }


def _for_patient(shaped: Answer, first: Patient, patient: Patient, ontology: Ontology) -> Answer:
    """A profile's answer for one of its patients: with the patient's own id and numbers."""
    answer = {**shaped, "patient": patient.id}
    asked = ontology.thresholded
    own = {f.property: f for f in patient.facts if f.property in asked}
    changed = {f: own[f.property] for f in first.facts if f.property in own and own[f.property] != f}
    if not changed:
        return answer
    phrase = {words(old, ontology): words(new, ontology) for old, new in changed.items()}
    numbers = {entry(new, ontology).path: json_number(str(new.value)) for new in changed.values()}

    def renumber(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            if value.keys() == {"path", "value"}:
                return {**value, "value": numbers.get(value["path"], value["value"])}
            return {k: renumber(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [phrase.get(v, v) if key == "because" else renumber(v) for v in value]
        return value

    for key in ("presentations", "undetermined", "ruled_out", "contradiction", "recommendations"):
        if key in answer:
            answer[key] = renumber(answer[key])
    return answer


def _shape(graph: KnowledgeGraph, patients: Iterable[Patient], asked: Sequence[str]) -> dict[str, Answer]:
    """The answer of each patient in a graph, by the patient's IRI."""

    def rows(name: str) -> dict[str, list[PlainRow]]:
        grouped: dict[str, list[PlainRow]] = {}
        for row in queries.ask(graph, name).plain():
            grouped.setdefault(str(row["patient"]), []).append(row)
        return grouped

    found = {name: rows(name) for name in asked}
    return {
        p.iri: _result(p.id, {name: by_patient.get(p.iri, []) for name, by_patient in found.items()})
        for p in patients
    }


def _result(patient: str, rows: Mapping[str, list[PlainRow]]) -> Answer:
    criteria = _criteria(rows["criteria"])
    labels = {str(row["presentation"]): row["label"] for row in rows["presentations"]}
    met = [str(row["presentation"]) for row in rows["presentations"] if row["state"] == "met"]
    open_ = [str(row["presentation"]) for row in rows["presentations"] if row["state"] == "open"]
    missing = _grouped(rows["missing"], "presentation")
    names = {p: [str(row["key"] or row["missing"]) for row in missing.get(p, [])] for p in open_}
    fitting = {row["guideline"] for row in rows["presentations"] if row["state"] == "met"}
    answer: Answer = {
        "patient": patient,
        "status": rows["status"][0]["status"],
        "presentations": [{"id": p, "label": labels[p], "criteria": criteria[p]} for p in met],
        "options": _options(rows),
        "undetermined": [
            {"presentation": p, "label": labels[p], "missing": sorted(names[p]), "criteria": criteria[p]}
            for p in open_
        ],
        "ruled_out": _ruled_out(rows["ruled-out"], criteria),
        "missing": sorted({name for chosen in names.values() for name in chosen}),
        "conflicts": [_conflict(row) for row in rows["conflicts"]],
        "alerts": [
            {"id": alert, "kind": group[0]["kind"], "label": group[0]["label"], "text": group[0]["text"]}
            | {"sources": _distinct(group, "source")}
            for alert, group in _grouped(rows["alerts"], "alert").items()
        ],
        "next_steps": [
            {"id": step, "label": group[0]["label"], "text": group[0]["text"]}
            | {"sources": _distinct(group, "source")}
            for step, group in _grouped(rows["next-steps"], "step").items()
        ],
        "caveats": [{"about": row["about"], "text": row["caveat"]} for row in rows["caveats"]],
        "distinctions": [
            {"intervention": row["intervention"], "label": row["label"]}
            | {"text": f"{row['meaning']} {row['difference']}"}
            for row in rows["interventions-to-tell-apart"]
        ],
        "guidelines_without_match": sorted(
            {str(row["guideline"]) for row in rows["presentations"]} - {str(g) for g in fitting}
        ),
    }
    if "recommendations" in rows:
        answer["conflicts"] += [_guideline_conflict(row) for row in rows["guideline-conflicts"]]
        answer["recommendations"] = _recommendations(rows)
        answer["disagreements"] = _disagreements(rows["disagreements-of-patients"])
    if rows["clashes"]:
        answer["contradiction"] = [
            [{"path": row["path"], "value": _value(row)} for row in group]
            for group in _grouped(rows["clashes"], "clash").values()
        ]
    return answer


def _value(row: PlainRow) -> str | int | float:
    """A recorded value as JSON: a number where a measurement or the age was recorded."""
    value, path = str(row["value"]), str(row["path"])
    return json_number(value) if path.startswith("/measurements/") or path == "/age_years" else value


def json_number(text: str) -> int | float:
    """A decimal as a JSON number, whole where it is whole.

    >>> json_number("7.0"), json_number("0.55")
    (7, 0.55)
    """
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else float(number)


def _grouped(rows: Iterable[PlainRow], key: str) -> dict[str, list[PlainRow]]:
    groups: dict[str, list[PlainRow]] = {}
    for row in rows:
        groups.setdefault(str(row[key]), []).append(row)
    return groups


def _distinct(rows: Iterable[PlainRow], key: str) -> list[str]:
    return list(dict.fromkeys(str(row[key]) for row in rows if row[key] is not None))


def _criteria(rows: Iterable[PlainRow], of: str = "presentation") -> dict[str, list[Answer]]:
    """The criteria of each presentation or group in their order, with the facts behind each state."""
    found: dict[str, list[Answer]] = {}
    for described, group in _grouped(rows, of).items():
        found[described] = [
            {
                "id": criterion,
                "label": facts[0]["label"],
                "state": facts[0]["state"],
                "because": _distinct(facts, "because"),
            }
            for criterion, facts in _grouped(group, "criterion").items()
        ]
    return found


def _options(rows: Mapping[str, list[PlainRow]]) -> list[Answer]:
    """The rated options, most appropriate first; one for each presentation and intervention."""
    present = _grouped([r for r in rows["contraindications"] if r["state"] == "present"], "intervention")
    unassessed = _grouped(rows["unassessed-contraindications"], "intervention")
    options = []
    for statement, group in _grouped(rows["options"], "statement").items():
        first = group[0]
        intervention = str(first["intervention"])
        option: Answer = {
            "intervention": intervention,
            "label": first["interventionLabel"],
            "presentation": first["presentation"],
            "rating": first["rating"],
            "rank": json_number(str(first["rank"])),
            "contraindication": first["contraindication"],
            "guideline": first["guideline"],
            "rationale": first["rationale"],
            "evidence": _distinct(group, "evidence"),
            "source": first["source"],
            "locator": first["locator"],
            "verification": first["verification"],
            "statement": statement,
        }
        if first["contraindication"] in ("absolute", "relative"):
            option["contraindications"] = [
                {key: row[key] for key in ("condition", "strength", "grading", "source")}
                for row in present.get(intervention, [])
            ]
        if first["contraindication"] in ("relative", "not-assessed"):
            option["unassessed"] = _distinct(unassessed.get(intervention, []), "condition")
        options.append(option)
    return options


def _ruled_out(rows: Iterable[PlainRow], criteria: Mapping[str, list[Answer]]) -> list[Answer]:
    found = []
    for presentation, group in _grouped(rows, "presentation").items():
        failed = _distinct(group, "criterion")
        because = next(c["because"] for c in criteria[presentation] if c["id"] == failed[0])
        found.append(
            {
                "presentation": presentation,
                "label": group[0]["label"],
                "criterion": failed[0],
                "criteria": failed,
                "because": because,
            }
        )
    return found


def _pair(row: PlainRow, column: str) -> list[str | None]:
    """What a row says of one statement and of the other."""
    return [row[column], row["other" + column[0].upper() + column[1:]]]


def _conflict(row: PlainRow, *, rating: str = "rating", group: str = "presentation") -> Answer:
    """Two statements that differ; the columns of their ratings and groups vary by query."""
    return {
        "intervention": row["intervention"],
        "label": row["label"],
        "statements": _pair(row, "statement"),
        "ratings": _pair(row, rating),
        "presentations": _pair(row, group),
        "guidelines": _pair(row, "guideline"),
        "sources": _pair(row, "source"),
    }


def _guideline_conflict(row: PlainRow) -> Answer:
    conflict = _conflict(row, rating="direction", group="group")
    return conflict | {"kind": row["kind"], "texts": _pair(row, "says")}


def _recommendations(rows: Mapping[str, list[PlainRow]]) -> list[Answer]:
    """What other sources say: what applies, what is open, and what a newer edition superseded."""
    criteria = _criteria(rows["population-criteria-of-patients"], "group")
    found = []
    for statement, group in _grouped(rows["recommendations"], "statement").items():
        first = group[0]
        recommendation: Answer = {
            "statement": statement,
            "state": first["state"],
            "guideline": first["guideline"],
            "guideline_label": first["guidelineLabel"],
            "intervention": first["intervention"],
            "label": first["interventionLabel"],
            "direction": first["direction"],
            "grade": first["grade"],
            "scale": first["scale"],
            "text": first["text"],
            "population": first["group"],
            "population_label": first["groupLabel"],
            "criteria": criteria[str(first["group"])],
            "contraindication": first["contraindication"],
            "verification": first["verification"],
            "source": first["source"],
            "locator": first["locator"],
        }
        optional = {"qualification": first["qualification"], "rather_than": first["ratherThan"]}
        recommendation |= {key: value for key, value in optional.items() if value is not None}
        if superseded := _distinct(group, "supersededBy"):
            recommendation |= {"state": "superseded", "superseded_by": superseded}
        found.append(recommendation)
    return found


def _disagreements(rows: Iterable[PlainRow]) -> list[Answer]:
    return [
        {
            "id": disagreement,
            "label": group[0]["label"],
            "text": group[0]["text"],
            "statements": [
                {"statement": row["statement"], "text": row["says"]}
                | {"guideline": row["guideline"], "source": row["source"]}
                for row in group
            ],
        }
        for disagreement, group in _grouped(rows, "disagreement").items()
    ]


def exit_status(answer: Answer) -> int:
    """The exit status that an answer calls for: 1 input refused, 3 a contradiction, else 0."""
    if answer["errors"]:
        return 1
    return 3 if any(result["status"] == "contradictory" for result in answer["results"]) else 0
