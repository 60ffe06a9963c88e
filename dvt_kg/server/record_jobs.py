"""Jobs about posted records: answered and forgotten."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from dvt_kg import answers, reports
from dvt_kg.classification import classify
from dvt_kg.readers import Reading, read_text
from dvt_kg.server.desk import Desk, Reply, as_json
from dvt_kg.server.negotiation import CSV, HTML, JSON, SVG, TEXT, TURTLE, chosen
from dvt_kg.server.refusals import Refused

NAME = "request"
"""What errors call the posted text."""

_ANSWERS = {JSON: "json", TEXT: "text", CSV: "csv"}
_EXPLANATIONS = {JSON: "json", TEXT: "text", HTML: "html", SVG: "svg", TURTLE: "turtle"}


def recommend(desk: Desk, body: bytes, format: str, accept: str | None, guidelines: str) -> Reply:
    """The answer to records.

    :param body: the records
    :param format: a name of :data:`dvt_kg.readers.READERS`
    :param accept: the Accept header
    :param guidelines: whose statements are shown, as in :func:`dvt_kg.recommend`
    :raises Refused: where no text of the format can be read at all
    """
    media_type, form = chosen(accept, _ANSWERS)
    reading = _read(desk, body, format)
    classification = classify(reading.patients, desk.reasoner)
    answer = answers.recommend(classification, reading.errors, guidelines=guidelines)
    if form == "json":
        return as_json(answer)
    out = io.StringIO()
    (reports.write_csv if form == "csv" else reports.print_text)(answer, out)
    return Reply(out.getvalue().encode(), media_type)


def explain(
    desk: Desk,
    body: bytes,
    format: str,
    accept: str | None,
    presentations: Sequence[str],
    conclusions: Sequence[str],
) -> Reply:
    """The explanation of records; the parameters are those of :func:`dvt_kg.explain`."""
    from dvt_kg import explanation_page, explanation_report, explanations  # noqa: PLC0415 - slow to import
    from dvt_kg.explanation_graph import explained  # noqa: PLC0415

    media_type, form = chosen(accept, _EXPLANATIONS)
    explanations.check_names(desk.ontology, presentations, conclusions)
    reading = _read(desk, body, format)
    if form == "svg":
        explanation_page.check_drawable(len(reading.patients), not conclusions or bool(presentations))
    classification = classify(reading.patients, desk.reasoner)
    if form == "turtle":
        return Reply(explained(classification).serialize("turtle"), media_type)
    answer = explanations.explain(
        classification, reading.errors, presentations=presentations, conclusions=conclusions
    )
    if form == "json":
        return as_json(answer)
    out = io.StringIO()
    if form == "text":
        explanation_report.print_explanations(answer, out, focused=bool(presentations))
    else:
        written = {"svg": explanation_page.picture, "html": explanation_page.page}
        out.write(written[form](answer))
    return Reply(out.getvalue().encode(), media_type)


def _read(desk: Desk, body: bytes, format: str) -> Reading:
    """The records of a request; a text that holds none that can be read is refused as a whole."""
    reading = read_text(body, format, desk.ontology, name=NAME)
    broken = [error for error in reading.errors if error.record is None]
    if broken and not reading.patients:
        error = broken[0]
        more: dict[str, Any] = {"errors": [e.as_json() for e in reading.errors]}
        raise Refused(422, "record", error.message, field=error.field or "body", more=more)
    return reading
