"""What is missing: the smallest sets of facts that would settle an open question."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property, lru_cache

import pyoxigraph as ox

from dvt_kg.axioms import compile_rules
from dvt_kg.errors import ReasonerError
from dvt_kg.ontology import RDFS, Ontology, dvt, local_name
from dvt_kg.patients import STATES, THROMBUS, Fact, question_of
from dvt_kg.rules import PATIENT, Atom, Mask, Rule, RuleSet, Type, Value

LARGEST_MISSING_SET = 8
EVERY_SET = 4096


@dataclass(frozen=True)
class Question:
    """Something that a record can say more about, with the facts that could be said.

    :param name: the finding, vein or property, by local name
    :param answers: one fact for each state, value or side of a threshold
    """

    name: str
    answers: tuple[Fact, ...]


class Missing:
    """The search for the smallest sets of facts that would settle an open question.

    The question is whether a presentation or a contraindication holds; sets of more than
    ``LARGEST_MISSING_SET`` names are not looked for.
    """

    def __init__(self, ontology: Ontology) -> None:
        self.ontology = ontology
        self.rules = compile_rules(ontology)

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
        for number in sorted([*limits, *between]):
            if low <= number <= high and (seeds := self.rules.seeds(Fact(prop, number))):
                distinct.setdefault(seeds, Fact(prop, number))
        return tuple(distinct.values())

    @cached_property
    def _answers(self) -> tuple[tuple[str, Fact], ...]:
        """Every answer to every question, with its question's name; the place is the answer's bit."""
        return tuple((q.name, answer) for q in self.questions for answer in q.answers)

    @cached_property
    def _rivals(self) -> tuple[Mask, ...]:
        """For each answer the other answers to its question."""
        groups: dict[str, Mask] = {}
        for bit, (name, _) in enumerate(self._answers):
            groups[name] = groups.get(name, 0) | 1 << bit
        return tuple(groups[name] & ~(1 << bit) for bit, (name, _) in enumerate(self._answers))

    @cached_property
    def _judgements(self) -> frozenset[str]:
        """The properties that can be recorded again."""
        super_ = ox.NamedNode(RDFS + "subPropertyOf")
        return frozenset(map(local_name, self.ontology.subjects(super_, dvt("clinicalJudgement"))))

    @cached_property
    def _parts(self) -> dict[str, set[str]]:
        """The direct narrower findings or veins of each."""
        parts: dict[str, set[str]] = {}
        for relation in ("consistsOf", "broaderThan", "hasSegment"):
            for quad in self.ontology.match(None, dvt(relation)):
                parts.setdefault(local_name(quad.subject), set()).add(local_name(quad.object))
        return parts

    @cache  # noqa: B019
    def _within(self, name: str) -> frozenset[str]:
        """All narrower findings or veins, at any remove."""
        direct = self._parts.get(name, set())
        return frozenset(direct).union(*(self._within(part) for part in direct))

    @cache  # noqa: B019 - lives as long as the ontology it belongs to
    def _towards(self, goal: Atom) -> tuple[RuleSet, dict[Atom | None, int]]:
        """The rules that can lead to a goal, and how many steps each atom is away from it.

        A definition also says that its parts follow from the whole; where the whole can only be
        concluded from the part, that leads nowhere and is left out.
        """
        by_head = self.rules.by_head

        def circular(rule: Rule) -> bool:
            wholes = [atom for atom in rule.body if isinstance(atom, Type)]
            return any(all(rule.head in r.body for r in by_head.get(whole, ())) for whole in wholes)

        steps: dict[Atom | None, int] = {goal: 0}
        used: set[Rule] = set()
        frontier: list[Atom] = [goal]
        while frontier:
            following = []
            for head in frontier:
                for rule in by_head.get(head, ()):
                    if circular(rule):
                        continue
                    used.add(rule)
                    for atom in rule.body:
                        if atom not in steps:
                            steps[atom] = steps[head] + 1
                            following.append(atom)
            frontier = following
        return RuleSet(tuple(rule for rule in self.rules.rules if rule in used)), steps

    @cache  # noqa: B019
    def conjuncts(self, goal: Atom) -> tuple[Atom, ...]:
        """What a goal needs together: the body of the only rule that leads to it, at any remove.

        What can be recorded itself is not followed further.
        """
        recordable = {atom for seeds in self._seeds for atom in seeds}
        found, seen = {goal}, set[Atom]()
        while len(found) == 1 and not found & (seen | recordable):
            (atom,) = found
            seen.add(atom)
            rules = self.rules.by_head.get(atom, ())
            if len(rules) != 1:
                break
            found = set(rules[0].body)
        return tuple(sorted(found, key=str))

    def find(self, facts: Collection[Fact], goals: Iterable[Value]) -> dict[Value, tuple[str, ...]]:
        """The smallest set of names whose recording, with some values, yields each goal.

        A judgement that is recorded counts for nothing as it stands, and as one name where it
        would have to be made again.

        :param facts: the recorded facts, which do not contradict each other
        :param goals: what should be entailed, as that a presentation is met
        :returns: for each goal that can be reached the names, sorted; goals that no recording
            reaches are left out
        """
        record = _Record(self, facts)
        found = {goal: next(record.smallest(goal), None) for goal in goals}
        return {goal: names for goal, names in found.items() if names is not None}

    def every(self, facts: Collection[Fact], goal: Value) -> list[tuple[str, ...]]:
        """All the smallest sets of names whose recording, with some values, yields a goal.

        Where two sets differ only in that one asks for an umbrella and the other for a part of it, only
        the one that :meth:`find` would rather ask for is given.

        :returns: the sets, that of :meth:`find` first; none where no recording reaches the goal
        """
        ranked = list(dict.fromkeys(map(frozenset, _Record(self, facts).smallest(goal))))
        return [
            tuple(sorted(names))
            for place, names in enumerate(ranked)
            if not any(self._alike(names, other) for other in ranked[:place])
        ]

    def _alike(self, names: frozenset[str], others: frozenset[str]) -> bool:
        """Whether two sets are the same, or differ by an umbrella and a part of it."""
        if len(names ^ others) > 2:
            return False
        return all(
            one in self._within(other) or other in self._within(one)
            for one in names - others
            for other in others - names
        )

    @lru_cache(maxsize=20_000)  # noqa: B019
    def _ways(self, goal: Atom, true: frozenset[Atom | None], unasked: frozenset[str]) -> tuple[Mask, ...]:
        """The minimal sets of answers that entail a goal beside what is true, as bits.

        :param true: what is true of what can lead to the goal
        :param unasked: the questions near the goal that are answered already
        """
        rules, steps = self._towards(goal)
        seeds: dict[Atom, set[Mask]] = {PATIENT: {0}} | {a: {0} for a in true if a is not None}
        for bit, (name, _) in enumerate(self._answers):
            if name not in unasked:
                for atom in self._seeds[bit]:
                    if atom in steps and atom not in true:
                        seeds.setdefault(atom, set()).add(1 << bit)
        found = rules.supports(seeds, limit=EVERY_SET)
        if goal in found.capped:
            raise ReasonerError(
                f"more than {EVERY_SET} ways to {goal}: what is missing for it cannot be told"
            )
        return tuple(found.sets.get(goal, ()))

    @cached_property
    def _seeds(self) -> tuple[tuple[Atom, ...], ...]:
        """What each answer makes true at once."""
        return tuple(self.rules.seeds(answer) for _, answer in self._answers)

    @cache  # noqa: B019
    def _near(self, goal: Atom) -> frozenset[str]:
        """The questions with an answer that can lead to a goal."""
        _, steps = self._towards(goal)
        return frozenset(
            name for bit, (name, _) in enumerate(self._answers) if any(a in steps for a in self._seeds[bit])
        )


@lru_cache(maxsize=4)
def search(ontology: Ontology) -> Missing:
    """The search over an ontology, which remembers what it found out about its rules."""
    return Missing(ontology)


_PAIRS = (("hasPresentation", "ruledOutPresentation"), ("hasContraindication", "lacksContraindication"))
OPPOSITE = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}


class _Record:
    """One record, as the search for what is missing sees it."""

    def __init__(self, missing: Missing, facts: Collection[Fact]) -> None:
        self.missing = missing
        self.rules = missing.rules
        again = [fact for fact in facts if fact.property in missing._judgements]
        self.fixed = [fact for fact in facts if fact not in again]
        self.answered = frozenset(map(question_of, self.fixed))
        self.true = self.rules.closure({PATIENT, *self.rules.profile(self.fixed)})
        self.known = frozenset(
            a.value for a in self.true if isinstance(a, Value) and a.property in (*STATES, *THROMBUS)
        )
        # A judgement as it is recorded is an answer that costs nothing.
        self.free = sum(1 << bit for bit, (_, answer) in enumerate(missing._answers) if answer in again)
        self._possible: dict[int, bool] = {}

    def smallest(self, goal: Value) -> Iterator[tuple[str, ...]]:
        """The names of each of the smallest sets of answers that yield a goal, the best first."""
        parts = []
        for atom in self.missing.conjuncts(goal):
            if atom in self.true:
                continue
            _, steps = self.missing._towards(atom)
            true = frozenset(self.true & steps.keys())
            ways = self.missing._ways(atom, true, self.answered & self.missing._near(atom))
            parts.append([mask for mask in ways if self._allowed(mask)])
        if not all(parts):
            return
        least = sum(min(map(self._cost, masks)) for masks in parts)
        for limit in range(least, LARGEST_MISSING_SET + 1):
            found = self._together(parts, limit)
            named = {mask: self._names(mask) for mask in found}
            sets = set(named.values())
            ranked = sorted(
                (self._rank(mask, names, goal, sets), names, mask) for mask, names in named.items()
            )
            yielding = (tuple(sorted(names)) for _, names, mask in ranked if self._yields(mask, goal))
            first = next(yielding, None)
            if first is not None:
                yield first
                yield from (names for names in yielding if len(names) == len(first))
                return

    def _cost(self, mask: Mask) -> int:
        return (mask & ~self.free).bit_count()

    def _bits(self, mask: Mask) -> Iterator[int]:
        while mask:
            low = mask & -mask
            yield low.bit_length() - 1
            mask ^= low

    def _allowed(self, mask: Mask) -> bool:
        """Whether each answer by itself contradicts nothing that is recorded."""
        for bit in self._bits(mask):
            if bit not in self._possible:
                closed = self.rules.closure(self.missing._seeds[bit], self.true)
                self._possible[bit] = None not in closed
            if not self._possible[bit]:
                return False
        return True

    def _together(self, parts: list[list[Mask]], limit: int) -> set[Mask]:
        """The unions of one set of each part that cost no more than a limit."""
        unions = {0}
        for masks in sorted(parts, key=len):
            unions = {u | m for u in unions for m in masks if self._cost(u | m) <= limit}
        rivals = self.missing._rivals
        return {u for u in unions if not any(rivals[bit] & u for bit in self._bits(u))}

    def _yields(self, mask: Mask, goal: Value) -> bool:
        """Whether answers, with the record, entail a goal and contradict nothing."""
        replaced = {self.missing._answers[bit][0] for bit in self._bits(mask)}
        kept = [bit for bit in self._bits(self.free) if self.missing._answers[bit][0] not in replaced]
        seeds = [atom for bit in (*self._bits(mask), *kept) for atom in self.missing._seeds[bit]]
        closed = self.rules.closure(seeds, self.true)
        return None not in closed and goal in closed

    def _names(self, mask: Mask) -> frozenset[str]:
        """What has to be recorded for a set of answers."""
        return frozenset(self.missing._answers[bit][0] for bit in self._bits(mask & ~self.free))

    def _rank(
        self, mask: Mask, names: frozenset[str], goal: Value, sets: set[frozenset[str]]
    ) -> tuple[int, int, int, int, list[str]]:
        """The place of a set among those that yield a goal, the first being the best.

        By size; then an umbrella of which a part is known comes after its open parts, where a set
        as small has them; then questions that settle the goal whatever the answer; then the most direct.
        """
        missing = self.missing
        _, steps = missing._towards(goal)
        _, otherwise = missing._towards(Value(OPPOSITE[goal.property], goal.value))
        undecided = distance = 0
        for bit in self._bits(mask & ~self.free):
            others = [missing._seeds[rival] for rival in self._bits(missing._rivals[bit])]
            undecided += not all(any(atom in otherwise for atom in seeds) for seeds in others)
            distance += min(steps[a] for a in missing._seeds[bit] if a in steps)
        umbrellas = {name for name in names if missing._within(name) & self.known}
        awkward = sum(
            any(
                len(other) == len(names) and names - other == {u} and other - names <= missing._within(u)
                for other in sets
            )
            for u in umbrellas
        )
        return len(names), awkward, undecided, distance, sorted(names)
