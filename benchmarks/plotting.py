"""The log-log plot of the times over the patients, one line a contestant, as SVG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Colours that stay apart for the colour-blind (Okabe and Ito), on white, which shows in dark pages too.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#7f6000")
_MARKERS = "osD^vP*X"
_TITLE = "Time by number of patients, whole process"
_STEP = 1.35  # times, between labels above each other


class Line(NamedTuple):
    """The times of one contestant.

    :param points: patients and seconds
    :param end: the patients that were too many, when it was stopped and why; None if there were none
    :param right: whether its answers are those of the rules
    """

    name: str
    points: list[tuple[int, float]]
    end: tuple[int, float, str] | None
    right: bool


def draw(lines: Sequence[Line], limit: float) -> str:
    """The plot.

    :param lines: the contestants
    :param limit: the seconds at which they are stopped
    """
    figure = Figure(figsize=(10, 6), facecolor="white", layout="constrained")
    axes = figure.subplots()
    axes.set(xscale="log", yscale="log", facecolor="white")
    axes.axhline(limit, color="#666666", linewidth=1, linestyle=(0, (4, 3)))
    axes.text(1, limit * 1.06, f"stopped at {limit:g} s", fontsize=9, color="#444444")
    taken: list[tuple[float, float]] = []
    for place, line in enumerate(lines):
        colour = _COLOURS[place % len(_COLOURS)]
        face = colour if line.right else "white"
        xs, ys = [p[0] for p in line.points], [p[1] for p in line.points]
        (drawn,) = axes.plot(xs, ys, color=colour, marker=_MARKERS[place % len(_MARKERS)], markersize=6)
        drawn.set(markerfacecolor=face, linewidth=1.8)
        if line.end:
            x, y, _ = line.end
            axes.plot([*xs[-1:], x], [*ys[-1:], y], linestyle=":", color=colour, linewidth=1.3)
            axes.plot([x], [y], marker="x", markersize=8, markeredgewidth=2, color=colour)
        _label(axes, line, colour, taken)
    most = max((x for line in lines for x, *_ in (*line.points, line.end or (1, 0))), default=10)
    axes.set_xlim(0.7, most * 40)
    axes.set_ylim(0.1, limit * 6)
    ticks = [10**n for n in range(len(str(most)))]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.set_yticks([0.1, 1, 10, 100], ["0.1 s", "1 s", "10 s", "100 s"])
    axes.minorticks_off()
    axes.grid(True, color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_xlabel("patients of 200 profiles")
    axes.set_title(_TITLE + "\nhollow: other answers than the rules give", fontsize=11, loc="left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    out = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": _TITLE, "svg.fonttype": "path"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Title": _TITLE})
    return out.getvalue().decode()


def _label(axes: Axes, line: Line, colour: str, taken: list[tuple[float, float]]) -> None:
    """Write a name at the end of its line, above those that stand there already."""
    x, y, reason = line.end or (*line.points[-1], "")
    late = reason.startswith(">")  # at the limit: the name stands above it
    place = (float(x), y * _STEP) if late else (x * 1.25, y)
    note = f" ({reason.partition(':')[0]})" if reason and not late else ""
    while any(a / 3 < place[0] < a * 3 and 1 / _STEP < place[1] / b < _STEP for a, b in taken):
        place = place[0], place[1] * 1.05
    taken.append(place)
    where = "center" if late else "left"
    axes.text(*place, line.name + note, color=colour, fontsize=10, ha=where, va="center", weight="bold")
