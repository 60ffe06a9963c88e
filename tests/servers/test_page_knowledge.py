"""The page's tabs on the knowledge in a real browser: questions in SPARQL, and the terms."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from dvt_kg import Ontology, catalogue, read
from dvt_kg.ontology import NAMESPACE
from tests.servers.browsing import Watched, watched
from tests.servers.serving import PATIENTS, Served

NAMED = """PREFIX dvt: <https://w3id.org/dvt-kg#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
"""
PRESENTATIONS = NAMED + "SELECT ?p ?label WHERE { ?p a dvt:Presentation ; rdfs:label ?label } ORDER BY ?p"


@pytest.fixture
def seen(browser: Browser, served: Served) -> Iterator[Watched]:
    with watched(browser, served.url) as found:
        yield found


def editor(page: Page) -> Locator:
    return page.get_by_role("textbox", name="SPARQL query")


def run(page: Page, query: str) -> None:
    """Type a query over what the editor holds and run it by keyboard."""
    editor(page).click()
    page.keyboard.press("Control+A")
    page.keyboard.type(query[0])
    page.keyboard.insert_text(query[1:])
    page.keyboard.press("Control+Enter")


def column(page: Page, number: int) -> list[str]:
    return list(page.locator(f"#results tbody td:nth-child({number})").all_inner_texts())


def test_every_query_of_the_catalogue_is_offered_with_its_question(seen: Watched) -> None:
    page = seen.open("#sparql")
    page.locator(".query").first.wait_for()
    offered = page.locator(".query").evaluate_all(
        "qs => qs.map((q) => [q.dataset.query, q.children[0].textContent])"
    )
    known = {name: query.summary for name, query in catalogue().items()}
    assert dict(offered) == known
    assert len(offered) == len(known)


def test_a_query_of_the_catalogue_is_found_shown_run_sorted_and_saved(seen: Watched) -> None:
    page = seen.open("#sparql")
    page.get_by_label("Find a question").fill("status")
    page.locator('[data-query="status"]').click()
    expect(page.locator("#about-query")).to_contain_text(catalogue()["status"].summary)
    expect(page.locator("#ran")).to_contain_text("is in the editor")
    expect(editor(page)).to_contain_text("dvt:status")
    page.get_by_role("button", name="Run").click()
    number = len(read([PATIENTS]).patients)
    expect(page.locator("#ran")).to_contain_text(f"{number} rows")
    first = column(page, 1)
    assert len(first) == number > 2
    head = page.get_by_role("columnheader", name="patient")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert column(page, 1) == sorted(first)
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert column(page, 1) == sorted(first, reverse=True)
    with page.expect_download() as saving:
        page.get_by_role("button", name="Download CSV").click()
    rows = list(csv.DictReader(io.StringIO(saving.value.path().read_text(encoding="utf-8"))))
    assert sorted(row["patient"].removeprefix("urn:dvt-kg:patient:") for row in rows) == sorted(
        name.removeprefix("patient:") for name in first
    )


def test_a_query_of_one_s_own_runs_by_keyboard_and_its_terms_lead_to_their_pages(seen: Watched) -> None:
    page = seen.open("#sparql")
    run(page, PRESENTATIONS)
    expect(page.locator("#ran")).to_contain_text("9 rows")
    page.get_by_role("link", name="dvt:acr-2020-iliofemoral-1").click()
    expect(page.locator("[data-term]")).to_have_text(
        "ACR 2020, variant 1: acute iliofemoral DVT, mild symptoms"
    )
    page.go_back()
    expect(page.locator("#ran")).to_be_visible()


def test_a_broken_query_shows_what_the_server_says_of_it(seen: Watched) -> None:
    page = seen.open("#sparql")
    run(page, "SELECT ?x WHERE { ?x ")
    expect(page.get_by_role("alert")).not_to_be_empty()
    assert page.locator("#results table").count() == 0
    seen.complaints.clear()  # the browser itself logs the 400


def test_a_question_of_yes_or_no_is_answered_in_a_word(seen: Watched) -> None:
    page = seen.open("#sparql")
    run(page, NAMED + "ASK { dvt:tense-edema a dvt:Finding }")
    expect(page.locator("#results .status")).to_have_text("Yes")


@pytest.mark.parametrize(
    "query",
    [
        "CONSTRUCT { ?s dvt:partOf ?o } WHERE { ?s dvt:partOf ?o FILTER(?o = dvt:skin-discoloration) }",
        "SELECT ?s ?p ?o WHERE { VALUES ?p { dvt:partOf } ?s ?p ?o FILTER(?o = dvt:skin-discoloration) }",
    ],
)
def test_triples_are_drawn_as_a_graph_and_listed_besides(seen: Watched, query: str) -> None:
    page = seen.open("#sparql")
    run(page, NAMED + query)
    graph = page.locator("svg.graph")
    graph.wait_for()
    titles = graph.locator("a.box title").evaluate_all("ts => ts.map((t) => t.textContent)")
    names = ("cyanosis", "pallor", "skin-discoloration")
    assert sorted(titles) == [NAMESPACE + name for name in names]
    assert graph.locator(".line").count() == 2
    assert sorted(column(page, 1)) == ["dvt:cyanosis", "dvt:pallor"]
    overlap = graph.locator("rect").evaluate_all(
        """rects => { const boxes = rects.map((r) => r.getBoundingClientRect());
          return boxes.some((a, i) => boxes.some((b, j) => i < j
            && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)); }"""
    )
    assert not overlap


def test_data_are_never_taken_for_markup(seen: Watched) -> None:
    page = seen.open("#sparql")
    run(page, 'SELECT ("<img src=x onerror=alert(1)><b>bold</b>" AS ?x) WHERE {}')
    expect(page.locator("#results td")).to_have_text("<img src=x onerror=alert(1)><b>bold</b>")
    assert page.locator("#results td img, #results td b").count() == 0


def test_the_editor_colours_a_query_and_is_left_by_escape_and_tab(seen: Watched) -> None:
    page = seen.open("#sparql")
    run(page, PRESENTATIONS)
    colours = editor(page).locator("span").evaluate_all("s => s.map((e) => getComputedStyle(e).color)")
    assert len(set(colours)) >= 3
    editor(page).press("Tab")
    expect(editor(page)).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Run")).to_be_focused()
    expect(page.locator("#sparql-body")).to_contain_text("Escape and then Tab leaves the editor")


def test_a_term_is_found_by_words_and_leads_to_what_is_stated_of_it(
    seen: Watched, ontology: Ontology
) -> None:
    page = seen.open("#terms")
    expect(page.locator(".terms li").first).to_be_visible()
    page.get_by_label("Words of its name").fill("tense edema")
    expect(page.locator("#terms-body .filter").get_by_role("status")).to_contain_text("term")
    page.get_by_role("link", name="tense edema", exact=True).click()
    expect(page.locator("[data-term]")).to_be_focused()
    definition = next(term.definition for term in ontology.terms if term.name == "tense-edema")
    expect(page.locator("#terms .answer")).to_contain_text(definition)
    assert page.url.endswith("#terms/tense-edema")
    page.locator(".statements").first.get_by_role("link", name="moderate or severe symptom").click()
    expect(page.locator("[data-term]")).to_have_attribute("data-term", "moderate-or-severe-symptom")
    page.go_back()
    expect(page.locator("[data-term]")).to_have_attribute("data-term", "tense-edema")


def test_a_term_that_does_not_exist_says_so(seen: Watched) -> None:
    page = seen.open("#terms/no-such-term")
    expect(page.get_by_role("heading", name="no-such-term")).to_be_visible()
    expect(page.locator("#terms").get_by_role("alert")).to_contain_text("no term")
    seen.complaints.clear()  # the browser itself logs the 404
