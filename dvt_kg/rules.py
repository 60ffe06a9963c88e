"""Rules about one patient, and what follows by them from a patient's facts.

Horn rules are read from the ontology's axioms by :mod:`dvt_kg.axioms`; rules about what is not
known, from the derivation queries by :mod:`dvt_kg.derivations`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import NamedTuple

from dvt_kg.patients import Fact


class Type(NamedTuple):
    """The patient is an instance of a class."""

    name: str

    def __str__(self) -> str:
        return self.name


class Value(NamedTuple):
    """The patient is linked to an individual by a property."""

    property: str
    value: str

    def __str__(self) -> str:
        return f"{self.property} value {self.value}"


FACETS = {"minInclusive": ">=", "maxInclusive": "<=", "minExclusive": ">", "maxExclusive": "<"}


class Range(NamedTuple):
    """A number of the patient lies within bounds, each a facet and its limit."""

    property: str
    bounds: tuple[tuple[str, Decimal], ...]

    def __str__(self) -> str:
        inside = ", ".join(f"{FACETS[facet]} {limit}" for facet, limit in self.bounds)
        return f"{self.property} some decimal[{inside}]"

    def holds(self, number: Decimal) -> bool:
        """Whether a number lies within the bounds."""
        tests = {
            "minInclusive": number.__ge__,
            "maxInclusive": number.__le__,
            "minExclusive": number.__gt__,
            "maxExclusive": number.__lt__,
        }
        return all(tests[facet](limit) for facet, limit in self.bounds)


Atom = Type | Value | Range
PATIENT = Type("Patient")


@dataclass(frozen=True)
class Rule:
    """If the whole body is true of a patient, so is the head; a head of None is a contradiction.

    :param axiom: the axiom that the rule comes from, in the manner of the Manchester syntax
    :param sources: the sources of the terms and thresholds that the rule names, by local name
    """

    body: frozenset[Atom]
    head: Atom | None
    axiom: str
    sources: tuple[str, ...] = ()


Mask = int
MOST_SETS = 512


@dataclass(frozen=True)
class Supports:
    """The minimal sets of assumptions behind each conclusion, each set as the bits of a number.

    :param sets: for each conclusion its subset-minimal sets; None is the contradiction
    :param capped: the conclusions of which some sets may be left out or be larger than needed
    """

    sets: dict[Atom | None, set[Mask]]
    capped: frozenset[Atom | None]


class RuleSet:
    """Horn rules, ready to be run over the facts of one patient."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.rules = rules

    @cached_property
    def _index(self) -> dict[Atom | None, list[Rule]]:
        index: dict[Atom | None, list[Rule]] = {}
        for rule in self.rules:
            for atom in rule.body:
                index.setdefault(atom, []).append(rule)
        return index

    @cached_property
    def by_head(self) -> dict[Atom | None, list[Rule]]:
        """The rules by what they conclude."""
        index: dict[Atom | None, list[Rule]] = {}
        for rule in self.rules:
            index.setdefault(rule.head, []).append(rule)
        return index

    @cached_property
    def ranges(self) -> dict[str, tuple[Range, ...]]:
        """The ranges that the rules ask about, by property."""
        found: dict[str, set[Range]] = {}
        for rule in self.rules:
            for atom in rule.body:
                if isinstance(atom, Range):
                    found.setdefault(atom.property, set()).add(atom)
        return {name: tuple(sorted(ranges)) for name, ranges in found.items()}

    @cached_property
    def properties(self) -> frozenset[str]:
        """The properties by which a patient's facts enter the rules."""
        atoms = {atom for rule in self.rules for atom in rule.body if not isinstance(atom, Type)}
        return frozenset(atom.property for atom in atoms)

    @lru_cache(maxsize=100_000)  # noqa: B019 - lives as long as the ontology it belongs to
    def seeds(self, fact: Fact) -> tuple[Atom, ...]:
        """What a recorded fact makes true at once; nothing where no rule asks about it."""
        if isinstance(fact.value, Decimal):
            ranges = self.ranges.get(fact.property, ())
            recorded = [Range(fact.property, ())] if ranges else []  # a number was recorded at all
            return (*recorded, *(r for r in ranges if r.holds(fact.value)))
        return (Value(fact.property, fact.value),) if fact.property in self.properties else ()

    def profile(self, facts: Iterable[Fact]) -> frozenset[Atom]:
        """All that facts make true at once: patients with equal profiles get equal conclusions."""
        return frozenset(atom for fact in facts for atom in self.seeds(fact))

    def closure(
        self, atoms: Iterable[Atom], given: Collection[Atom | None] = frozenset()
    ) -> set[Atom | None]:
        """All that follows from atoms, None among it where they contradict each other.

        :param atoms: what is true
        :param given: an earlier closure to add to
        """
        waiting: list[Atom | None] = [atom for atom in atoms if atom not in given]
        true = {*given, *waiting}
        while waiting:
            for rule in self._index.get(waiting.pop(), ()):
                if rule.head not in true and rule.body <= true:
                    true.add(rule.head)
                    waiting.append(rule.head)
        return true

    def proof(self, atoms: Iterable[Atom], goal: Atom | None) -> list[Rule]:
        """The rules by which a goal follows from atoms, in the order in which they fire.

        :returns: no rule where the goal is among the atoms
        :raises KeyError: where the goal does not follow
        """
        waiting: deque[Atom | None] = deque(atoms)
        by: dict[Atom | None, Rule | None] = dict.fromkeys(waiting)
        while waiting and goal not in by:
            for rule in self._index.get(waiting.popleft(), ()):
                if rule.head not in by and all(atom in by for atom in rule.body):
                    by[rule.head] = rule
                    waiting.append(rule.head)
        used: dict[Rule, None] = {}

        def collect(atom: Atom | None) -> None:
            rule = by[atom]
            if rule is not None and rule not in used:
                for premise in sorted(rule.body, key=str):
                    collect(premise)
                used[rule] = None

        collect(goal)
        return list(used)

    def supports(self, seeds: Mapping[Atom, set[Mask]], *, limit: int = MOST_SETS) -> Supports:
        """The minimal sets of assumptions that entail each conclusion.

        :param seeds: for each atom that assumptions make true, those assumptions, each set of them
            as the bits of a number; the empty set, 0, for what is simply true
        :param limit: the sets kept for one conclusion; smaller ones are kept first
        """
        known: dict[Atom | None, set[Mask]] = {}
        waiting: dict[Atom | None, set[Mask]] = {}
        capped: set[Atom | None] = set()

        def learn(atom: Atom | None, masks: Iterable[Mask]) -> None:
            have = known.setdefault(atom, set())
            for mask in masks:
                if any(h & mask == h for h in have):
                    continue
                have -= {h for h in have if h & mask == mask}
                have.add(mask)
                waiting.setdefault(atom, set()).add(mask)
            if len(have) > limit:
                capped.add(atom)
                have -= set(smallest_first(have)[limit:])

        for seed, masks in seeds.items():
            learn(seed, masks)
        while waiting:
            learnt, fresh = waiting.popitem()
            fresh &= known[learnt]
            if not fresh:
                continue
            for rule in self._index.get(learnt, ()):
                sets = fresh
                for other in rule.body:
                    if other != learnt:
                        sets = {a | b for a in sets for b in known.get(other, ())}
                if sets:
                    learn(rule.head, sets)
        # What rests on a capped conclusion may lack sets too.
        frontier = list(capped)
        while frontier:
            for rule in self._index.get(frontier.pop(), ()):
                if rule.head not in capped and known.keys() >= rule.body:
                    capped.add(rule.head)
                    frontier.append(rule.head)
        return Supports(known, frozenset(capped))


def smallest_first(masks: Iterable[Mask]) -> list[Mask]:
    """Sets in the order of their sizes."""
    return sorted(masks, key=lambda m: (m.bit_count(), m))
