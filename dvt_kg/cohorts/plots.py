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
_WIDTH, _BAR, _HEAD = 9.5, 0.3, 0.75  # inches
_WORDS = 52  # characters on a line of a label
# Colours that stay apart for the colour-blind, in the order of the columns.
_COLOURS = ("#1b7f4d", "#e0a800", "#8c8c8c")
_COUNTED = re.compile(r' id="[a-zA-Z]+_?\d+"')  # ids that every picture has; nothing refers to them


def bars(title: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> str:
    """Numbers as bars, one for each row; of several columns the parts of one bar.

    :param title: what the picture shows, for those who cannot see it
    :param columns: the names of the numbers
    :param rows: a label and its numbers
    :returns: an ``svg`` element
    """
    shown = list(rows[:_MOST])
    labels = [textwrap.shorten(str(row[0]), 2 * _WORDS, placeholder="…") for row in shown]
    figure = Figure(figsize=(_WIDTH, _HEAD + _BAR * len(shown)))
    axes = figure.add_axes(
        (0.46, 0.42 / (_HEAD + _BAR * len(shown)), 0.46, 1 - 0.75 / (_HEAD + _BAR * len(shown)))
    )
    whole = max((sum(row[1:]) for row in shown), default=1) or 1
    left = [0] * len(shown)
    for number, (name, colour) in enumerate(zip(columns, _COLOURS, strict=False), 1):
        values = [row[number] for row in shown]
        axes.barh(range(len(shown)), values, left=left, height=0.7, color=colour, label=name)
        left = [a + b for a, b in zip(left, values, strict=True)]
    for place, end in enumerate(left):
        if len(columns) == 1:
            axes.text(end + whole * 0.01, place, f"{end:,}", va="center", fontsize=8, color="#333333")
    axes.set_yticks(
        range(len(shown)), [textwrap.fill(label, _WORDS) for label in labels], fontsize=8, parse_math=False
    )
    axes.invert_yaxis()
    axes.set_xlim(0, whole * (1.12 if len(columns) == 1 else 1.02))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    if len(columns) > 1:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
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
