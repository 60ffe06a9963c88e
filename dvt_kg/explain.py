"""Why a conclusion was drawn, which facts clash, and what is missing, by the rules."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property

import pyoxigraph as ox

from dvt_kg.ontology import RDFS, Ontology, dvt, local_name
from dvt_kg.patients import STATES, THROMBUS, Fact
from dvt_kg.rules import PATIENT, Atom, Limit, Mask, RuleSet, Value

LARGEST_MISSING_SET = 8
_EVERY_SET = Limit(sets=4096)


def _seeds(rules: RuleSet, facts: Iterable[Fact], first_bit: int = 0) -> dict[Atom, set[Mask]]:
    """Each fact as an assumption with a bit of its own."""
    seeds: dict[Atom, set[Mask]] = {PATIENT: {0}}
    for bit, fact in enumerate(facts, first_bit):
        for atom in rules.seeds(fact):
            seeds.setdefault(atom, set()).add(1 << bit)
    return seeds


def _chosen(mask: Mask, facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    return tuple(fact for bit, fact in enumerate(facts) if mask >> bit & 1)


@dataclass(frozen=True)
class Why:
    """The minimal sets of recorded facts behind each conclusion about one patient.

    :param facts: the recorded facts, in a fixed order
    :param supports: for each conclusion its sets, as bits over the facts
    """

    facts: tuple[Fact, ...]
    supports: dict[Atom | None, set[Mask]]

    def reason(self, conclusion: Atom) -> tuple[Fact, ...]:
        """The shortest set of recorded facts that entails a conclusion."""
        masks = self.supports.get(conclusion, set())
        return _chosen(min(masks, key=lambda m: (m.bit_count(), m), default=0), self.facts)

    def clashes(self) -> list[tuple[Fact, ...]]:
        """The subset-minimal sets of recorded facts that cannot all be true, shortest first."""
        masks = sorted(self.supports.get(None, ()), key=lambda m: (m.bit_count(), m))
        return [_chosen(mask, self.facts) for mask in masks]

    def unclashed(self) -> frozenset[Fact]:
        """The recorded facts that stand outside every clash."""
        return frozenset(self.facts) - {fact for clash in self.clashes() for fact in clash}


def why(rules: RuleSet, facts: Collection[Fact]) -> Why:
    """Find the reasons of every conclusion from a record's facts."""
    ordered = tuple(sorted(facts, key=str))
    return Why(ordered, rules.supports(_seeds(rules, ordered)))


@dataclass(frozen=True)
class Question:
    """Something that a record can say more about, with the facts that could be said.

    :param name: the finding, vein or property, by local name
    :param answers: one fact for each state, value or side of a threshold
    """

    name: str
    answers: tuple[Fact, ...]


