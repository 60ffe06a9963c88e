"""The program: the same conclusions as the rules one by one, in an order without a search."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvt_kg import Fact, Ontology
from dvt_kg.cohorts.bits import Machine, packed, unpacked
from dvt_kg.derivations import ground
from dvt_kg.errors import UnsupportedAxiom
from dvt_kg.program import Clause, Program, Term, program, step_of
from dvt_kg.rules import PATIENT, Value

from .strategies import ONTOLOGY, RULES, facts

PROGRAM = program(ONTOLOGY)
MACHINE = Machine(PROGRAM)


def by_machine(records: list[frozenset[Fact]]) -> list[set[Term]]:
    """What the program concludes of each record."""
    seeds: dict[Term, np.ndarray] = {}
    for place, record in enumerate(records):
        for atom in RULES.profile(record):
            flags = seeds.setdefault(atom, np.zeros(len(records), np.bool_))
            flags[place] = True
    true = MACHINE.run({atom: packed(flags) for atom, flags in seeds.items()}, len(records))
    flags_of = {term: unpacked(bits, len(records)) for term, bits in true.items()}
    return [{term for term, flags in flags_of.items() if flags[n]} for n in range(len(records))]


@given(st.lists(facts(), min_size=1, max_size=70))
def test_the_program_concludes_what_the_rules_do(records: list[frozenset[Fact]]) -> None:
    asked = {*PROGRAM.seeds, *(head for step in PROGRAM.steps for head in step.heads)}
    derivations = ground(ONTOLOGY)
    added = ("conflictsOn", "clashesOn")
    for record, found in zip(records, by_machine(records), strict=True):
        closed = RULES.closure({PATIENT, *RULES.profile(record)})
        true = closed | derivations.conclude(derivations.given(closed))
        concluded = {t for t in found if not (isinstance(t, Value) and t.property in added)}
        assert concluded == true & asked


def test_everything_that_an_answer_says_is_in_the_program() -> None:
    assert {name: len(heads) for name, heads in PROGRAM.lists.items() if not heads} == {}
    assert {status.value for status in PROGRAM.statuses} == {
        *("matched", "indeterminate", "out-of-scope", "contradictory")
    }
    assert len(PROGRAM.lists["presentations"]) == len(PROGRAM.lists["undetermined"]) == 9


def test_each_step_rests_on_what_stands_before_it_or_in_it() -> None:
    known: set[Term] = set()
    heads = {head for step in PROGRAM.steps for head in step.heads}
    for step in PROGRAM.steps:
        known |= set(step.heads)
        for clauses in step.clauses:
            for clause in clauses:
                assert {term for term in clause.body | clause.absent if term in heads} <= known
        if len(step.heads) == 1:
            assert step.rounds == 1


def test_a_part_and_its_whole_are_one_step_of_few_rounds() -> None:
    (step,) = [s for s in PROGRAM.steps if Value("lacksFinding", "cyanosis") in s.heads]
    assert Value("lacksFinding", "moderate-or-severe-symptom") in step.heads
    assert 2 <= step.rounds <= 4


def test_one_round_fewer_would_miss_a_conclusion() -> None:
    def concluded(chosen: Program) -> list[set[Term]]:
        records = [frozenset({atom}) for step in PROGRAM.steps if step.rounds > 1 for atom in step.heads]
        parts = [
            frozenset(clause.body)
            for step in PROGRAM.steps
            if step.rounds > 1
            for clauses in step.clauses
            for clause in clauses
        ]
        records += parts
        seeds = {
            atom: packed(np.array([atom in record for record in records]))
            for atom in {atom for record in records for atom in record}
        }
        true = Machine(chosen).run(seeds, len(records))
        return [
            {t for t, bits in true.items() if unpacked(bits, len(records))[n]} for n in range(len(records))
        ]

    def jacobi(chosen: Program) -> int:
        return sum(map(len, concluded(chosen)))

    once = Program(
        PROGRAM.seeds, tuple(step.__class__(step.heads, step.clauses, 1) for step in PROGRAM.steps)
    )
    more = Program(
        PROGRAM.seeds,
        tuple(step.__class__(step.heads, step.clauses, step.rounds + 3) for step in PROGRAM.steps),
    )
    assert jacobi(once) < jacobi(PROGRAM) == jacobi(more)


def test_what_rests_on_its_own_absence_is_refused() -> None:
    one, other = Value("a", "1"), Value("a", "2")
    clauses: dict[Term, tuple[Clause, ...]] = {
        one: (Clause(frozenset({other}), frozenset()),),
        other: (Clause(frozenset(), frozenset({one})),),
    }
    with pytest.raises(UnsupportedAxiom, match="not being concluded"):
        step_of((one, other), clauses, ())


def test_the_program_is_the_same_at_every_start() -> None:
    code = (
        "from dvt_kg import load; from dvt_kg.program import program; import hashlib;"
        "p = program(load());"
        "print(hashlib.sha256(str([p.seeds, [s.heads for s in p.steps]]).encode()).hexdigest())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


def test_a_criterion_added_in_turtle_is_in_the_program(extended: Callable[[str], Ontology]) -> None:
    ontology = extended(
        "[ a owl:Restriction ; owl:onProperty dvt:side ; owl:hasValue dvt:left ] rdfs:subClassOf"
        " [ a owl:Restriction ; owl:onProperty dvt:failsCriterion ; owl:hasValue dvt:acute-onset ] ."
    )
    left = Value("side", "left")
    true = Machine(program(ontology)).run({left: packed(np.array([True]))}, 1)
    assert unpacked(true[Value("ruledOutPresentation", "acr-2020-iliofemoral-1")], 1)[0]
