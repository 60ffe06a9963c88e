"""The picture of an explanation: from facts to criteria to presentations to options."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path

from dvt_kg.explanation_report import said

Answer = dict[str, Any]

# One unit is the height of a line of text; the page is as wide as a slide.
_WIDTH, _LINE, _GAP = 13.33, 0.19, 0.5
_COLUMNS = ("recorded facts", "criteria", "presentations", "options")
_CHARACTERS = (31, 35, 41, 41)
_LEFT = (0.0, 26.0, 56.0, 90.0)
_BOX = (22.0, 25.0, 29.0, 29.0)
# Colours that stay apart for the colour-blind; each state has a sign of its own besides.
_STYLES = {
    "met": ("#dcefe3", "#1b7f4d", "✓"),
    "open": ("#fdf3d0", "#9a7400", "?"),
    "unknown": ("#fdf3d0", "#9a7400", "?"),
    "ruled-out": ("#f8dfdc", "#b03a2e", "✗"),
    "not-met": ("#f8dfdc", "#b03a2e", "✗"),
}
# By the place of the rating's category, most appropriate first.
RANKS = (
    ("#dcefe3", "#1b7f4d", "+"),
    ("#fdf3d0", "#9a7400", "~"),
    ("#fdf3d0", "#9a7400", "≠"),
    ("#f8dfdc", "#b03a2e", "−"),
)
PLAIN = ("#e8edf3", "#3b5573", "")
_FORBIDDEN = ("#f8dfdc", "#b03a2e", "⊘")


@dataclass
class _Node:
    """A box of one column."""

    column: int
    title: str
    note: str
    style: tuple[str, str, str]
    sources: list[_Node] = field(default_factory=list)
    top: float = 0.0

    @property
    def lines(self) -> list[str]:
        mark = f"{self.style[2]} " if self.style[2] else ""
        return textwrap.wrap(mark + self.title, _CHARACTERS[self.column])

    @property
    def notes(self) -> list[str]:
        return textwrap.wrap(self.note, _CHARACTERS[self.column] + 8)

    @property
    def height(self) -> float:
        return len(self.lines) + 0.9 * len(self.notes) + 0.6

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


def _nodes(entries: Sequence[Answer]) -> tuple[tuple[str, ...], list[list[_Node]]]:
    """The columns' names and the boxes of each column, joined to those they come from.

    The presentations that are met or open; where there are none, those that are ruled out with what
    rules them out. Of a contradictory record the facts that clash.
    """
    if any(entry["state"] == "contradictory" for entry in entries):
        return ("recorded facts", "clashes", "", ""), _clashes(entries[0]["justifications"])
    shown = [e for e in entries if e["state"] in ("met", "open")] or list(entries)
    facts: dict[str, _Node] = {}
    criteria: dict[str, _Node] = {}
    presentations: list[_Node] = []
    options: list[_Node] = []
    for entry in shown:
        missing = f"find out {', '.join(entry['missing'][0])}" if entry["missing"] else ""
        presentation = _Node(2, entry["label"], missing, _STYLES[entry["state"]])
        presentations.append(presentation)
        for criterion in entry["criteria"]:
            if entry["state"] == "ruled-out" and criterion["state"] != "not-met":
                continue
            if criterion["id"] not in criteria:
                node = criteria[criterion["id"]] = _Node(
                    1, criterion["label"], "", _STYLES[criterion["state"]]
                )
                for justification in criterion["justifications"][:1]:
                    for fact in map(said, justification["facts"]):
                        node.sources.append(facts.setdefault(fact, _Node(0, fact, "", PLAIN)))
            presentation.sources.append(criteria[criterion["id"]])
        for option in entry["options"]:
            options.append(_option(option, presentation))
    return _COLUMNS, [list(facts.values()), list(criteria.values()), presentations, options]


def _option(option: Answer, presentation: _Node) -> _Node:
    rated = option["rating"].replace("-", " ")
    if option["contraindication"] == "absolute":
        return _Node(3, option["label"], f"CONTRAINDICATED; {rated} otherwise", _FORBIDDEN, [presentation])
    against = option["contraindication"].replace("-", " ")
    note = f"{rated}; contraindication {against}"
    style = RANKS[min(option["rank"], len(RANKS)) - 1]
    return _Node(3, option["label"], note, style, [presentation])


def _clashes(justifications: Sequence[Answer]) -> list[list[_Node]]:
    facts: dict[str, _Node] = {}
    clashes = []
    for justification in justifications:
        clash = _Node(1, "cannot all be true", "", _STYLES["not-met"])
        clash.sources = [
            facts.setdefault(f, _Node(0, f, "", PLAIN)) for f in map(said, justification["facts"])
        ]
        clashes.append(clash)
    return [list(facts.values()), clashes, [], []]


def _place(columns: list[list[_Node]]) -> float:
    """Put the boxes of each column below one another, columns centred; gives the height."""
    heights = [sum(node.height + _GAP for node in column) for column in columns]
    whole = max(*heights, 16.0)
    for column, height in zip(columns, heights, strict=True):
        top = (whole - height) / 2
        for node in column:
            node.top = top
            top += node.height + _GAP
    return whole


def draw(entries: Sequence[Answer], *, title: str, foot: str) -> bytes:
    """Draw how one record's facts lead to criteria, presentations and options, as SVG.

    :param entries: the record's entries of an answer's ``explanations``, one for each presentation
    :param title: what stands above
    :param foot: what stands below
    """
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": title}):
        out = io.BytesIO()
        figure(entries, title=title, foot=foot).savefig(
            out, format="svg", metadata={"Date": None, "Title": title}
        )
    return out.getvalue()


def figure(entries: Sequence[Answer], *, title: str, foot: str) -> Figure:
    """The drawing itself, as wide as a slide; the parameters are those of :func:`draw`."""
    names, columns = _nodes(entries)
    height = _place(columns)
    drawing = Figure(figsize=(_WIDTH, (height + 6) * _LINE))
    axes = drawing.add_axes((0.01, 0.0, 0.98, 1.0))
    axes.set_xlim(-0.5, _LEFT[-1] + _BOX[-1] + 0.5)
    axes.set_ylim(height + 2.4, -3.6)
    axes.set_axis_off()
    axes.text(0, -2.6, title, fontsize=13, fontweight="bold", va="center", parse_math=False)
    axes.text(0, height + 1.4, foot, fontsize=7.5, color="#555555", va="center", parse_math=False)
    for left, name in zip(_LEFT, names, strict=True):
        axes.text(left, -0.9, name, fontsize=9, color="#555555", va="center")
    for node in (node for column in columns for node in column):
        for source in node.sources:
            _arrow(axes, source, node)
        _box(axes, node)
    return drawing


def _box(axes: Any, node: _Node) -> None:
    face, edge, _ = node.style
    left, width = _LEFT[node.column], _BOX[node.column]
    shape = "round,pad=0,rounding_size=0.6"
    axes.add_patch(
        FancyBboxPatch((left, node.top), width, node.height, boxstyle=shape, facecolor=face, edgecolor=edge)
    )
    y = node.top + 0.8
    for line in node.lines:
        axes.text(left + 0.7, y, line, fontsize=9, va="center", parse_math=False)
        y += 1
    for line in node.notes:
        axes.text(left + 0.7, y, line, fontsize=7.5, va="center", color="#444444", parse_math=False)
        y += 0.9


def _arrow(axes: Any, source: _Node, node: _Node) -> None:
    start, end = _LEFT[source.column] + _BOX[source.column], _LEFT[node.column]
    bend = (end - start) / 2
    points = [
        (start, source.middle),
        (start + bend, source.middle),
        (end - bend, node.middle),
        (end, node.middle),
    ]
    curve = Path(points, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
    axes.add_patch(PathPatch(curve, facecolor="none", edgecolor=node.style[1], linewidth=0.9, alpha=0.7))
