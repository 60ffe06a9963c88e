"""What guidelines beside the rating panels say of a patient, and where statements point different ways."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from dvt_kg import (
    HermiT,
    KnowledgeGraph,
    Ontology,
    Patient,
    UsageError,
    ask,
    check_ontology,
    classify,
    read_records,
    recommend,
)
from dvt_kg.answers import exit_status
from dvt_kg.missing import Missing
from dvt_kg.ontology import dvt, local_name
from dvt_kg.patients import Fact
from dvt_kg.rules import PATIENT, Atom, RuleSet, Type, Value

from .records import MILD, TENSE, changed
from .test_answers import VALIDATOR

Statement = dict[str, Any]

MAY_THURNER = changed("may-thurner", {"may-thurner-configuration": "present"})
MODERATE = changed(
    "moderate",
    {"tense-edema": "present", "severe-leg-pain": "unknown", "limb-threatening-ischemia": "absent"},
)
STARTED = {**MILD["measurements"], "anticoagulation-days": 5}
FAILED = changed(
    "failed",
    {
        "pulmonary-embolism": "present",
        "recurrent-pulmonary-embolism-on-anticoagulation": "present",
        "altering-comorbidity": "unknown",
    },
    measurements=STARTED,
)
TREATED = changed(
    "treated",
    {"anticoagulation-failure": "absent", "major-complication-of-anticoagulation": "absent"},
    measurements=STARTED,
)
ALBA = changed(
    "alba",
    {"phlegmasia-alba-dolens": "present", "skin-discoloration": "unknown", "severe-leg-pain": "unknown"},
)
CERULEA = changed(
    "cerulea",
    {"phlegmasia-cerulea-dolens": "present", "skin-discoloration": "unknown", "severe-leg-pain": "unknown"},
)
BLEEDING = changed("bleeding", {"active-major-bleeding": "present", "altering-comorbidity": "unknown"})
PREPARED = {
    "previous-deep-vein-thrombosis": "absent",
    "low-bleeding-risk": "present",
    "good-functional-status": "present",
    "acceptable-life-expectancy": "present",
}


@pytest.fixture(scope="module")
def knowledge(ontology: Ontology) -> KnowledgeGraph:
    return KnowledgeGraph(ontology)


@pytest.fixture(scope="module")
def answered(ontology: Ontology, reasoner: HermiT) -> Any:
    @cache
    def answer(record: str) -> Statement:
        reading = read_records([json.loads(record)], ontology)
        assert not reading.errors
        whole = recommend(classify(reading.patients, reasoner), guidelines="all")
        VALIDATOR.validate(json.loads(json.dumps(whole)))
        result: Statement = whole["results"][0]
        return result

    return lambda record: answer(json.dumps(record))


def applying(result: Statement) -> dict[str, Statement]:
    return {r["statement"]: r for r in result["recommendations"] if r["state"] == "applies"}


def open_(result: Statement) -> dict[str, Statement]:
    return {r["statement"]: r for r in result["recommendations"] if r["state"] == "open"}


def superseded(result: Statement) -> dict[str, Statement]:
    return {r["statement"]: r for r in result["recommendations"] if r["state"] == "superseded"}


def conflicts(result: Statement) -> set[frozenset[str]]:
    return {frozenset(c["statements"]) for c in result["conflicts"]}


# The answer
# ----------


def test_the_acr_alone_is_the_default(ontology: Ontology, reasoner: HermiT) -> None:
    classification = classify(read_records([MILD], ontology).patients, reasoner)
    default, acr = recommend(classification), recommend(classification, guidelines="acr")
    assert default == acr
    (result,) = default["results"]
    assert "recommendations" not in result
    assert "disagreements" not in result
    (everything,) = recommend(classification, guidelines="all")["results"]
    assert {k: v for k, v in everything.items() if k in result and k != "conflicts"} == {
        k: v for k, v in result.items() if k != "conflicts"
    }


def test_guidelines_of_another_name_are_refused(ontology: Ontology, reasoner: HermiT) -> None:
    with pytest.raises(UsageError, match="'chest'; choose one of acr, all"):
        recommend(classify((), reasoner), guidelines="chest")


def test_a_recommendation_comes_with_direction_grade_criteria_and_source(answered: Any) -> None:
    found = applying(answered(MILD))["recommendation-chest-2016-no-routine-stockings"]
    assert (found["direction"], found["grade"]) == ("against", "2B")
    assert found["guideline"] == "chest-2016"
    assert found["criteria"] == [
        {
            "id": "proximal-thrombosis",
            "label": "proximal thrombosis",
            "state": "met",
            "because": ["external-iliac-vein present"],
        }
    ]
    assert found["verification"] == "primary"
    assert "2016" in found["source"]
    assert "not the relief of symptoms" in found["qualification"]


def test_what_is_unknown_leaves_a_recommendation_open_and_says_why(answered: Any) -> None:
    statement = "recommendation-svs-avf-2012-early-removal"
    waiting = open_(answered(MILD))[statement]
    unknown = {c["id"] for c in waiting["criteria"] if c["state"] == "unknown"}
    assert unknown == {
        *("first-episode", "bleeding-risk-low", "functional-status-good", "life-expectancy-acceptable")
    }
    assert statement in applying(answered(changed("prepared", PREPARED)))
    second = answered(changed("second", {**PREPARED, "previous-deep-vein-thrombosis": "present"}))
    assert statement not in applying(second) | open_(second)


def test_the_numbers_of_a_record_s_criteria_are_its_own(ontology: Ontology, reasoner: HermiT) -> None:
    twin = changed("twin", measurements={**MILD["measurements"], "symptom-duration-days": 8})
    answer = recommend(classify(read_records([MILD, twin], ontology).patients, reasoner), guidelines="all")
    days = [
        {
            d
            for r in result["recommendations"]
            for c in r["criteria"]
            if c["id"] == "acute-onset"
            for d in c["because"]
        }
        for result in answer["results"]
    ]
    assert days == [{"symptom-duration-days 7"}, {"symptom-duration-days 8"}]


def test_what_is_superseded_says_what_takes_its_place_and_is_in_no_conflict(answered: Any) -> None:
    result = answered(MILD)
    old = superseded(result)["rating-acr-2013-iliofemoral-4-catheter-directed-therapy"]
    assert (old["direction"], old["grade"]) == ("for", "usually appropriate")
    assert "usually not appropriate" in old["superseded_by"][0]
    assert {"superseded_by" in r for r in result["recommendations"] if r["state"] != "superseded"} == {False}
    assert len(superseded(result)) > 5
    assert not any(superseded(result).keys() & pair for pair in conflicts(result))


def test_a_contraindication_stands_beside_each_recommendation(answered: Any) -> None:
    found = applying(answered(BLEEDING))
    assert found["recommendation-umhs-2014-anticoagulation"]["contraindication"] == "absolute"
    assert found["recommendation-article-2026-filter-contraindication"]["contraindication"] == "none-on-file"
    assert "recommendation-article-2026-no-filter" not in found


def test_a_filter_is_not_advised_against_while_the_patient_bleeds_on_anticoagulation(answered: Any) -> None:
    bleeding = changed(
        "bleeding-on-treatment",
        {"active-major-bleeding": "present", "altering-comorbidity": "unknown"},
        measurements=STARTED,
    )
    result = answered(bleeding)
    advice = {"recommendation-chest-2016-no-filter", "recommendation-sir-2020-filter-no-routine"}
    assert not advice & (applying(result) | open_(result)).keys()
    assert "recommendation-chest-2021-filter-contraindication" in applying(result)


def test_what_speaks_against_a_drug_stands_beside_the_advice_for_it(answered: Any) -> None:
    ill = changed("ill", {"antiphospholipid-syndrome": "present", "altering-comorbidity": "unknown"})
    assert applying(answered(ill))["recommendation-ash-2020-doac"]["contraindication"] == "relative"
    assert applying(answered(MILD))["recommendation-ash-2020-doac"]["contraindication"] == "excluded"


def test_a_matter_that_is_not_the_patient_s_is_not_shown(answered: Any) -> None:
    shown = {d["id"] for d in answered(MILD)["disagreements"]}
    assert "disagreement-may-thurner-with-mild-symptoms" not in shown
    cerulea = {d["id"] for d in answered(CERULEA)["disagreements"]}
    assert "disagreement-phlegmasia-alba" not in cerulea
    assert "disagreement-phlegmasia-alba" in {d["id"] for d in answered(ALBA)["disagreements"]}


def test_a_contradictory_record_gets_no_recommendation(ontology: Ontology, reasoner: HermiT) -> None:
    record = changed("torn", {"tense-edema": "present", "moderate-or-severe-symptom": "absent"})
    answer = recommend(classify(read_records([record], ontology).patients, reasoner), guidelines="all")
    (result,) = answer["results"]
    assert result["status"] == "contradictory"
    assert (result["recommendations"], result["disagreements"], result["conflicts"]) == ([], [], [])
    assert exit_status(answer) == 3


# The conflicts that the facts list
# ---------------------------------


@pytest.mark.parametrize(
    ("record", "pairs"),
    [
        pytest.param(
            MAY_THURNER,
            [
                (
                    "rating-acr-2020-iliofemoral-1-anticoagulation-alone",
                    "rating-acr-2020-iliofemoral-4-anticoagulation-alone",
                ),
                (
                    "rating-acr-2020-iliofemoral-1-catheter-directed-therapy-with-or-without-stent",
                    "rating-acr-2020-iliofemoral-4-catheter-directed-therapy-with-or-without-stent",
                ),
                (
                    "recommendation-article-2026-may-thurner-anticoagulation-alone",
                    "rating-acr-2020-iliofemoral-4-anticoagulation-alone",
                ),
                (
                    "recommendation-article-2026-may-thurner-no-intervention",
                    "rating-acr-2020-iliofemoral-4-catheter-directed-therapy-with-or-without-stent",
                ),
            ],
            id="1 May-Thurner with mild symptoms",
        ),
        pytest.param(
            MILD,
            [
                ("recommendation-article-2026-stockings", "recommendation-chest-2016-no-routine-stockings"),
                ("recommendation-article-2026-stockings", "recommendation-chest-2021-no-routine-stockings"),
                (
                    "rating-acr-2020-iliofemoral-1-graduated-compression-stockings",
                    "recommendation-chest-2016-no-routine-stockings",
                ),
                (
                    "rating-acr-2020-iliofemoral-1-graduated-compression-stockings",
                    "recommendation-article-2026-stockings",
                ),
            ],
            id="2 stockings",
        ),
        pytest.param(
            MODERATE,
            [
                (
                    "rating-acr-2020-iliofemoral-2-anticoagulation-alone",
                    "recommendation-article-2026-moderate-anticoagulation-alone",
                ),
                (
                    "rating-acr-2020-iliofemoral-2-catheter-directed-therapy-with-or-without-stent",
                    "recommendation-article-2026-moderate-catheter",
                ),
            ],
            id="3 moderate to severe symptoms",
        ),
        pytest.param(
            FAILED,
            [
                (
                    "rating-acr-2019-ivc-filter-2-retrievable-ivc-filter",
                    "recommendation-sir-2020-filter-recurrence",
                ),
                (
                    "recommendation-article-2026-filter-recurrent-embolism",
                    "recommendation-sir-2020-filter-recurrence",
                ),
            ],
            id="4 filter for failure of anticoagulation",
        ),
        pytest.param(
            TREATED,
            [
                (
                    "rating-acr-2019-ivc-filter-1-retrievable-ivc-filter",
                    "recommendation-chest-2016-no-filter",
                ),
                (
                    "rating-acr-2019-ivc-filter-1-retrievable-ivc-filter",
                    "recommendation-sir-2020-filter-no-routine",
                ),
            ],
            id="5 filter without contraindication",
        ),
        pytest.param(
            ALBA,
            [
                (
                    "recommendation-article-2026-emergent-intervention",
                    "recommendation-fpnotebook-alba-medical",
                )
            ],
            id="6 phlegmasia alba dolens",
        ),
    ],
)
def test_a_known_conflict_is_reported_with_both_sources(
    answered: Any, record: dict[str, Any], pairs: list[tuple[str, str]]
) -> None:
    result = answered(record)
    assert [pair for pair in pairs if frozenset(pair) not in conflicts(result)] == []
    for conflict in result["conflicts"]:
        assert len(set(conflict["statements"])) == len(conflict["sources"]) == 2
        assert all(conflict["sources"])
        assert conflict["ratings"][0] != conflict["ratings"][1]


def test_a_broader_statement_against_meets_each_of_its_kinds(answered: Any) -> None:
    found = [
        c for c in answered(TREATED)["conflicts"] if "recommendation-chest-2016-no-filter" in c["statements"]
    ]
    assert [c["intervention"] for c in found] == ["retrievable-ivc-filter"]
    assert {c["kind"] for c in found} == {"partial"}


def test_advice_for_a_broader_intervention_meets_what_is_against_one_of_its_kinds(answered: Any) -> None:
    prepared = answered(changed("prepared", PREPARED))
    against = "rating-acr-2020-iliofemoral-1-catheter-directed-therapy-with-or-without-stent"
    found = {c["kind"] for c in prepared["conflicts"] if against in c["statements"]}
    for advice in ("aha-2011-first-line", "svs-avf-2014-catheter-directed", "svs-avf-2012-early-removal"):
        assert frozenset({against, f"recommendation-{advice}"}) in conflicts(prepared)
    assert found == {"opposite"}


def test_advice_for_a_broader_intervention_does_not_clash_with_advice_for_a_kind(answered: Any) -> None:
    pair = {
        "recommendation-article-2026-emergent-intervention",
        "rating-acr-2020-iliofemoral-5-surgical-thrombectomy-with-or-without-stent",
    }
    result = answered(CERULEA)
    assert pair <= {o["statement"] for o in result["options"]} | set(applying(result))
    assert pair not in conflicts(result)


# Disagreements in general
# ------------------------


@pytest.mark.parametrize(
    ("disagreement", "parts"),
    [
        (
            "disagreement-may-thurner-with-mild-symptoms",
            {"rating-acr-2020-iliofemoral-4-anticoagulation-alone"},
        ),
        ("disagreement-stockings", {"recommendation-chest-2021-no-routine-stockings"}),
        (
            "disagreement-moderate-to-severe-symptoms",
            {"rating-acr-2020-iliofemoral-2-anticoagulation-alone"},
        ),
        ("disagreement-filter-for-failure", {"recommendation-sir-2020-filter-recurrence"}),
        ("disagreement-filter-without-contraindication", {"recommendation-chest-2016-no-filter"}),
        ("disagreement-phlegmasia-alba", {"recommendation-fpnotebook-alba-medical"}),
        ("disagreement-discoloration", {"recommendation-article-2026-anticoagulation-alone"}),
        (
            "disagreement-limit-of-days",
            {
                "threshold-acute-onset",
                "threshold-onset-within-14-days",
                "threshold-onset-within-10-days",
                "threshold-symptoms-over-21-days",
                "threshold-onset-under-21-days",
            },
        ),
        ("disagreement-scope-of-attract", {"recommendation-article-2026-no-catheter"}),
        (
            "disagreement-duration",
            {
                "recommendation-article-2026-three-to-six-months",
                "recommendation-chest-2021-three-months",
                "recommendation-ash-2020-three-to-six-months",
            },
        ),
        (
            "disagreement-acr-2013-and-2020",
            {
                "rating-acr-2013-iliofemoral-4-catheter-directed-therapy",
                "rating-acr-2020-iliofemoral-1-catheter-directed-therapy-with-or-without-stent",
            },
        ),
    ],
)
def test_each_disagreement_that_the_facts_list_is_kept_with_its_sources(
    knowledge: KnowledgeGraph, disagreement: str, parts: set[str]
) -> None:
    rows = ask(knowledge, "disagreements", disagreement=disagreement).plain()
    assert parts <= {row["part"] for row in rows}
    assert len({row["part"] for row in rows}) > 1
    assert all(row["source"] for row in rows)


def test_a_disagreement_is_shown_to_the_patient_whom_it_concerns(answered: Any) -> None:
    shown = {d["id"]: {s["statement"] for s in d["statements"]} for d in answered(MILD)["disagreements"]}
    assert shown["disagreement-duration"] >= {
        "recommendation-article-2026-three-to-six-months",
        "recommendation-chest-2016-three-months",
        "recommendation-ash-2020-three-to-six-months",
    }
    assert "disagreement-filter-for-failure" not in shown


@pytest.mark.parametrize(
    ("statement", "other"),
    [
        ("rating-acr-2019-ivc-filter-2-retrievable-ivc-filter", "recommendation-sir-2020-filter-recurrence"),
        ("rating-acr-2019-ivc-filter-1-retrievable-ivc-filter", "recommendation-chest-2016-no-filter"),
        (
            "rating-acr-2020-iliofemoral-1-graduated-compression-stockings",
            "recommendation-chest-2021-no-routine-stockings",
        ),
        ("recommendation-article-2026-emergent-intervention", "recommendation-fpnotebook-alba-medical"),
    ],
)
def test_guidelines_that_differ_in_general_are_found(
    knowledge: KnowledgeGraph, statement: str, other: str
) -> None:
    rows = ask(knowledge, "guideline-disagreements").plain()
    assert {statement, other} in [{row["statement"], row["otherStatement"]} for row in rows]


def test_guidelines_do_not_differ_about_patients_who_cannot_be_the_same(knowledge: KnowledgeGraph) -> None:
    rows = ask(knowledge, "guideline-disagreements").plain()
    pairs = [{row["statement"], row["otherStatement"]} for row in rows]
    assert {
        "recommendation-article-2026-no-filter",
        "recommendation-bcsh-2006-contraindication",
    } not in pairs
    assert {
        "rating-acr-2020-iliofemoral-1-anticoagulation-alone",
        "rating-acr-2020-iliofemoral-5-anticoagulation-alone",
    } not in pairs


def test_the_edition_of_2020_turned_against_catheters_for_mild_symptoms(knowledge: KnowledgeGraph) -> None:
    rows = ask(knowledge, "edition-changes", guideline="acr-2013-iliofemoral").plain()
    (row,) = [r for r in rows if r["statement"] == "rating-acr-2013-iliofemoral-4-catheter-directed-therapy"]
    assert (row["said"], row["score"]) == ("usually appropriate", "7")
    assert (row["says"], row["changed"]) == ("usually not appropriate", "yes")
    assert row["newer"] == "rating-acr-2020-iliofemoral-1-catheter-directed-therapy-with-or-without-stent"


@pytest.mark.parametrize(
    ("measurement", "limits"),
    [
        ("symptomDurationDays", {Decimal(10), Decimal(14), Decimal(21)}),
        ("plateletCount", {Decimal(20), Decimal(25), Decimal(50)}),
        ("ankleBrachialIndex", {Decimal("0.5"), Decimal("0.6")}),
    ],
)
def test_thresholds_that_differ_are_shown_with_the_source_of_each(
    knowledge: KnowledgeGraph, measurement: str, limits: set[Decimal]
) -> None:
    rows = ask(knowledge, "threshold-differences", measurement=measurement).plain()
    shown = {row["limit"] for row in rows} | {row["otherLimit"] for row in rows}
    assert {Decimal(str(n)) for n in shown} >= limits
    assert all(row["source"] and row["otherSource"] for row in rows)


# Criteria and populations
# ------------------------


def supported(goals: Iterable[Value], ontology: Ontology, rules: RuleSet) -> list[frozenset[Fact]]:
    """For each goal the fewest facts that entail it and contradict nothing."""
    answers = [a for question in Missing(ontology).questions for a in question.answers]
    seeds: dict[Atom, set[int]] = {PATIENT: {0}}
    for bit, answer in enumerate(answers):
        for atom in rules.seeds(answer):
            seeds.setdefault(atom, set()).add(1 << bit)
    supports = rules.supports(seeds, limit=6).sets
    found = []
    for goal in goals:
        for mask in sorted(supports.get(goal, ()), key=lambda m: (m.bit_count(), m)):
            facts = frozenset(a for bit, a in enumerate(answers) if mask >> bit & 1)
            if None not in rules.closure({PATIENT, *rules.profile(facts)}):
                found.append(facts)
                break
        else:
            raise AssertionError(f"no record entails {goal}")
    return found


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("Population", ("inPopulation", "outsidePopulation")),
        ("Criterion", ("meetsCriterion", "failsCriterion")),
    ],
)
def test_every_population_and_criterion_can_be_met_and_missed(
    ontology: Ontology, reasoner: HermiT, kind: str, properties: tuple[str, str]
) -> None:
    goals = [Value(p, name) for name in ontology.individuals(kind) for p in properties]
    assert len(goals) > 160
    judged = reasoner.judge(supported(goals, ontology, reasoner.rules))
    assert [g for g, found in zip(goals, judged, strict=True) if found is None or g not in found] == []
    (nothing,) = reasoner.judge([()])
    assert nothing is not None
    assert set(nothing) == {PATIENT}


def test_criteria_are_stated_to_be_incompatible_just_where_the_axioms_say_so(
    ontology: Ontology, reasoner: HermiT
) -> None:
    def met(criterion: str) -> Type:
        return Type("".join(word.capitalize() for word in criterion.split("-")) + "Met")

    stated = {
        (local_name(q.subject), local_name(q.object))
        for q in ontology.store.quads_for_pattern(None, dvt("incompatibleWith"), None)
    }
    rules = reasoner.rules
    criteria = ontology.individuals("Criterion")
    closed = {c: rules.closure({PATIENT, met(c)}) for c in criteria}
    assert all(len(atoms) > 2 for atoms in closed.values())
    entailed = {
        pair
        for pair in itertools.permutations(criteria, 2)
        if None in rules.closure({met(pair[1])}, closed[pair[0]])
    }
    assert stated == entailed


@pytest.mark.parametrize(
    ("findings", "criterion", "state"),
    [
        ({"low-bleeding-risk": "present"}, "bleeding-risk-not-high", "meetsCriterion"),
        ({"moderate-bleeding-risk": "present"}, "bleeding-risk-not-high", "meetsCriterion"),
        ({"moderate-bleeding-risk": "present"}, "bleeding-risk-low", "failsCriterion"),
        ({"high-bleeding-risk": "present"}, "bleeding-risk-low", "failsCriterion"),
        ({"fully-ambulatory": "present"}, "ambulatory", "meetsCriterion"),
        ({"non-ambulatory": "present"}, "ambulatory", "failsCriterion"),
        ({"stroke-or-transient-ischemic-attack-within-2-months": "present"}, "lysis-contraindicated", None),
        ({"contraindication-to-thrombolysis": "present"}, "lysis-contraindicated", "meetsCriterion"),
        ({"minor-transient-risk-factor": "present"}, "unprovoked", None),
        ({"pharmacomechanical-thrombectomy-planned": "present"}, "removal-planned", "meetsCriterion"),
        ({"provoked-by-surgery": "present"}, "unprovoked", "failsCriterion"),
        ({"fully-ambulatory": "absent"}, "ambulatory", None),
        ({"high-bleeding-risk": "absent"}, "bleeding-risk-low", None),
    ],
)
def test_a_finding_decides_a_criterion(
    reasoner: HermiT, findings: dict[str, str], criterion: str, state: str | None
) -> None:
    properties = {"present": "hasFinding", "absent": "lacksFinding"}
    patient = Patient("p", frozenset(Fact(properties[v], k) for k, v in findings.items()))
    (found,) = reasoner.judge([patient.facts])
    assert found is not None
    states = {a.property for a in found if isinstance(a, Value) and a.value == criterion}
    assert states & {"meetsCriterion", "failsCriterion"} == ({state} if state else set())


ADDED = """
<https://w3id.org/dvt-kg/local> a owl:Ontology ;
    owl:versionIRI <https://w3id.org/dvt-kg/0.1.0/local> ; owl:versionInfo "0.1.0" ;
    owl:imports <https://w3id.org/dvt-kg/recommendations> ; dcterms:title "our protocol"@en ;
    dcterms:description "What the hospital adds."@en ; dcterms:creator "The hospital"@en ;
    dcterms:license <https://creativecommons.org/licenses/by/4.0/> .

