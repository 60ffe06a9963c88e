"""What a remote store holds: its knowledge as an ontology, its records, and how many came to what."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyoxigraph as ox

from dvt_kg.answers import NOTICE
from dvt_kg.endpoint import Endpoint
from dvt_kg.graph import ONTOLOGY, PATIENTS
from dvt_kg.ontology import Ontology, RdfTerm
from dvt_kg.patients import PATIENT_IRI
from dvt_kg.readers import Reading, read_text

GENID = "urn:dvt-kg:genid:"  # begins the IRIs that stand for blank nodes in a store
# The parts of a summary that count one thing, and those that tell apart in which way.
COUNTED = ("status", "alerts", "next_steps", "missing", "open_criteria", "conflicts", "clashes")
STATES = {
    "presentations": ("met", "open", "ruled_out"),
    "contraindications": ("absolute", "relative", "not_assessed"),
}


def knowledge(endpoint: Endpoint) -> Ontology:
    """The ontology that a store holds, whole.

    :raises EndpointError: where it does not all come, or there is none
    """
    triples = endpoint.triples(ONTOLOGY.value)
    if not triples:
        raise endpoint.error(f"there is nothing in its graph {ONTOLOGY.value}: 'dvt-kg publish' fills it")
    store = ox.Store()
    store.extend(ox.Quad(_blank(t.subject), t.predicate, _blank(t.object)) for t in triples)
    return Ontology(store, Path(endpoint.shown))


def records(
    endpoint: Endpoint, ontology: Ontology, ids: Iterable[str] = (), *, strict: bool = False
) -> Reading:
    """The records that a store holds, read as records of a file are.

    :param ontology: whose names they use
    :param ids: only the records with these ids; all where none is given
    :param strict: whether to stop at the first error
    :raises EndpointError: where they do not all come, or there are none
    :raises RecordError: with ``strict``, the first error
    """
    chosen = [ox.NamedNode(PATIENT_IRI + quote(id, safe="")) for id in ids]
    if chosen:
        pattern = "?patient ?property ?value"
        values = f"VALUES ?patient {{ {' '.join(map(str, chosen))} }}"
        query = f"CONSTRUCT {{ {pattern} }} WHERE {{ {values} {pattern} }}"
        triples = endpoint.construct(query, graphs=(PATIENTS.value,))
        if not triples:
            return Reading((), ())
    else:
        triples = endpoint.triples(PATIENTS.value)
        if not triples:
            raise endpoint.error(f"there is nothing in its graph {PATIENTS.value}: it holds no patients")
    lines = sorted({f"{triple} .\n" for triple in triples})
    return read_text("".join(lines), "nt", ontology, name=endpoint.shown, strict=strict)


def summary(endpoint: Endpoint) -> dict[str, Any]:
    """How many of the patients that a store has classified came to what, counted by the store.

    :returns: the parts of a cohort's summary, ``patients``, and in ``made_by`` what classified them
    :raises EndpointError: where no whole answer comes
    """
    counts: dict[str, dict[str, dict[str, Any]]] = {}
    for row in endpoint.select("cohort-summary").plain():
        part, _, state = str(row["part"]).partition("/")
        item = counts.setdefault(part, {}).setdefault(str(row["term"]), {"label": row["label"]})
        item[state or "patients"] = int(str(row["patients"]))
    several = {
        part: [
            {"id": id, **dict.fromkeys(states, 0), **item}
            for id, item in sorted(counts.get(part, {}).items())
        ]
        for part, states in STATES.items()
    }
    one = {
        part: sorted(
            ({"id": id, **item} for id, item in counts.get(part, {}).items()),
            key=lambda item: (-item["patients"], item["id"]),
        )
        for part in COUNTED
    }
    patients = sum(item["patients"] for item in counts.get("patients", {}).values())
    made_by = sorted({str(row["agent"]) for row in endpoint.select("provenance").plain()})
    return {"notice": NOTICE, "patients": patients, **one, **several, "rejects": [], "made_by": made_by}


def _blank(node: RdfTerm) -> Any:
    """The blank node that an IRI of ours stands for; any other term as it is."""
    if isinstance(node, ox.NamedNode) and node.value.startswith(GENID):
        return ox.BlankNode(node.value.removeprefix(GENID))
    return node
