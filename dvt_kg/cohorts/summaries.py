"""Summaries: how many patients of a cohort came to what, as JSON, as text and as a page."""

from __future__ import annotations

import io
from collections import Counter
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import pyarrow as pa
import pyarrow.compute as pc
from markupsafe import Markup
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dvt_kg.answers import NOTICE
from dvt_kg.ontology import Ontology
from dvt_kg.program import LISTS
from dvt_kg.reasoner import RuleReasoner

_WIDTH = 110
_FIELDS = 500  # that are counted by name: a file can make up any number
MOST = 12  # rows of a table as text
# Colours that stay apart for the colour-blind.
GOOD, DOUBTFUL, PLAIN, BAD = "#1b7f4d", "#e0a800", "#8c8c8c", "#b03a2e"
_TEMPLATES = Path(__file__).parent.parent / "templates"


class Counts:
    """How often each name stands in each column."""

    def __init__(self) -> None:
        self.rows = 0
        self.kept = 0
        self.rejected = 0
        self.names: dict[str, Counter[str]] = {name: Counter() for name in ("status", *LISTS, "missing")}
        self.fields: Counter[str] = Counter()

    def plain(self) -> dict[str, dict[str, int]]:
        """The counts of names as JSON holds them."""
        return {column: dict(counter) for column, counter in self.names.items()}

    def add(self, counts: dict[str, dict[str, int]]) -> None:
        """Add counts of names."""
        for column, counter in counts.items():
            self.names[column].update(counter)

    def answered(self, table: pa.Table, rows: int) -> None:
        """Count the answers of a batch of so many rows."""
        self.rows += rows
        self.kept += table.num_rows
        for column, counter in self.names.items():
            if column in table.column_names:
                found = table[column]
                for one in pc.value_counts(
                    pc.list_flatten(found) if pa.types.is_list(found.type) else found
                ).to_pylist():
                    counter[one["values"]] += one["counts"]

    def refused(self, table: pa.Table) -> None:
        """Count the rejects of a batch."""
        self.rejected += table.num_rows
        for one in pc.value_counts(table["field"]).to_pylist():
            self.field(one["values"], one["counts"])

    def field(self, name: str | None, rows: int) -> None:
        """Count rows that are refused for a field, or as a whole."""
        name = name or "(the row)"
        self.fields[name if name in self.fields or len(self.fields) < _FIELDS else "(others)"] += rows

    def summary(self, ontology: Ontology, *, missing: bool) -> dict[str, Any]:
        """What was counted, with the names in words.

        :param missing: whether it was asked what is missing
        """

        def several(columns: dict[str, str]) -> list[dict[str, Any]]:
            names = sorted({name for column in columns for name in self.names[column]})
            return [
                {"id": name, "label": _label(ontology, name)}
                | {key: self.names[column][name] for column, key in columns.items()}
                for name in names
            ]

        def one(column: str) -> list[dict[str, Any]]:
            return [
                {"id": name, "label": _label(ontology, name), "patients": count}
                for name, count in sorted(self.names[column].items(), key=lambda item: (-item[1], item[0]))
            ]

        return {
            "notice": NOTICE,
            "version": package_version("dvt-kg"),
            "ontology_version": ontology.version,
            "ontology_digest": ontology.digest,
            "reasoner": RuleReasoner.version,
            "rows": self.rows,
            "answered": self.kept,
            "rejected": self.rejected,
            "status": one("status"),
            "presentations": several(
                {"presentations": "met", "undetermined": "open", "ruled_out": "ruled_out"}
            ),
            "contraindications": several(
                {
                    "contraindicated": "absolute",
                    "relatively_contraindicated": "relative",
                    "not_assessed": "not_assessed",
                }
            ),
            **{
                column: one(column)
                for column in ("alerts", "next_steps", "conflicts", "open_criteria", "clashes")
            },
            "missing": one("missing") if missing else None,
            "rejects": [
                {"field": name, "rows": count}
                for name, count in sorted(self.fields.items(), key=lambda item: (-item[1], item[0]))
            ],
        }


def _label(ontology: Ontology, name: str) -> str:
    """A name in words; a key of the record by its property's."""
    properties = {notation: prop for prop, notation in ontology.notations.items()}
    return ontology.label(properties.get(name, name))


