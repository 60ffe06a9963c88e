"""Checks: the quality queries over the ontology, and the shapes over patient graphs."""

from __future__ import annotations

from collections.abc import Sequence

from dvt_kg import queries
from dvt_kg.graph import KnowledgeGraph
from dvt_kg.ontology import Ontology, data_dir
from dvt_kg.patients import Patient


def violation_queries() -> dict[str, queries.Query]:
    """The quality queries by name: each must return nothing on a sound ontology."""
    return queries.folder(data_dir("queries") / "qc")


def check_ontology(ontology: Ontology) -> list[str]:
    """The violations that the quality queries find, one sentence each."""
    graph = KnowledgeGraph(ontology)
    return [
        f"{name}: " + ", ".join(f"{column} {value}" for column, value in row.items() if value is not None)
        for name, query in violation_queries().items()
        for row in queries.ask(graph, query).plain()
    ]


def check_patients(patients: Sequence[Patient], ontology: Ontology) -> list[str]:
    """The violations of the SHACL shapes that patients' graphs show, one sentence each."""
    from dvt_kg.shapes import validate  # noqa: PLC0415 - pySHACL is slow to import

    return [str(violation) for violation in validate(patients, ontology)]
