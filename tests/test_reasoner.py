"""The compiled rules as a reasoner: on every case and boundary they say what HermiT says."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from dvt_kg import Fact, HermiT, Ontology, OntologyError, RuleReasoner
from dvt_kg.rules import Type, Value

from .probing import CASES, records
from .strategies import ONTOLOGY, RULES


@pytest.fixture(scope="module")
def rules() -> RuleReasoner:
    return RuleReasoner(ONTOLOGY)


def test_they_agree_on_every_case(rules: RuleReasoner, reasoner: HermiT) -> None:
    answers = rules.judge(CASES)
    assert answers == reasoner.judge(CASES)
    assert 0 < answers.count(None) < len(CASES)


def test_they_agree_on_and_beside_every_threshold(rules: RuleReasoner, reasoner: HermiT) -> None:
    facts = [
        Fact(prop, limit + step)
        for prop, ranges in RULES.ranges.items()
        for limit in sorted({limit for r in ranges for _, limit in r.bounds})
        for step in map(Decimal, ("-0.001", "0", "0.001"))
        if limit + step >= 0
    ]
    assert len(facts) > 30
    alone = [[fact] for fact in facts]
    embedded = [[fact, Fact("hasThrombusIn", "external-iliac-vein"), Fact("sex", "male")] for fact in facts]
    assert rules.judge([*alone, *embedded]) == reasoner.judge([*alone, *embedded])


def test_they_agree_on_300_random_records_contradictory_ones_included(
    rules: RuleReasoner, reasoner: HermiT
) -> None:
    drawn = [patient.facts for patient in records(300, seed=11)]
    answers = rules.judge(drawn)
    assert answers == reasoner.judge(drawn)
    assert 20 < answers.count(None) < 280


def test_every_single_fact_is_judged_alike(rules: RuleReasoner, reasoner: HermiT) -> None:
    singles = [
        [Fact(prop, name)] for name in sorted(ONTOLOGY.findings) for prop in ("hasFinding", "lacksFinding")
    ]
    singles += [
        [Fact(p, name)] for name in sorted(ONTOLOGY.veins) for p in ("hasThrombusIn", "lacksThrombusIn")
    ]
    singles += [
        [Fact(p, v)] for p in ("sex", "recordedSeverity", "side", "confirmedBy") for v in ONTOLOGY.values(p)
    ]
    assert rules.judge(singles) == reasoner.judge(singles)


def test_an_ontology_that_contradicts_itself_is_refused_by_both(extended: Callable[[str], Ontology]) -> None:
    broken = extended("dvt:AcuteOnsetMet rdfs:subClassOf dvt:AcuteOnsetNotMet .")
    for made in (RuleReasoner, HermiT):
        with pytest.raises(OntologyError, match="AcuteOnsetMet"):
            made(broken).judge([[]])


CARRIED = {
    "a class above Patient": (
        "dvt:Person a owl:Class . dvt:Patient rdfs:subClassOf dvt:Person .",
        [],
        Type("Person"),
    ),
    "a class of everything": (
        "dvt:Person a owl:Class ; owl:equivalentClass owl:Thing .",
        [Fact("side", "left")],
        Type("Person"),
    ),
    "a value of every patient": (
        "dvt:Patient rdfs:subClassOf"
        " [ a owl:Restriction ; owl:onProperty dvt:hasFinding ; owl:hasValue dvt:leg-pain ] .",
        [],
        Value("hasFinding", "leg-pain"),
    ),
    "a domain of a super-property": (
        "dvt:says a owl:ObjectProperty ; rdfs:domain dvt:Z . dvt:Z a owl:Class ."
        " dvt:side rdfs:subPropertyOf dvt:says .",
        [Fact("side", "left")],
        Type("Z"),
    ),
    "a sub-property with a domain of its own": (
        "dvt:Person a owl:Class . dvt:hasLab a owl:ObjectProperty ; rdfs:domain dvt:Person ;"
        " rdfs:subPropertyOf dvt:hasFinding ."
        " [ a owl:Restriction ; owl:onProperty dvt:side ; owl:hasValue dvt:left ] rdfs:subClassOf"
        " [ a owl:Restriction ; owl:onProperty dvt:hasLab ; owl:hasValue dvt:cyanosis ] .",
        [Fact("side", "left")],
        Value("hasFinding", "skin-discoloration"),
    ),
    "a domain beside Patient": (
        "dvt:Sided a owl:Class . dvt:side rdfs:domain dvt:Sided ."
        " dvt:Sided rdfs:subClassOf dvt:AcuteOnsetMet .",
        [Fact("side", "left")],
        Type("AcuteOnsetMet"),
    ),
    "a domain of a number": (
        "dvt:Weighed a owl:Class . dvt:plateletCount rdfs:domain dvt:Weighed ."
        " dvt:Weighed rdfs:subClassOf dvt:AcuteOnsetMet .",
        [Fact("plateletCount", Decimal(210))],
        Type("AcuteOnsetMet"),
    ),
    "a sub-property": (
        "dvt:laterality a owl:ObjectProperty . dvt:side rdfs:subPropertyOf dvt:laterality ."
        " [ a owl:Restriction ; owl:onProperty dvt:laterality ; owl:hasValue dvt:left ]"
        " rdfs:subClassOf dvt:AcuteOnsetMet .",
        [Fact("side", "left")],
        Type("AcuteOnsetMet"),
    ),
    "an existential over a class and the classes below it": (
        "dvt:Deep a owl:Class . dvt:Deeper a owl:Class ; rdfs:subClassOf dvt:Deep ."
        " dvt:calf-vein a dvt:Deeper ."
        " [ a owl:Restriction ; owl:onProperty dvt:hasThrombusIn ; owl:someValuesFrom dvt:Deep ]"
        " rdfs:subClassOf dvt:AcuteOnsetMet .",
        [Fact("hasThrombusIn", "calf-vein")],
        Type("AcuteOnsetMet"),
    ),
    "a finding of a narrower class": (
        "dvt:LabFinding a owl:Class ; rdfs:subClassOf dvt:Finding . dvt:x a dvt:LabFinding ;"
        " dvt:implies dvt:cyanosis .",
        [Fact("hasFinding", "x")],
        Value("hasFinding", "skin-discoloration"),
    ),
    "individuals that differ": (
        "[ a owl:AllDifferent ; owl:members ( dvt:cyanosis dvt:pallor ) ] .",
        [Fact("hasFinding", "cyanosis"), Fact("hasFinding", "pallor")],
        Value("hasFinding", "skin-discoloration"),
    ),
    "a conjunction on the right": (
        "[ a owl:Restriction ; owl:onProperty dvt:side ; owl:hasValue dvt:left ] rdfs:subClassOf"
        " [ owl:intersectionOf ( dvt:AcuteOnsetMet"
        " [ a owl:Restriction ; owl:onProperty dvt:hasFinding ; owl:hasValue dvt:leg-pain ] ) ] .",
        [Fact("side", "left")],
        Value("hasFinding", "leg-pain"),
    ),
}


def test_a_number_that_no_patient_can_have_makes_its_record_contradictory_and_no_other(
    extended: Callable[[str], Ontology],
) -> None:
    ontology = extended(
        "[ a owl:Restriction ; owl:onProperty dvt:plateletCount ; owl:someValuesFrom [ a rdfs:Datatype ;"
        " owl:onDatatype xsd:decimal ; owl:withRestrictions ( [ xsd:minInclusive 5000.0 ] ) ] ]"
        " rdfs:subClassOf owl:Nothing ."
    )
    profiles = [[Fact("plateletCount", Decimal(5000))], [Fact("plateletCount", Decimal(210))]]
    for made in (RuleReasoner, HermiT):
        many, some = made(ontology).judge(profiles)
        assert many is None
        assert some is not None


@pytest.mark.parametrize(("turtle", "facts", "entailed"), CARRIED.values(), ids=CARRIED)
def test_further_axioms_are_carried_and_hermit_concludes_the_same(
    extended: Callable[[str], Ontology], turtle: str, facts: list[Fact], entailed: Type | Value
) -> None:
    ontology = extended(turtle)
    (mine,), (theirs,) = RuleReasoner(ontology).judge([facts]), HermiT(ontology).judge([facts])
    assert mine is not None
    assert entailed in mine
    assert theirs is not None
    assert entailed in theirs