def in_words(summary: dict[str, Any]) -> str:
    """A summary as text."""
    rows, answered, rejected = (f"{summary[key]:,}" for key in ("rows", "answered", "rejected"))
    audit = summary["audit"]
    audited = (
        f"HermiT judged {audit['profiles']} of the profiles, drawn at random, and agrees on all"
        if audit["profiles"]
        else "No profile was judged again by HermiT"
    )
    first = f"{rows} rows: {answered} answered, {rejected} rejected; {summary['profiles']:,} profiles"
    last = f"Ontology {summary['ontology_version']}, {summary['reasoner']}."
    return _text([first, audited], summary, last, most=MOST)


def stored_in_words(summary: dict[str, Any]) -> str:
    """A summary of the patients that a store holds, as text."""
    classified = sum(item["patients"] for item in summary["status"])
    first = f"{summary['patients']:,} patients in the store: {classified:,} classified"
    return _text(
        [first], summary, f"Classified there by {' and '.join(summary['made_by']) or 'nothing that is said'}."
    )


def _text(lines: list[str], summary: dict[str, Any], last: str, *, most: int | None = None) -> str:
    """The tables of a summary between what stands above and below them; with their first rows, or all."""
    out = io.StringIO()
    console = Console(file=out, width=_WIDTH, highlight=False)
    for line in lines:
        console.print(line)
    for section in _sections(summary):
        table = Table(box=None, pad_edge=False)
        table.add_column(section.what, overflow="fold")
        for name in section.columns:
            table.add_column(name, justify="right")
        for label, *numbers in section.rows[:most]:
            table.add_row(Text(label), *(f"{number:,}" for number in numbers))
        console.print(f"\n{section.title}", style="bold")
        console.print(table)
        if most is not None and len(section.rows) > most:
            console.print(f"and {len(section.rows) - most} more, in the summary as JSON")
    console.print(f"\n{summary['notice']} {last}")
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


class Section(NamedTuple):
    """A table of a summary: title, columns with their colours, rows of a label and its numbers."""

    title: str
    columns: dict[str, str]
    rows: list[tuple[Any, ...]]
    what: str = ""
    stacked: bool = True


def _sections(summary: dict[str, Any]) -> list[Section]:
    """The tables of a summary that have something in them."""

    def counted(title: str, key: str) -> Section:
        found = [(item["label"], item["patients"]) for item in summary[key] or ()]
        return Section(title, {"patients": GOOD}, found)

    presentations = [(p["label"], p["met"], p["open"], p["ruled_out"]) for p in summary["presentations"]]
    against = [
        (c["label"], c["absolute"], c["relative"], c["not_assessed"]) for c in summary["contraindications"]
    ]
    rejects = [(r["field"], r["rows"]) for r in summary["rejects"]]
    sections = [
        counted("Status", "status"),
        Section("Presentations", {"met": GOOD, "open": DOUBTFUL, "ruled out": PLAIN}, presentations),
        counted("Alerts", "alerts"),
        counted("Missing: what would settle an open presentation", "missing"),
        counted("Criteria that are neither met nor failed", "open_criteria"),
        Section(
            "Contraindications",
            {"absolute": BAD, "relative": DOUBTFUL, "an absolute one not assessed": PLAIN},
            against,
            stacked=False,
        ),
        counted("Rated differently by two presentations that are met", "conflicts"),
        counted("What contradictory records contradict themselves on", "clashes"),
        Section("Rejects", {"rows": BAD}, rejects, "field"),
    ]
    return [section for section in sections if section.rows]


def as_page(summary: dict[str, Any]) -> str:
    """A summary as a page of HTML with plots; it asks for nothing from elsewhere."""
    from dvt_kg.cohorts.plots import bars  # noqa: PLC0415 - slow to import

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    sections = [
        {
            "title": section.title,
            "columns": [section.what, *section.columns],
            "rows": section.rows,
            # The picture is the library's own; the page's words around it are escaped.
            "plot": Markup(bars(section.title, section.columns, section.rows, stacked=section.stacked)),
        }
        for section in _sections(summary)
    ]
    return environment.get_template("cohort.html").render({**summary, "sections": sections})
