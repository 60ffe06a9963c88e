"""What would change it is what is then really answered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dvt_kg import Fact, HermiT, read_records
from dvt_kg.counterfactuals import difference

from .probing import EXPLAINER, changes, otherwise, recommended, records, short
from .records import COMPRESSED, EMPTY, MILD, UNKNOWN
from .strategies import ONTOLOGY

OUTLOOK = EXPLAINER.outlook


def facts_of(record: dict[str, Any]) -> frozenset[Fact]:
    return read_records([record], ONTOLOGY).patients[0].facts


def test_hermit_answers_the_same_of_the_changed_records(reasoner: HermiT) -> None:
    facts = facts_of(UNKNOWN)
    shown = changes(facts)[0]
    answers = recommended([otherwise(facts, change.fact) for change in shown], reasoner)
    assert all(short(change.outcome) == answer for change, answer in zip(shown, answers, strict=True))


@pytest.mark.parametrize("record", [MILD, COMPRESSED, EMPTY], ids=lambda r: r["id"])
def test_no_fact_that_would_change_the_answer_is_left_out(record: dict[str, Any]) -> None:
    facts = facts_of(record)
    found, impossible = changes(facts)
    shown = {change.fact for change in found}
    names = [*sorted(ONTOLOGY.findings)[::3], "tense-edema", "may-thurner-configuration", "pregnancy"]
    tried = [Fact(prop, name) for name in names for prop in ("hasFinding", "lacksFinding")]
    tried += [
        Fact(prop, vein) for vein in sorted(ONTOLOGY.veins) for prop in ("hasThrombusIn", "lacksThrombusIn")
    ]
    tried += [Fact("sex", "male"), Fact("recordedSeverity", "severe"), Fact("recordedSeverity", "moderate")]
    tried = [fact for fact in tried if fact not in facts]
    (now, *answers) = recommended([facts, *(otherwise(facts, fact) for fact in tried)])
    for fact, answer in zip(tried, answers, strict=True):
        if answer[0] == "contradictory":
            assert fact in impossible
        else:
            assert (fact in shown) == (answer != now), fact


def test_what_the_answer_says_in_short_is_what_recommend_says() -> None:
    patients = records(60, seed=9)
    for patient, answer in zip(patients, recommended([p.facts for p in patients]), strict=True):
        if answer[0] != "contradictory":
            assert short(OUTLOOK.outcome(OUTLOOK.closure(patient.facts))) == answer


def by_fact(record: dict[str, Any]) -> dict[Fact, dict[str, Any]]:
    facts = facts_of(record)
    now = OUTLOOK.outcome(OUTLOOK.closure(facts))
    return {change.fact: difference(now, change.outcome) for change in changes(facts)[0]}


def test_tense_edema_and_day_fourteen_and_may_thurner_and_platelets_change_the_answer() -> None:
    found = by_fact(MILD)
    tense = found[Fact("hasFinding", "tense-edema")]
    assert {o["presentation"] for o in tense["disappears"]} == {"acr-2020-iliofemoral-1"}
    assert {o["presentation"] for o in tense["appears"]} == {"acr-2020-iliofemoral-2"}
    assert {
        "intervention": "catheter-directed-therapy-with-or-without-stent",
        "ratings": {"before": ["usually-not-appropriate"], "after": ["usually-appropriate"]},
    } in tense["changes"]
    late = found[Fact("symptomDurationDays", Decimal(14))]
    assert late["status"] == {"before": "matched", "after": "out-of-scope"}
    compressed = found[Fact("hasFinding", "may-thurner-configuration")]
    assert compressed["presentations"] == {"acr-2020-iliofemoral-4": {"before": "ruled-out", "after": "met"}}
    no_comorbidity = {**MILD, "findings": {**MILD["findings"], "altering-comorbidity": "unknown"}}
    low = by_fact(no_comorbidity)[Fact("plateletCount", Decimal(24))]
    assert low["presentations"]["acr-2019-ivc-filter-2"]["after"] == "met"


def test_a_number_moves_just_across_each_threshold_at_which_the_answer_changes() -> None:
    moved = [fact for fact in by_fact(MILD) if fact.property == "symptomDurationDays"]
    assert moved == [Fact("symptomDurationDays", Decimal(14))]  # 10, 20, 21 and 42 days change nothing
    old = by_fact({**MILD, "measurements": {"symptom-duration-days": 30}})
    assert [f.value for f in old if f.property == "symptomDurationDays"] == [13]
    index = by_fact({**MILD, "measurements": {"symptom-duration-days": 7, "ankle-brachial-index": 1.0}})
    values = [f.value for f in index if f.property == "ankleBrachialIndex"]
    assert Decimal("0.59") in values


def test_every_number_that_is_shown_can_be_recorded() -> None:
    shown = {
        change.fact
        for record in (MILD, EMPTY, {"id": "x", "measurements": {"ankle-brachial-index": 0.9}})
        for change in changes(facts_of(record))[0]
        if isinstance(change.fact.value, Decimal)
    }
    assert len(shown) >= 8
    plausible = {m.property: m for m in ONTOLOGY.measurements.values()}
    for fact in shown:
        assert isinstance(fact.value, Decimal)
        assert plausible[fact.property].minimum <= fact.value <= plausible[fact.property].maximum


def test_what_contradicts_the_record_is_no_change_but_said() -> None:
    found, impossible = changes(facts_of(MILD))
    assert Fact("hasFinding", "pregnancy") in impossible
    assert not {change.fact for change in found} & set(impossible)


def test_a_slip_that_is_mended_brings_the_answer_back() -> None:
    torn = {**MILD, "findings": {**MILD["findings"], "mobility-limitation": "present"}}
    facts = facts_of(torn)
    now = OUTLOOK.outcome({None})
    assert now.status == "contradictory"
    mended = {c.fact: c.outcome.status for c in OUTLOOK.changes(facts, now)[0]}
    assert mended[Fact("lacksFinding", "mobility-limitation")] == "matched"


def test_the_same_outcome_differs_in_nothing() -> None:
    now = OUTLOOK.outcome(OUTLOOK.closure(facts_of(MILD)))
    assert difference(now, now) == {"appears": [], "disappears": [], "changes": []}
