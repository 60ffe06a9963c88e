"""What rests on something not being known: the derivation queries, grounded as rules about one patient.

The queries in ``queries/derive`` conclude from what is *not* concluded, as that a presentation is
open, which no axiom can. For a patient each comes down to finitely many rules of the form "if these
are true and none of those is": the triples about the patient are kept, those about the ontology are
looked up. A query that says more than that is refused by name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import pyoxigraph as ox
import rdflib
from rdflib.plugins.sparql import prepareQuery
from rdflib.plugins.sparql.algebra import translateGroupGraphPattern

from dvt_kg import queries
from dvt_kg.axioms import Sources, compile_rules
from dvt_kg.errors import UnsupportedAxiom
from dvt_kg.ontology import RDF, Ontology, RdfTerm, data_dir, dvt, local_name
from dvt_kg.rules import PATIENT, Atom, Mask, Supports, Type, Value, smallest_first

_PATIENT = "patient"  # the variable that stands for the patient in every derivation query
_CLASH = "hasClash"  # says of a patient what the rules say by a contradiction

Bindings = dict[str, RdfTerm]


@dataclass(frozen=True)
class Derivation:
    """If the whole body is true of a patient and nothing of what must be absent, so is the head.

    :param body: what has to be true; None in it is a contradiction
    :param absent: what must not be concluded
    :param query: the derivation query that says so, with its description
    :param sources: the sources of the terms that the rule names, by local name
    """

    body: frozenset[Atom | None]
    absent: frozenset[Atom | None]
    head: Value
    query: str
    sources: tuple[str, ...] = ()


class _Case(NamedTuple):
    """One way in which a pattern matches: what its variables are, and what must be true of the patient."""

    bindings: Bindings
    body: frozenset[Atom | None] = frozenset()
    absent: frozenset[Atom | None] = frozenset()


class _Grounding:
    """The matches of one query's pattern, given what may be concluded of a patient at all."""

    def __init__(self, ontology: Ontology, name: str, values: dict[str, set[str]]) -> None:
        self.ontology = ontology
        self.name = name
        self.values = values

    def refuse(self, what: str) -> UnsupportedAxiom:
        return UnsupportedAxiom(f"derivation query {self.name}: {what}", "no rule for this construct")

    def cases(self, part: Any, given: _Case) -> Iterator[_Case]:
        """The cases of a part of the algebra that agree with a given one."""
        match part.name:
            case "Project" | "Distinct" | "ToMultiSet" | "SelectQuery":
                yield from self.cases(part.p, given)
            case "BGP":
                yield from self._triples(list(part.triples), given)
            case "Join":
                for case in self.cases(part.p1, given):
                    yield from self.cases(part.p2, case)
            case "Union":
                yield from self.cases(part.p1, given)
                yield from self.cases(part.p2, given)
            case "Extend":
                value = _constant(part.expr)
                if value is None:
                    raise self.refuse(f"BIND({part.expr} AS ?{part.var})")
                for case in self.cases(part.p, given):
                    yield case._replace(bindings={**case.bindings, str(part.var): value})
            case "Filter":
                for case in self.cases(part.p, given):
                    yield from self._unless(self._conditions(part.expr), case)
            case _:
                raise self.refuse(part.name)

    def _conditions(self, expression: Any) -> list[Any]:
        """The patterns of a conjunction of NOT EXISTS."""
        name = getattr(expression, "name", type(expression).__name__)
        if name == "ConditionalAndExpression":
            return [c for e in (expression.expr, *expression.other) for c in self._conditions(e)]
        if name == "Builtin_NOTEXISTS":
            return [translateGroupGraphPattern(expression.graph)]
        raise self.refuse(f"FILTER {name}")

    def _unless(self, patterns: list[Any], case: _Case) -> Iterator[_Case]:
        absent = set(case.absent)
        for pattern in patterns:
            for found in self.cases(pattern, _Case(case.bindings)):
                if found.absent or len(found.body) > 1:
                    raise self.refuse("NOT EXISTS of more than one conclusion about the patient")
                if not found.body or found.body == {PATIENT}:
                    return  # it always exists
                absent |= found.body
        yield case._replace(absent=frozenset(absent))

    def _triples(self, triples: list[Any], case: _Case) -> Iterator[_Case]:
        """The matches of triples: those of the ontology looked up first, those of the patient kept."""
        if not triples:
            yield case
            return
        about_patient = [str(t[0]) == _PATIENT and _is_variable(t[0]) for t in triples]
        place = about_patient.index(False) if False in about_patient else 0
        (subject, predicate, object_), rest = triples[place], triples[:place] + triples[place + 1 :]
        if _is_variable(predicate):
            raise self.refuse(f"?{predicate} as a property")
        found = self._of_patient if about_patient[place] else self._of_ontology
        for matched in found(subject, predicate, object_, case):
            yield from self._triples(rest, matched)

    def _of_ontology(self, subject: Any, predicate: Any, object_: Any, case: _Case) -> Iterator[_Case]:
        terms = [
            case.bindings.get(str(node)) if _is_variable(node) else _constant(node)
            for node in (subject, predicate, object_)
        ]
        for quad in self.ontology.match(terms[0], terms[1], terms[2]):  # type: ignore[arg-type]
            pairs = ((subject, quad.subject), (object_, quad.object))
            yield case._replace(
                bindings=case.bindings | {str(node): term for node, term in pairs if _is_variable(node)}
            )

    def _of_patient(self, _: Any, predicate: Any, object_: Any, case: _Case) -> Iterator[_Case]:
        name = local_name(_constant(predicate))
        known = case.bindings.get(str(object_)) if _is_variable(object_) else _constant(object_)
        if name == _CLASH:
            yield case._replace(body=case.body | {None})
        elif known is not None:
            atom = Type(local_name(known)) if name == RDF + "type" else Value(name, local_name(known))
            yield case._replace(body=case.body | {atom})
        else:
            for value in sorted(self.values.get(name, ())):
                bindings = {**case.bindings, str(object_): dvt(value)}
                yield case._replace(bindings=bindings, body=case.body | {Value(name, value)})


