"""Tables answered: row by row what the rules, the derivation queries and the catalogue say one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from dvt_kg import Fact, Ontology, Patient, RuleReasoner, classify, recommend
from dvt_kg.cohorts.answering import SCHEMA, Answerer
from dvt_kg.cohorts.encoding import Encoder
from dvt_kg.records import Draft
from dvt_kg.tables import read_header, row_draft

from .cohorts import Row, expected, said, table, tabular
from .strategies import ONTOLOGY


def answered(
    patients: Sequence[Patient], ontology: Ontology = ONTOLOGY, given: pa.Table | None = None
) -> list[Row]:
    """What is answered about the rows of a table."""
    answerer = Answerer(ontology)
    encoder = Encoder(ontology, answerer.program)
    (batch,) = (table(patients, ontology) if given is None else given).combine_chunks().to_batches()
    header = read_header(batch.schema.names, encoder.layout, file="t")

    def draft(row: int) -> Draft:
        cells = [column[row].as_py() for column in batch.columns]
        return row_draft(cells, header, encoder.layout, index=row, file="t", line=row + 1)

    encoded = encoder.encode(batch, header, draft)
    assert not encoded.refused
    found, keys = answerer.answer(encoded, np.arange(encoded.rows), lambda row: patients[row].facts)
    assert keys.shape == (2, encoded.rows)
    assert found.schema.names == SCHEMA.names
    answers: list[Row] = found.to_pylist()
    return answers


def test_300_records_are_answered_as_one_by_one() -> None:
    patients = tabular(300, seed=31)
    found = answered(patients)
    assert said(found) == expected(patients)
    assert {row["status"] for row in found} == {
        *("matched", "indeterminate", "out-of-scope", "contradictory")
    }
    assert any(row["conflicts"] for row in found)
    assert any(row["alerts"] for row in found)


def test_a_red_flag_outside_every_clash_is_kept_and_one_inside_is_not() -> None:
    patients = tabular(3000, seed=32)
    found = [row for row in answered(patients) if row["status"] == "contradictory"]
    flagged = [row for row in found if row["alerts"]]
    assert 10 < len(flagged) < len(found)
    by_id = {row["id"]: row["alerts"] for row in found}
    chosen = [patient for patient in patients if patient.id in by_id]
    for result in recommend(classify(chosen, RuleReasoner(ONTOLOGY)))["results"]:
        assert [alert["id"] for alert in result["alerts"]] == by_id[result["patient"]]


def test_a_contradictory_record_names_what_it_contradicts_itself_on_and_nothing_else() -> None:
    found = answered(tabular(300, seed=33))
    for row in found:
        assert bool(row["clashes"]) == (row["status"] == "contradictory")
        if row["clashes"]:
            assert not any(row[name] for name in ("presentations", "undetermined", "ruled_out", "conflicts"))
            assert not any(row[name] for name in ("contraindicated", "not_assessed", "open_criteria"))
    (torn,) = answered(
        [Patient("torn", frozenset())],
        given=pa.table({"id": ["torn"], "cyanosis": ["present"], "skin-discoloration": ["absent"]}),
    )
    assert set(torn["clashes"]) == {"cyanosis", "skin-discoloration"}


def test_equal_profiles_have_equal_keys_and_different_ones_different_keys() -> None:
    patients = tabular(300, seed=34)
    found = answered(patients)
    again = answered(list(reversed(patients)))
    assert {r["id"]: r["profile"] for r in found} == {r["id"]: r["profile"] for r in again}
    encoder = Encoder(ONTOLOGY, Answerer(ONTOLOGY).program)
    profiles = [frozenset(a for fact in p.facts for a in encoder.atoms(fact)) for p in patients]
    keys = [row["profile"] for row in found]
    assert len(set(zip(profiles, keys, strict=True))) == len(set(profiles)) == len(set(keys))


def test_columns_that_are_not_there_are_unknown() -> None:
    given = pa.table({"id": ["a"], "tense-edema": ["present"]})
    (narrow,) = answered([Patient("a", frozenset())], given=given)
    (full,) = answered(
        tabular(1, 1), given=pa.Table.from_pylist([{"id": "a", "tense-edema": "present"}], table([]).schema)
    )
    assert narrow == full


def test_every_number_on_and_beside_a_threshold_falls_on_the_right_side() -> None:
    patients = []
    for name, ranges in RuleReasoner(ONTOLOGY).rules.ranges.items():
        limits = {limit for r in ranges for _, limit in r.bounds}
        for number in sorted(
            {limit + step for limit in limits for step in map(Decimal, ("-0.01", "0", "0.01"))}
        ):
            if number >= 0:
                patients.append(Patient(f"{name} {number}", frozenset({Fact(name, number)})))
    assert len(patients) == 38
    assert said(answered(patients)) == expected(patients)


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.int32(), pa.string(), pa.decimal128(15, 2)])
def test_a_number_may_be_of_any_kind(kind: pa.DataType) -> None:
    numbers = pa.array([13, 14, None], pa.int16()).cast(kind)
    given = pa.table({"id": ["a", "b", "c"], "symptom-duration-days": numbers})
    found = answered([Patient(i, frozenset()) for i in "abc"], given=given)
    assert [["acr-2020-iliofemoral-1" in row["ruled_out"] for row in found]] == [[False, True, False]]


def test_a_criterion_added_in_turtle_changes_the_answers(extended: Callable[[str], Ontology]) -> None:
    ontology = extended(
        "[ a owl:Restriction ; owl:onProperty dvt:side ; owl:hasValue dvt:left ] rdfs:subClassOf"
        " [ a owl:Restriction ; owl:onProperty dvt:failsCriterion ; owl:hasValue dvt:acute-onset ] ."
    )
    given = pa.table({"id": ["a"], "side": ["left"]})
    (before,) = answered([Patient("a", frozenset())], given=given)
    (after,) = answered([Patient("a", frozenset())], ontology, given)
    assert "acr-2020-iliofemoral-1" in after["ruled_out"]
    assert "acr-2020-iliofemoral-1" in before["undetermined"]
