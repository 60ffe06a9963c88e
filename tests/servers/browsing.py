"""A browser's page on the server, watched: what it complains of, and what it asks of anyone else."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Route

DESK, PHONE, NARROW = (1280, 900), (390, 844), (360, 740)

# What the page shows of an answer, read from its elements in their order.
_SHOWN = """() => {
  const answer = document.querySelector("#answer");
  const all = (selector, root = answer) => [...root.querySelectorAll(selector)];
  const criteria = (root) => all("[data-because]", root).map((c) => ({
    id: c.dataset.criterion, state: c.dataset.state, because: JSON.parse(c.dataset.because) }));
  return {
    status: all("[data-status]")[0].dataset.status,
    presentations: all("[data-presentation]").map((p) => ({
      id: p.dataset.presentation, label: p.querySelector("h5").textContent, criteria: criteria(p) })),
    options: all("[data-option]").map((o) => [o.dataset.option, o.dataset.of, o.dataset.rating,
      o.dataset.contraindication, o.dataset.statement,
      all("[data-against]", o).map((a) => [a.dataset.against, a.dataset.strength]),
      all("[data-missing]", o).map((m) => m.dataset.missing)]),
    undetermined: all("[data-undetermined]").map((u) => ({
      id: u.dataset.undetermined, missing: all("[data-missing]", u).map((m) => m.dataset.missing),
      criteria: criteria(u) })),
    ruledOut: all("[data-ruled-out]").map(({ dataset: r }) => [r.ruledOut, r.criterion, r.criteria]),
    conflicts: all("[data-conflict]").map((c) => [c.dataset.conflict, c.dataset.statements]),
    alerts: all("[data-alert]").map((a) => [a.dataset.alert, a.dataset.kind]),
    steps: all("[data-next-step]").map((s) => s.dataset.nextStep),
    caveats: all("[data-caveat]").map((c) => c.dataset.caveat),
    distinctions: all("[data-distinction]").map((d) => d.dataset.distinction),
    without: all("[data-without]").map((w) => w.dataset.without),
    contradiction: all("[data-clash]").map((c) => JSON.parse(c.dataset.clash)),
    text: answer.textContent,
  };
}"""

# Looked for at every frame: many records are loaded one after the other.
_LOADED = """([fragment, answered]) => new Promise((done, fail) => {
  location.hash = fragment;
  const end = Date.now() + 30000;
  const look = () => {
    if (document.querySelector(answered)) done();
    else if (Date.now() > end) fail(new Error(`no answer: ${answered}`));
    else requestAnimationFrame(look);
  };
  look();
})"""


@dataclass
class Watched:
    """A page with what it complained of, what it asked of others, and every address that it asked for."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self, fragment: str = "") -> Page:
        """Go to a part of the page, from outside it, and wait until the first answer stands."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.url}/{fragment}")
        if not fragment or fragment.startswith(("#patient", "#record")):
            self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until the page asks nothing any more and shows an answer."""
        self.page.wait_for_timeout(300)  # longer than the page waits before it asks
        self.page.locator("#answer:not([aria-busy]) [data-status]").wait_for()

    def load(self, record: dict[str, Any]) -> None:
        """Open the link of a record on the page as it is, and wait for its answer."""
        answered = f"#answer:not([aria-busy]) [data-patient={json.dumps(record['id'])}]"
        self.page.evaluate(_LOADED, [fragment(record), answered])

    def shown(self) -> dict[str, Any]:
        """What the page shows of the answer."""
        found: dict[str, Any] = self.page.evaluate(_SHOWN)
        return found

    def record(self) -> dict[str, Any]:
        """The record that the form holds, by the link that the page offers."""
        self.page.get_by_role("button", name="Share").click()
        return record_of(self.page.get_by_label("Link to this record").input_value())


def fragment(record: dict[str, Any]) -> str:
    """The fragment that holds a record."""
    return f"#record={base64.urlsafe_b64encode(json.dumps(record).encode()).decode().rstrip('=')}"


def record_of(link: str) -> dict[str, Any]:
    """The record that a link holds."""
    text = link.partition("#record=")[2]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


@contextmanager
def watched(
    browser: Browser, url: str, size: tuple[int, int] = DESK, *, dark: bool = False
) -> Iterator[Watched]:
    """A fresh page of a size, which reaches nothing but the server.

    On leaving, it must have complained of nothing and asked nothing of anyone else.
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        accept_downloads=True,
    )
    found = Watched(context.new_page(), url)

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            found.complaints.append(message.text)

    def refused(route: Route) -> None:
        found.outside.append(route.request.url)
        route.abort()

    found.page.on("console", heard)
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("request", lambda request: found.asked.append(request.url))
    context.route(re.compile(rf"^(?!{re.escape(url)}/)"), refused)
    yield found
    context.close()
    assert found.complaints == []
    assert found.outside == []


def expected(result: dict[str, Any], ratings: list[str]) -> dict[str, Any]:
    """What the page has to show of a result, without the text.

    :param ratings: the categories in the ontology's order
    """

    def criteria(entry: dict[str, Any]) -> list[dict[str, Any]]:
        return [{key: c[key] for key in ("id", "state", "because")} for c in entry["criteria"]]

    options = sorted(result["options"], key=lambda option: ratings.index(option["rating"]))
    alerts = sorted(result["alerts"], key=lambda alert: alert["kind"] != "red-flag")
    return {
        "status": result["status"],
        "presentations": [
            {"id": p["id"], "label": p["label"], "criteria": criteria(p)} for p in result["presentations"]
        ],
        "options": [
            [
                *(
                    o[key]
                    for key in ("intervention", "presentation", "rating", "contraindication", "statement")
                ),
                [[c["condition"], c["strength"]] for c in o.get("contraindications", ())],
                o.get("unassessed", []),
            ]
            for o in options
        ],
        "undetermined": [
            {"id": u["presentation"], "missing": u["missing"], "criteria": criteria(u)}
            for u in result["undetermined"]
        ],
        "ruledOut": [
            [r["presentation"], r["criterion"], " ".join(r["criteria"])] for r in result["ruled_out"]
        ],
        "conflicts": [[c["intervention"], " ".join(c["statements"])] for c in result["conflicts"]],
        "alerts": [[a["id"], a["kind"]] for a in alerts],
        "steps": [step["id"] for step in result["next_steps"]],
        "caveats": [caveat["about"] for caveat in result["caveats"]] if result["presentations"] else [],
        "distinctions": [d["intervention"] for d in result["distinctions"]] if options else [],
        "without": result["guidelines_without_match"] if result["status"] != "contradictory" else [],
        "contradiction": result.get("contradiction", []),
    }


def sentences(result: dict[str, Any]) -> list[str]:
    """Every sentence of a result that a reader has to find on the page."""
    options = result["options"]
    found = [alert["text"] for alert in result["alerts"]] + [step["text"] for step in result["next_steps"]]
    found += [text for o in options for text in (o["label"], o["rationale"], o["source"])]
    found += [c["source"] for o in options for c in o.get("contraindications", ())]
    found += [
        entry["label"] for entry in (*result["undetermined"], *result["ruled_out"], *result["conflicts"])
    ]
    if options:
        found += [distinction["text"] for distinction in result["distinctions"]]
    return found
