"""What a reasoner does, and the compiled rules as the reasoner that needs no Java."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Protocol

from dvt_kg.axioms import compile_rules
from dvt_kg.errors import OntologyError
from dvt_kg.ontology import Ontology
from dvt_kg.patients import Fact
from dvt_kg.rules import PATIENT, Atom, Range, RuleSet, Type

Entailed = frozenset[Atom]


class Reasoner(Protocol):
    """Something that says what follows from the facts of each patient by itself."""

    ontology: Ontology
    rules: RuleSet

    @property
    def version(self) -> str:
        """The reasoner's name, as answers show it."""

    def judge(self, profiles: Sequence[Iterable[Fact]]) -> list[Entailed | None]:
        """All that follows for each profile: classes and property values.

        :param profiles: the facts of each profile, each judged for itself
        :returns: for each profile what it entails, None for a contradictory one
        """


class RuleReasoner:
    """The rules compiled from an ontology's axioms, run forward.

    Over the facts of one patient the axioms are Horn clauses, so that this is sound and complete.

    :param ontology: the ontology to reason with
    :raises UnsupportedAxiom: for an axiom that no rule carries exactly
    :raises OntologyError: where the ontology contradicts itself
    """

    version = "compiled rules"

    def __init__(self, ontology: Ontology) -> None:
        self.ontology = ontology
        self.rules = compile_rules(ontology)

    @cached_property
    def _sound(self) -> RuleSet:
        """The rules, once it is seen that something can be true of a patient by each of them."""
        # A value or number that cannot be is a contradictory record; a class that cannot is the ontology's.
        atoms = {a for rule in self.rules.rules for a in rule.body if isinstance(a, Type)}
        if impossible := sorted(str(a) for a in atoms if None in self.rules.closure({PATIENT, a})):
            raise OntologyError(
                f"the ontology contradicts itself: no patient can satisfy {', '.join(impossible)}",
                source=str(self.ontology.path),
            )
        return self.rules

    def judge(self, profiles: Sequence[Iterable[Fact]]) -> list[Entailed | None]:
        """All that follows for each profile: classes and property values.

        :param profiles: the facts of each profile, each judged for itself
        :returns: for each profile what it entails, None for a contradictory one
        :raises OntologyError: where the ontology contradicts itself
        """
        found: list[Entailed | None] = []
        for facts in profiles:
            closed = self._sound.closure({PATIENT, *self.rules.profile(facts)})
            consistent = None not in closed
            atoms = frozenset(a for a in closed if a is not None and not isinstance(a, Range))
            found.append(atoms if consistent else None)
        return found