def _is_variable(node: Any) -> bool:
    return isinstance(node, rdflib.Variable)


def _constant(node: Any) -> ox.NamedNode | None:
    return ox.NamedNode(str(node)) if isinstance(node, rdflib.URIRef) else None


@lru_cache(maxsize=4)
def ground(ontology: Ontology) -> Derivations:
    """Read the derivation queries as rules about one patient, once for each ontology.

    :raises UnsupportedAxiom: for a query that says more than such rules can
    """
    values: dict[str, set[str]] = {}
    for rule in compile_rules(ontology).rules:
        for atom in (*rule.body, rule.head):
            if isinstance(atom, Value):
                values.setdefault(atom.property, set()).add(atom.value)
    sources = Sources(ontology)
    found: dict[tuple[Any, ...], Derivation] = {}
    for name, query in queries.folder(data_dir("queries") / "derive").items():
        grounding = _Grounding(ontology, name, values)
        algebra = prepareQuery(query.text).algebra
        if algebra.name != "ConstructQuery" or len(algebra.template) != 1:
            raise grounding.refuse("it has to CONSTRUCT one triple")
        (subject, predicate, object_) = algebra.template[0]
        if str(subject) != _PATIENT:
            raise grounding.refuse("it has to be about ?patient")
        fresh: set[Value] = set()
        for case in grounding.cases(algebra.p, _Case({})):
            value = case.bindings[str(object_)] if _is_variable(object_) else _constant(object_)
            head = Value(local_name(_constant(predicate)), local_name(value))
            body = case.body - {PATIENT}
            key = (body, head, case.absent)
            if key not in found and not body & case.absent:
                found[key] = Derivation(
                    body,
                    case.absent,
                    head,
                    f"{name}: {' '.join(query.description.split())}",
                    sources.of({*body, head}),
                )
            fresh.add(head)
        for head in fresh:
            values.setdefault(head.property, set()).add(head.value)
    return Derivations(tuple(found.values()))


