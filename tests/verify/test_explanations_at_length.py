"""Explanations of many random records, every one of their claims put to the test."""

from __future__ import annotations

from collections import Counter

from dvt_kg import HermiT
from tests.probing import conclusions, explanations, mismatched, other_sets, probed, records
from tests.records import RECORDS
from tests.test_counterfactuals import facts_of

COUNT = 3000


def test_every_justification_of_thousands_of_records_suffices_and_none_of_its_facts_can_be_spared(
    reasoner: HermiT,
) -> None:
    statuses: Counter[str] = Counter()
    sets = 0
    drawn = records(COUNT, seed=20261126)
    for start in range(0, COUNT, 250):
        found = []
        for explanation in explanations(drawn[start : start + 250]):
            statuses[explanation.outcome.status] += 1
            found += list(conclusions(explanation))
        sets += probed(found, reasoner, None)
    assert min(statuses.values()) > 50
    assert len(statuses) == 4
    assert sets > 5000


def test_no_other_minimal_set_exists_by_hermit_on_every_subset_of_many_small_records(
    reasoner: HermiT,
) -> None:
    small = [patient for patient in records(2000, seed=8) if 3 <= len(patient.facts) <= 7][:150]
    assert len(small) == 150
    for patient, explanation in zip(small, explanations(small), strict=True):
        assert other_sets(patient, explanation, reasoner) == []


def test_every_change_shown_of_many_records_is_what_recommend_then_answers() -> None:
    chosen = [facts_of(record) for record in RECORDS] + [p.facts for p in records(40, seed=6)]
    shown, wrong = mismatched(chosen)
    assert shown > 1500
    assert wrong == []
