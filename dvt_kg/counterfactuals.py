"""What would change it: the answer in short, and how it differs where one fact is otherwise."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, cached_property, lru_cache
from typing import Any, NamedTuple

from dvt_kg import queries
from dvt_kg.axioms import compile_rules
from dvt_kg.derivations import ground
from dvt_kg.graph import KnowledgeGraph
from dvt_kg.missing import Question, search
from dvt_kg.ontology import Ontology
from dvt_kg.patients import Fact, question_of
from dvt_kg.rules import PATIENT, Atom, Mask, Value

# The states of a presentation and of an intervention's contraindications, by the property that
# concludes each; the first that is concluded counts.
PRESENTATION_STATES = {
    "hasPresentation": "met",
    "openPresentation": "open",
    "ruledOutPresentation": "ruled-out",
}
CONTRAINDICATION_STATES = {
    "absolutelyContraindicated": "absolute",
    "relativelyContraindicated": "relative",
    "contraindicationExcluded": "excluded",
    "notAssessedFor": "not-assessed",
}
_OF_CRITERIA = ("meetsCriterion", "failsCriterion")
_OF_CONTRAINDICATIONS = ("hasContraindication", "lacksContraindication")


class Option(NamedTuple):
    """A rated option as an answer shows it."""

    intervention: str
    presentation: str
    rating: str
    contraindication: str
    statement: str


@dataclass(frozen=True)
class Outcome:
    """What an answer says of a record, in short.

    :param status: matched, indeterminate, out-of-scope or contradictory
    :param presentations: the state of each
    :param options: the rated options of those that are met, each presentation's most appropriate first
    :param alerts: the alerts raised
    :param steps: the next steps that apply
    :param contraindications: the state of every rated intervention, an option or not
    """

    status: str
    presentations: dict[str, str]
    options: tuple[Option, ...]
    alerts: frozenset[str]
    steps: frozenset[str]
    contraindications: dict[str, str] = field(compare=False)


class Change(NamedTuple):
    """One fact otherwise, and the answer that the record then gets.

    :param fact: the fact as it would be
    :param was: as it is recorded, None where nothing is
    """

    fact: Fact
    was: Fact | None
    outcome: Outcome


class Share(NamedTuple):
    """How many open questions an answer settles: at least, and on average over what it may be."""

    least: float
    average: float


class Settled(NamedTuple):
    """How many open questions of each kind an answer settles."""

    presentations: Share
    criteria: Share
    contraindications: Share

    def __add__(self, other: Settled) -> Settled:  # type: ignore[override]
        """What two answers settle, counted one by one."""
        return Settled(*(Share(*map(sum, zip(a, b, strict=True))) for a, b in zip(self, other, strict=True)))

    @property
    def order(self) -> tuple[float, ...]:
        """A key to sort by: presentations before criteria before contraindications, most first."""
        return tuple(-number for share in self for number in share)


NOTHING = Settled(*[Share(0, 0)] * 3)


class Outlook:
    """What would be answered about a record if it were otherwise."""

    def __init__(self, ontology: Ontology) -> None:
        self.ontology = ontology
        self.rules = compile_rules(ontology)
        self.derivations = ground(ontology)
        self._questions = {question.name: question for question in search(ontology).questions}

    @cached_property
    def ratings(self) -> dict[str, list[tuple[str, str, str]]]:
        """For each presentation the rated interventions, each with rating and statement."""
        found: dict[str, list[tuple[str, str, str]]] = {}
        for row in queries.ask(KnowledgeGraph(self.ontology), "rating-matrix").plain():
            rated = (str(row["intervention"]), str(row["rating"]), str(row["statement"]))
            found.setdefault(str(row["presentation"]), []).append(rated)
        return found

    def closure(self, facts: Iterable[Fact]) -> set[Atom | None]:
        """All that follows from facts by the axioms."""
        return self.rules.closure({PATIENT, *self.rules.profile(facts)})

    def outcome(self, true: Collection[Atom | None]) -> Outcome:
        """What an answer says in short, given what follows by the axioms.

        :param true: of a contradictory record the contradiction, None, and the red flags that stand
            outside it
        """
        return self._outcome(self.derivations.given(true))

    @lru_cache(maxsize=20_000)  # noqa: B019 - lives as long as the ontology it belongs to
    def _outcome(self, given: Mask) -> Outcome:
        concluded = {*self.derivations.atoms(given), *self.derivations.conclude(given)}
        by_property: dict[str, set[str]] = {}
        for atom in concluded:
            if isinstance(atom, Value):
                by_property.setdefault(atom.property, set()).add(atom.value)
        (status,) = by_property["status"]
        states = {p: s for key, s in PRESENTATION_STATES.items() for p in by_property.get(key, ())}
        contraindications = {name: "none-on-file" for rated in self.ratings.values() for name, _, _ in rated}
        for key, state in reversed(CONTRAINDICATION_STATES.items()):
            contraindications |= dict.fromkeys(by_property.get(key, set()) & contraindications.keys(), state)
        options = [
            Option(intervention, presentation, rating, contraindications[intervention], statement)
            for presentation, state in sorted(states.items())
            if state == "met"
            for intervention, rating, statement in self.ratings.get(presentation, ())
        ]
        return Outcome(
            status,
            dict(sorted(states.items())),
            tuple(options),
            frozenset(by_property.get("hasAlert", ())),
            frozenset(by_property.get("hasNextStep", ())),
            contraindications,
        )

    def changes(self, facts: Collection[Fact], now: Outcome) -> tuple[list[Change], list[Fact]]:
        """Each recorded and each missing fact that would change the answer if it were otherwise.

        A number moves to the other side of the nearest threshold at which the answer changes, in
        either direction, and on to the next at which it changes again.

        :param now: what is answered about the record as it is
        :returns: the changes, those first that change a presentation's state, recorded facts before
            missing ones; and the facts that would contradict the rest of the record
        """
        base = self.closure(facts)
        changes: list[Change] = []
        impossible: list[Fact] = []
        for question, stated, given in self._asked(facts, base):
            if None in given:
                continue  # the rest contradicts itself, whatever the answer
            for answers in self._directions(question, min(stated) if len(stated) == 1 else None):
                last = now
                for answer in answers:
                    true = self.rules.closure(self.rules.seeds(answer), given)
                    if None in true:
                        impossible.append(answer)
                    elif (outcome := self.outcome(true)) != last:
                        was = min((fact for fact in stated if fact != answer), default=None)
                        changes.append(Change(answer, was, outcome))
                        last = outcome if isinstance(answer.value, Decimal) else now
        found = [change for change in changes if change.outcome != now]
        found.sort(key=lambda c: (c.outcome.presentations == now.presentations, c.was is None))
        return found, impossible

    def _directions(self, question: Question, was: Fact | None) -> list[list[Fact]]:
        """The other answers to a question, those of a number in the order of their distance each way."""
        numbers = [a.value for a in question.answers if isinstance(a.value, Decimal)]
        if not numbers:
            return [[answer] for answer in question.answers if answer != was]
        recorded = was.value if was and isinstance(was.value, Decimal) else None
        if recorded is None:
            return [[self._across(question.name, number, above=True) for number in numbers]]
        return [
            [self._across(question.name, n, above=False) for n in reversed(numbers) if n < recorded],
            [self._across(question.name, n, above=True) for n in numbers if n > recorded],
        ]

    @cache  # noqa: B019 - lives as long as the ontology it belongs to
    def _across(self, prop: str, number: Decimal, *, above: bool) -> Fact:
        """A number between the same thresholds as another, just across the one that is passed."""
        fact = Fact(prop, number)
        limits = [limit for r in self.rules.ranges[prop] for _, limit in r.bounds]
        passed = [limit for limit in limits if (limit < number if above else limit > number)]
        if not passed:
            above, passed = False, [limit for limit in limits if limit > number]
        limit = max(passed) if above else min(passed, default=number)
        low, high = self._plausible[prop]
        for step in map(Decimal, ("1", "0.1", "0.01")):
            near = limit + step if above else limit - step
            alike = self.rules.seeds(Fact(prop, near)) == self.rules.seeds(fact)
            if alike and low <= near <= high:
                return Fact(prop, near)
        return fact

    @cached_property
    def _plausible(self) -> dict[str, tuple[Decimal, Decimal]]:
        """The least and the greatest number that a record may hold, by property."""
        return {m.property: (m.minimum, m.maximum) for m in self.ontology.measurements.values()}

    def _asked(
        self, facts: Collection[Fact], base: set[Atom | None]
    ) -> Iterator[tuple[Question, set[Fact], set[Atom | None]]]:
        """Each question with its recorded answers, and what follows from the rest of the record.

        A record that contradicts itself may answer a question both ways.
        """
        recorded: dict[str, set[Fact]] = {}
        for fact in facts:
            recorded.setdefault(question_of(fact), set()).add(fact)
        for name, question in self._questions.items():
            stated = recorded.get(name, set())
            yield question, stated, self.closure(set(facts) - stated) if stated else base

    def settles(self, facts: Collection[Fact]) -> dict[str, Settled]:
        """For each unrecorded question how many open questions an answer to it would settle.

        :returns: by name, those that settle most first; those that settle nothing are left out
        """
        base = self.closure(facts)
        concluded = self.derivations.conclude(self.derivations.given(base))
        open_ = {(a.property, a.value) for a in concluded}
        recorded = set(map(question_of, facts))
        found = {}
        for name, question in self._questions.items():
            if name not in recorded:
                answers = (self.rules.closure(self.rules.seeds(a), base) for a in question.answers)
                counts = [self._settled(true - base, open_) for true in answers if None not in true]
                if any(map(any, counts)):
                    kinds = zip(*counts, strict=True)
                    found[name] = Settled(*(Share(min(k), sum(k) / len(k)) for k in kinds))
        return dict(sorted(found.items(), key=lambda item: (item[1].order, item[0])))

    def _settled(self, fresh: set[Atom | None], open_: set[tuple[str, str]]) -> tuple[int, int, int]:
        values = [atom for atom in fresh if isinstance(atom, Value)]
        return (
            sum(a.property in PRESENTATION_STATES and ("openPresentation", a.value) in open_ for a in values),
            sum(("openCriterion", a.value) in open_ for a in values if a.property in _OF_CRITERIA),
            sum(a.value in self._absolute for a in values if a.property in _OF_CONTRAINDICATIONS),
        )

    @cached_property
    def _absolute(self) -> frozenset[str]:
        """The contraindications that have to be assessed before a treatment counts as free of them."""
        return frozenset(
            atom.value
            for rule in self.derivations.rules
            if rule.head.property == "notAssessedFor"
            for atom in rule.absent
            if isinstance(atom, Value)
        )


@lru_cache(maxsize=4)
def outlook(ontology: Ontology) -> Outlook:
    """The outlook over an ontology, which remembers what it found out about its rules."""
    return Outlook(ontology)


def difference(before: Outcome, after: Outcome) -> dict[str, Any]:
    """How one outcome differs from another.

    :returns: ``appears`` and ``disappears``, the options by presentation and intervention;
        ``changes``, the interventions rated in both whose ``ratings`` or ``contraindication`` differ;
        and where they differ ``status``, ``presentations``, ``alerts`` and ``next_steps``
    """
    old = {(o.presentation, o.intervention): o for o in before.options}
    new = {(o.presentation, o.intervention): o for o in after.options}

    found: dict[str, Any] = {
        "appears": [option._asdict() for key, option in new.items() if key not in old],
        "disappears": [option._asdict() for key, option in old.items() if key not in new],
        "changes": list(_rated_otherwise(before.options, after.options)),
    }
    if before.status != after.status:
        found["status"] = {"before": before.status, "after": after.status}
    states = {
        p: {"before": old_state, "after": new_state}
        for p in sorted({*before.presentations, *after.presentations})
        if (old_state := before.presentations.get(p, "contradictory"))
        != (new_state := after.presentations.get(p, "contradictory"))
    }
    if states:
        found["presentations"] = states
    for kind, then, now in (
        ("alerts", before.alerts, after.alerts),
        ("next_steps", before.steps, after.steps),
    ):
        if now != then:
            found[kind] = {"appear": sorted(now - then), "disappear": sorted(then - now)}
    return found


def _rated_otherwise(before: Collection[Option], after: Collection[Option]) -> Iterator[dict[str, Any]]:
    """The interventions among both options whose ratings or contraindication differ."""
    for intervention in dict.fromkeys(option.intervention for option in before):
        old, new = ([o for o in options if o.intervention == intervention] for options in (before, after))
        if not new:
            continue
        change: dict[str, Any] = {"intervention": intervention}
        ratings = [list(dict.fromkeys(o.rating for o in options)) for options in (old, new)]
        if set(ratings[0]) != set(ratings[1]):
            change["ratings"] = {"before": ratings[0], "after": ratings[1]}
        if old[0].contraindication != new[0].contraindication:
            change["contraindication"] = {"before": old[0].contraindication, "after": new[0].contraindication}
        if len(change) > 1:
            yield change
