"""The article, claim by claim: each has a query that answers it, and none of its sentences is copied.

The article's text is not kept here. ``article_shingles.txt`` holds a truncated hash of each run of eight of
its words, which is enough to find a copied run and too little to read the article.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from dvt_kg import HermiT, KnowledgeGraph, Ontology, ask, classify, read_records
from dvt_kg.ontology import RdfTerm, data_dir, local_name

from .records import changed

HERE = Path(__file__).parent
CLAIMS = HERE / "article_claims.csv"
SHINGLES = frozenset((HERE / "article_shingles.txt").read_text(encoding="utf-8").split())
RUN = 8
TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")

SECTIONS = {
    "introduction": 8,
    "who fits": 40,
    "considerations": 17,
    "why anticoagulation alone": 31,
    "what comes next": 30,
    "pitfalls": 15,
    "related topics": 3,
    "questions": 32,
}
"""The article's sections in its order, each with how many rows of the table walk it."""

DAYS = {"symptom-duration-days": 7}
UNKNOWN = "unknown"
PATIENTS: list[dict[str, Any]] = [
    changed(
        "introduction",
        {"leg-swelling": "present", "leg-pain": "present", "may-thurner-configuration": UNKNOWN},
        thrombus={"present": ["external-iliac-vein"], "side": "left", "confirmed_by": "duplex-ultrasound"},
        measurements=DAYS,
        sex=None,
    ),
    changed("fourteen-days", measurements={"symptom-duration-days": 14}),
    changed("common-femoral", thrombus={"present": ["common-femoral-vein"]}),
    changed("common-iliac", thrombus={"present": ["common-iliac-vein"]}),
    changed("femoral", thrombus={"present": ["femoral-vein"], "absent": ["iliofemoral-vein"]}),
    changed("limited", {"fully-ambulatory": UNKNOWN, "mobility-limitation": "present"}),
    changed("cyanotic", {"skin-discoloration": UNKNOWN, "cyanosis": "present"}),
    changed("pale", {"skin-discoloration": UNKNOWN, "pallor": "present"}),
    changed("painful", {"severe-leg-pain": "present"}),
    changed("tense", {"tense-edema": "present"}),
    changed("cancer", {"altering-comorbidity": UNKNOWN, "active-cancer": "present"}),
    changed("hypercoagulable", {"altering-comorbidity": UNKNOWN, "hypercoagulable-state": "present"}),
    changed("forbidden", {"altering-comorbidity": UNKNOWN, "active-major-bleeding": "present"}),
    changed("cerulea", {"skin-discoloration": UNKNOWN, "phlegmasia-cerulea-dolens": "present"}),
    changed("alba", {"skin-discoloration": UNKNOWN, "phlegmasia-alba-dolens": "present"}),
    changed("compressed", {"may-thurner-configuration": "present"}),
    changed("underestimated", {"tense-edema": "present"}),
    changed(
        "neglected",
        {
            "follow-up-scheduled": "absent",
            "adherence-education-given": "absent",
            "compression-stockings-offered": "absent",
        },
        measurements={**DAYS, "anticoagulation-days": 1},
    ),
    changed("improving", {"symptoms-improving": "present"}, measurements={**DAYS, "anticoagulation-days": 3}),
    changed(
        "worsening",
        {"symptoms-worsening": "present", "tense-edema": "present"},
        measurements={**DAYS, "anticoagulation-days": 2},
    ),
    changed(
        "persistent",
        {"symptoms-persistent": "present"},
        measurements={"symptom-duration-days": 120, "anticoagulation-days": 110},
    ),
]


def claims() -> list[dict[str, str]]:
    with CLAIMS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def parameters(claim: dict[str, str]) -> dict[str, str]:
    """The parameters of a row, written as name=value;name=value."""
    return dict(pair.split("=", 1) for pair in claim["parameters"].split(";") if pair)


def says(found: RdfTerm | None, expected: str) -> bool:
    """Whether a cell is the expected term, value or word, or its text holds the expected words."""
    if isinstance(found, ox.Literal):
        return found.value == expected or (" " in expected and expected in found.value)
    return found is not None and local_name(found) == expected


@pytest.fixture(scope="module")
def graph(ontology: Ontology, reasoner: HermiT) -> KnowledgeGraph:
    reading = read_records(PATIENTS, ontology)
    assert not reading.errors
    return classify(reading.patients, reasoner).graph()