dvt:our-protocol a owl:NamedIndividual , dvt:Guideline ;
    rdfs:label "our protocol"@en ; skos:definition "The hospital's own protocol."@en ;
    dcterms:bibliographicCitation "Our protocol, 2027."@en ; dvt:verification dvt:primary ;
    rdfs:isDefinedBy <https://w3id.org/dvt-kg> .

dvt:population-mild-and-ambulatory a owl:NamedIndividual , dvt:Population ;
    rdfs:label "mild and ambulatory"@en ; skos:definition "Patients with mild symptoms who walk."@en ;
    dvt:hasCriterion dvt:mild-symptoms , dvt:ambulatory ; dcterms:source dvt:our-protocol ;
    rdfs:isDefinedBy <https://w3id.org/dvt-kg> .
dvt:mild-symptoms dvt:criterionOfPopulation dvt:population-mild-and-ambulatory .
dvt:ambulatory dvt:criterionOfPopulation dvt:population-mild-and-ambulatory .
dvt:PopulationMildAndAmbulatoryPatient a owl:Class ;
    rdfs:label "patient of mild and ambulatory"@en ;
    skos:definition "A patient who meets every criterion of the population: mild and ambulatory."@en ;
    owl:equivalentClass [ a owl:Class ; owl:intersectionOf ( dvt:MildSymptomsMet dvt:AmbulatoryMet ) ] ;
    rdfs:subClassOf dvt:Patient ,
        [ a owl:Restriction ; owl:onProperty dvt:inPopulation ;
          owl:hasValue dvt:population-mild-and-ambulatory ] ;
    dcterms:source dvt:our-protocol ; rdfs:isDefinedBy <https://w3id.org/dvt-kg> .

