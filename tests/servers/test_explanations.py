"""Explanations held to what is really concluded and answered, of many records."""

from __future__ import annotations

from dvt_kg import HermiT
from tests.probing import explanations, mismatched, other_sets, records
from tests.records import RECORDS
from tests.test_counterfactuals import facts_of


def test_no_other_minimal_set_exists_by_hermit_on_every_subset_of_small_records(reasoner: HermiT) -> None:
    small = [patient for patient in records(400, seed=7) if 3 <= len(patient.facts) <= 6][:40]
    assert len(small) == 40
    contradictory = 0
    for patient, explanation in zip(small, explanations(small), strict=True):
        contradictory += explanation.contradiction is not None
        assert other_sets(patient, explanation, reasoner) == []
    assert contradictory > 0


def test_every_change_shown_is_what_recommend_then_answers() -> None:
    chosen = [facts_of(record) for record in RECORDS] + [p.facts for p in records(8, seed=5)]
    shown, wrong = mismatched(chosen)
    assert shown > 500
    assert wrong == []
