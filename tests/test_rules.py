from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given, settings

from dvt_kg import Fact, Ontology, UnsupportedAxiom
from dvt_kg.axioms import compile_rules
from dvt_kg.rulebook import in_words, rulebook
from dvt_kg.rules import PATIENT, Atom, Range, Type, Value

from .strategies import ONTOLOGY, RULES, facts


def met(criterion: str) -> Value:
    return Value("meetsCriterion", criterion)


def conclusions(*stated: Fact) -> set[Atom | None]:
    return RULES.closure({PATIENT, *RULES.profile(stated)})


def test_a_narrower_finding_makes_the_broader_present() -> None:
    found = conclusions(Fact("hasFinding", "phlegmasia-cerulea-dolens"))
    for broader in (
        "limb-threatening-ischemia",
        "moderate-or-severe-symptom",
        "cyanosis",
        "skin-discoloration",
    ):
        assert Value("hasFinding", broader) in found


def test_all_parts_absent_make_the_whole_absent_and_one_missing_part_leaves_it_open() -> None:
    parts = ("severe-leg-pain", "tense-edema", "mobility-limitation", "skin-discoloration")
    whole = Value("lacksFinding", "moderate-or-severe-symptom")
    assert whole in conclusions(*(Fact("lacksFinding", p) for p in parts))
    for few in combinations(parts, 3):
        assert whole not in conclusions(*(Fact("lacksFinding", p) for p in few))


def test_there_is_no_elimination_of_the_last_part() -> None:
    found = conclusions(Fact("hasFinding", "skin-discoloration"), Fact("lacksFinding", "pallor"))
    assert Value("hasFinding", "cyanosis") not in found


@pytest.mark.parametrize(
    ("number", "severe", "moderate"),
    [("24.9", "has", "lacks"), ("25", "lacks", "has"), ("49.9", "lacks", "has"), ("50", "lacks", "lacks")],
)
def test_platelets_decide_thrombocytopenia_at_their_thresholds(
    number: str, severe: str, moderate: str
) -> None:
    found = conclusions(Fact("plateletCount", Decimal(number)))
    assert Value(f"{severe}Finding", "severe-thrombocytopenia") in found
    assert Value(f"{moderate}Finding", "moderate-thrombocytopenia") in found


@pytest.mark.parametrize(
    ("days", "acute"), [("13.5", True), ("13.999", True), ("14", False), ("14.1", False)]
)
def test_onset_is_acute_below_fourteen_days(days: str, acute: bool) -> None:
    found = conclusions(Fact("symptomDurationDays", Decimal(days)))
    assert (met("acute-onset") in found) is acute
    assert (Value("failsCriterion", "acute-onset") in found) is not acute


def test_nothing_follows_from_silence() -> None:
    assert conclusions() == {PATIENT}


def test_an_empty_set_of_facts_supports_nothing_and_a_single_fact_its_own_conclusions() -> None:
    seeds: dict[Atom, set[int]] = {Value("hasFinding", "cyanosis"): {1}, Value("hasFinding", "pallor"): {2}}
    found = RULES.supports(seeds).sets
    assert found[Value("hasFinding", "skin-discoloration")] == {1, 2}
    assert found[met("moderate-to-severe-symptoms")] == {1, 2}


@given(facts(8))
@settings(max_examples=60, deadline=None)
def test_supports_are_exactly_the_minimal_sets_that_entail(stated: frozenset[Fact]) -> None:
    ordered = sorted(stated, key=str)
    seeds: dict[Atom, set[int]] = {PATIENT: {0}}
    for bit, fact in enumerate(ordered):
        for atom in RULES.seeds(fact):
            seeds.setdefault(atom, set()).add(1 << bit)
    supports = RULES.supports(seeds).sets
    closures = {
        mask: conclusions(*(f for bit, f in enumerate(ordered) if mask >> bit & 1))
        for mask in range(1 << len(ordered))
    }
    atoms = {atom for closed in closures.values() for atom in closed}
    assert atoms == supports.keys()
    for conclusion in atoms:
        entailing = {mask for mask, closed in closures.items() if conclusion in closed}
        minimal = {m for m in entailing if not any(o != m and o & m == o for o in entailing)}
        assert supports[conclusion] == minimal


