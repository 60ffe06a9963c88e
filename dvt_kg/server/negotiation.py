"""Which form of an answer a client gets: by its Accept header, with its q-values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import mimeparse
import pyoxigraph as ox

from dvt_kg.server.refusals import Refused

T = TypeVar("T")

JSON = "application/json"
TEXT = "text/plain"
HTML = "text/html"
CSV = "text/csv"
TURTLE = "text/turtle"
SVG = "image/svg+xml"
SPARQL = "application/sparql-query"

# The first of each is what a client gets that does not say what it wants.
ROWS: Mapping[str, ox.QueryResultsFormat] = {
    "application/sparql-results+json": ox.QueryResultsFormat.JSON,
    JSON: ox.QueryResultsFormat.JSON,
    "application/sparql-results+xml": ox.QueryResultsFormat.XML,
    "application/xml": ox.QueryResultsFormat.XML,
    CSV: ox.QueryResultsFormat.CSV,
    "text/tab-separated-values": ox.QueryResultsFormat.TSV,
}
TRIPLES: Mapping[str, ox.RdfFormat] = {
    TURTLE: ox.RdfFormat.TURTLE,
    "application/n-triples": ox.RdfFormat.N_TRIPLES,
    "application/rdf+xml": ox.RdfFormat.RDF_XML,
    "application/ld+json": ox.RdfFormat.JSON_LD,
}


def chosen(accept: str | None, offered: Mapping[str, T]) -> tuple[str, T]:
    """The media type that a client wants most of those offered.

    :param accept: the Accept header, None where there is none
    :param offered: what can be written, by media type, the default first
    :raises Refused: 400 for a header that cannot be read, 406 where nothing offered is wanted
    """
    types = list(offered)
    if not accept:
        return types[0], offered[types[0]]
    try:
        # Of what is wanted alike, the library takes the last.
        best = mimeparse.best_match(types[::-1], accept)
    except mimeparse.MimeTypeParseException:
        raise Refused(
            400, "accept", "the Accept header cannot be read; write it as text/csv;q=0.5", field="Accept"
        ) from None
    if not best:
        raise Refused(406, "not-acceptable", f"this can be had as {', '.join(types)}", field="Accept")
    return best, offered[best]