class Derivations:
    """Rules about what is not known, in the order in which they are applied."""

    def __init__(self, rules: tuple[Derivation, ...]) -> None:
        self.rules = rules

    @cached_property
    def heads(self) -> frozenset[Atom | None]:
        """All that the rules can conclude."""
        return frozenset(rule.head for rule in self.rules)

    @cached_property
    def _bits(self) -> dict[Atom | None, int]:
        """A bit for each atom that a rule asks about."""
        asked = dict.fromkeys(a for rule in self.rules for a in (*rule.body, *rule.absent, rule.head))
        return {atom: 1 << place for place, atom in enumerate(asked)}

    @cached_property
    def _masks(self) -> tuple[tuple[Mask, Mask, Mask, Value], ...]:
        bits = self._bits

        def mask(atoms: Collection[Atom | None]) -> Mask:
            return sum(bits[a] for a in atoms)

        return tuple((mask(r.body), mask(r.absent), bits[r.head], r.head) for r in self.rules)

    def given(self, true: Collection[Atom | None]) -> Mask:
        """What of a closure the rules ask about: equal masks lead to equal conclusions."""
        bits = self._bits
        return sum(bits[atom] for atom in true if atom in bits)

    def atoms(self, given: Mask) -> Iterator[Atom | None]:
        """The atoms of a mask."""
        return (atom for atom, bit in self._bits.items() if bit & given)

    @lru_cache(maxsize=20_000)  # noqa: B019 - lives as long as the ontology it belongs to
    def conclude(self, given: Mask) -> frozenset[Value]:
        """All that the rules add to what is true."""
        found = set()
        for body, absent, bit, head in self._masks:
            if body & given == body and not absent & given:
                given |= bit
                found.add(head)
        return frozenset(found)

    def supports(self, known: Supports, goal: Atom | None, *, limit: int) -> tuple[set[Mask], bool]:
        """The minimal sets of assumptions behind something that the rules conclude.

        What must be absent is absent of every smaller record too, unless it is itself a conclusion
        from something not being known: then the assumptions are those that forbid it.

        :param known: the minimal sets behind what follows from the axioms
        :returns: the sets, and whether some may be left out or be larger than needed
        """
        if goal not in self.heads:
            return known.sets.get(goal, set()), goal in known.capped
        true = self.conclude(self.given(known.sets.keys())) | known.sets.keys()
        capped = False

        def sets(atom: Atom | None) -> set[Mask]:
            nonlocal capped
            if atom not in self.heads:
                capped |= atom in known.capped
                return known.sets.get(atom, set())
            found: set[Mask] = set()
            for rule in self._by_head[atom]:
                if rule.body <= true and not rule.absent & true:
                    found |= together([sets(b) for b in rule.body] + [without(a) for a in rule.absent])
            return minimal(found)

        def without(atom: Atom | None) -> set[Mask]:
            """The sets that keep an atom, which is not true, from being concluded."""
            if atom not in self.heads:
                return {0}
            parts = []
            for rule in self._by_head[atom]:
                if rule.body - self.heads <= true:
                    parts.append(set().union(*(sets(a) for a in rule.absent & true)))
            return together(parts)

        def together(parts: list[set[Mask]]) -> set[Mask]:
            nonlocal capped
            found, cut = product(parts, limit)
            capped |= cut
            return found

        return sets(goal), capped

    def of(self, head: Atom) -> list[Derivation]:
        """The rules that conclude something."""
        return self._by_head.get(head, [])

    def carrying(
        self, goal: Atom | None, true: Collection[Atom | None]
    ) -> tuple[list[Atom | None], list[Derivation]]:
        """What carries a goal that is true: the conclusions from axioms it rests on, and the derivations."""
        if goal not in self.heads:
            return [goal], []
        truth = frozenset(true)
        rule = next(r for r in self._by_head[goal] if r.body - {PATIENT} <= truth and not r.absent & truth)
        carried: list[Atom | None] = []
        derived: list[Derivation] = []
        for atom in sorted(rule.body, key=str):
            more = self.carrying(atom, truth)
            carried += more[0]
            derived += more[1]
        for atom in sorted(rule.absent & self.heads, key=str):
            for other in self._by_head[atom]:
                carried += sorted((other.absent & truth) - self.heads, key=str)
        return carried, [*derived, rule]

    @cached_property
    def _by_head(self) -> dict[Atom | None, list[Derivation]]:
        index: dict[Atom | None, list[Derivation]] = {}
        for rule in self.rules:
            index.setdefault(rule.head, []).append(rule)
        return index


def product(parts: Iterable[set[Mask]], limit: int) -> tuple[set[Mask], bool]:
    """The minimal sets that hold one of each part, and whether some were left out at the limit."""
    found, cut = {0}, False
    for part in parts:
        found = minimal({a | b for a in found for b in part})
        if len(found) > limit:
            found, cut = set(smallest_first(found)[:limit]), True
    return found, cut


def minimal(masks: set[Mask]) -> set[Mask]:
    """The sets that hold no other."""
    kept: list[Mask] = []
    for mask in smallest_first(masks):
        if not any(k & mask == k for k in kept):
            kept.append(mask)
    return set(kept)