@pytest.mark.parametrize(
    ("turtle", "named"),
    [
        ("dvt:Patient owl:equivalentClass [ owl:complementOf dvt:Finding ] .", "complementOf"),
        ("dvt:hasFinding owl:inverseOf dvt:foundIn .", "inverseOf"),
        ("dvt:implies a owl:TransitiveProperty .", "TransitiveProperty"),
        ("dvt:side a owl:FunctionalProperty .", "FunctionalProperty"),
        (
            "dvt:AcuteOnsetMet rdfs:subClassOf [ owl:unionOf ( dvt:Patient dvt:MildSymptomsMet ) ] .",
            "Patient or",
        ),
        (
            "dvt:AcuteOnsetMet rdfs:subClassOf [ a owl:Restriction ; owl:onProperty dvt:hasFinding ;"
            " owl:someValuesFrom dvt:Finding ] .",
            "hasFinding",
        ),
        ("dvt:mild owl:sameAs dvt:moderate .", "sameAs"),
        (
            "[ a owl:Restriction ; owl:onProperty dvt:hasFinding ; owl:minCardinality 2 ]"
            " rdfs:subClassOf dvt:AcuteOnsetMet .",
            "minCardinality",
        ),
        (
            "dvt:hasFinding owl:propertyChainAxiom ( dvt:hasFinding dvt:implies dvt:implies ) .",
            "implies o implies",
        ),
        (
            "dvt:cyanosis a [ a owl:Restriction ; owl:onProperty dvt:partOf ; owl:hasValue dvt:pallor ] .",
            "cyanosis",
        ),
        (
            "dvt:Finding rdfs:subClassOf [ a owl:Restriction ; owl:onProperty dvt:implies ;"
            " owl:hasValue dvt:leg-pain ] .",
            "implies value leg-pain",
        ),
        ("dvt:implies owl:propertyChainAxiom ( dvt:implies dvt:implies ) .", "implies o implies"),
        ("dvt:plateletCount rdfs:subPropertyOf dvt:ageYears .", "plateletCount SubPropertyOf ageYears"),
        (
            "[ a owl:Restriction ; owl:onProperty dvt:plateletCount ; owl:hasValue 25.0e0 ]"
            " rdfs:subClassOf dvt:AcuteOnsetMet .",
            "plateletCount",
        ),
        (
            "[ a owl:Restriction ; owl:onProperty dvt:plateletCount ; owl:someValuesFrom [ a rdfs:Datatype ;"
            ' owl:onDatatype xsd:decimal ; owl:withRestrictions ( [ xsd:pattern "2." ] ) ] ]'
            " rdfs:subClassOf dvt:AcuteOnsetMet .",
            "pattern",
        ),
        (
            "dvt:Deep a owl:Class ."
            " [ a owl:Restriction ; owl:onProperty dvt:partOf ; owl:hasValue dvt:pallor ]"
            " rdfs:subClassOf dvt:Deep . [ a owl:Restriction ; owl:onProperty dvt:hasFinding ;"
            " owl:someValuesFrom dvt:Deep ] rdfs:subClassOf dvt:AcuteOnsetMet .",
            "partOf value pallor",
        ),
        (
            "dvt:side rdfs:domain [ owl:intersectionOf ( dvt:Patient dvt:AcuteOnsetMet ) ] , dvt:Patient .",
            "side Domain",
        ),
        ("[] a owl:NegativePropertyAssertion ; owl:sourceIndividual dvt:cyanosis .", "sourceIndividual"),
        ("dvt:hasFinding owl:propertyDisjointWith dvt:lacksFinding .", "propertyDisjointWith"),
        (
            "dvt:plateletCount rdfs:range [ a rdfs:Datatype ; owl:onDatatype xsd:decimal ;"
            " owl:withRestrictions ( [ xsd:minInclusive 10.0 ] ) ] .",
            "plateletCount Range",
        ),
        ("dvt:plateletCount rdfs:range xsd:integer .", "plateletCount Range"),
        ("dvt:sex rdfs:range owl:Nothing .", "sex Range"),
        ("dvt:hasFinding rdfs:range dvt:Vein .", "hasFinding Range"),
        ("dvt:Finding owl:disjointWith dvt:Vein .", "Finding DisjointWith Vein"),
        (
            "dvt:severe dvt:mayIndicate dvt:severe-leg-pain . dvt:mayIndicate a owl:ObjectProperty ."
            " dvt:hasFinding owl:propertyChainAxiom ( dvt:sex dvt:mayIndicate ) . dvt:male"
            " dvt:mayIndicate dvt:odd .",
            "male mayIndicate odd",
        ),
        (
            "dvt:AcuteOnsetMet rdfs:subClassOf"
            " [ a owl:Restriction ; owl:onProperty dvt:hasFinding ; owl:hasValue dvt:unheard-of ] .",
            "hasFinding value unheard-of",
        ),
        (
            "dvt:Both a owl:Class ; owl:intersectionOf ( dvt:AcuteOnsetMet dvt:PregnantMet ) .",
            "Both intersectionOf",
        ),
        ("dvt:sex rdfs:subPropertyOf owl:bottomObjectProperty .", "bottomObjectProperty"),
        (
            "[ a owl:Restriction ; owl:onProperty owl:topObjectProperty ; owl:hasValue dvt:cyanosis ]"
            " rdfs:subClassOf dvt:AcuteOnsetMet .",
            "topObjectProperty",
        ),
        ("[] a <http://www.w3.org/2003/11/swrl#Imp> .", "swrl#Imp"),
        ("dvt:cyanosis a dvt:AcuteOnsetMet .", "cyanosis type AcuteOnsetMet"),
        (
            "[ a owl:Restriction ; owl:onProperty dvt:side ; owl:hasValue dvt:left , dvt:right ]"
            " rdfs:subClassOf dvt:AcuteOnsetMet .",
            "side value",
        ),
        (
            "[ a owl:Restriction ; owl:onProperty dvt:side ; owl:hasValue dvt:left ;"
            " owl:someValuesFrom dvt:Side ]"
            " rdfs:subClassOf dvt:AcuteOnsetMet .",
            "side value left",
        ),
        (
            "dvt:cyanosis a [ a owl:Restriction ; owl:onProperty dvt:implies ;"
            " owl:allValuesFrom dvt:Finding ] .",
            "allValuesFrom",
        ),
        (
            "dvt:A a owl:Class ; owl:equivalentClass dvt:B . dvt:B a owl:Class . [ a owl:Restriction ;"
            " owl:onProperty dvt:hasFinding ; owl:someValuesFrom dvt:A ] rdfs:subClassOf dvt:AcuteOnsetMet .",
            "hasFinding some A",
        ),
        (
            "[ a owl:Restriction ; owl:onProperty dvt:hasFinding ; owl:someValuesFrom owl:Thing ]"
            " rdfs:subClassOf dvt:AcuteOnsetMet .",
            "hasFinding some Thing",
        ),
        (
            "[ a owl:Restriction ; owl:onProperty dvt:plateletCount ; owl:someValuesFrom [ a rdfs:Datatype ;"
            " owl:onDatatype xsd:decimal ; owl:withRestrictions ("
            ' [ xsd:minInclusive "NaN"^^xsd:decimal ] ) ] ]'
            " rdfs:subClassOf dvt:AcuteOnsetMet .",
            "plateletCount",
        ),
        ('[ a owl:AllDisjointClasses ; owl:members ( "a" dvt:AcuteOnsetMet ) ] .', "a list"),
        (
            "<urn:x:skolem> a owl:Restriction ; owl:onProperty dvt:side ; owl:hasValue dvt:left ;"
            " rdfs:subClassOf dvt:AcuteOnsetMet .",
            "urn:x:skolem",
        ),
        ("dvt:Patient owl:hasKey ( dvt:side ) .", "hasKey"),
        ("dvt:AcuteOnsetMet rdfs:subClassOf [ a owl:Class ; owl:oneOf ( dvt:cyanosis ) ] .", "oneOf"),
    ],
)
def test_an_axiom_that_cannot_be_carried_is_refused_by_name(
    extended: Callable[[str], Ontology], turtle: str, named: str
) -> None:
    with pytest.raises(UnsupportedAxiom) as refused:
        compile_rules(extended(turtle))
    assert named in refused.value.axiom


