"""The site's pictures: how presentations and interventions meet, and the pathway through them.

Each is drawn twice, for a wide page and for a phone, where a picture made smaller could not be read.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from dvt_kg.pictures import PLAIN, RANKS

_INCH = 72.0  # points; one unit of a drawing is one point
_GREY, _INK = "#555555", "#222222"


@dataclass(frozen=True)
class Cell:
    """How one intervention is rated for one presentation."""

    row: str
    column: str
    rank: int


@dataclass(frozen=True)
class Card:
    """A box of the pathway: its title, lines below it, and the place of a rating by which it is coloured."""

    title: str
    lines: tuple[str, ...] = ()
    rank: int = 0


@dataclass(frozen=True)
class Stage:
    """One step of the pathway: a heading and its boxes."""

    title: str
    cards: tuple[Card, ...]


def matrix(cells: Sequence[Cell], ranks: Sequence[str], *, title: str, narrow: bool) -> bytes:
    """The table of presentations by interventions as SVG.

    :param cells: what is rated; rows and columns come in the order in which they are first named
    :param ranks: the categories' labels, most appropriate first
    :param narrow: drawn for a phone
    """
    rows = list(dict.fromkeys(cell.row for cell in cells))
    columns = list(dict.fromkeys(cell.column for cell in cells))
    width = 268.0 if narrow else 792.0
    left, font = (94.0, 7.4) if narrow else (176.0, 8.0)
    step = (width - left) / len(columns)
    across = 17 if narrow else 32
    small = font if narrow else 6.8  # so that a long word fits its column
    wide = textwrap.TextWrapper(round(step / 4.2), break_long_words=False)
    heads = [[column.split(":")[0]] if narrow else wide.wrap(column) for column in columns]
    top = 108.0 if narrow else 12.0 + small * 1.25 * max(map(len, heads))
    names = [textwrap.wrap(row, across) for row in rows]
    high = max(22.0 if narrow else 26.0, font * 1.3 * max(map(len, names)))
    legend = len(ranks) * 14.0 + 10.0 if narrow else 30.0
    figure, axes = _sheet(width, top + high * len(rows) + legend)
    upright = 90 if narrow else 0
    for x, head in enumerate(heads):
        at = (left + (x + 0.5) * step, top - 5)
        style = {"fontsize": small, "color": _INK, "linespacing": 1.15, "rotation": upright}
        axes.text(*at, "\n".join(head), ha="center", va="bottom", **style)
    for y, name in enumerate(names):
        middle = top + (y + 0.5) * high
        axes.text(left - 6, middle, "\n".join(name), fontsize=font, ha="right", va="center", linespacing=1.1)
        for x in range(len(columns)):
            corner = (left + x * step, top + y * high)
            axes.add_patch(Rectangle(corner, step, high, facecolor="#fafafa", edgecolor="#dddddd", lw=0.6))
    for cell in cells:
        x, y = columns.index(cell.column), rows.index(cell.row)
        _rated(axes, left + x * step, top + y * high, step, high, cell.rank)
    right, bottom = 0.0, top + high * len(rows) + 10
    for number, label in enumerate(ranks, 1):
        _rated(axes, right, bottom, 20, 12, number)
        axes.text(right + 26, bottom + 6, label, fontsize=font, va="center")
        bottom += 14 if narrow else 0
        right += 0 if narrow else 44 + 4.8 * len(label)
    return _svg(figure, title)


def pathway(stages: Iterable[Stage], *, title: str, narrow: bool) -> bytes:
    """The pathway as SVG: its stages from top to bottom, each with its boxes side by side.

    :param narrow: drawn for a phone, one box beside none
    """
    width, columns = (268.0, 1) if narrow else (792.0, 3)
    step, line, gap = width / columns, 11.0, 8.0
    characters = round((step - 20) / 4.35)
    laid: list[tuple[float, float, Stage | Card, list[tuple[str, str]]]] = []
    top = 0.0
    for stage in stages:
        laid.append((0.0, top, stage, []))
        top += 26.0
        for start in range(0, len(stage.cards), columns):
            row = [(card, _wrapped(card, characters)) for card in stage.cards[start : start + columns]]
            laid += [(x * step, top, card, lines) for x, (card, lines) in enumerate(row)]
            top += max(len(lines) for _, lines in row) * line + 14 + gap
        top += 14.0
    figure, axes = _sheet(width, top)
    heights: dict[float, float] = {}
    for _, y, _, lines in laid:
        heights[y] = max(heights.get(y, 0.0), len(lines) * line + 12)
    for number, (x, y, item, lines) in enumerate(laid):
        if isinstance(item, Stage):
            if number:
                axes.annotate(
                    "",
                    (width / 2, y + 1),
                    (width / 2, y - 13),
                    arrowprops={"arrowstyle": "-|>", "color": _GREY},
                )
            axes.text(0, y + 13, item.title, fontsize=10, fontweight="bold", va="center", parse_math=False)
        else:
            _box(axes, x, y, step - gap, heights[y], item.rank)
            for place, (text, weight) in enumerate(lines):
                axes.text(
                    x + 6,
                    y + 12 + place * line,
                    text,
                    fontsize=7.6,
                    fontweight=weight,
                    va="center",
                    parse_math=False,
                )
    return _svg(figure, title)


def _wrapped(card: Card, characters: int) -> list[tuple[str, str]]:
    """A box's lines, each with its weight; bold letters are wider."""
    bold = [(text, "bold") for text in textwrap.wrap(card.title, round(characters * 0.88))]
    return bold + [(text, "normal") for line in card.lines for text in textwrap.wrap(line, characters)]


def _sheet(width: float, height: float) -> tuple[Figure, Any]:
    """An empty drawing whose unit is a point, from the top left."""
    figure = Figure(figsize=(width / _INCH, height / _INCH))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    return figure, axes


def _rated(axes: Any, x: float, y: float, width: float, height: float, rank: int) -> None:
    face, edge, sign = RANKS[min(rank, len(RANKS)) - 1]
    axes.add_patch(
        Rectangle((x + 1, y + 1), width - 2, height - 2, facecolor=face, edgecolor=edge, linewidth=0.8)
    )
    axes.text(
        x + width / 2,
        y + height / 2,
        sign,
        fontsize=9,
        color=edge,
        fontweight="bold",
        ha="center",
        va="center",
    )


def _box(axes: Any, x: float, y: float, width: float, height: float, rank: int) -> None:
    face, edge, _ = RANKS[min(rank, len(RANKS)) - 1] if rank else PLAIN
    shape = "round,pad=0,rounding_size=3"
    axes.add_patch(
        FancyBboxPatch(
            (x + 0.5, y + 1), width - 1, height, boxstyle=shape, facecolor=face, edgecolor=edge, lw=0.8
        )
    )


def _svg(figure: Figure, title: str) -> bytes:
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": title}):
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Title": title})
    return out.getvalue()