class Missing:
    """The search for the smallest set of facts that would settle an open presentation."""

    def __init__(self, ontology: Ontology, rules: RuleSet) -> None:
        self.ontology = ontology
        self.rules = rules

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """Everything that a record can say and that a rule asks about."""
        found = []
        for states, names in ((STATES, self.ontology.findings), (THROMBUS, self.ontology.veins)):
            found += [Question(n, tuple(Fact(state, n) for state in states)) for n in sorted(names)]
        for measurement in self.ontology.measurements.values():
            numbers = self._numbers(measurement.property, measurement.minimum, measurement.maximum)
            if numbers:
                found.append(Question(measurement.property, numbers))
        for name in sorted(self.ontology.notations):
            values = self.ontology.values(name)
            if values and name in self.rules.properties:
                found.append(Question(name, tuple(Fact(name, value) for value in values)))
        return tuple(found)

    def _numbers(self, prop: str, low: Decimal, high: Decimal) -> tuple[Fact, ...]:
        """A number on each side of each threshold and on the threshold itself."""
        limits = {limit for r in self.rules.ranges.get(prop, ()) for _, limit in r.bounds}
        points = sorted({low, high, *limits})
        between = [(a + b) / 2 for a, b in itertools.pairwise(points)]
        distinct: dict[tuple[Atom, ...], Fact] = {}
        for number in sorted([*points, *between]):
            if low <= number <= high and (seeds := self.rules.seeds(Fact(prop, number))):
                distinct.setdefault(seeds, Fact(prop, number))
        return tuple(distinct.values())

    @cached_property
    def judgements(self) -> frozenset[str]:
        """The properties that can be recorded again."""
        super_ = ox.NamedNode(RDFS + "subPropertyOf")
        return frozenset(map(local_name, self.ontology.subjects(super_, dvt("clinicalJudgement"))))

    @cached_property
    def _parts(self) -> dict[str, set[str]]:
        """The direct narrower findings or veins of each."""
        parts: dict[str, set[str]] = {}
        for relation in ("consistsOf", "broaderThan"):
            for quad in self.ontology.store.quads_for_pattern(None, dvt(relation), None):
                parts.setdefault(local_name(quad.subject), set()).add(local_name(quad.object))
        return parts

    @cache  # noqa: B019 - lives as long as the ontology it belongs to
    def _towards(self, goal: Value) -> tuple[RuleSet, dict[Atom | None, int]]:
        """The rules that can lead to a goal, and how many steps each atom is away from it."""
        steps: dict[Atom | None, int] = {goal: 0}
        by_head: dict[Atom | None, list[int]] = {}
        for number, rule in enumerate(self.rules.rules):
            by_head.setdefault(rule.head, []).append(number)
        used, frontier = set(), [goal]
        while frontier:
            following = []
            for head in frontier:
                for number in by_head.get(head, ()):
                    used.add(number)
                    for atom in self.rules.rules[number].body:
                        if atom not in steps:
                            steps[atom] = steps[head] + 1
                            following.append(atom)
            frontier = following  # type: ignore[assignment]
        return RuleSet(tuple(self.rules.rules[n] for n in sorted(used))), steps

    def find(self, facts: Collection[Fact], goals: Iterable[Value]) -> dict[Value, tuple[str, ...]]:
        """The smallest set of names whose recording, with some values, yields each goal.

        :param facts: the recorded facts, which do not contradict each other
        :param goals: what should be entailed, as that a presentation is met
        :returns: for each goal that can be reached the names, sorted; goals that no recording
            reaches are left out
        """
        recorded = {f.value if f.property in (*STATES, *THROMBUS) else f.property for f in facts}
        again = [fact for fact in facts if fact.property in self.judgements]
        asked = [q for q in self.questions if q.name not in recorded or q.name in self.judgements]
        answers = [(q.name, answer) for q in asked for answer in q.answers if answer not in facts]
        fixed = [fact for fact in facts if fact not in again]
        true = self.rules.closure({PATIENT, *self.rules.profile(fixed)})
        known = true | self.rules.closure({PATIENT, *self.rules.profile(facts)})
        possible = cache(lambda answer: None not in self.rules.closure(self.rules.seeds(answer), true))
        found = {}
        for goal in goals:
            _, steps = self._towards(goal)
            near = [(n, a) for n, a in answers if any(s in steps for s in self.rules.seeds(a))]
            options = [(n, a) for n, a in near if possible(a)]
            names = self._smallest(goal, tuple(facts), again, true, known, options)
            if names is not None:
                found[goal] = names
        return found

    def _smallest(
        self,
        goal: Value,
        facts: tuple[Fact, ...],
        again: list[Fact],
        true: set[Atom | None],
        known: set[Atom | None],
        options: list[tuple[str, Fact]],
    ) -> tuple[str, ...] | None:
        rules, steps = self._towards(goal)
        # The answers take the low bits; a judgement that stands as recorded takes one above them.
        hypotheses = tuple(fact for _, fact in options)
        seeds = _seeds(rules, hypotheses + tuple(again))
        for atom in true:
            if atom is not None and atom in steps:
                seeds[atom] = {0}
        if goal not in rules.closure(seeds):
            return None
        for size in range(1, LARGEST_MISSING_SET + 1):
            masks = rules.supports(seeds, limit=_EVERY_SET._replace(size=size + len(again))).get(goal, ())
            ranked = []
            for mask in masks:
                chosen = [options[bit] for bit in range(len(options)) if mask >> bit & 1]
                names = {name for name, _ in chosen}
                if len(names) == len(chosen) <= size:
                    kept = [f for f in facts if f.property not in names]
                    if self._consistent(kept, [f for _, f in chosen], goal):
                        ranked.append((len(names), self._rank(chosen, known, steps), tuple(sorted(names))))
            if ranked:
                return min(ranked)[-1]
        return None

    def _consistent(self, kept: list[Fact], added: list[Fact], goal: Value) -> bool:
        closure = self.rules.closure({PATIENT, *self.rules.profile([*kept, *added])})
        return None not in closure and goal in closure

    def _rank(
        self, chosen: list[tuple[str, Fact]], known: set[Atom | None], steps: dict[Atom | None, int]
    ) -> tuple[int, int]:
        """Between sets of one size: first, umbrellas none of whose parts is known; then the most direct."""
        awkward = 0
        for name, fact in chosen:
            parts = self._parts.get(name, set())
            states = STATES if fact.property in STATES else THROMBUS
            open_ = {p for p in parts if not any(Value(state, p) in known for state in states)}
            awkward += bool(parts) and len(open_) == 1 and len(parts) > 1
        distance = sum(min(steps[a] for a in self.rules.seeds(f) if a in steps) for _, f in chosen)
        return awkward, distance
