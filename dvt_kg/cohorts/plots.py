"""The bars of a summary's page, as SVG."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

_MOST = 20  # bars in one plot; the table beside it has them all
_WIDTH, _LINE, _GAP, _HEAD, _FOOT = 9.5, 0.15, 0.13, 0.3, 0.3  # inches
_WORDS = 52  # characters on a line of a label
_COUNTED = re.compile(r' id="[a-zA-Z]+_?\d+"')  # ids that every picture has; nothing refers to them


def bars(title: str, columns: dict[str, str], rows: Sequence[tuple[Any, ...]], *, stacked: bool) -> str:
    """Numbers as bars, one for each row.

    :param title: what the picture shows, for those who cannot see it
    :param columns: the names of the numbers, each with its colour
    :param rows: a label and its numbers
    :param stacked: whether the numbers of a row are the parts of one bar; else they stand below each other
    :returns: an ``svg`` element
    """
    shown = list(rows[:_MOST])
    labels = [textwrap.fill(str(row[0]), _WORDS) for row in shown]
    lines = [max(label.count("\n") + 1, 1 if stacked else len(columns)) for label in labels]
    heights = [_LINE * count + _GAP for count in lines]
    head = _HEAD if len(columns) > 1 else 0.05
    whole = sum(heights) + head + _FOOT
    figure = Figure(figsize=(_WIDTH, whole))
    axes = figure.add_axes((0.4, _FOOT / whole, 0.56, 1 - (head + _FOOT) / whole))
    middles = [sum(heights[:place]) + height / 2 for place, height in enumerate(heights)]
    ends = [sum(row[1:]) if stacked else max(row[1:]) for row in shown]
    most = max(ends, default=0) or 1
    thick = 0.62 * _LINE * (1.6 if len(columns) == 1 or stacked else 1)
    left = [0] * len(shown)
    for number, (name, colour) in enumerate(columns.items(), 1):
        values = [row[number] for row in shown]
        shift = 0 if stacked else (number - (len(columns) + 1) / 2) * _LINE * 0.8
        at = [middle + shift for middle in middles]
        axes.barh(at, values, left=left if stacked else 0, height=thick, color=colour, label=name)
        left = [a + b for a, b in zip(left, values, strict=True)]
        if len(columns) == 1:
            for place, value in zip(at, values, strict=True):
                axes.text(value + most * 0.01, place, f"{value:,}", va="center", fontsize=8, color="#333333")
    axes.set_yticks(middles, labels, fontsize=8, parse_math=False)
    axes.set_ylim(sum(heights), 0)
    axes.set_xlim(0, most * (1.12 if len(columns) == 1 else 1.02))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    if len(columns) > 1:
        box = (0, 1)
        axes.legend(
            loc="lower left",
            bbox_to_anchor=box,
            ncols=len(columns),
            frameon=False,
            fontsize=8,
            borderaxespad=0.1,
        )
    out = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": title}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Title": title})
    text = out.getvalue().decode()
    return _COUNTED.sub("", text[text.index("<svg") :])
