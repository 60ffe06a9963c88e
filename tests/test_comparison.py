"""What changed between two records of one patient, and why."""

from __future__ import annotations

import io
from typing import Any

import pytest

from dvt_kg import RuleReasoner, UsageError, classify, compare, comparison, read_records
from dvt_kg.explanation_report import print_comparisons

from .records import COMPRESSED, MILD, TENSE, TORN, UNKNOWN, changed
from .strategies import ONTOLOGY


def compared(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> dict[str, Any]:
    one, other = (
        classify(read_records(s, ONTOLOGY).patients, RuleReasoner(ONTOLOGY)) for s in (before, after)
    )
    return compare(one, other)


def test_symptoms_that_turn_tense_move_the_patient_to_another_presentation_and_say_why() -> None:
    (found,) = compared([MILD], [TENSE])["comparisons"]
    assert (found["before"], found["patient"]) == ("mild", "tense")
    assert found["facts"] == [
        {
            "name": "tense-edema",
            "before": [{"path": "/findings/tense-edema", "value": "absent"}],
            "after": [{"path": "/findings/tense-edema", "value": "present"}],
        }
    ]
    assert found["presentations"] == {
        "acr-2020-iliofemoral-1": {"before": "met", "after": "ruled-out"},
        "acr-2020-iliofemoral-2": {"before": "ruled-out", "after": "met"},
    }
    assert found["alerts"] == {"appear": ["underestimated-symptoms"], "disappear": []}
    first = next(r for r in found["why"] if r.get("presentation") == "acr-2020-iliofemoral-1")
    assert first["because"] == [["tense-edema"]]
    assert first["after"]["failed"] == ["mild-symptoms"]
    assert first["after"]["justifications"][0]["facts"] == [
        {"path": "/findings/tense-edema", "value": "present"}
    ]


def test_a_fact_that_is_no_longer_recorded_opens_the_question() -> None:
    (found,) = compared([{**COMPRESSED, "id": "x"}], [{**UNKNOWN, "id": "x"}])["comparisons"]
    assert found["facts"][0]["after"] == []
    (reason,) = found["why"]
    assert (reason["before"]["state"], reason["after"]["state"]) == ("met", "open")
    assert reason["after"]["open"] == ["may-thurner"]
    assert reason["because"] == [["may-thurner-configuration"]]
    assert "conflicts" not in found


def test_what_stays_the_same_is_not_listed() -> None:
    (found,) = compared([MILD], [{**MILD, "id": "again"}])["comparisons"]
    assert (found["facts"], found["appears"], found["disappears"], found["changes"], found["why"]) == (
        [],
    ) * 5


def test_records_are_matched_by_id_and_the_others_are_named() -> None:
    before = [MILD, {**UNKNOWN, "id": "gone"}]
    after = [{**TENSE, "id": "mild"}, {**TORN, "id": "new"}]
    answer = compared(before, after)
    assert [c["patient"] for c in answer["comparisons"]] == ["mild"]
    assert (answer["only_before"], answer["only_after"]) == (["gone"], ["new"])
    with pytest.raises(UsageError, match="matched by their ids"):
        compared(before, [{**TENSE, "id": "a"}, {**TENSE, "id": "b"}])


def test_a_record_that_has_become_contradictory_shows_its_clash() -> None:
    (found,) = compared([MILD], [{**TORN, "id": "mild"}])["comparisons"]
    assert found["status"] == {"before": "matched", "after": "contradictory"}
    (justification,) = [j for j in found["contradiction"]["after"]["justifications"] if len(j["facts"]) == 2][
        :1
    ]
    assert {f["path"] for f in justification["facts"]} <= {
        *("/findings/fully-ambulatory", "/findings/mobility-limitation"),
        *("/findings/skin-discoloration", "/findings/phlegmasia-cerulea-dolens"),
    }


def test_a_number_that_passes_a_threshold_is_the_reason() -> None:
    later = changed("mild", measurements={**MILD["measurements"], "symptom-duration-days": 20})
    (found,) = compared([MILD], [later])["comparisons"]
    assert found["status"]["after"] == "out-of-scope"
    assert all(reason["because"] == [["symptom-duration-days"]] for reason in found["why"])


def test_only_what_moves_a_presentation_is_its_reason_and_each_way_that_does_is_named() -> None:
    later = changed(
        "mild",
        {"tense-edema": "present", "severe-leg-pain": "present", "leg-pain": "present"},
        measurements={**MILD["measurements"], "symptom-duration-days": 9},
    )
    (found,) = compared([MILD], [later])["comparisons"]
    because = {r["presentation"]: r["because"] for r in found["why"] if "presentation" in r}
    assert because["acr-2020-iliofemoral-1"] == [["severe-leg-pain"], ["tense-edema"]]
    both = changed("mild", {"may-thurner-configuration": "present", "skin-discoloration": "unknown"})
    (found,) = compared([changed("mild", {"skin-discoloration": "unknown"})], [both])["comparisons"]
    assert found["why"][0]["because"] == [["may-thurner-configuration"]]


def test_next_steps_and_criteria_that_change_are_told_although_no_option_does() -> None:
    started = {"id": "x", "findings": {"anticoagulation-started": "present"}}
    better = {"id": "x", "findings": {"anticoagulation-started": "present", "symptoms-improving": "present"}}
    (found,) = compared([started], [better])["comparisons"]
    assert len(found["next_steps"]["appear"]) == 3
    clear = {"id": "x", "findings": {"anticoagulation-started": "present", "pregnancy": "absent"}}
    (found,) = compared([started], [clear])["comparisons"]
    assert found["criteria"] == {"pregnant": {"before": "unknown", "after": "not-met"}}


def test_a_contraindication_and_an_alert_that_change_say_why() -> None:
    narrow = changed("mild", measurements={**MILD["measurements"], "ankle-brachial-index": 0.4})
    wide = changed("mild", measurements={**MILD["measurements"], "ankle-brachial-index": 1.0})
    (found,) = compared([wide], [narrow])["comparisons"]
    (reason,) = found["why"]
    assert reason["contraindication"] == "graduated-compression-stockings"
    assert (reason["before"]["state"], reason["after"]["state"]) == ("not-assessed", "absolute")
    assert (reason["because"], reason["smallest"]) == ([["ankle-brachial-index"]], True)
    assert reason["after"]["justifications"][0]["facts"] == [
        {"path": "/measurements/ankle-brachial-index", "value": 0.4}
    ]
    (found,) = compared([MILD], [TENSE])["comparisons"]
    (alert,) = (r for r in found["why"] if "alert" in r)
    assert (alert["alert"], alert["because"]) == ("underestimated-symptoms", [["tense-edema"]])
    assert (alert["before"]["state"], alert["after"]["state"]) == ("none", "raised")


def test_a_vein_recorded_both_ways_is_a_change_of_its_own() -> None:
    sure = {"id": "x", "thrombus": {"present": ["external-iliac-vein"]}}
    torn = {"id": "x", "thrombus": {"present": ["external-iliac-vein"], "absent": ["external-iliac-vein"]}}
    (found,) = compared([sure], [torn])["comparisons"]
    (fact,) = found["facts"]
    assert (len(fact["before"]), len(fact["after"])) == (1, 2)


def test_where_too_many_sets_would_have_to_be_tried_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "MOST_TRIED", 0)
    (found,) = compared([MILD], [TENSE])["comparisons"]
    assert [(r["because"], r["smallest"]) for r in found["why"]] == [([["tense-edema"]], False)] * 3


def test_the_text_says_what_changed_and_why() -> None:
    out = io.StringIO()
    print_comparisons(compared([MILD], [TENSE]), out)
    text = " ".join(out.getvalue().split())
    assert "tense-edema absent → tense-edema present" in text
    assert "acr-2020-iliofemoral-1: met → ruled-out" in text
    assert "because of tense-edema failed mild-symptoms" in text
    assert "not medical advice" in text
