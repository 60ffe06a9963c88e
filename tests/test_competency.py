"""The competency questions: each file of queries/competency is asked of the ontology and the reasoner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import yaml

from dvt_kg import HermiT, KnowledgeGraph, Ontology, Query, ask, catalogue, classify, explained, read_records
from dvt_kg.checks import violation_queries
from dvt_kg.graph import ONTOLOGY
from dvt_kg.ontology import PREFIXES, data_dir
from dvt_kg.patients import PATIENT_IRI
from dvt_kg.queries import parse

Question = dict[str, Any]

FILES = sorted((data_dir("queries") / "competency").iterdir())
QUESTIONS: dict[str, Question] = {f.stem: yaml.safe_load(f.read_text(encoding="utf-8")) for f in FILES}
PAGE = Path(__file__).parents[1] / "docs" / "competency-questions.md"
COUNT = 79
ASKED = {"question", "kind", "query", "parameters", "records", "columns", "rows"}
SHAPES = (
    ASKED,
    ASKED - {"records"} | {"insert"},
    {"question", "kind", "records", "refused"},
    {"question", "kind", "records", "contradiction"},
)

each_question = pytest.mark.parametrize("name", QUESTIONS)


def kinds(kind: str) -> list[str]:
    return [name for name, question in QUESTIONS.items() if question["kind"] == kind]


def query_of(question: Question) -> Query:
    """The query of a question: of the catalogue, of the quality queries, or its own."""
    name = str(question["query"])
    if name.startswith("qc/"):
        return violation_queries()[name.removeprefix("qc/") + "-violation"]
    return catalogue()[name] if name in catalogue() else parse(name, "a question's own")


def ask_for(graph: KnowledgeGraph, question: Question) -> list[list[str | None]]:
    """The columns of a question as local names and texts; patients are named by their ids."""
    rows = ask(graph, query_of(question), **question["parameters"]).plain()
    return [[v and v.removeprefix(PATIENT_IRI) for v in map(row.get, question["columns"])] for row in rows]


def described(question: Question) -> str:
    """What answers a question, for the page."""
    if "refused" in question:
        return "the reading of records"
    if "contradiction" in question:
        return "`clashes`"
    name = str(question["query"])
    return "a query of its own" if "\n" in name else f"`{name}`"


def page() -> str:
    """The page that lists the questions."""
    lines = [
        "# Competency questions",
        "",
        f"The {len(QUESTIONS)} questions that the ontology, the reasoner and the queries must answer: the",
        "specification of what dvt-kg is for. Each is a file of `queries/competency` with its records, its",
        "query and the whole answer that is expected; `tests/test_competency.py` runs them all and",
        "generates this page. A *lookup* reads the ontology, an *inference* classifies patients first, and",
        "an *error* gives bad or contradictory data, which must be found out.",
        "",
        "| number | question | kind | query |",
        "|---|---|---|---|",
    ]
    for name, question in QUESTIONS.items():
        cells = (name[:2], question["question"], question["kind"], described(question))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def test_there_are_as_many_questions_as_were_written_of_each_kind() -> None:
    assert len(FILES) == COUNT >= 40
    assert len(kinds("inference")) >= 12
    assert len(kinds("error")) >= 8
    assert len(kinds("lookup") + kinds("inference") + kinds("error")) == COUNT


def test_the_numbers_run_without_a_gap() -> None:
    assert [name[:3] for name in QUESTIONS] == [f"{n:02}-" for n in range(1, COUNT + 1)]
    assert {file.suffix for file in FILES} == {".yaml"}


def test_no_question_is_asked_twice() -> None:
    assert len({question["question"] for question in QUESTIONS.values()}) == COUNT


@each_question
def test_each_file_is_written_in_the_one_form(name: str) -> None:
    question = QUESTIONS[name]
    assert set(question) in SHAPES
    assert question["question"].endswith("?")
    assert "\n" not in question["question"]
    if "rows" in question:
        assert 1 <= len(question["rows"]) <= 15
        assert all(len(row) == len(question["columns"]) for row in question["rows"])
        assert all(cell is None or isinstance(cell, str) for row in question["rows"] for cell in row)
        assert bool(question.get("records")) or question["kind"] != "inference"


@each_question
def test_each_question_is_answered_as_expected(name: str, ontology: Ontology, reasoner: HermiT) -> None:
    question = QUESTIONS[name]
    reading = read_records(question.get("records", []), ontology)
    errors = [{k: getattr(e, k) for k in ("record", "field", "nearest")} for e in reading.errors]
    assert errors == question.get("refused", [])
    if "refused" in question:
        assert len(reading.patients) == len(question["records"]) - len(errors)  # the good ones are kept
        return
    if "contradiction" in question:
        paths = [[path] for path in question["contradiction"]]
        question = question | {"query": "clashes", "parameters": {}, "columns": ["path"], "rows": paths}
    graph = KnowledgeGraph(ontology)
    if reading.patients:
        classification = classify(reading.patients, reasoner)
        explaining = "explanation" in query_of(question).tags
        graph = explained(classification) if explaining else classification.graph()
    if "insert" in question:
        assert ask_for(graph, question) == []
        prefixes = "".join(f"@prefix {prefix}: <{iri}> .\n" for prefix, iri in PREFIXES.items())
        quads = ox.parse(prefixes + question["insert"], format=ox.RdfFormat.TURTLE)
        graph.add(ONTOLOGY, (quad.triple for quad in quads))
    assert ask_for(graph, question) == question["rows"]


def test_the_page_of_questions_is_the_one_that_is_generated() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