dvt:recommendation-our-protocol-no-stockings a owl:NamedIndividual , dvt:Recommendation ;
    rdfs:label "our protocol: no stockings"@en ; skos:definition "No stockings for mild symptoms."@en ;
    dvt:appliesTo dvt:population-mild-and-ambulatory ;
    dvt:concernsIntervention dvt:graduated-compression-stockings ; dvt:direction dvt:against ;
    dvt:grade "ungraded"@en ; dvt:scale dvt:scale-ungraded ; dvt:guideline dvt:our-protocol ;
    dvt:locator "section 1"@en ; dvt:verification dvt:primary ; dcterms:source dvt:our-protocol ;
    rdfs:isDefinedBy <https://w3id.org/dvt-kg> .
"""


def test_a_recommendation_added_in_turtle_is_sound_and_answered(extended: Callable[[str], Ontology]) -> None:
    ontology = extended(ADDED)
    assert check_ontology(ontology) == []
    statement = "recommendation-our-protocol-no-stockings"
    classification = classify(read_records([MILD, TENSE], ontology).patients, HermiT(ontology))
    mild, tense = recommend(classification, guidelines="all")["results"]
    assert applying(mild)[statement]["direction"] == "against"
    assert frozenset({statement, "recommendation-article-2026-stockings"}) in conflicts(mild)
    assert statement not in applying(tense) | open_(tense)