def test_a_union_or_an_existential_over_named_individuals_on_the_left_is_carried(
    extended: Callable[[str], Ontology],
) -> None:
    ontology = extended("""
        dvt:SwollenOrPainful a owl:Class .
        [ a owl:Class ; owl:unionOf (
            [ a owl:Restriction ; owl:onProperty dvt:hasFinding ; owl:hasValue dvt:leg-swelling ]
            [ a owl:Restriction ; owl:onProperty dvt:hasFinding ; owl:hasValue dvt:leg-pain ] ) ]
            rdfs:subClassOf dvt:SwollenOrPainful .
        dvt:Sided a owl:Class .
        [ a owl:Restriction ; owl:onProperty dvt:side ; owl:someValuesFrom dvt:Side ]
            rdfs:subClassOf dvt:Sided .
    """)
    rules = compile_rules(ontology)
    for fact in (Fact("hasFinding", "leg-swelling"), Fact("hasFinding", "leg-pain")):
        assert Type("SwollenOrPainful") in rules.closure(rules.profile([fact]))
    assert Type("Sided") in rules.closure(rules.profile([Fact("side", "left")]))


def test_rules_name_the_sources_of_their_terms_and_of_the_threshold_on_their_own_side() -> None:
    (under,) = (r for r in RULES.rules if str(r.head) == "AcuteOnsetMet" and "decimal[< 14]" in r.axiom)
    assert {"acr-2020-iliofemoral", "svs-avf-2012"} <= set(under.sources)
    assert "attract" not in under.sources
    without = {
        str(r.head).partition(" value ")[0] for r in RULES.rules if not r.sources and r.head is not None
    }
    kinds = {"Claim", "Outcome", "PatientGroup", "Source", "Statement", "Intervention"}
    others = {"http://www.w3.org/ns/prov#Entity", "https://schema.org/MedicalStudy"}  # by the alignments
    assert without <= {*kinds, *others, "clinicalJudgement"}  # what the project's own schema says


