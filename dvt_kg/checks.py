"""Checks: the quality queries over the ontology, and the shapes over patient graphs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from dvt_kg import queries
from dvt_kg.graph import KnowledgeGraph
from dvt_kg.ontology import Ontology, data_dir
from dvt_kg.patients import Patient

NOTE = "INFO"


@dataclass(frozen=True)
class Violation:
    """What a check found.

    :param check: the query's name
    :param level: ERROR, WARN, or INFO for what is worth a look but no fault
    :param standards: the items of others' catalogues that the check covers
    :param found: the row in words
    """

    check: str
    level: str
    standards: tuple[str, ...]
    found: str

    def __str__(self) -> str:
        by = f" ({', '.join(self.standards)})" if self.standards else ""
        return f"{self.level} {self.check}{by}: {self.found}"


def violation_queries() -> dict[str, queries.Query]:
    """The quality queries by name: each must return nothing on a sound ontology."""
    return queries.folder(data_dir("queries") / "qc")


def standards_queries() -> dict[str, queries.Query]:
    """The queries by name for what ROBOT, OOPS! and FOOPS! ask and no quality query does.

    On a sound ontology those of the levels ERROR and WARN return nothing.
    """
    return queries.folder(data_dir("queries") / "standards")


def declined() -> list[dict[str, Any]]:
    """The items of the catalogues that no query checks: ``id``, ``name`` and ``reason`` of each."""
    text = (data_dir("queries") / "standards" / "declined.yaml").read_text(encoding="utf-8")
    return list(yaml.safe_load(text))


def violations(ontology: Ontology) -> Iterator[Violation]:
    """What the quality queries and those of the standards find, of every level."""
    graph = KnowledgeGraph(ontology)
    for name, query in {**violation_queries(), **standards_queries()}.items():
        for row in queries.ask(graph, query).plain():
            found = ", ".join(f"{column} {value}" for column, value in row.items() if value is not None)
            yield Violation(name, query.level or "ERROR", query.standards, found)


def check_ontology(ontology: Ontology) -> list[str]:
    """The violations of the levels ERROR and WARN, one sentence each."""
    return [str(violation) for violation in violations(ontology) if violation.level != NOTE]


def check_patients(patients: Sequence[Patient], ontology: Ontology) -> list[str]:
    """The violations of the SHACL shapes that patients' graphs show, one sentence each."""
    from dvt_kg.shapes import validate  # noqa: PLC0415 - pySHACL is slow to import

    return [str(violation) for violation in validate(patients, ontology)]
