"""The graph against a transcription of the facts by somebody who had not seen the graph.

Each table of ``facts`` holds one fact a line, with the local names of the records that hold it in the graph;
in the tables of facts the words are keys, and the numbers are those of the sources.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pyoxigraph as ox
import pytest

from dvt_kg import Ontology
from dvt_kg.ontology import dvt, local_name

Row = dict[str, str]

FACTS = Path(__file__).parent / "facts"
TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
INDIVIDUAL = ox.NamedNode("http://www.w3.org/2002/07/owl#NamedIndividual")
SOURCE = ox.NamedNode("http://purl.org/dc/terms/source")
DEFINITION = ox.NamedNode("http://www.w3.org/2004/02/skos/core#definition")
COMMENT = ox.NamedNode("http://www.w3.org/2000/01/rdf-schema#comment")

SECTIONS = {
    "1.2": 25,
    "1.3": 13,
    "1.4": 6,
    "1.5": 2,
    "3": 7,
    "4.1": 14,
    "4.2": 18,
    "4.3": 7,
    "4.4": 4,
    "4.5": 4,
    "4.6": 7,
    "4.7": 6,
    "4.8": 6,
    "4.9": 4,
    "5": 24,
}
"""The sections of the facts, each with its rows."""

TOPICS = {"1.2": "acr-2020-iliofemoral", "1.3": "acr-2013-iliofemoral", "3": "acr-2019-ivc-filter"}
UNTABLED_GUIDELINES = {"article-2026", "fpnotebook-phlegmasia"}
"""Sources of recommendations that stand elsewhere than in the tables of guidelines."""

MEASURES = {
    "RR": {"risk-ratio"},
    "OR": {"odds-ratio", "odds-ratio-per-point"},
    "HR": {"hazard-ratio"},
    "difference": {"risk-difference", "absolute-risk-reduction"},
}
"""The abbreviations of measures; another measure has its own name, or none."""
NUMBERS = {
    "estimate": ("estimate",),
    "low": ("intervalLow",),
    "high": ("intervalHigh",),
    "p": ("pValue", "interactionPValue"),
    "intervention": ("interventionPercent", "interventionValue"),
    "comparison": ("comparisonPercent", "comparisonValue"),
    "intervention_low": ("interventionPercentLow",),
    "intervention_high": ("interventionPercentHigh",),
    "comparison_low": ("comparisonPercentLow",),
    "comparison_high": ("comparisonPercentHigh",),
}
"""The columns of numbers, and the properties that hold them."""

CLAIMS = ("Claim", "Consideration", "Question")
CLINICAL = (
    "Rating",
    "Recommendation",
    "Result",
    "Threshold",
    "Contraindication",
    "Alert",
    "NextStep",
    *CLAIMS,
)


def rows(table: str) -> list[Row]:
    with (FACTS / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def names(line: Row) -> list[str]:
    return [name for name in line["record"].split(";") if name]


def values(ontology: Ontology, name: str, *properties: str) -> list[str]:
    """The values of an individual's properties: texts and numbers as written, else local names."""
    return [local_name(o) for p in properties for o in ontology.objects(dvt(name), dvt(p))]


def value(ontology: Ontology, name: str, *properties: str) -> str:
    return next(iter(values(ontology, name, *properties)), "")


def numbers(ontology: Ontology, name: str, column: str) -> set[Decimal]:
    return {Decimal(v) for v in values(ontology, name, *NUMBERS[column])}


def given(line: Row, column: str) -> set[Decimal]:
    return {Decimal(line[column])} if line[column] else set()


def months(time: str) -> Decimal:
    """The last time of a line's words, in months."""
    number, unit = re.findall(r"(\d+) (mo|y)\b", time)[-1]
    return Decimal(number) * (12 if unit == "y" else 1)


def grade(text: str) -> str:
    """A grade, empty where none is established, without the word that tells a certainty from a strength."""
    ungraded = text == "not established" or text.startswith("ungraded")
    return "" if ungraded else text.replace(" certainty", "")


def test_each_row_of_the_facts_is_in_the_graph_or_says_why_it_is_left_out(ontology: Ontology) -> None:
    table = rows("rows")
    assert Counter(line["section"] for line in table) == SECTIONS
    known = {local_name(s) for s in ontology.subjects(TYPE, INDIVIDUAL)}
    for line in table:
        records = line["records"].split(";") if line["records"] else []
        assert bool(records) != (line["left_out"] == "yes"), line
        assert bool(line["why"]) == (line["left_out"] == "yes"), line
        assert known.issuperset(records), set(records) - known
    assert sum(line["left_out"] == "yes" for line in table) == 2