def test_a_proof_holds_only_rules_that_fire_and_ends_with_its_goal() -> None:
    stated = [Fact("hasFinding", "cyanosis"), Fact("symptomDurationDays", Decimal(3))]
    goal = met("moderate-to-severe-symptoms")
    proof = RULES.proof([PATIENT, *RULES.profile(stated)], goal)
    known = {PATIENT, *RULES.profile(stated)}
    for rule in proof:
        assert rule.body <= known
        assert rule.head is not None
        known.add(rule.head)
    assert proof[-1].head == goal
    assert RULES.proof([PATIENT], PATIENT) == []
    with pytest.raises(KeyError):
        RULES.proof([PATIENT], goal)


def test_a_cap_is_told_for_the_conclusion_and_for_what_rests_on_it() -> None:
    signs = ("severe-leg-pain", "cyanosis", "pallor", "tense-edema")
    seeds: dict[Atom, set[int]] = {Value("hasFinding", s): {1 << n} for n, s in enumerate(signs)}
    found = RULES.supports(seeds, limit=2)
    whole = Value("hasFinding", "moderate-or-severe-symptom")
    assert len(found.sets[whole]) == 2
    assert {whole, met("moderate-to-severe-symptoms")} <= found.capped
    assert Value("hasFinding", "skin-discoloration") not in found.capped
    assert RULES.supports(seeds).capped == frozenset()


def test_the_rulebook_is_data_with_the_digest_of_the_ontology(extended: Callable[[str], Ontology]) -> None:
    book = rulebook(ONTOLOGY)
    assert book["ontology_digest"] == ONTOLOGY.digest
    assert len(book["rules"]) > len(RULES.rules)
    assert {"body", "absent", "head", "axiom", "sources"} == set(book["rules"][0])
    found = rulebook(ONTOLOGY, "plateletCount moderate-thrombocytopenia hasFinding")["rules"]
    assert {(tuple(r["body"]), r["head"]) for r in found} == {
        (("plateletCount some decimal[< 50, >= 25]",), "hasFinding value moderate-thrombocytopenia")
    }
    other = extended("dvt:AcuteOnsetMet rdfs:subClassOf dvt:Odd . dvt:Odd a owl:Class .")
    assert rulebook(other)["ontology_digest"] != ONTOLOGY.digest
    assert "Odd" in {rule["head"] for rule in rulebook(other)["rules"]}
    assert any("contradiction" in rule["body"] for rule in book["rules"])
    assert in_words(book["rules"][0]).startswith(" and ".join(book["rules"][0]["body"]))


def test_every_rule_names_its_axiom_and_reads_like_one() -> None:
    for rule in RULES.rules:
        assert any(word in rule.axiom for word in ("SubClassOf", "DisjointWith", "SubPropertyOf", "Domain"))
    assert str(Range("plateletCount", (("maxExclusive", Decimal(25)),))) == "plateletCount some decimal[< 25]"
