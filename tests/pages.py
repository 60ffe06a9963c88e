"""Pages of HTML read for their links: what they refer to, load and can be jumped to."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

_LOADS = {"img": "src", "script": "src", "link": "href", "source": "srcset", "iframe": "src"}


@dataclass
class Page(HTMLParser):
    """What one page refers to.

    :param links: where its anchors lead
    :param loads: what a browser fetches for it
    :param anchors: the ids that a link can jump to
    """

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    anchors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.anchors.append(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in _LOADS and _LOADS[tag] in given:
            self.loads.append(given[_LOADS[tag]])


@lru_cache(maxsize=1024)
def page(file: Path) -> Page:
    """A page of a site."""
    found = Page()
    found.feed(file.read_text(encoding="utf-8"))
    return found


def outside(address: str) -> bool:
    """Whether an address leads out of the site."""
    return urlparse(address).scheme not in ("", "data")


def target(file: Path, address: str) -> tuple[Path, str]:
    """The file and the anchor to which an address on a page leads."""
    path, anchor = urldefrag(address)
    return (file.parent / unquote(path)).resolve() if path else file, unquote(anchor)


def clicks(site: Path, start: str = "index.html") -> dict[Path, int]:
    """How many clicks each page is away from the front page."""
    first = (site / start).resolve()
    found, waiting = {first: 0}, [first]
    while waiting:
        here = waiting.pop(0)
        if here.suffix != ".html":
            continue
        for address in page(here).links:
            if not outside(address) and (there := target(here, address)[0]) not in found:
                found[there] = found[here] + 1
                waiting.append(there)
    return found