@pytest.mark.parametrize("line", rows("ratings"), ids=lambda r: r["record"])
def test_a_rating_has_the_category_score_and_verification_of_the_facts(ontology: Ontology, line: Row) -> None:
    found = {p: value(ontology, line["record"], p) for p in ("category", "score", "verification")}
    assert found["score"] == line["score"] == "" or Decimal(found["score"]) == Decimal(line["score"])
    assert (found["category"], found["verification"]) == (line["category"], line["verification"])
    if line["section"] in TOPICS:
        assert value(ontology, line["record"], "ratedFor") == f"{TOPICS[line['section']]}-{line['variant']}"


@pytest.mark.parametrize("line", rows("recommendations"), ids=lambda r: f"{r['guideline']}, {r['question']}")
def test_a_recommendation_has_the_direction_grade_and_verification_of_the_facts(
    ontology: Ontology, line: Row
) -> None:
    assert names(line)
    for name in names(line):
        assert value(ontology, name, "verification") == line["verification"], name
        if name not in ontology.individuals("Claim"):
            assert value(ontology, name, "direction") == line["direction"], name
            assert grade(value(ontology, name, "grade")) == grade(line["grade"]), name


@pytest.mark.parametrize("line", rows("results"), ids=lambda r: f"{r['trial']}, {r['outcome']}")
def test_a_result_has_the_numbers_and_verification_of_the_facts(ontology: Ontology, line: Row) -> None:
    records = names(line)
    (study,) = {value(ontology, name, "resultOf") for name in records}
    assert study in {r["record"] for r in rows("trials") if r["trial"] == line["trial"]}
    assert {value(ontology, name, "verification") for name in records} == {line["verification"]}
    first = records[0]
    if line["estimate"] and not line["measure"]:  # a number that the graph holds in words
        said = " ".join(ontology.text(dvt(first), p) for p in (DEFINITION, COMMENT))
        interval = f", with an interval from {line['low']} to {line['high']}" if line["low"] else ""
        treated = f"The publication gives a number needed to treat of {line['estimate']}{interval}."
        assert (treated if "needed to treat" in line["outcome"] else f" {line['estimate']}%") in said
        return
    assert value(ontology, first, "measure") in MEASURES.get(line["measure"], {line["measure"]})
    comparators = {v for name in records for v in values(ontology, name, "pComparator")}
    assert line["p_comparator"] in comparators or value(ontology, first, "interactionPValue") or not line["p"]
    shared = sum(first in names(r) and bool(r["measure"]) for r in rows("results")) > 1
    if len(records) == 1 and not shared:
        assert {c: numbers(ontology, first, c) for c in NUMBERS} == {c: given(line, c) for c in NUMBERS}
    else:
        held = {n for name in records for c in NUMBERS for n in numbers(ontology, name, c)}
        assert held.issuperset(n for c in NUMBERS for n in given(line, c))


@pytest.mark.parametrize("line", rows("trials"), ids=lambda r: r["record"])
def test_a_study_has_the_patients_follow_up_and_doi_of_the_facts(ontology: Ontology, line: Row) -> None:
    study = line["record"]
    assert value(ontology, study, "verification") == line["verification"]
    assert value(ontology, study, "doi") == line["doi"]
    if line["n"]:
        assert Decimal(value(ontology, study, "participants")) == Decimal(line["n"])
    for role in ("intervention", "comparison"):
        arms = values(ontology, study, "hasArm")
        (arm,) = [a for a in arms if value(ontology, a, "armRole") == f"{role}-arm"] or [""]
        if line[f"n_{role}"]:
            assert Decimal(value(ontology, arm, "participants")) == Decimal(line[f"n_{role}"])
    if line["follow_up"]:
        assert Decimal(value(ontology, study, "followUpMonths")) == months(line["follow_up"])


def test_each_rating_recommendation_result_and_study_of_the_graph_is_in_a_table(ontology: Ontology) -> None:
    assert sorted(line["record"] for line in rows("ratings")) == sorted(ontology.individuals("Rating"))
    recommended = {name for line in rows("recommendations") for name in names(line)}
    for name in set(ontology.individuals("Recommendation")) - recommended:
        assert value(ontology, name, "guideline") in UNTABLED_GUIDELINES, name
    assert {name for line in rows("results") for name in names(line)} == set(ontology.individuals("Result"))
    assert sorted(line["record"] for line in rows("trials")) == sorted(ontology.individuals("Study"))


def test_each_doi_of_the_graph_is_in_the_facts(ontology: Ontology) -> None:
    quads = ontology.store.quads_for_pattern(None, dvt("doi"), None)
    assert {q.object.value for q in quads if isinstance(q.object, ox.Literal)} <= set(
        (FACTS / "dois.txt").read_text(encoding="utf-8").split()
    )


@pytest.mark.parametrize("kind", CLINICAL)
def test_each_clinical_individual_has_a_source_and_one_verification(ontology: Ontology, kind: str) -> None:
    assert ontology.individuals(kind)
    for name in ontology.individuals(kind):
        assert ontology.objects(dvt(name), SOURCE), name
        assert len(values(ontology, name, "verification")) == 1, name
