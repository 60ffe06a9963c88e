"""Justifications are proven against HermiT, not narrated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from dvt_kg import Fact, HermiT, Ontology, Patient, RuleReasoner, classify, read_records, recommend
from dvt_kg.axioms import compile_rules
from dvt_kg.explainer import Conclusion, Explainer, Explanation, explainer
from dvt_kg.explanations import explain
from dvt_kg.rules import PATIENT, Value

from .probing import EXPLAINER, conclusions, explanations, probed, records
from .records import BLEEDING, COMPRESSED, EMPTY, MILD, TENSE, TORN, UNKNOWN, changed
from .strategies import ONTOLOGY, RULES


@pytest.fixture(scope="module")
def explained() -> list[Explanation]:
    return list(explanations(records(300, seed=20261125)))


THREAT = "limb-threatening-ischemia"


def one(record: dict[str, Any], ontology: Ontology = ONTOLOGY) -> Explanation:
    """One record explained."""
    reading = read_records([record], ontology)
    assert not reading.errors
    ((patient, profile),) = classify(reading.patients, RuleReasoner(ontology))
    return explainer(ontology).explain(patient, profile)


def test_the_records_drawn_are_of_every_status(explained: list[Explanation]) -> None:
    counts = Counter(explanation.outcome.status for explanation in explained)
    assert min(counts[s] for s in ("matched", "indeterminate", "out-of-scope", "contradictory")) >= 5


def test_every_justification_suffices_and_none_of_its_facts_can_be_spared_by_hermit(
    explained: list[Explanation], reasoner: HermiT
) -> None:
    found = [c for explanation in explained for c in conclusions(explanation)]
    kinds = {conclusion.property for conclusion in found}
    assert kinds == {
        *("hasClash", "hasPresentation", "ruledOutPresentation", "meetsCriterion", "failsCriterion"),
        *("absolutelyContraindicated", "relativelyContraindicated", "contraindicationExcluded"),
        *("hasAlert", "conflict"),
    }
    assert probed(found, reasoner, None) > 500


def test_everything_that_is_concluded_is_explained(explained: list[Explanation]) -> None:
    for explanation in explained:
        for presentation in explanation.presentations:
            if presentation.state in ("met", "ruled-out", "contradictory"):
                assert presentation.why is not None
                assert presentation.why.justifications
            for criterion in presentation.criteria:
                assert (criterion.why is None) == (criterion.state == "unknown")
        for found in explanation.contraindications:
            assert (found.why is not None) == (found.state in ("absolute", "relative", "excluded"))
        assert {c.about for c in explanation.alerts} == explanation.outcome.alerts
        for conclusion in conclusions(explanation):
            assert conclusion.justifications, conclusion


def test_justifications_come_shortest_first_and_each_once(explained: list[Explanation]) -> None:
    several = 0
    for explanation in explained:
        for conclusion in conclusions(explanation):
            sizes = [len(j.facts) for j in conclusion.justifications]
            assert sizes == sorted(sizes)
            assert len({frozenset(j.facts) for j in conclusion.justifications}) == len(sizes)
            several += len(sizes) > 1
    assert several > 100


def test_the_axioms_lead_from_the_facts_to_the_conclusion(explained: list[Explanation]) -> None:
    """Only the axioms that a justification names, run over its facts, give the conclusion again."""
    by_words: dict[str, list[Any]] = {}
    for rule in RULES.rules:
        by_words.setdefault(EXPLAINER.words(rule.axiom), []).append(rule)
    seen = set()
    for conclusion in (c for e in explained for c in conclusions(e)):
        if conclusion.property not in ("hasPresentation", "ruledOutPresentation", "hasClash"):
            continue
        for justification in conclusion.justifications:
            if (conclusion.property, conclusion.about, justification.facts) in seen:
                continue
            seen.add((conclusion.property, conclusion.about, justification.facts))
            named = [rule for axiom in justification.axioms for rule in by_words[axiom.words]]
            closed = type(RULES)(tuple(named)).closure({PATIENT, *RULES.profile(justification.facts)})
            goal = None if conclusion.property == "hasClash" else Value(conclusion.property, conclusion.about)
            assert goal in closed
            for axiom in justification.axioms:
                assert set(axiom.sources) <= {s for rule in by_words[axiom.words] for s in rule.sources}
    assert len(seen) > 100


def test_the_article_s_patient_is_explained_by_the_facts_that_matter_alone() -> None:
    explanation = one(MILD)
    first = next(p for p in explanation.presentations if p.name == "acr-2020-iliofemoral-1")
    assert first.why is not None
    (justification,) = first.why.justifications
    assert {fact.value for fact in justification.facts} == {
        *("fully-ambulatory", "external-iliac-vein", "altering-comorbidity", "severe-leg-pain"),
        *("skin-discoloration", "tense-edema", 7),
    }
    words = [axiom.words for axiom in justification.axioms]
    assert "'symptom duration in days' some decimal[< 14] SubClassOf 'acute onset: met'" in words
    assert words[-1].endswith(
        "'has presentation' value 'ACR 2020, variant 1: acute iliofemoral DVT, mild symptoms'"
    )
    assert {"acr-2020-iliofemoral", "article-2026"} <= set(justification.sources)
    assert "attract" not in justification.sources  # its threshold is 14 days with the fourteenth


def test_why_not_names_each_criterion_that_fails_and_the_facts_that_make_it_fail() -> None:
    explanation = one(MILD)
    pregnant = next(p for p in explanation.presentations if p.name == "acr-2020-iliofemoral-7")
    states = {criterion.name: criterion.state for criterion in pregnant.criteria}
    assert pregnant.state == "ruled-out"
    assert {name for name, state in states.items() if state == "not-met"} == {
        "pregnant",
        "moderate-to-severe-symptoms",
    }
    failed = next(c for c in pregnant.criteria if c.name == "pregnant")
    assert failed.why is not None
    assert [f.value for f in failed.why.justifications[0].facts] == ["altering-comorbidity"]


def test_a_contradiction_is_every_smallest_clash_and_each_presentation_says_so() -> None:
    explanation = one({**TORN, "sex": "male", "findings": {**TORN["findings"], "pregnancy": "present"}})
    assert explanation.contradiction is not None
    clashes = [{fact.value for fact in j.facts} for j in explanation.contradiction.justifications]
    assert {"male", "pregnancy"} in clashes
    assert {"fully-ambulatory", "mobility-limitation"} in clashes
    assert {p.state for p in explanation.presentations} == {"contradictory"}
    assert explanation.outcome.options == ()


def test_a_red_flag_that_stands_outside_every_clash_is_explained_too() -> None:
    record = {"id": "p", "sex": "male", "findings": dict.fromkeys(("pregnancy", THREAT), "present")}
    explanation = one(record)
    assert explanation.outcome.status == "contradictory"
    (alert,) = explanation.alerts
    assert alert.about == f"{THREAT}-red-flag"
    assert [[fact.value for fact in j.facts] for j in alert.justifications] == [[THREAT]]


def test_a_conflict_rests_on_the_facts_of_both_presentations_and_names_the_ratings_sources() -> None:
    explanation = one(COMPRESSED)
    answer = recommend(classify(read_records([COMPRESSED], ONTOLOGY).patients, RuleReasoner(ONTOLOGY)))
    assert {(c.about, c.statements) for c in explanation.conflicts} == {
        (c["intervention"], tuple(c["statements"])) for c in answer["results"][0]["conflicts"]
    }
    (justification,) = explanation.conflicts[0].justifications
    assert {"may-thurner-configuration", "tense-edema"} <= {fact.value for fact in justification.facts}


def test_contraindications_and_alerts_are_explained_by_what_is_present_and_by_what_is_excluded() -> None:
    bleeding = {c.intervention: c for c in one(BLEEDING).contraindications}
    mild = {c.intervention: c for c in one(MILD).contraindications}
    assert mild["anticoagulation-alone"].state == "excluded"
    why = mild["anticoagulation-alone"].why
    assert why is not None
    assert [[f.value for f in j.facts] for j in why.justifications] == [["altering-comorbidity"]]
    assert mild["graduated-compression-stockings"].state == "not-assessed"
    assert {c.state for c in bleeding.values()} <= {"absolute", "relative", "none-on-file", "not-assessed"}
    alerts = {c.about: c for c in one(TENSE).alerts}
    assert {f.value for f in alerts["underestimated-symptoms"].justifications[0].facts} == {
        "mild",
        "tense-edema",
    }


def test_a_cap_that_is_reached_is_said_and_what_is_kept_is_still_minimal(reasoner: HermiT) -> None:
    names = ("severe-leg-pain", "cyanosis", "pallor", "tense-edema", "phlegmasia-alba-dolens")
    record = changed("many", dict.fromkeys(names, "present"), recorded_severity="moderate")
    record["findings"] |= {"skin-discoloration": "present", "fully-ambulatory": "unknown"}
    patient = read_records([record], ONTOLOGY).patients[0]
    whole = explainer(ONTOLOGY)
    capped = Explainer(ONTOLOGY, limit=2)
    ((_, profile),) = classify([patient], RuleReasoner(ONTOLOGY))
    full, cut = whole.explain(patient, profile), capped.explain(patient, profile)
    found = [c for c in conclusions(cut) if not c.complete]
    assert found
    assert not [c for c in conclusions(full) if not c.complete]
    assert probed(found, reasoner, None) > 0
    complete = {(c.property, c.about, c.statements): c for c in conclusions(full)}
    for conclusion in conclusions(cut):
        all_of_them = complete[conclusion.property, conclusion.about, conclusion.statements]
        if conclusion.complete:
            assert conclusion.justifications == all_of_them.justifications
        else:
            assert set(conclusion.justifications) <= set(all_of_them.justifications)


def test_what_is_missing_holds_the_set_of_the_answer_and_each_set_is_as_small(
    explained: list[Explanation],
) -> None:
    answer = recommend(classify([e.patient for e in explained], RuleReasoner(ONTOLOGY)))
    keys = ONTOLOGY.notations
    open_ = 0
    for explanation, result in zip(explained, answer["results"], strict=True):
        asked = {item["presentation"]: item["missing"] for item in result["undetermined"]}
        for presentation in explanation.presentations:
            sets = [sorted(keys.get(name, name) for name in names) for names in presentation.missing]
            if presentation.state == "open":
                assert asked[presentation.name] in sets
                assert {len(names) for names in sets} == {len(asked[presentation.name])}
                open_ += 1
            else:
                assert not sets
    assert open_ > 100


def test_what_settles_most_comes_first() -> None:
    explanation = one(EMPTY)
    orders = [settled.order for settled in explanation.settles.values()]
    assert orders == sorted(orders)
    assert next(iter(explanation.settles)) == "iliofemoral-vein"  # settles something whatever the answer
    assert next(iter(one(UNKNOWN).settles)) == "may-thurner-configuration"


def test_an_unassessed_contraindication_says_what_would_assess_it() -> None:
    stockings = next(
        c for c in one(MILD).contraindications if c.intervention == "graduated-compression-stockings"
    )
    assert stockings.missing["heart-failure-nyha-4"] == (("heart-failure-nyha-4",),)
    assert all(sets for sets in stockings.missing.values())


ADDED = """
dvt:stent-in-place a owl:NamedIndividual , dvt:Finding ; rdfs:label "venous stent in place"@en ;
    dcterms:source dvt:article-2026 .
