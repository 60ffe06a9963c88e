from __future__ import annotations

from hypothesis import given, settings

from dvt_kg import Fact
from dvt_kg.justifications import why
from dvt_kg.rules import PATIENT, Atom

from .strategies import RULES, facts


def closure(stated: object) -> set[Atom | None]:
    return RULES.closure({PATIENT, *RULES.profile(stated)})  # type: ignore[arg-type]


@given(facts())
@settings(max_examples=100, deadline=None)
def test_the_reason_of_a_conclusion_entails_it_and_every_fact_of_it_is_needed(
    stated: frozenset[Fact],
) -> None:
    found = why(RULES, stated)
    for atom in found.concluded:
        if atom is not None:
            reason = found.reason(atom)
            assert atom in closure(reason)
            for fact in reason:
                assert atom not in closure(set(reason) - {fact})


@given(facts())
@settings(max_examples=100, deadline=None)
def test_clashes_are_minimal_and_what_stands_outside_them_is_consistent(stated: frozenset[Fact]) -> None:
    found = why(RULES, stated)
    assert (None in closure(stated)) is bool(found.clashes())
    for clash in found.clashes():
        assert None in closure(clash)
        for fact in clash:
            assert None not in closure(set(clash) - {fact})
    assert None not in closure(found.unclashed())


def test_two_independent_clashes_are_both_found() -> None:
    stated = {
        Fact("hasFinding", "fully-ambulatory"),
        Fact("hasFinding", "mobility-limitation"),
        Fact("sex", "male"),
        Fact("hasFinding", "pregnancy"),
    }
    assert len(why(RULES, stated).clashes()) == 2
