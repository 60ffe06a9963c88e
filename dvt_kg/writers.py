"""Writers: patients as text in every format that can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import pyoxigraph as ox

from dvt_kg import documents, tables, triples
from dvt_kg.errors import UsageError
from dvt_kg.ontology import Ontology, load
from dvt_kg.patients import Patient

WRITERS: dict[str, Callable[[Iterable[Patient], Ontology], str]] = {
    "json": documents.text,
    "jsonld": triples.linked_text,
    "csv": tables.text,
    "tsv": partial(tables.text, delimiter="\t"),
    "ttl": triples.text,
    "nt": partial(triples.text, format=ox.RdfFormat.N_TRIPLES),
}


def write(patients: Iterable[Patient], format: str, ontology: Ontology | None = None) -> str:
    """Patients as text, which reads back to the same facts.

    :param patients: the patients
    :param format: a name of :data:`WRITERS`
    :param ontology: the ontology whose names the records use; the shipped one if not given
    :returns: the text
    :raises UsageError: where the format is not known, or cannot hold what a patient states

    >>> from dvt_kg.patients import Fact
    >>> print(write([Patient("case-01", frozenset({Fact("hasFinding", "tense-edema")}))], "csv"))
    id,tense-edema
    case-01,present
    <BLANKLINE>
    """
    if format not in WRITERS:
        raise UsageError(f"no format is called {format!r}; the formats are {', '.join(WRITERS)}")
    return WRITERS[format](patients, ontology or load())
