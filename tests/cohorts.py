"""Cohorts for the tests: records as the tables, lines and rows that a run reads, and what it has to give."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dvt_kg import Ontology, Patient, RuleReasoner, ask, classify
from dvt_kg.documents import to_json
from dvt_kg.errors import UsageError
from dvt_kg.ontology import local_name
from dvt_kg.program import LISTS
from dvt_kg.records import Vocabulary
from dvt_kg.rules import Value
from dvt_kg.slots import Number
from dvt_kg.tables import columns, text

from .probing import records
from .strategies import ONTOLOGY

Row = dict[str, Any]
SLOTS = columns(Vocabulary(ONTOLOGY))


def tabular(count: int, seed: int) -> list[Patient]:
    """Random records that a table can hold: no finding is both present and absent."""
    found = []
    for patient in records(count * 2, seed):
        try:
            to_json(patient, ONTOLOGY)
        except UsageError:
            continue
        found.append(patient)
    return found[:count]


def rows(patients: Iterable[Patient], ontology: Ontology = ONTOLOGY) -> list[Row]:
    """Records as rows with typed cells: numbers as numbers, veins as lists, None for unknown."""
    slots = columns(Vocabulary(ontology))
    found = []
    for patient in patients:
        row: Row = dict.fromkeys(["id", *slots])
        for key, value in to_json(patient, ontology).items():
            for name, cell in value.items() if isinstance(value, dict) else [(key, value)]:
                row[f"{key}_{name}" if f"{key}_{name}" in row else name] = cell
        found.append(row)
    return found


def table(patients: Iterable[Patient], ontology: Ontology = ONTOLOGY) -> pa.Table:
    """Records as a typed table with every column."""
    slots = columns(Vocabulary(ontology))
    kinds = {
        name: pa.float64()
        if isinstance(slot, Number)
        else pa.list_(pa.string())
        if slot.many
        else pa.string()
        for name, slot in slots.items()
    }
    schema = pa.schema({"id": pa.string(), **kinds})
    return pa.Table.from_pylist(rows(patients, ontology), schema)


def write(path: Path, patients: Sequence[Patient]) -> Path:
    """Write records as the format that a file's ending names."""
    if path.suffix == ".parquet":
        pq.write_table(table(patients), path)
    elif path.suffix == ".csv":
        path.write_text(text(patients, ONTOLOGY), encoding="utf-8")
    else:
        lines = (json.dumps(to_json(patient, ONTOLOGY)) + "\n" for patient in patients)
        path.write_text("".join(lines), encoding="utf-8")
    return path


def expected(patients: Sequence[Patient], ontology: Ontology = ONTOLOGY) -> list[Row]:
    """What has to be answered, by the rules one by one, the derivation queries and the catalogue.

    What contradictory records contradict themselves on, and the keys of profiles, are not said.
    """
    classification = classify(patients, RuleReasoner(ontology))
    conflicts: dict[str, set[str]] = {}
    for row in ask(classification.graph(), "conflicts").plain():
        conflicts.setdefault(str(row["patient"]), set()).add(str(row["intervention"]))
    found = []
    for patient, profile in classification:
        values: dict[str, set[str]] = {"conflictsOn": conflicts.get(patient.iri, set())}
        for atom in profile.entailed:
            if isinstance(atom, Value):
                values.setdefault(atom.property, set()).add(atom.value)
        for predicate, object_ in profile.derived:
            values.setdefault(local_name(predicate), set()).add(local_name(object_))
        (status,) = values["status"]
        lists = {
            column: sorted(values.get(name, ())) for column, name in LISTS.items() if column != "clashes"
        }
        found.append({"id": patient.id, "status": status, **lists})
    return found


def said(answers: Iterable[Row]) -> list[Row]:
    """Answers without what :func:`expected` does not say."""
    return [{key: row[key] for key in row if key not in ("clashes", "profile", "missing")} for row in answers]