[ a owl:Restriction ; owl:onProperty dvt:hasFinding ; owl:hasValue dvt:stent-in-place ] owl:disjointWith
    [ a owl:Restriction ; owl:onProperty dvt:lacksFinding ; owl:hasValue dvt:stent-in-place ] .
dvt:no-stent a owl:NamedIndividual , dvt:Criterion ; rdfs:label "no stent"@en ; skos:definition "None."@en ;
    dvt:criterionOf dvt:acr-2020-iliofemoral-1 ; dvt:position 99.0 .
dvt:acr-2020-iliofemoral-1 dvt:hasCriterion dvt:no-stent .
dvt:NoStentNotMet a owl:Class ; rdfs:label "no stent: not met"@en ;
    owl:equivalentClass
        [ a owl:Restriction ; owl:onProperty dvt:hasFinding ; owl:hasValue dvt:stent-in-place ] ;
    rdfs:subClassOf [ a owl:Restriction ; owl:onProperty dvt:failsCriterion ; owl:hasValue dvt:no-stent ] .
"""


def test_a_criterion_added_in_turtle_is_explained_like_any_other(
    extended: Callable[[str], Ontology],
) -> None:
    ontology = extended(ADDED)
    record = changed("stented", {"stent-in-place": "present"})
    patient = read_records([record], ontology).patients[0]
    explanation = one(record, ontology)
    first = next(p for p in explanation.presentations if p.name == "acr-2020-iliofemoral-1")
    criterion = next(c for c in first.criteria if c.name == "no-stent")
    assert (first.state, criterion.state) == ("ruled-out", "not-met")
    assert first.why is not None
    (justification,) = first.why.justifications
    assert justification.facts == (Fact("hasFinding", "stent-in-place"),)
    assert "'has finding' value 'venous stent in place' SubClassOf 'no stent: not met'" in [
        axiom.words for axiom in justification.axioms
    ]
    assert "article-2026" in justification.sources
    flipped = next(c for c in explanation.changes if c.fact == Fact("lacksFinding", "stent-in-place"))
    assert flipped.was in patient.facts
    assert flipped.outcome.presentations["acr-2020-iliofemoral-1"] == "met"
    answer = explain(classify([patient], RuleReasoner(ontology)), conclusions=["no-stent"])
    assert answer["explanations"][0]["property"] == "failsCriterion"


def test_the_rules_of_two_ontologies_are_kept_apart(extended: Callable[[str], Ontology]) -> None:
    assert compile_rules(extended(ADDED)) is not compile_rules(ONTOLOGY)
    assert compile_rules(ONTOLOGY) is compile_rules(ONTOLOGY)


def about(patient: Patient, name: str) -> list[Conclusion]:
    ((_, profile),) = classify([patient], RuleReasoner(ONTOLOGY))
    return EXPLAINER.about(patient, profile, name)


def test_of_a_contradictory_record_only_its_clash_and_a_red_flag_that_stands_are_explained() -> None:
    facts = {Fact("sex", "male"), Fact("hasFinding", "pregnancy"), Fact("hasFinding", THREAT)}
    patient = Patient("p", frozenset(facts))
    assert [c.property for c in about(patient, "tense-edema")] == ["hasClash"]
    assert [c.property for c in about(patient, f"{THREAT}-red-flag")] == ["hasClash", "hasAlert"]


def test_about_a_term_explains_all_that_is_concluded_with_it_and_nothing_else() -> None:
    patient = Patient("p", frozenset({Fact("hasFinding", "cyanosis")}))
    found = about(patient, "skin-discoloration")
    assert [(c.property, c.about) for c in found] == [("hasFinding", "skin-discoloration")]
    assert about(patient, "acr-2020-iliofemoral-1")[0].property == "ruledOutPresentation"
    assert about(patient, "pregnancy") == []
    (entailed,) = about(patient, "ModerateToSevereSymptomsMet")
    assert (entailed.property, entailed.justifications[0].facts) == ("type", tuple(patient.facts))
    stockings = {c.property: c for c in about(patient, "graduated-compression-stockings")}
    assert stockings["notAssessedFor"].justifications[0].facts == ()  # rests on nothing being recorded
