"""Why, why not, what is missing, what would change it and what clashes, for one record."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

from dvt_kg import queries
from dvt_kg.axioms import Sources, compile_rules
from dvt_kg.classification import Profile
from dvt_kg.counterfactuals import (
    CONTRAINDICATION_STATES,
    NOTHING,
    PRESENTATION_STATES,
    Change,
    Option,
    Outcome,
    Settled,
    outlook,
)
from dvt_kg.derivations import ground, minimal, product
from dvt_kg.graph import KnowledgeGraph
from dvt_kg.justifications import Why, why
from dvt_kg.manchester import labelled
from dvt_kg.missing import search
from dvt_kg.ontology import Ontology, dvt, local_name
from dvt_kg.patients import Fact, Patient
from dvt_kg.rules import MOST_SETS, PATIENT, Atom, Mask, Type, Value, smallest_first

_STATED = {"met": "meetsCriterion", "not-met": "failsCriterion"}
# What rests on something not being known has no facts behind it.
_SETTLED = {state: prop for prop, state in PRESENTATION_STATES.items() if state != "open"}
_CONTRAINDICATED = {state: prop for prop, state in CONTRAINDICATION_STATES.items() if state != "not-assessed"}


class Axiom(NamedTuple):
    """An axiom or derivation on the way to a conclusion, in words, with its sources."""

    words: str
    sources: tuple[str, ...]


class Justification(NamedTuple):
    """A minimal set of recorded facts that entail a conclusion, and what carries it.

    :param facts: without any one of them the conclusion does not follow
    :param axioms: in the order in which they are applied
    :param sources: of the definitions, thresholds and ratings on the way, by local name
    """

    facts: tuple[Fact, ...]
    axioms: tuple[Axiom, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Conclusion:
    """Something that is concluded about a patient, with all its justifications.

    :param property: the local name of the property that links the patient to ``about``
    :param about: a local name, as of a presentation; empty for a contradiction
    :param justifications: the shortest first
    :param complete: whether these are all; else the number of sets reached its cap
    :param statements: the two ratings of a conflict
    """

    property: str
    about: str
    justifications: tuple[Justification, ...]
    complete: bool = True
    statements: tuple[str, ...] = ()


@dataclass(frozen=True)
class Criterion:
    """A criterion of a presentation: met, not-met or unknown, and why."""

    name: str
    state: str
    why: Conclusion | None


@dataclass(frozen=True)
class Presentation:
    """A presentation and one record.

    :param state: met, open, ruled-out or contradictory
    :param why: the reasons of its being met or ruled out, or of the contradiction
    :param missing: where it is open the smallest sets that would settle it, best first; of sets that
        differ by an umbrella and its part one
    """

    name: str
    state: str
    why: Conclusion | None
    criteria: tuple[Criterion, ...]
    options: tuple[Option, ...]
    missing: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Contraindicated:
    """The contraindications to an intervention: absolute, relative, excluded, not-assessed or none-on-file.

    :param missing: for each absolute condition that is not assessed, the smallest sets that show it, or
        exclude it where nothing can show it
    """

    intervention: str
    state: str
    why: Conclusion | None
    missing: dict[str, tuple[tuple[str, ...], ...]]


@dataclass(frozen=True)
class Explanation:
    """All that is explained of one record.

    :param settles: what would settle open questions, by name, what settles most first
    :param changes: the facts that would change the answer, with the answer they lead to
    :param impossible: the facts that would contradict the rest of the record
    """

    patient: Patient
    outcome: Outcome
    contradiction: Conclusion | None
    presentations: tuple[Presentation, ...]
    contraindications: tuple[Contraindicated, ...]
    alerts: tuple[Conclusion, ...]
    conflicts: tuple[Conclusion, ...]
    settles: dict[str, Settled]
    changes: tuple[Change, ...]
    impossible: tuple[Fact, ...]


class Explainer:
    """Explains records by the rules of an ontology.

    :param ontology: the ontology that the records were classified with
    :param limit: the sets of facts kept for one conclusion
    """

    def __init__(self, ontology: Ontology, *, limit: int = MOST_SETS) -> None:
        self.ontology = ontology
        self.limit = limit
        self.rules = compile_rules(ontology)
        self.derivations = ground(ontology)
        self.outlook = outlook(ontology)
        self.missing = search(ontology)
        self.sources = Sources(ontology)

    @cached_property
    def criteria(self) -> dict[str, list[str]]:
        """The criteria of each presentation, in their order."""
        found: dict[str, list[str]] = {}
        for row in queries.ask(KnowledgeGraph(self.ontology), "presentation-criteria").plain():
            found.setdefault(str(row["presentation"]), []).append(str(row["criterion"]))
        return found

    @cache  # noqa: B019 - lives as long as the ontology it belongs to
    def words(self, axiom: str) -> str:
        """An axiom with the labels of its terms."""
        return labelled(self.ontology, axiom)

    def reasons(self, patient: Patient) -> Why:
        """The sets of a patient's facts behind each conclusion."""
        return why(self.rules, patient.facts, limit=self.limit)

    def justify(self, reasons: Why, *goals: Atom | None) -> tuple[tuple[Justification, ...], bool]:
        """The minimal sets of facts that entail goals together, and whether these are all."""
        supported = [self.derivations.supports(reasons.supports, g, limit=self.limit) for g in goals]
        found, cut = product((masks for masks, _ in supported), self.limit)
        complete = not cut and not any(capped for _, capped in supported)
        if not complete:
            found = minimal({self._shrunk(reasons, mask, goals) for mask in found})
        justified = (self._justification(reasons.chosen(mask), goals) for mask in smallest_first(found))
        return tuple(justified), complete

    def _true(self, facts: Iterable[Fact]) -> set[Atom | None]:
        closed = self.outlook.closure(facts)
        return closed | self.derivations.conclude(self.derivations.given(closed))

    def _shrunk(self, reasons: Why, mask: Mask, goals: Collection[Atom | None]) -> Mask:
        """A set without what it does not need: a cap may have hidden the smaller one."""
        for bit in range(len(reasons.facts)):
            less = mask & ~(1 << bit)
            if less != mask and self._true(reasons.chosen(less)).issuperset(goals):
                mask = less
        return mask

    def _justification(self, facts: tuple[Fact, ...], goals: Collection[Atom | None]) -> Justification:
        true = self._true(facts)
        seeds = [PATIENT, *sorted(self.rules.profile(facts), key=str)]
        axioms: dict[str, Axiom] = {}
        atoms: set[Atom | None] = set()
        for goal in goals:
            carried, derived = self.derivations.carrying(goal, true)
            for atom in carried:
                for rule in self.rules.proof(seeds, atom):
                    axioms.setdefault(rule.axiom, Axiom(self.words(rule.axiom), rule.sources))
                    atoms |= {*rule.body, rule.head}
            for derivation in derived:
                axioms.setdefault(derivation.query, Axiom(derivation.query, derivation.sources))
                atoms |= {*derivation.body, derivation.head}
        return Justification(facts, tuple(axioms.values()), self.sources.of(atoms))

    def conclusion(self, reasons: Why, atom: Atom | None) -> Conclusion:
        """A conclusion with its justifications; None is the contradiction."""
        justified = self.justify(reasons, atom)
        if isinstance(atom, Value):
            return Conclusion(atom.property, atom.value, *justified)
        return (
            Conclusion("hasClash", "", *justified)
            if atom is None
            else Conclusion("type", str(atom), *justified)
        )

    def explain(
        self,
        patient: Patient,
        profile: Profile,
        presentations: Collection[str] | None = None,
        *,
        what_if: bool = True,
    ) -> Explanation:
        """Explain a record that was classified.

        :param presentations: the presentations to explain; all if not given
        :param what_if: whether to look for what would change the answer
        """
        reasons = self.reasons(patient)
        clashing = profile.contradictory
        true: set[Atom | None] = (
            {*profile.entailed, None} if clashing else self.outlook.closure(patient.facts)
        )
        outcome = self.outlook.outcome(true)
        changes, impossible = self.outlook.changes(patient.facts, outcome) if what_if else ([], [])
        settles = {} if clashing else self.outlook.settles(patient.facts)
        contradiction = self.conclusion(reasons, None) if clashing else None
        # A red flag of a contradictory record rests on facts outside every clash.
        sound = why(self.rules, reasons.unclashed(), limit=self.limit) if clashing else reasons
        return Explanation(
            patient,
            outcome,
            contradiction,
            tuple(
                self._presentation(name, reasons, outcome, settles, contradiction)
                for name in (self.criteria if presentations is None else presentations)
            ),
            () if clashing else tuple(self._contraindications(reasons, outcome, settles)),
            tuple(self.conclusion(sound, Value("hasAlert", name)) for name in sorted(outcome.alerts)),
            tuple(self._conflicts(reasons, outcome)),
            settles,
            tuple(changes),
            tuple(impossible),
        )

    def _presentation(
        self,
        name: str,
        reasons: Why,
        outcome: Outcome,
        settles: dict[str, Settled],
        contradiction: Conclusion | None,
    ) -> Presentation:
        if contradiction is not None:
            return Presentation(name, "contradictory", contradiction, (), (), ())
        state = outcome.presentations[name]
        prop = _SETTLED.get(state)
        options = tuple(o for o in outcome.options if o.presentation == name)
        return Presentation(
            name,
            state,
            self.conclusion(reasons, Value(prop, name)) if prop else None,
            tuple(self._criterion(c, reasons) for c in self.criteria[name]),
            options,
            self._sets(reasons, [Value(prop, name) for prop in _SETTLED.values()], settles)
            if state == "open"
            else (),
        )

    def _criterion(self, name: str, reasons: Why) -> Criterion:
        for state, prop in _STATED.items():
            if Value(prop, name) in reasons.concluded:
                return Criterion(name, state, self.conclusion(reasons, Value(prop, name)))
        return Criterion(name, "unknown", None)

    def _sets(
        self, reasons: Why, goals: Iterable[Value], settles: dict[str, Settled]
    ) -> tuple[tuple[str, ...], ...]:
        """The smallest sets that yield the first goal that can be reached, those first that settle most."""
        sets = next((found for goal in goals if (found := self.missing.every(reasons.facts, goal))), [])

        def worth(names: tuple[str, ...]) -> tuple[float, ...]:
            return sum((settles.get(name, NOTHING) for name in names), NOTHING).order

        return tuple(sorted(sets, key=worth))

    def _contraindications(
        self, reasons: Why, outcome: Outcome, settles: dict[str, Settled]
    ) -> Iterator[Contraindicated]:
        for intervention in dict.fromkeys(option.intervention for option in outcome.options):
            state = outcome.contraindications[intervention]
            prop = _CONTRAINDICATED.get(state)
            conclusion = self.conclusion(reasons, Value(prop, intervention)) if prop else None
            assessed = state in ("absolute", "excluded")
            open_ = {} if assessed else self._unassessed(intervention, reasons, settles)
            yield Contraindicated(intervention, state, conclusion, open_)

    def _unassessed(
        self, intervention: str, reasons: Why, settles: dict[str, Settled]
    ) -> dict[str, tuple[tuple[str, ...], ...]]:
        """For each absolute condition that is open the smallest sets that would show it, or exclude it."""
        found: dict[str, tuple[tuple[str, ...], ...]] = {}
        for derivation in self.derivations.of(Value("notAssessedFor", intervention)):
            if derivation.absent.isdisjoint(reasons.concluded):
                goals = [a for a in derivation.absent if isinstance(a, Value)]
                goals.sort(key=lambda atom: atom.property != "hasContraindication")
                (condition,) = self.ontology.objects(dvt(goals[0].value), dvt("condition"))
                if local_name(condition) not in found:
                    found[local_name(condition)] = self._sets(reasons, goals, settles)
        return dict(sorted(found.items()))

    def _conflicts(self, reasons: Why, outcome: Outcome) -> Iterator[Conclusion]:
        """Two ratings of one intervention that differ, for presentations that are both met."""
        for one, other in itertools.combinations(sorted(outcome.options, key=lambda o: o.statement), 2):
            if one.intervention == other.intervention and one.rating != other.rating:
                goals = (Value("hasPresentation", o.presentation) for o in (one, other))
                justified, complete = self.justify(reasons, *goals)
                rated = self.sources.of_terms(one.statement, other.statement)
                yield Conclusion(
                    "conflict",
                    one.intervention,
                    tuple(j._replace(sources=tuple(sorted({*j.sources, *rated}))) for j in justified),
                    complete,
                    (one.statement, other.statement),
                )

    def about(self, patient: Patient, profile: Profile, name: str) -> list[Conclusion]:
        """Everything that is concluded about a patient with a term: a criterion, finding, alert ...

        :param name: the term's local name
        :returns: the conclusions with what they rest on, which is nothing where they rest on something
            not being known; of a contradictory record its contradiction, and a red flag of that name
            that stands outside every clash
        """
        reasons = self.reasons(patient)
        if profile.contradictory:
            sound = why(self.rules, reasons.unclashed(), limit=self.limit)
            flags = [Value("hasAlert", name)] if Value("triggersAlert", name) in profile.entailed else []
            return [self.conclusion(reasons, None), *(self.conclusion(sound, flag) for flag in flags)]
        true = self._true(patient.facts)
        atoms = [a for a in true if Type(name) == a or (isinstance(a, Value) and a.value == name)]
        found = [self.conclusion(reasons, atom) for atom in sorted(atoms, key=str)]
        return found + [c for c in self._conflicts(reasons, self.outlook.outcome(true)) if c.about == name]


@lru_cache(maxsize=4)
def explainer(ontology: Ontology) -> Explainer:
    """The explainer of an ontology, which remembers what it found out about its rules."""
    return Explainer(ontology)
