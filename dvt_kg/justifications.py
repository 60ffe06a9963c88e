"""Why: the minimal sets of recorded facts behind each conclusion."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from dvt_kg.patients import Fact
from dvt_kg.rules import MOST_SETS, PATIENT, Atom, Mask, RuleSet, Supports, smallest_first


@dataclass(frozen=True)
class Why:
    """The minimal sets of recorded facts behind each conclusion about one patient.

    :param facts: the recorded facts, in a fixed order
    :param supports: for each conclusion its sets, as bits over the facts
    """

    facts: tuple[Fact, ...]
    supports: Supports

    @property
    def concluded(self) -> Collection[Atom | None]:
        """All that follows; None where the facts contradict each other."""
        return self.supports.sets.keys()

    def chosen(self, mask: Mask) -> tuple[Fact, ...]:
        """The facts of a set."""
        return tuple(fact for bit, fact in enumerate(self.facts) if mask >> bit & 1)

    def reason(self, conclusion: Atom) -> tuple[Fact, ...]:
        """The shortest set of recorded facts that entails a conclusion."""
        masks = smallest_first(self.supports.sets.get(conclusion, ()))
        return self.chosen(masks[0]) if masks else ()

    def clashes(self) -> list[tuple[Fact, ...]]:
        """The subset-minimal sets of recorded facts that cannot all be true, shortest first."""
        return [self.chosen(mask) for mask in smallest_first(self.supports.sets.get(None, ()))]

    def unclashed(self) -> frozenset[Fact]:
        """The recorded facts that stand outside every clash."""
        return frozenset(self.facts) - {fact for clash in self.clashes() for fact in clash}


def why(rules: RuleSet, facts: Collection[Fact], *, limit: int = MOST_SETS) -> Why:
    """Find the reasons of every conclusion from a record's facts.

    :param limit: the sets kept for one conclusion
    """
    ordered = tuple(sorted(facts, key=str))
    seeds: dict[Atom, set[Mask]] = {PATIENT: {0}}
    for bit, fact in enumerate(ordered):
        for atom in rules.seeds(fact):
            seeds.setdefault(atom, set()).add(1 << bit)
    return Why(ordered, rules.supports(seeds, limit=limit))
