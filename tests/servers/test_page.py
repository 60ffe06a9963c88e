"""The page in a real browser: a patient entered, the answer shown, shared, printed, and what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Route, expect

from dvt_kg import Ontology, classify, read_records, recommend
from dvt_kg.form import examples, form
from tests.servers.browsing import DESK, NARROW, Watched, expected, fragment, record_of, sentences, watched
from tests.servers.serving import Served, serving
from tests.test_cases import CASES, NUMBER

ARTICLE = json.loads(
    (Path(__file__).resolve().parents[2] / "examples" / "patient.json").read_text(encoding="utf-8")
)
GRAVE = ("serious", "critical")


@pytest.fixture
def seen(browser: Browser, served: Served) -> Iterator[Watched]:
    with watched(browser, served.url) as found:
        yield found


@pytest.fixture(scope="module")
def made(ontology: Ontology) -> dict[str, Any]:
    return form(ontology)


def answer(ontology: Ontology, *records: dict[str, Any]) -> list[dict[str, Any]]:
    reading = read_records(list(records), ontology)
    assert reading.errors == ()
    results: list[dict[str, Any]] = recommend(classify(reading.patients))["results"]
    return results


def place(page: Page, key: str) -> Locator:
    """A field of the form, with its section open."""
    field = page.locator(f'[data-field="{key}"]')
    section = page.locator("details.group", has=field)
    if section.count() and section.get_attribute("open") is None:
        section.locator("> summary").click()
    return field


def choose(page: Page, key: str, state: str) -> None:
    place(page, key).get_by_role("radio", name=state).check()


def fill(page: Page, record: dict[str, Any]) -> None:
    """Enter a record by the controls of the form, as a person does."""
    page.get_by_label("Name of the record").fill(record["id"])
    for key, state in record["findings"].items():
        choose(page, key, state)
    for state in ("present", "absent"):
        for vein in record["thrombus"][state]:
            choose(page, vein, state)
    for key, value in record["measurements"].items():
        place(page, key).get_by_role("textbox").fill(str(value))
    place(page, "age-years").get_by_role("textbox").fill(str(record["age_years"]))
    choices = {"sex": record["sex"], "recorded-severity": record["recorded_severity"]}
    choices |= {key: record["thrombus"][key.replace("-", "_")] for key in ("side", "confirmed-by")}
    for key, value in choices.items():
        place(page, key).get_by_role("combobox").select_option(value)


def agrees(seen: Watched, result: dict[str, Any], made: dict[str, Any]) -> None:
    """The page shows a result, part by part and in words."""
    shown = seen.shown()
    text = shown.pop("text")
    assert shown == expected(result, [rating["id"] for rating in made["ratings"]])
    assert [sentence for sentence in sentences(result) if sentence not in text] == []


def test_the_article_s_patient_is_entered_field_by_field_and_answered(
    seen: Watched, ontology: Ontology, made: dict[str, Any]
) -> None:
    page = seen.open()
    expect(page.locator("[data-status]")).to_have_attribute("data-status", "indeterminate")
    fill(page, ARTICLE)
    seen.settle()
    assert seen.record() == ARTICLE
    agrees(seen, answer(ontology, ARTICLE)[0], made)
    expect(page.get_by_role("status").filter(has_text="2 presentations met")).to_be_attached()
    expect(page.locator("#notice")).to_contain_text("review by a professional")


def test_the_answer_changes_with_a_fact_and_says_what_else_would_change_it(
    seen: Watched, ontology: Ontology, made: dict[str, Any]
) -> None:
    page = seen.open(fragment(ARTICLE))
    said = page.locator("[data-change]", has_text="May-Thurner configuration present").first
    expect(said).to_contain_text("variant 4")
    choose(page, "may-thurner-configuration", "present")
    expect(page.locator('[data-presentation="acr-2020-iliofemoral-4"]')).to_be_visible()
    seen.settle()
    changed = {**ARTICLE, "findings": {**ARTICLE["findings"], "may-thurner-configuration": "present"}}
    result = answer(ontology, changed)[0]
    assert result["conflicts"]
    agrees(seen, result, made)


def test_what_other_guidelines_say_is_shown_where_it_is_asked_for(
    seen: Watched, ontology: Ontology, made: dict[str, Any]
) -> None:
    page = seen.open(fragment(ARTICLE))
    assert page.locator("[data-recommendation]").count() == 0
    page.get_by_label("Also what other guidelines say").check()
    page.locator("[data-recommendation]").first.wait_for()
    reading = read_records([ARTICLE], ontology)
    result = recommend(classify(reading.patients), guidelines="all")["results"][0]
    shown = page.locator("[data-recommendation]").evaluate_all(
        "items => items.map(({ dataset: r, textContent }) => [r.recommendation, r.state, textContent])"
    )
    recommendations = {r["statement"]: r for r in result["recommendations"]}
    assert len(shown) == len(recommendations)
    for statement, state, text in shown:
        said = recommendations[statement]
        assert state == said["state"]
        words = (said["text"], said["grade"], said["source"], *said.get("superseded_by", ()))
        assert [word for word in words if word not in text] == []
    disagreements = page.locator("[data-disagreement]").evaluate_all(
        "ds => ds.map((d) => d.dataset.disagreement)"
    )
    assert disagreements == [d["id"] for d in result["disagreements"]]
    result["conflicts"].sort(key=lambda conflict: conflict.get("kind") == "partial")
    agrees(seen, result, made)


def test_something_missing_leads_to_the_field_where_it_is_recorded(seen: Watched) -> None:
    page = seen.open(fragment({"id": "x", "thrombus": {"present": ["external-iliac-vein"]}}))
    page.locator('[data-undetermined] [data-missing="may-thurner-configuration"]').first.click()
    focused = page.evaluate("document.activeElement.closest('[data-field]').dataset.field")
    assert focused == "may-thurner-configuration"
    page.keyboard.press("ArrowLeft")  # from unknown to absent
    seen.settle()
    assert seen.record()["findings"] == {"may-thurner-configuration": "absent"}
    expect(page.locator("[data-ruled-out='acr-2020-iliofemoral-4']")).to_be_attached()


def test_what_the_page_shows_of_every_case_is_what_recommend_gives(
    seen: Watched, ontology: Ontology, made: dict[str, Any]
) -> None:
    records = [case["record"] for case in CASES.values()]
    assert len(records) == NUMBER
    seen.open()
    for record, result in zip(records, answer(ontology, *records), strict=True):
        seen.load(record)
        agrees(seen, result, made)


def test_a_number_out_of_range_is_refused_at_its_field_until_it_is_mended(seen: Watched) -> None:
    page = seen.open(fragment(ARTICLE))
    field = place(page, "platelet-count")
    number = field.get_by_role("textbox")
    number.fill("18000")
    message = field.locator(".error")
    expect(message).to_contain_text("18000 is outside 0 to 5000")
    expect(number).to_have_attribute("aria-invalid", "true")
    assert message.get_attribute("id") in str(number.get_attribute("aria-describedby")).split()
    expect(page.locator("[data-status]")).to_have_attribute("data-status", "refused")
    assert page.locator("[data-option]").count() == 0
    number.fill("180")
    expect(page.locator("[data-option]").first).to_be_attached()
    expect(message).to_be_hidden()
    assert number.get_attribute("aria-invalid") is None


def test_a_refused_number_does_not_silence_a_red_flag(seen: Watched) -> None:
    record = {**REFUSED, "findings": {"phlegmasia-cerulea-dolens": "present"}}
    page = seen.open(fragment(record))
    expect(page.locator("[data-status]")).to_have_attribute("data-status", "refused")
    expect(page.locator("[data-alert]")).to_have_attribute("data-alert", "limb-threatening-ischemia-red-flag")
    seen.load({"id": "y", "measurements": {"platelet-count": 180}})
    assert page.locator("[data-alert]").count() == 0


def test_text_where_a_number_belongs_is_refused_and_never_read_as_unknown(seen: Watched) -> None:
    page = seen.open(fragment(ARTICLE))
    place(page, "symptom-duration-days").get_by_role("textbox").fill("about 7")
    expect(page.locator("[data-error='measurements/symptom-duration-days']")).to_be_visible()
    assert page.locator("[data-option]").count() == 0


def test_a_server_that_is_gone_is_named_and_asked_again(seen: Watched) -> None:
    page = seen.open(fragment(ARTICLE))
    page.route("**/recommend", lambda route: route.abort(), times=1)
    choose(page, "may-thurner-configuration", "present")
    expect(page.locator("[data-status='refused']")).to_contain_text("cannot be reached")
    assert page.locator("[data-option]").count() == 0
    page.get_by_role("button", name="Ask again").click()
    expect(page.locator("[data-presentation='acr-2020-iliofemoral-4']")).to_be_attached()
    seen.complaints.clear()  # the browser itself logs the failed request


def test_a_late_answer_to_an_earlier_record_is_dropped(seen: Watched) -> None:
    page = seen.open(fragment(ARTICLE))
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/recommend", hold, times=1)
    choose(page, "may-thurner-configuration", "present")
    page.wait_for_timeout(400)
    choose(page, "may-thurner-configuration", "absent")
    seen.settle()
    assert len(held) == 1
    assert page.locator('[data-presentation="acr-2020-iliofemoral-4"]').count() == 0
    expect(page.locator("[data-ruled-out='acr-2020-iliofemoral-4']")).to_be_attached()


def test_a_red_flag_comes_first_and_is_announced(seen: Watched) -> None:
    page = seen.open(fragment({"id": "x", "findings": {"phlegmasia-cerulea-dolens": "present"}}))
    flag = page.get_by_role("alert").filter(has_text="Red flag")
    expect(flag).to_have_attribute("data-alert", "limb-threatening-ischemia-red-flag")
    above = page.evaluate(
        "document.querySelector('[data-alert]').getBoundingClientRect().top"
        " < document.querySelector('[data-status]').getBoundingClientRect().top"
    )
    assert above


def test_a_contradiction_shows_the_facts_that_clash_and_each_leads_to_its_field(seen: Watched) -> None:
    record = {"id": "x", "thrombus": {"present": ["popliteal-vein"], "absent": ["popliteal-vein"]}}
    page = seen.open(fragment(record))
    expect(page.locator("[data-status]")).to_have_attribute("data-status", "contradictory")
    expect(place(page, "popliteal-vein").locator(".error")).to_contain_text("present and as absent")
    page.locator("[data-clash] a").first.click()
    page.keyboard.press("Space")
    seen.settle()
    assert seen.record()["thrombus"] == {"present": ["popliteal-vein"]}
    expect(page.locator("[data-status]")).not_to_have_attribute("data-status", "contradictory")


def test_a_link_carries_the_record_and_no_server_sees_it(seen: Watched) -> None:
    seen.open(fragment(ARTICLE))
    link = seen.page.evaluate("1") and seen.record() == ARTICLE and seen.page.locator("#link").input_value()
    assert record_of(link) == ARTICLE
    expect(seen.page.locator("#share")).to_contain_text("browsers do not send that part")
    other = seen.open("#" + link.partition("#")[2])
    expect(other.get_by_label("Name of the record")).to_have_value(ARTICLE["id"])
    assert seen.record() == ARTICLE
    assert other.url == f"{seen.url}/#patient"
    assert [address for address in seen.asked if "record=" in address or ARTICLE["id"] in address] == []


def test_a_link_that_was_cut_says_so(seen: Watched) -> None:
    page = seen.open(fragment(ARTICLE)[:-9])
    expect(page.locator("#record-note")).to_contain_text("cut or changed")


def test_a_record_is_saved_and_loaded_without_the_server(seen: Watched, tmp_path: Path) -> None:
    page = seen.open(fragment(ARTICLE))
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save").click()
    file = tmp_path / saving.value.suggested_filename
    saving.value.save_as(file)
    assert json.loads(file.read_text(encoding="utf-8")) == {"patients": [ARTICLE]}
    page.get_by_role("button", name="Clear").click()
    seen.settle()
    assert seen.record() == {}
    page.locator("#file").set_input_files(file)
    expect(page.get_by_label("Name of the record")).to_have_value(ARTICLE["id"])
    seen.settle()
    assert seen.record() == ARTICLE


def test_every_example_can_be_started_from(seen: Watched, ontology: Ontology) -> None:
    page = seen.open()
    for example in examples(ontology):
        page.get_by_label("Start from").select_option(label=example["label"])
        page.locator(f"#answer:not([aria-busy]) [data-patient='{example['id']}']").wait_for()
        assert seen.record() == example["record"]


def test_the_picture_is_drawn_and_can_be_saved(seen: Watched) -> None:
    page = seen.open(fragment(ARTICLE))
    page.get_by_text("Picture: from facts to options").click()
    image = page.get_by_role("img")
    image.wait_for()
    assert image.evaluate("async i => { await i.decode(); return i.naturalWidth; }") > 300
    assert "variant 1" in str(image.get_attribute("alt"))
    with page.expect_download() as saving:
        page.get_by_role("link", name="Download the picture").click()
    assert b"<svg" in saving.value.path().read_bytes()


def test_a_field_is_found_by_its_words(seen: Watched) -> None:
    page = seen.open()
    page.get_by_label("Find a field").fill("platelet count")
    expect(page.locator("#form .filter").get_by_role("status")).to_contain_text("found")
    shown = page.locator("#form [data-field]:visible")
    assert "platelet-count" in shown.evaluate_all("fields => fields.map((f) => f.dataset.field)")
    page.get_by_label("Find a field").fill("")
    expect(place(page, "leg-pain")).to_be_visible()


def test_every_control_is_reached_and_used_by_keyboard(seen: Watched, made: dict[str, Any]) -> None:
    page = seen.open()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    here = """() => { const e = document.activeElement; return [e.tagName, e.type ?? "",
      e.closest("[data-field]")?.dataset.field ?? "", e.textContent.trim(), e.closest("#answer") !== null,
      e.parentElement.open ?? null]; }"""
    buttons = []
    while True:
        page.keyboard.press("Tab")
        tag, kind, key, text, answered, open_ = page.evaluate(here)
        if answered or tag == "BODY":
            break
        if tag == "SUMMARY" and not open_:
            page.keyboard.press("Space")
        elif kind == "radio":
            page.keyboard.press("ArrowRight")  # round from unknown to present
        elif tag == "SELECT" and key:
            page.keyboard.press("ArrowDown")
        elif kind == "text" and key:
            page.keyboard.type("1")
        elif tag == "BUTTON":
            buttons.append(text)
            if key:
                page.keyboard.press("Enter")
    seen.settle()
    stops = page.locator("#answer").locator("a, button, summary, input").filter(visible=True).count()
    for reached in range(1, stops + 1):
        assert page.evaluate("document.activeElement.closest('#answer') !== null"), reached
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#answer')") is None
    assert buttons == ["Load a file", "Save", "Share", "Print", "Clear", "Now"]
    record = seen.record()
    fields = [field for group in made["groups"] for field in group["fields"]]
    of_kind = {k: {f["key"] for f in fields if f["kind"] == k} for k in ("state", "vein", "number")}
    assert set(record["findings"]) == of_kind["state"]
    assert set(record["findings"].values()) == {"present"}
    assert set(record["thrombus"]["present"]) == of_kind["vein"]
    assert set(record["measurements"]) | {"age-years"} == of_kind["number"]
    assert record.keys() >= {"id", "sex", "recorded_severity", "age_years", "assessed_at"}
    assert record["thrombus"].keys() >= {"side", "confirmed_by"}


@pytest.mark.parametrize("part", ["#patient", "#sparql", "#terms/tense-edema"])
@pytest.mark.parametrize(("size", "dark"), [(DESK, False), (DESK, True), (NARROW, False), (NARROW, True)])
def test_no_part_has_a_serious_fault_of_access_or_is_wider_than_the_screen(
    browser: Browser, served: Served, part: str, size: tuple[int, int], dark: bool
) -> None:
    with watched(browser, served.url, size, dark=dark) as seen:
        for state in STATES[part]:
            page = seen.open(state)
            if part == "#sparql":
                page.locator('[data-query="ruled-out"]').click()
                expect(page.locator("#ran")).to_contain_text("is in the editor")
                page.get_by_role("button", name="Run").click()
                page.locator("#results table").wait_for()
            elif part != "#patient":
                page.locator("[data-term]").wait_for()
            if part == "#patient":
                page.get_by_label("Also what other guidelines say").check()
                seen.settle()
            page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
            page.wait_for_load_state("networkidle")
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0], state[:20]
            found = [v for v in Axe().run(page).response["violations"] if v["impact"] in GRAVE]
            assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == []


REFUSED = {"id": "x", "measurements": {"platelet-count": 18000}}
CLASHING = {
    "id": "x",
    "thrombus": {"present": ["popliteal-vein"], "absent": ["popliteal-vein"]},
    "findings": {"phlegmasia-cerulea-dolens": "present"},
}
STATES = {
    "#patient": [
        fragment(CASES["mild-with-may-thurner"]["record"]),
        fragment(REFUSED),
        fragment(CLASHING),
        fragment(CASES["active-bleeding"]["record"]),
    ],
    "#sparql": ["#sparql"],
    "#terms/tense-edema": ["#terms/tense-edema"],
}


def test_a_printed_page_holds_the_record_and_the_whole_answer_and_no_controls(seen: Watched) -> None:
    page = seen.open(fragment(ARTICLE))
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    text = page.locator("body").inner_text()
    assert "What is recorded of mild-left-iliac" in text
    assert "tense edema absent" in text
    assert "not medical advice" in text
    assert "In ATTRACT" in text
    assert page.locator(".ask :visible, nav:visible, input:visible, select:visible").count() == 0


def test_a_token_is_asked_for_and_kept_in_memory_alone(browser: Browser) -> None:
    with serving("--workers", "1", token="a-token-of-ours") as server, watched(browser, server.url) as seen:
        page = seen.page
        page.goto(server.url)
        page.get_by_label("Bearer token").fill("a-token-of-ours")
        page.keyboard.press("Enter")
        seen.settle()
        stored = page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
        assert stored == [0, 0, ""]
        assert [address for address in seen.asked if "a-token" in address] == []
        seen.complaints.clear()  # the browser itself logs each 401