def answers(graph: KnowledgeGraph, claim: dict[str, str]) -> bool:
    """Whether one row of the query has every expected cell; several columns are parted by a bar."""
    wanted = dict(zip(claim["column"].split("|"), claim["expected"].split("|"), strict=True))
    rows = ask(graph, claim["query"], **parameters(claim))
    assert set(wanted) <= set(rows.variables)
    return any(all(says(row[column], text) for column, text in wanted.items()) for row in rows)


def test_every_section_of_the_article_is_walked_in_its_order() -> None:
    found = [claim["section"] for claim in claims()]
    assert list(dict.fromkeys(found)) == list(SECTIONS)
    assert Counter(found) == SECTIONS
    assert len(found) == 176


def test_no_two_claims_are_answered_by_the_same_words() -> None:
    rows = claims()
    assert len({claim["claim"] for claim in rows}) == len(rows)
    cells = ("query", "parameters", "column", "expected")
    assert [x for x, n in Counter(tuple(c[k] for k in cells) for c in rows).items() if n > 1] == []


@pytest.mark.parametrize("claim", claims(), ids=lambda c: c["claim"])
def test_each_claim_of_the_article_is_answered(graph: KnowledgeGraph, claim: dict[str, str]) -> None:
    assert answers(graph, claim)


def test_without_the_article_s_statements_its_claims_go_unanswered(ontology: Ontology) -> None:
    graph = KnowledgeGraph(ontology)
    source = ox.NamedNode("http://purl.org/dc/terms/source")
    article = ox.NamedNode("https://w3id.org/dvt-kg#article-2026")
    kinds = {"Claim", "Consideration", "Question", "Recommendation", "Alert", "NextStep"}
    said = [
        quad.subject
        for quad in graph.store.quads_for_pattern(None, source, article)
        if isinstance(quad.subject, ox.NamedNode)
        and kinds & {local_name(k) for k in ontology.objects(quad.subject, TYPE)}
    ]
    assert len(said) > 70
    removed = [quad for node in said for quad in graph.store.quads_for_pattern(node, None, None)]
    rows = [
        claim
        for claim in claims()
        if claim["query"]
        in {"claims", "considerations", "questions-and-answers", "workflow", "recommendations-in-general"}
    ]
    assert all(answers(graph, claim) for claim in rows)
    for quad in removed:
        graph.store.remove(quad)
    assert [claim["claim"] for claim in rows if answers(graph, claim)] == []


def runs(text: str) -> list[str]:
    """Every run of eight words, in lower case and without punctuation."""
    words = re.findall(r"[^\W_]+", re.sub("['\u2019]", "", text.lower()))
    return [" ".join(words[i : i + RUN]) for i in range(len(words) - RUN + 1)]


def hashed(run: str) -> str:
    return hashlib.sha256(run.encode()).hexdigest()[:16]


def copied(text: str, shingles: frozenset[str] = SHINGLES) -> list[str]:
    return [run for run in runs(text) if hashed(run) in shingles]


def test_the_hashes_of_the_article_are_all_there() -> None:
    lines = (HERE / "article_shingles.txt").read_text(encoding="utf-8").split()
    assert len(lines) == 1948
    assert lines == sorted(set(lines))
    assert all(re.fullmatch(r"[0-9a-f]{16}", line) for line in lines)


def test_a_copied_run_of_eight_words_is_found_whatever_its_punctuation() -> None:
    planted = "Nobody wrote this: a sentence of eight words"
    shingles = SHINGLES | {hashed(planted.lower().replace(":", ""))}
    assert copied(f"It says ({planted.upper()}!) and more.", shingles)
    assert not copied("Nobody wrote this: a sentence of nine words", shingles)


def test_no_run_of_eight_words_of_the_article_stands_in_the_ontology() -> None:
    found = {}
    literals = 0
    for file in sorted(data_dir("ontology").glob("*.ttl")):
        store = ox.Store()
        store.load(path=str(file), format=ox.RdfFormat.TURTLE)
        for quad in store:
            if isinstance(quad.object, ox.Literal):
                literals += 1
                if runs_found := copied(quad.object.value):
                    found[file.name, str(quad.subject)] = runs_found
    assert literals > 4500
    assert found == {}


def test_no_run_of_eight_words_of_the_article_stands_in_the_table_of_claims_or_the_queries() -> None:
    assert [x for claim in claims() for x in copied(" | ".join(claim.values()))] == []
    assert [x for file in data_dir("queries").rglob("*.rq") for x in copied(file.read_text("utf-8"))] == []
