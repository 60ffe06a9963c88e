from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import assume, given, settings

from dvt_kg import Fact, Ontology, ReasonerError, missing
from dvt_kg.missing import Missing
from dvt_kg.rules import PATIENT, Atom, Type, Value

from .strategies import ONTOLOGY, RULES, facts

MISSING = Missing(ONTOLOGY)
PRESENTATIONS = ONTOLOGY.individuals("Presentation")


def closure(stated: object) -> set[Atom | None]:
    return RULES.closure({PATIENT, *RULES.profile(stated)})  # type: ignore[arg-type]


def met(presentation: str) -> Value:
    return Value("hasPresentation", presentation)


def _settles(stated: frozenset[Fact], names: tuple[str, ...], goal: Value) -> bool:
    """By brute force: whether some answers to the named questions yield the goal."""
    questions = {q.name: q.answers for q in MISSING.questions}
    kept = [f for f in stated if not (f.property == "recordedSeverity" and f.property in names)]

    def tried(chosen: list[Fact], rest: tuple[str, ...]) -> bool:
        if not rest:
            closed = closure([*kept, *chosen])
            return None not in closed and goal in closed
        return any(tried([*chosen, answer], rest[1:]) for answer in questions[rest[0]])

    return tried([], names)


@given(facts(22))
@settings(max_examples=60, deadline=None)
def test_what_is_missing_settles_the_presentation_and_no_smaller_set_does(stated: frozenset[Fact]) -> None:
    closed = closure(stated)
    assume(None not in closed)
    open_ = [
        met(p)
        for p in PRESENTATIONS
        if met(p) not in closed and Value("ruledOutPresentation", p) not in closed
    ]
    found = MISSING.find(stated, open_)
    recorded = {f.value if f.property.endswith(("Finding", "In")) else f.property for f in stated}
    questions = [q.name for q in MISSING.questions if q.name not in recorded or q.name == "recordedSeverity"]
    for goal in open_:
        every = MISSING.every(stated, goal)
        assert every[:1] == ([found[goal]] if goal in found else [])
        for names in every:
            assert len(names) == len(found[goal])
            assert _settles(stated, names, goal)
        if len(found.get(goal, "..")) <= 2:
            sizes = range(1, len(found.get(goal, "..")))
            for size in sizes:
                assert not any(_settles(stated, names, goal) for names in combinations(questions, size))


SILENT = frozenset({Fact("hasThrombusIn", "external-iliac-vein")})


@pytest.mark.parametrize(
    ("stated", "presentation", "names"),
    [
        (SILENT, "acr-2020-iliofemoral-5", {"symptomDurationDays", "phlegmasia-cerulea-dolens"}),
        (
            SILENT,
            "acr-2020-iliofemoral-6",
            {"recordedSeverity", "symptoms-persistent", "anticoagulationDays"},
        ),
        (
            SILENT,
            "acr-2020-iliofemoral-1",
            {"symptomDurationDays", "moderate-or-severe-symptom", "altering-comorbidity"},
        ),
        (
            SILENT
            | {Fact("lacksFinding", n) for n in ("active-cancer", "pregnancy", "hypercoagulable-state")},
            "acr-2020-iliofemoral-1",
            {
                "symptomDurationDays",
                "moderate-or-severe-symptom",
                "absolute-contraindication-to-anticoagulation",
            },
        ),
        (
            SILENT | {Fact("lacksFinding", "cyanosis")},
            "acr-2020-iliofemoral-4",
            {"symptomDurationDays", "may-thurner-configuration", "phlegmasia-alba-dolens"},
        ),
        (
            SILENT | {Fact("lacksFinding", "phlegmasia-cerulea-dolens")},
            "acr-2020-iliofemoral-4",
            {"symptomDurationDays", "may-thurner-configuration", "phlegmasia-alba-dolens"},
        ),
    ],
)
def test_the_umbrella_is_asked_for_unless_a_part_is_known_and_an_open_part_is_as_small_a_set(
    stated: frozenset[Fact], presentation: str, names: set[str]
) -> None:
    assert set(MISSING.find(stated, [met(presentation)])[met(presentation)]) == names


def test_a_recorded_severity_may_have_to_be_graded_again() -> None:
    stated = frozenset(
        {
            Fact("hasThrombusIn", "popliteal-vein"),
            Fact("lacksThrombusIn", "iliofemoral-vein"),
            Fact("lacksFinding", "limb-threatening-ischemia"),
            Fact("hasFinding", "tense-edema"),
            Fact("recordedSeverity", "mild"),
        }
    )
    goal = met("acr-2020-iliofemoral-3")
    assert "recordedSeverity" in MISSING.find(stated, [goal])[goal]


def test_a_presentation_that_no_recording_can_meet_is_left_out_and_can_be_ruled_out() -> None:
    stated = SILENT | {Fact("lacksFinding", "anticoagulation-started")}
    goal = met("acr-2020-iliofemoral-6")
    assert goal not in MISSING.find(stated, [goal])
    out = Value("ruledOutPresentation", "acr-2020-iliofemoral-6")
    assert len(MISSING.find(stated, [out])[out]) == 1


def test_no_search_from_an_empty_record_reaches_its_cap() -> None:
    """The empty record has the most ways to a goal; where all of them are kept nothing is overlooked."""
    goals = [
        Value(prop, name)
        for properties, names in (
            (("hasPresentation", "ruledOutPresentation"), PRESENTATIONS),
            (("hasContraindication", "lacksContraindication"), ONTOLOGY.individuals("Contraindication")),
        )
        for prop in properties
        for name in names
    ]
    assert len(goals) > 200
    for goal in goals:  # a search that reaches its cap is an error
        assert MISSING.every(frozenset(), goal)


def test_a_search_that_reaches_its_cap_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missing, "EVERY_SET", 1)
    with pytest.raises(ReasonerError, match="cannot be told"):
        Missing(ONTOLOGY).every(frozenset(), met("acr-2020-iliofemoral-2"))


def test_all_equally_small_sets_are_found_but_for_an_umbrella_and_its_parts() -> None:
    stated = SILENT | {Fact("symptomDurationDays", Decimal(3)), Fact("hasFinding", "pulmonary-embolism")}
    (found,) = MISSING.every(stated, met("acr-2020-iliofemoral-5"))
    assert found == ("phlegmasia-cerulea-dolens",)
    alone = frozenset({Fact("symptomDurationDays", Decimal(3)), Fact("sex", "male")})
    sets = {frozenset(names) for names in MISSING.every(alone, met("acr-2019-ivc-filter-1"))}
    assert sets == {
        frozenset({"proximal-vein", "reason-against-anticoagulation"}),
        frozenset({"pulmonary-embolism", "reason-against-anticoagulation"}),
    }


def test_what_can_be_recorded_is_asked_for_itself_and_not_only_by_what_it_follows_from() -> None:
    (name,) = (
        n
        for n in ONTOLOGY.individuals("Contraindication")
        if n == "anticoagulation-severe-thrombocytopenia-by-uptodate-anticoagulation"
    )
    sets = MISSING.every(frozenset(), Value("hasContraindication", name))
    assert set(sets) == {("severe-thrombocytopenia",), ("plateletCount",)}


def test_a_circle_of_single_rules_is_no_endless_search(extended: Callable[[str], Ontology]) -> None:
    ontology = extended("dvt:A a owl:Class . dvt:B a owl:Class ; owl:equivalentClass dvt:A .")
    assert len(Missing(ontology).conjuncts(Type("A"))) == 1
