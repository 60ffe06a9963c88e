from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from dvt_kg import Ontology, UsageError, catalogue, docs
from dvt_kg.cli import main
from dvt_kg.ontology import data_dir

from .pages import clicks, outside, page, target
from .test_competency import QUESTIONS

pytestmark = pytest.mark.xdist_group("site")  # one worker, so that it is written once


@pytest.fixture(scope="module")
def site(ontology: Ontology, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "deep"
    written = docs(folder, ontology)
    assert sorted(written) == sorted(path for path in folder.rglob("*") if path.is_file())
    return folder.resolve()


def htmls(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_no_link_is_dead(site: Path) -> None:
    dead = [
        (file.name, address)
        for file in htmls(site)
        for address in (*page(file).links, *page(file).loads)
        if not outside(address) and not address.startswith("data:")
        for there, anchor in [target(file, address)]
        if not there.is_file() or (anchor and anchor not in page(there).anchors)
    ]
    assert dead == []


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    assert [(f.name, load) for f in htmls(site) for load in page(f).loads if outside(load)] == []
    for file in (site / "style.css", site / "filter.js", *site.glob("*.svg")):
        text = file.read_text(encoding="utf-8")
        assert "@import" not in text
        assert "url(http" not in text
        assert "fetch(" not in text


def test_no_page_has_an_id_twice(site: Path) -> None:
    twice = {f.name: len(page(f).anchors) - len(set(page(f).anchors)) for f in htmls(site)}
    assert {name: count for name, count in twice.items() if count} == {}


def test_everything_is_within_three_clicks_of_the_front_page(site: Path, ontology: Ontology) -> None:
    away = clicks(site)
    assert set(htmls(site)) <= set(away)
    assert max(away.values()) <= 3
    # A term, a question or a source is a place on a page: the click that leads there counts too.
    places = {
        (there, anchor)
        for file, distance in away.items()
        if file.suffix == ".html" and distance <= 2
        for address in page(file).links
        if not outside(address)
        for there, anchor in [target(file, address)]
    }
    anchors = {anchor for _, anchor in places}
    pages = {there.stem for there, _ in places}
    presentations = set(ontology.individuals("Presentation"))
    assert {term.name for term in ontology.terms} - anchors - presentations == set()
    assert presentations <= pages
    assert set(catalogue()) <= pages
    assert {
        question for question in QUESTIONS if question not in page(site / "questions.html").anchors
    } == set()
    assert away[site / "questions.html"] == away[site / "sources.html"] == 1


def test_a_presentations_page_has_criteria_ratings_rationale_evidence_and_conflicts(
    site: Path, ontology: Ontology
) -> None:
    text = (site / "presentations" / "acr-2020-iliofemoral-1.html").read_text(encoding="utf-8")
    for said in (
        "symptom duration in days &lt; 14 d",
        "lacks finding moderate or severe symptom",
        "usually appropriate",
        "CaVenT, five years (2016)",
        "Guidelines that point another way",
    ):
        assert said in text
    rated = [r for r in ontology.individuals("Rating") if r.startswith("rating-acr-2020-iliofemoral-1-")]
    assert len(rated) == 4
    assert set(rated) <= set(page(site / "presentations" / "acr-2020-iliofemoral-1.html").anchors)


def test_every_source_and_query_is_shown_with_its_words(site: Path) -> None:
    shown = (site / "queries" / "index.html").read_text(encoding="utf-8")
    assert [q.name for q in catalogue().values() if f'href="{q.name}.html"' not in shown] == []
    conflicts = (site / "queries" / "conflicts.html").read_text(encoding="utf-8")
    assert '<span class="k">SELECT</span>' in conflicts
    assert len(list((data_dir("queries") / "competency").glob("*.yaml"))) == len(QUESTIONS)


def test_the_readmes_picture_says_what_the_site_says(site: Path) -> None:
    def texts(file: Path) -> list[str]:
        return re.findall(r"<text[^>]*>([^<]*)</text>", file.read_text(encoding="utf-8"))

    shown = texts(Path(__file__).parents[1] / "docs" / "matrix.svg")
    assert len(shown) > 60
    assert shown == texts(site / "matrix.svg")


def test_two_runs_write_the_same_bytes(site: Path, tmp_path: Path) -> None:
    code = f"from dvt_kg import docs, load; docs({str(tmp_path)!r}, load())"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONHASHSEED": "77"})
    for file in sorted(path for path in site.rglob("*") if path.is_file()):
        assert (tmp_path / file.relative_to(site)).read_bytes() == file.read_bytes(), file.name


def test_a_finding_added_in_turtle_has_its_place(extended: Callable[[str], Ontology], tmp_path: Path) -> None:
    ontology = extended("""
dvt:groin-pain a owl:NamedIndividual , dvt:Finding ;
    rdfs:label "groin <b>pain</b>"@en ; skos:definition "Pain of the groin."@en ;
    dcterms:source dvt:project-decision ; rdfs:isDefinedBy <https://w3id.org/dvt-kg> .
dvt:unfinished a owl:NamedIndividual , dvt:Presentation ; rdfs:label "not yet rated"@en .
""")
    docs(tmp_path, ontology)
    assert (tmp_path / "presentations" / "unfinished.html").is_file()
    assert "groin-pain" in page(tmp_path / "terms" / "Finding.html").anchors
    assert "groin &lt;b&gt;pain&lt;/b&gt;" in (tmp_path / "terms" / "Finding.html").read_text(
        encoding="utf-8"
    )


def test_the_command_names_the_page_to_open(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["docs", str(tmp_path / "site")])
    assert result.exit_code == 0
    assert result.output.strip().endswith("index.html")


def test_a_folder_that_cannot_be_written_is_one_clear_error(ontology: Ontology, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot write to"):
        docs(tmp_path / "file" / "below", ontology)
