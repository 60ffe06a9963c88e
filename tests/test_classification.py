from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dvt_kg import Fact, HermiT, Ontology, Patient, ReasonerError, classify, read_records, recommend
from dvt_kg.graph import INFERRED, ONTOLOGY, PATIENTS
from dvt_kg.ontology import dvt
from dvt_kg.rules import Value

from .records import COMPRESSED, EMPTY, MILD, RECORDS, TORN, changed
from .strategies import facts, one_value_each

RELAXED = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def plain(triple: ox.Triple) -> tuple[str, ...]:
    """A triple as text, its number as a number: Oxigraph keeps 7.0 as 7."""
    object_ = triple.object
    number = isinstance(object_, ox.Literal) and object_.datatype.value.endswith("decimal")
    value = str(Decimal(object_.value).normalize()) if number else str(object_)  # type: ignore[union-attr]
    return str(triple.subject), str(triple.predicate), value


def answers(records: list[dict[str, Any]], reasoner: HermiT) -> dict[str, dict[str, Any]]:
    reading = read_records(records, reasoner.ontology)
    assert not reading.errors
    return {r["patient"]: r for r in recommend(classify(reading.patients, reasoner))["results"]}


@given(st.data())
@RELAXED
def test_a_record_s_answer_is_the_same_in_any_order_and_company(
    reasoner: HermiT, data: st.DataObject
) -> None:
    stated = data.draw(st.lists(facts(), min_size=1, max_size=6))
    patients = [Patient(f"p{n}", f) for n, f in enumerate(stated)]
    chosen = data.draw(st.permutations(patients))[: data.draw(st.integers(1, len(patients)))]
    whole = {r["patient"]: r for r in recommend(classify(patients, reasoner))["results"]}
    part = recommend(classify(chosen, reasoner))["results"]
    assert [r["patient"] for r in part] == [p.id for p in chosen]
    for result in part:
        assert result == whole[result["patient"]]


@given(facts(), facts(4))
@RELAXED
def test_a_further_fact_never_removes_a_verdict_unless_it_contradicts(
    reasoner: HermiT, stated: frozenset[Fact], more: frozenset[Fact]
) -> None:
    both = one_value_each([*more, *stated])
    before, after = (p for _, p in classify([Patient("a", stated), Patient("b", both)], reasoner))
    assume(not before.contradictory)
    if not after.contradictory:
        for prop in ("hasPresentation", "ruledOutPresentation", "meetsCriterion", "failsCriterion"):
            verdicts = {a for a in before.entailed if isinstance(a, Value) and a.property == prop}
            assert verdicts <= after.entailed


def test_equal_profiles_are_judged_once_and_keep_their_own_numbers(
    reasoner: HermiT, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    judge = reasoner.judge

    def counted(profiles: Any, **options: Any) -> Any:
        asked.append(len(profiles))
        return judge(profiles, **options)

    monkeypatch.setattr(reasoner, "judge", counted)
    records = [changed(f"p{n}", measurements={"symptom-duration-days": n}) for n in range(1, 11)]
    found = answers(records, reasoner)
    assert asked == [1, 0]
    for n in range(1, 11):
        criteria = {c["id"]: c for u in found[f"p{n}"]["undetermined"] for c in u["criteria"]}
        assert criteria["acute-proximal-vte"]["because"] == [
            "external-iliac-vein present",
            f"symptom-duration-days {n}",
        ]


def test_a_contradictory_record_leaves_the_others_as_they_are(reasoner: HermiT) -> None:
    alone = answers([MILD], reasoner)["mild"]
    beside = answers([TORN, MILD, COMPRESSED], reasoner)
    assert beside["mild"] == alone
    assert beside["torn"]["status"] == "contradictory"


def test_the_red_flag_of_a_contradictory_record_is_kept_where_it_rests_on_other_facts(
    reasoner: HermiT,
) -> None:
    clash = {"findings": {"phlegmasia-cerulea-dolens": "present", "pregnancy": "present"}, "sex": "male"}
    found = answers([{"id": "kept", **clash}], reasoner)["kept"]
    assert found["status"] == "contradictory"
    assert [a["id"] for a in found["alerts"]] == ["limb-threatening-ischemia-red-flag"]
    own = {"findings": {"phlegmasia-cerulea-dolens": "present", "cyanosis": "absent"}}
    assert answers([{"id": "own", **own}], reasoner)["own"]["alerts"] == []


def test_a_clash_shows_the_patient_s_own_number(reasoner: HermiT) -> None:
    records = [
        {
            "id": f"p{n}",
            "findings": {"severe-thrombocytopenia": "present"},
            "measurements": {"platelet-count": n},
        }
        for n in (200, 201.5)
    ]
    found = answers(records, reasoner)
    for number in (200, 201.5):
        (clash,) = found[f"p{number}"]["contradiction"]
        assert {"path": "/measurements/platelet-count", "value": number} in clash


def test_the_three_graphs_never_mix(reasoner: HermiT) -> None:
    reading = read_records(RECORDS, reasoner.ontology)
    graph = classify(reading.patients, reasoner).graph()
    asserted, inferred = set(graph.triples(PATIENTS)), set(graph.triples(INFERRED))
    assert not asserted & inferred
    assert set(graph.triples(ONTOLOGY)) == {q.triple for q in reasoner.ontology.store}
    expected = {t for p in reading.patients for t in p.triples()}
    assert {plain(t) for t in asserted} == {plain(t) for t in expected}


def test_the_inferred_graph_says_what_made_it(reasoner: HermiT, ontology: Ontology) -> None:
    graph = classify(read_records([EMPTY], ontology).patients, reasoner).graph()
    generated = ox.NamedNode("http://www.w3.org/ns/prov#wasGeneratedBy")
    derived = ox.NamedNode("http://www.w3.org/ns/prov#wasDerivedFrom")
    triples = list(graph.triples(INFERRED))
    assert any(t.subject == INFERRED and t.predicate == generated for t in triples)
    versions = {str(t.object) for t in triples if t.predicate == derived}
    assert f"<https://w3id.org/dvt-kg/{ontology.version}>" in versions


def test_all_superclasses_stand_in_the_inferred_graph(reasoner: HermiT, ontology: Ontology) -> None:
    patient = Patient(
        "p", frozenset({Fact("symptomDurationDays", Decimal(3)), Fact("hasThrombusIn", "femoral-vein")})
    )
    graph = classify([patient], reasoner).graph()
    types = {t.object for t in graph.triples(INFERRED) if str(t.predicate).endswith("type>")}
    assert {dvt("AcuteOnsetMet"), dvt("AcuteProximalVteMet"), dvt("FemoropoplitealThrombosisMet")} <= types


def test_a_disagreement_of_hermit_and_the_rules_is_an_error(
    reasoner: HermiT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reasoner, "judge", lambda profiles, **_: [frozenset() for _ in profiles])
    with pytest.raises(ReasonerError, match="the reasoner and the rules disagree about record 'p'"):
        classify([Patient("p", frozenset({Fact("hasFinding", "cyanosis")}))], reasoner)


def test_progress_is_told_by_distinct_profiles(reasoner: HermiT) -> None:
    told: list[tuple[int, int]] = []
    reading = read_records([MILD, changed("again"), EMPTY], reasoner.ontology)
    classify(reading.patients, reasoner, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (2, 2)
