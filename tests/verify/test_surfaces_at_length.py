"""The same rules elsewhere: what others conclude of 10,000 records, against what a table of them says."""

from __future__ import annotations

from collections import Counter

import pytest

from dvt_kg import KnowledgeGraph, Patient
from dvt_kg.graph import INFERRED, PATIENTS
from dvt_kg.ontology import local_name
from dvt_kg.program import LISTS
from dvt_kg.updates import updates
from tests.cohorts import Row, tabular
from tests.strategies import ONTOLOGY
from tests.test_answering import answered

RECORDS = 10_000
BATCH = 1_000
Batch = tuple[list[Patient], list[Row]]


@pytest.fixture(scope="module")
def batches() -> list[Batch]:
    """Records of every kind, each batch with what a table of it is answered."""
    patients = tabular(RECORDS, seed=41)
    parts = [patients[start : start + BATCH] for start in range(0, RECORDS, BATCH)]
    found = [(part, answered(part)) for part in parts]
    statuses = Counter(row["status"] for _, rows in found for row in rows)
    assert statuses.total() == RECORDS
    assert min(statuses[s] for s in ("matched", "indeterminate", "out-of-scope", "contradictory")) > 100
    return found


def in_a_store(patients: list[Patient], request: str) -> list[Row]:
    """What a store concludes by the request, as the answers of a table."""
    graph = KnowledgeGraph(ONTOLOGY)
    graph.add(PATIENTS, (triple for patient in patients for triple in patient.triples()))
    graph.store.update(request)
    values: dict[tuple[str, str], list[str]] = {}
    for triple in graph.triples(INFERRED):
        key = local_name(triple.subject), local_name(triple.predicate)
        values.setdefault(key, []).append(local_name(triple.object))
    found = []
    for patient in patients:
        (status,) = values[patient.iri, "status"]
        lists = {column: sorted(values.get((patient.iri, name), ())) for column, name in LISTS.items()}
        found.append({"id": patient.id, "status": status, **lists})
    return found


def shared(row: Row) -> Row:
    """An answer without what the request does not say: clashes, conflicts, and alerts in spite of a clash."""
    left_out = {"clashes", "conflicts", *(["alerts"] if row["status"] == "contradictory" else [])}
    return {key: row[key] for key in ("id", "status", *LISTS) if key not in left_out}


def test_oxigraph_concludes_by_the_request_what_a_table_is_answered(batches: list[Batch]) -> None:
    request = updates(ONTOLOGY).text()
    for patients, rows in batches:
        assert list(map(shared, in_a_store(patients, request))) == list(map(shared, rows))
