"""Explanations as one page of HTML that stands by itself, and as a picture."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from dvt_kg.errors import UsageError
from dvt_kg.explanation_report import effects, grouped, said, unassessed
from dvt_kg.pictures import draw

Answer = dict[str, Any]
_COUNTED = re.compile(r' id="[a-z]+_\d+"')  # ids that every picture has; nothing refers to them


def picture(answer: Answer) -> str:
    """The picture of the one record of an answer, as SVG.

    :raises UsageError: where the answer holds another number of records, or no presentation of it
    """
    check_drawable(len(answer["records"]), any("presentation" in entry for entry in answer["explanations"]))
    return str(_drawn(answer, answer["records"][0]))


def check_drawable(records: int, presentations: bool) -> None:
    """Refuse a picture of another number of records than one, or of no presentation.

    :raises UsageError: with the remedy
    """
    if records != 1:
        raise UsageError(f"a picture shows one record, and these are {records}; choose one with --patient")
    if not presentations:
        raise UsageError("a picture shows presentations; leave out --conclusion or add --presentation")


def _drawn(answer: Answer, record: Answer) -> str | None:
    entries = [e for e in _entries(answer, record) if "presentation" in e]
    title = f"{record['patient']}: {record['status']}"
    foot = f"{answer['notice']} Ontology {answer['ontology_version']}, {answer['reasoner']}."
    return draw(entries, title=title, foot=foot).decode() if entries else None


def _entries(answer: Answer, record: Answer) -> list[Answer]:
    return [entry for entry in answer["explanations"] if entry["patient"] == record["patient"]]


def page(answer: Answer) -> str:
    """Every record's explanation as a page of HTML with its picture; it asks for nothing from elsewhere."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"said": said, "unassessed": unassessed}
    records = []
    for record in answer["records"]:
        entries = _entries(answer, record)
        drawn = _drawn(answer, record)
        groups = grouped(next((e["changes"] for e in entries if "changes" in e), []))
        records.append(
            {
                "contradiction": None,
                **record,
                "entries": [{"conclusion": None, **entry} for entry in entries],
                # The picture is the library's own; the page's words around it are escaped.
                "picture": Markup(_COUNTED.sub("", drawn[drawn.index("<svg") :])) if drawn else "",
                "changes": [(facts, [line.plain for line in effects(change)]) for facts, change in groups],
                "alerts": [{"statements": (), **alert} for alert in record["alerts"]],
            }
        )
    return environment.get_template("explanation.html").render({**answer, "records": records})
