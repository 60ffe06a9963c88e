"""The site in a real browser, opened from disk: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from dvt_kg import Ontology, docs

PHONE, DESK = (390, 844), (1280, 900)
SMALLEST = 9.5  # CSS pixels of a letter in a picture


@pytest.fixture(scope="module")
def site(ontology: Ontology, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    docs(folder, ontology)
    return folder


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def opened(browser: Browser, request: pytest.FixtureRequest) -> Iterator[tuple[Page, list[str], list[str]]]:
    """A page with what it complained of and what it asked of elsewhere."""
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height})
    page, complaints, requests = context.new_page(), [], []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda r: complaints.append(f"failed: {r.url}"))
    page.on("request", lambda r: requests.append(r.url))
    yield page, complaints, requests
    context.close()


def test_every_page_opens_without_complaint_or_outside_request_and_fits_its_width(
    site: Path, opened: tuple[Page, list[str], list[str]]
) -> None:
    page, complaints, requests = opened
    files = sorted(site.rglob("*.html"))
    assert len(files) > 100
    wide = []
    for file in files:
        page.goto(file.as_uri())
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wide.append(file.name)
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert wide == []


@pytest.mark.parametrize("name", ["matrix", "pathway"])
def test_the_pictures_letters_are_large_enough_to_read(
    site: Path, opened: tuple[Page, list[str], list[str]], name: str
) -> None:
    page, _, _ = opened
    page.goto((site / f"{name}.html").as_uri())
    image = page.locator("figure img")
    chosen = image.evaluate("i => i.currentSrc")
    shown = image.evaluate("i => i.getBoundingClientRect().width / i.naturalWidth")
    narrow = page.viewport_size is not None and page.viewport_size["width"] < 600
    assert chosen.endswith(f"{name}{'-narrow' if narrow else ''}.svg")
    page.goto(chosen)
    sizes = page.evaluate(
        "[...document.querySelectorAll('text')].map(t => parseFloat(getComputedStyle(t).fontSize))"
    )
    scale = page.evaluate("document.documentElement.getScreenCTM().a")
    assert len(sizes) > 30
    assert min(sizes) * scale * shown >= SMALLEST
    outside = page.evaluate(
        """() => {
          const whole = document.documentElement.getBoundingClientRect();
          const cut = (b) => b.left < whole.left - 1 || b.right > whole.right + 1
            || b.top < whole.top - 1 || b.bottom > whole.bottom + 1;
          return [...document.querySelectorAll("text")]
            .filter((t) => cut(t.getBoundingClientRect())).map((t) => t.textContent);
        }"""
    )
    assert outside == []


def test_a_term_is_found_by_its_words(site: Path, opened: tuple[Page, list[str], list[str]]) -> None:
    page, complaints, _ = opened
    page.goto((site / "terms" / "index.html").as_uri())
    page.get_by_label("Find a term").fill("tense edema")
    shown = page.locator("#all li:visible")
    assert shown.count() == 1
    shown.locator("a").click()
    assert page.url.endswith("Finding.html#tense-edema")
    assert page.locator("#tense-edema").is_visible()
    assert complaints == []


def test_the_front_page_leads_by_keyboard_to_a_presentation(
    site: Path, opened: tuple[Page, list[str], list[str]]
) -> None:
    page, _, _ = opened
    page.goto((site / "index.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.keyboard.press("Enter")
    page.get_by_role("link", name="ACR 2020, variant 1", exact=False).first.focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("heading", level=1).inner_text().startswith("ACR 2020, variant 1")
