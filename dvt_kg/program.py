"""The rules as a program without a search: what to conclude after what, for a whole table at once.

The Horn rules and the derivations are put in an order in which each conclusion stands behind all
that it rests on. Conclusions that rest on one another, as the absence of a whole and of its parts,
are one step that is run a known number of times. The same program runs over columns of bits and,
written out, as SQL.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from dvt_kg import queries
from dvt_kg.axioms import compile_rules
from dvt_kg.derivations import ground
from dvt_kg.errors import UnsupportedAxiom
from dvt_kg.graph import KnowledgeGraph
from dvt_kg.missing import search
from dvt_kg.ontology import Ontology
from dvt_kg.patients import STATES, THROMBUS
from dvt_kg.rules import PATIENT, Atom, Mask, Range, Rule, RuleSet, Type, Value

Term = Atom | None
#: what a table of answers says of each patient beside the status: its columns and their properties
LISTS = {
    "presentations": "hasPresentation",
    "undetermined": "openPresentation",
    "ruled_out": "ruledOutPresentation",
    "contraindicated": "absolutelyContraindicated",
    "relatively_contraindicated": "relativelyContraindicated",
    "not_assessed": "notAssessedFor",
    "alerts": "hasAlert",
    "next_steps": "hasNextStep",
    "conflicts": "conflictsOn",
    "clashes": "clashesOn",
    "open_criteria": "openCriterion",
}
_KEPT = ("status", *LISTS.values())


class Clause(NamedTuple):
    """One way to a conclusion: all of the body true, nothing of what must be absent."""

    body: frozenset[Term]
    absent: frozenset[Term]


@dataclass(frozen=True)
class Step:
    """Conclusions that are drawn together, each from what stands before it or in the same step.

    :param heads: the conclusions
    :param clauses: for each the ways to it
    :param rounds: how often the step has to be run; more than once where its conclusions rest on
        one another
    """

    heads: tuple[Term, ...]
    clauses: tuple[tuple[Clause, ...], ...]
    rounds: int


@dataclass(frozen=True)
class Program:
    """The rules of an ontology in the order in which they are run over patients.

    :param seeds: what a record can make true at once
    :param steps: in their order
    """

    seeds: tuple[Atom, ...]
    steps: tuple[Step, ...]

    @cached_property
    def lists(self) -> dict[str, tuple[Value, ...]]:
        """The conclusions that each list of a table of answers is made of, in the order of their names."""
        by_property: dict[str, list[Value]] = {}
        for step in self.steps:
            for head in step.heads:
                if isinstance(head, Value):
                    by_property.setdefault(head.property, []).append(head)
        return {column: tuple(sorted(by_property.get(property, ()))) for column, property in LISTS.items()}

    @cached_property
    def statuses(self) -> tuple[Value, ...]:
        """The statuses that can be concluded."""
        heads = (head for step in self.steps for head in step.heads)
        return tuple(h for h in heads if isinstance(h, Value) and h.property == "status")


@lru_cache(maxsize=4)
def program(ontology: Ontology) -> Program:
    """The program of an ontology, for what a table of answers says.

    :raises UnsupportedAxiom: for a conclusion that rests on its own absence
    """
    rules = compile_rules(ontology)
    answers = [answer for question in search(ontology).questions for answer in question.answers]
    recordable = {atom for answer in answers for atom in rules.seeds(answer)}
    clauses: dict[Term, list[Clause]] = {}
    for rule in needed(rules.rules, recordable):
        clauses.setdefault(rule.head, []).append(Clause(frozenset(rule.body - {PATIENT}), frozenset()))
    for derivation in ground(ontology).rules:
        clause = Clause(derivation.body - {PATIENT}, derivation.absent)
        clauses.setdefault(derivation.head, []).append(clause)
    for head, clause in (*_conflicts(ontology), *_clashes(clauses[None], ontology)):
        clauses.setdefault(head, []).append(clause)
    wanted = [h for h in clauses if h is None or (isinstance(h, Value) and h.property in _KEPT)]
    reached = _reached(wanted, clauses)
    seeds = tuple(sorted(recordable & reached, key=_name))
    kept = {head: tuple(clauses[head]) for head in sorted(clauses, key=_name) if head in reached}
    return Program(seeds, tuple(step_of(group, kept, seeds) for group in ordered(kept)))


def needed(rules: Iterable[Rule], recordable: Collection[Atom]) -> list[Rule]:
    """The rules without those that lead back to what they started from.

    A definition also says that its parts follow from the whole; where the whole is concluded only
    from a part, that says nothing new of the part.
    """
    by_head: dict[Term, list[Rule]] = {}
    for rule in rules:
        by_head.setdefault(rule.head, []).append(rule)

    def circular(rule: Rule) -> bool:
        wholes = (a for a in rule.body if a not in recordable)
        return any(all(rule.head in r.body for r in by_head.get(whole, ())) for whole in wholes)

    while found := [rule for group in by_head.values() for rule in group if circular(rule)]:
        # One after the other: each is circular only while the rules it turns through are there.
        for rule in found:
            if circular(rule):
                by_head[rule.head].remove(rule)
    return [rule for group in by_head.values() for rule in group]


def _conflicts(ontology: Ontology) -> Iterator[tuple[Value, Clause]]:
    """The interventions that two presentations rate differently, each with the two."""
    rated: dict[str, dict[str, set[str]]] = {}
    for row in queries.ask(KnowledgeGraph(ontology), "rating-matrix").plain():
        by_presentation = rated.setdefault(str(row["intervention"]), {})
        by_presentation.setdefault(str(row["presentation"]), set()).add(str(row["rating"]))
    for intervention, by_presentation in rated.items():
        for pair in itertools.combinations_with_replacement(sorted(by_presentation), 2):
            if len(set().union(*(by_presentation[p] for p in pair))) > 1:
                both = frozenset(Value("hasPresentation", p) for p in pair)
                yield Value("conflictsOn", intervention), Clause(both, frozenset({None}))


def _clashes(contradictions: Iterable[Clause], ontology: Ontology) -> Iterator[tuple[Value, Clause]]:
    """What a contradictory record contradicts itself on: findings, veins, keys of the record.

    Criteria that are met and failed follow from such; they are named where nothing else is.
    """
    of_classes = []
    heads = set()
    for clause in contradictions:
        named = [atom for atom in clause.body if isinstance(atom, Value | Range)]
        for atom in named:
            name = ontology.notations.get(atom.property, atom.property)
            if isinstance(atom, Value) and atom.property in (*STATES, *THROMBUS):
                name = atom.value
            heads.add(Value("clashesOn", name))
            yield Value("clashesOn", name), clause
        if not named:
            of_classes.append(clause)
    for clause in of_classes:
        for cls in clause.body:
            assert isinstance(cls, Type), "no other atom is left"
            yield Value("clashesOn", cls.name), Clause(clause.body, frozenset(heads))


def _name(term: Term) -> tuple[str, str]:
    """A key to sort by."""
    return type(term).__name__, str(term)


def _reached(wanted: Iterable[Term], clauses: dict[Term, list[Clause]]) -> set[Term]:
    """All that some conclusions rest on, and they themselves."""
    found: set[Term] = set()
    waiting = list(wanted)
    while waiting:
        term = waiting.pop()
        if term not in found:
            found.add(term)
            waiting += [t for clause in clauses.get(term, ()) for t in clause.body | clause.absent]
    return found


def ordered(clauses: dict[Term, tuple[Clause, ...]]) -> list[tuple[Term, ...]]:
    """The conclusions in groups, each behind all that it rests on; in one group what rests on each other.

    By Tarjan's algorithm, which finds the groups in this order.
    """
    found: list[tuple[Term, ...]] = []
    visited: dict[Term, int] = {}
    lowest: dict[Term, int] = {}
    open_: dict[Term, None] = {}

    def visit(head: Term) -> None:
        visited[head] = lowest[head] = len(visited)
        open_[head] = None
        rests = {t for clause in clauses[head] for t in clause.body | clause.absent if t in clauses}
        for term in sorted(rests, key=_name):
            if term not in visited:
                visit(term)
            if term in open_:
                lowest[head] = min(lowest[head], lowest[term])
        if lowest[head] == visited[head]:
            group = [term for term in open_ if visited[term] >= visited[head]]
            for term in group:
                del open_[term]
            found.append(tuple(sorted(group, key=_name)))

    for head in clauses:
        if head not in visited:
            visit(head)
    return found


def step_of(
    heads: tuple[Term, ...], clauses: dict[Term, tuple[Clause, ...]], seeds: Collection[Atom]
) -> Step:
    """The step that draws some conclusions together.

    :param heads: a group of :func:`ordered`
    :param clauses: the ways to every conclusion
    :param seeds: what a record can make true at once
    :raises UnsupportedAxiom: where a conclusion rests on its own absence
    """
    mine = tuple(clauses[head] for head in heads)
    if len(heads) == 1 and all(heads[0] not in clause.body | clause.absent for clause in mine[0]):
        return Step(heads, mine, 1)
    for head, ways in zip(heads, mine, strict=True):
        for clause in ways:
            if clause.absent & set(heads):
                raise UnsupportedAxiom(str(head), "it rests on something of the kind not being concluded")
    return Step(heads, mine, _rounds(heads, mine, seeds))


def _rounds(heads: tuple[Term, ...], clauses: tuple[tuple[Clause, ...], ...], seeds: Collection[Atom]) -> int:
    """After how many rounds nothing more can follow, whatever is given.

    From each smallest set of what may be given that yields a conclusion: the round that draws it.
    """
    pairs = [(head, clause.body) for head, ways in zip(heads, clauses, strict=True) for clause in ways]
    rules = RuleSet(tuple(Rule(frozenset(body), head, "") for head, body in pairs))  # type: ignore[arg-type]
    given = sorted({t for _, body in pairs for t in body if t not in heads or t in seeds}, key=_name)
    bits: dict[Term, Mask] = {term: 1 << place for place, term in enumerate(given)}
    supports = rules.supports({term: {bit} for term, bit in bits.items() if term is not None})
    if supports.capped:
        return len(heads)
    most = 1
    for head in heads:
        for mask in supports.sets.get(head, ()):
            true = {term for term, bit in bits.items() if bit & mask}
            for number in itertools.count(1):
                if head in true:
                    break
                true |= {h for h, body in pairs if body <= true}
                most = max(most, number)
    return most
