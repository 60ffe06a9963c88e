"""What changed between two versions of the ontology: clinically, in what is concluded, in its terms.

Which classes and properties matter clinically is said by the ontology (``dvt:clinicalProperty``).
Each difference is told once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import pyoxigraph as ox

from dvt_kg.axioms import compile_rules
from dvt_kg.errors import OntologyError, UnsupportedAxiom
from dvt_kg.ontology import IRI, NAMESPACE, OWL, SKOS, Ontology, load, local_name, named
from dvt_kg.rules import FACETS, Atom, Range, Rule, Type, Value
from dvt_kg.statements import DEPRECATED, TYPE, Statements, Values, short, statements

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
DEPRECATING, RESTORED = "deprecated", "no longer deprecated"
CONTRADICTION = "contradiction"


@dataclass(frozen=True)
class Version:
    """One of the two versions: what it says its version is, its digest and where it is."""

    version: str
    digest: str
    path: str


@dataclass(frozen=True)
class PropertyChange:
    """The values of a property that one version has and the other has not, in words.

    :param name: the property's local name, or its name with a prefix
    """

    name: str
    label: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class TermChange:
    """A term that differs.

    :param name: its local name, or its whole IRI
    :param kind: its class in words, as "rating"
    :param change: ``added``, ``removed``, ``deprecated``, ``no longer deprecated`` or ``changed``
    :param properties: those that differ; of a term added or removed clinically, those that matter
    """

    name: str
    label: str
    kind: str
    change: str
    properties: tuple[PropertyChange, ...]


@dataclass(frozen=True)
class ConclusionChange:
    """Something that now follows, or no longer follows, about a patient.

    :param change: ``added`` or ``removed``
    :param premises: what has to be true of the patient, in words
    :param conclusion: what then is; "contradiction" where it cannot be
    :param axiom: the axiom that the rule was compiled from
    :param about: the local names of the classes and individuals that it names
    :param concludes: the one that the conclusion names, None where that is a contradiction
    """

    change: str
    premises: tuple[str, ...]
    conclusion: str
    axiom: str
    about: tuple[str, ...]
    concludes: str | None


@dataclass(frozen=True)
class AxiomChange:
    """An axiom that was added or removed, beyond those behind the conclusions that changed.

    :param about: the local name of the term that it is stated of, None where it has none
    """

    change: str
    axiom: str
    about: str | None


@dataclass(frozen=True)
class Changes:
    """All that differs between two versions, each difference once.

    :param version: what differs in the ontology's own header, as its version and dates
    :param clinical: members of the classes that matter clinically, with the properties that do
    :param conclusions: what now follows about patients and what no longer does
    :param terms: every other difference of terms and their annotations
    :param axioms: axioms by which nothing else follows about a patient
    :param not_compiled: why conclusions could not be compared, None where they were
    """

    old: Version
    new: Version
    version: tuple[PropertyChange, ...]
    clinical: tuple[TermChange, ...]
    conclusions: tuple[ConclusionChange, ...]
    terms: tuple[TermChange, ...]
    axioms: tuple[AxiomChange, ...]
    not_compiled: str | None = None

    @property
    def same_content(self) -> bool:
        """Whether nothing differs but the header."""
        return not (self.clinical or self.conclusions or self.terms or self.axioms)

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return self.same_content and not self.version

    def as_json(self) -> dict[str, Any]:
        """The object that ``dvt-kg diff --format json`` prints: the fields, and ``same``."""
        return {"same": self.same} | asdict(self)


def changes(old: Ontology, new: Ontology) -> Changes:
    """What changed from one version of the ontology to another.

    The same however the modules are cut, ordered or serialised; the modules' own headers do not count.

    :raises OntologyError: where one of them is another ontology, or a part of one
    """
    before, after = _statements(old), _statements(new)
    comparison = _Comparison(before, after)
    clinical, terms = comparison.terms()
    conclusions: list[ConclusionChange] = []
    rules = []
    not_compiled = None
    for side in (before, after):
        try:
            rules.append({(rule.body, rule.head): rule for rule in compile_rules(side.ontology).rules})
        except UnsupportedAxiom as error:
            not_compiled = f"no rules can be compiled from {side.ontology.path}: {error}"
    if not not_compiled:
        conclusions += _conclusions(REMOVED, rules[0], rules[1], before)
        conclusions += _conclusions(ADDED, rules[1], rules[0], after)
    told = {(c.change, c.axiom) for c in conclusions}
    axioms = {
        AxiomChange(change, statement.words, None if statement.about is None else local_name(statement.about))
        for change, one, other in ((REMOVED, before, after), (ADDED, after, before))
        for key, statement in one.axioms.items()
        if key not in other.axioms and told.isdisjoint((change, words) for words in statement.compiled)
    }
    header = (
        _property(after, name, before.header.get(name, {}), after.header.get(name, {}))
        for name in sorted({*before.header, *after.header})
        if before.header.get(name, {}).keys() != after.header.get(name, {}).keys()
    )
    return Changes(
        old=_version(old),
        new=_version(new),
        version=tuple(header),
        clinical=tuple(clinical),
        conclusions=tuple(conclusions),
        terms=tuple(terms),
        axioms=tuple(sorted(axioms, key=lambda a: (a.change != REMOVED, a.axiom))),
        not_compiled=not_compiled,
    )


def _version(ontology: Ontology) -> Version:
    return Version(ontology.version, ontology.digest, str(ontology.path))


def _statements(ontology: Ontology) -> Statements:
    """An ontology as statements, where it is the whole of one that this package knows."""
    root, where = ox.NamedNode(IRI), str(ontology.path)
    kind = ox.NamedNode(OWL + "Ontology")
    if not ontology.match(root, ox.NamedNode(TYPE), kind):
        others = ", ".join(f"<{s.value}>" for s in ontology.subjects(ox.NamedNode(TYPE), kind))
        raise OntologyError(
            f"it is {others or 'no ontology'}, not <{IRI}>; give two versions of that ontology", source=where
        )
    if ontology.path.is_file() and ontology.match(root, ox.NamedNode(OWL + "imports")):
        raise OntologyError(
            "the file imports modules that are not in it; give the folder of the modules", source=where
        )
    return statements(ontology)


class _Comparison:
    """The terms of two versions, side by side."""

    def __init__(self, before: Statements, after: Statements) -> None:
        self.before, self.after = before, after
        self.clinical = {name: set(properties) for name, properties in before.clinical().items()}
        for name, properties in after.clinical().items():
            self.clinical.setdefault(name, set()).update(properties)
        if not self.clinical:  # both are older than the annotation
            self.clinical = statements(load()).clinical()
        self.converses = before.converses() | after.converses()

    def terms(self) -> tuple[list[TermChange], list[TermChange]]:
        """What changed clinically, and what else."""
        names: dict[str, set[str]] = {}
        for term, name in {*self.before.facts, *self.after.facts}:
            names.setdefault(term, set()).add(name)
        clinical: list[TermChange] = []
        others: list[TermChange] = []
        for term, its in names.items():
            told = self._clinical(term)
            change = CHANGED
            if term not in self.before.terms or term not in self.after.terms:
                change = ADDED if term in self.after.terms else REMOVED
                chosen = [(clinical, told & its - {TYPE})] if told else [(others, set())]
            else:
                chosen = [(clinical, told & its), (others, its - told)]
            for found, properties in chosen:
                item = self._term(term, change, properties)
                if change != CHANGED or item.properties:
                    found.append(item)
        return sorted(clinical, key=_place), sorted(others, key=_place)

    def _clinical(self, term: str) -> set[str]:
        """The properties of a term that matter clinically; none where its class does not."""
        found: set[str] = set()
        for side in (self.before, self.after):
            for kind in side.classes(term):
                found |= self.clinical.get(kind, set())
        return found | {TYPE, DEPRECATED} if found else found

    def _term(self, term: str, change: str, names: Iterable[str]) -> TermChange:
        side = self.after if term in self.after.terms else self.before
        found = (self._property(term, name) for name in sorted(names, key=_reading_order))
        properties = tuple(change for change in found if change)
        for item in properties:
            if change == CHANGED and item.name == short(DEPRECATED):
                change = DEPRECATING if "true" in item.after else RESTORED
        kind = ", ".join(map(side.label, side.kinds(term)))
        return TermChange(local_name(term), side.label(term), kind, change, properties)

    def _property(self, term: str, name: str) -> PropertyChange | None:
        before, after = self.before.values(term, name), self.after.values(term, name)
        if name in self.converses:
            before, after = (
                {
                    key: shown
                    for key, shown in values.items()
                    if key in others or not self._told(term, name, key)
                }
                for values, others in ((before, after), (after, before))
            )
        return _property(self.after, name, before, after) if before.keys() != after.keys() else None

    def _told(self, term: str, name: str, key: str) -> bool:
        """Whether the converse of a fact differs too, so that there it is told."""
        converse = key.strip("<>"), self.converses[name]
        return (f"<{term}>" in self.before.values(*converse)) != (f"<{term}>" in self.after.values(*converse))


def _reading_order(name: str) -> tuple[bool, bool, str]:
    """What a term means comes first, and sources last."""
    return name != SKOS + "definition", not name.startswith(NAMESPACE), name


def _place(change: TermChange) -> tuple[str, str, str, str]:
    return change.kind, change.change, change.label, change.name


def _property(side: Statements, name: str, before: Values, after: Values) -> PropertyChange:
    """The values that only one version has; in full where they would read the same."""
    gone = {key: before[key] for key in before if key not in after}
    come = {key: after[key] for key in after if key not in before}
    same = set(gone.values()) & set(come.values())
    shown = [tuple(sorted(k if v in same else v for k, v in only.items())) for only in (gone, come)]
    return PropertyChange(short(name), side.label(name), *shown)


def _conclusions(
    change: str, rules: dict[Any, Rule], others: dict[Any, Rule], side: Statements
) -> list[ConclusionChange]:
    """The rules that only one version has."""
    found = (
        ConclusionChange(
            change,
            tuple(sorted(_atom(side, atom) for atom in rule.body)),
            CONTRADICTION if rule.head is None else _atom(side, rule.head),
            rule.axiom,
            tuple(sorted({atom[-1] for atom in (*rule.body, rule.head) if isinstance(atom, Type | Value)})),
            rule.head[-1] if isinstance(rule.head, Type | Value) else None,
        )
        for key, rule in rules.items()
        if key not in others
    )
    return sorted(found, key=lambda c: (c.conclusion, c.premises))


def _atom(side: Statements, atom: Atom) -> str:
    """What is true of a patient, by the labels of a version."""

    def label(name: str) -> str:
        return side.label(named(name).value)

    if isinstance(atom, Type):
        return label(atom.name)
    if isinstance(atom, Range):
        bounds = " and ".join(f"{FACETS[facet]} {limit.normalize():f}" for facet, limit in atom.bounds)
        return f"{label(atom.property)} {bounds}".rstrip()
    return f"{label(atom.property)} {label(atom.value)}"
