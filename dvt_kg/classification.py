"""Patients classified: what follows for each distinct profile, with reasons and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from importlib.metadata import version as package_version

import pyoxigraph as ox

from dvt_kg.errors import ReasonerError
from dvt_kg.graph import INFERRED, PATIENTS, KnowledgeGraph, lent
from dvt_kg.justifications import Why, why
from dvt_kg.missing import Missing, search
from dvt_kg.ontology import IRI, RDF, XSD, Ontology, RdfTerm, dvt, load, local_name
from dvt_kg.patients import Fact, Patient, entry, question_of, term, words
from dvt_kg.queries import derivations
from dvt_kg.reasoner import Entailed, Reasoner, RuleReasoner
from dvt_kg.rules import PATIENT, Atom, Range, Type, Value

PROV = "http://www.w3.org/ns/prov#"
_TYPE = ox.NamedNode(RDF + "type")
_BATCH = 500


@dataclass(frozen=True)
class Profile:
    """What is concluded for all patients whose facts come to the same.

    :param facts: the facts of the first such patient
    :param entailed: the classes and property values that the reasoner infers; for a contradictory
        record, those that rest on facts outside every clash
    :param clashes: the smallest sets of facts that cannot all be true
    :param why: the sets of facts behind each conclusion
    :param missing: for each open presentation the names that would settle it
    :param derived: what the derivation queries add, as predicate and object
    """

    facts: tuple[Fact, ...]
    entailed: Entailed
    clashes: tuple[tuple[Fact, ...], ...]
    why: Why
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    derived: tuple[tuple[ox.NamedNode, RdfTerm], ...] = ()

    @property
    def contradictory(self) -> bool:
        """Whether the record contradicts itself or the ontology."""
        return bool(self.clashes)

    def reasons(self) -> Iterator[tuple[str, tuple[Fact, ...]]]:
        """Each criterion that is met or failed, with the shortest set of facts behind it."""
        if not self.contradictory:
            for atom in sorted(self.entailed, key=str):
                if isinstance(atom, Value) and atom.property in ("meetsCriterion", "failsCriterion"):
                    yield atom.value, self.why.reason(atom)


class Classification:
    """Patients with what was concluded of each.

    :param patients: in the order they were given
    :param keys: for each patient the key of its profile
    :param profiles: by key
    """

    def __init__(
        self,
        ontology: Ontology,
        reasoner: str,
        patients: Sequence[Patient],
        keys: Sequence[frozenset[Atom]],
        profiles: dict[frozenset[Atom], Profile],
    ) -> None:
        self.ontology = ontology
        self.reasoner = reasoner
        self.patients = tuple(patients)
        self.profiles = profiles
        self._keys = tuple(keys)

    def __iter__(self) -> Iterator[tuple[Patient, Profile]]:
        return ((p, self.profiles[k]) for p, k in zip(self.patients, self._keys, strict=True))

    def representatives(self) -> list[tuple[Patient, Profile]]:
        """The first patient of each profile."""
        first: dict[frozenset[Atom], Patient] = {}
        for patient, key in zip(self.patients, self._keys, strict=True):
            first.setdefault(key, patient)
        return [(patient, self.profiles[key]) for key, patient in first.items()]

    def alike(self) -> dict[str, list[Patient]]:
        """The patients of each profile, by the id of the first."""
        groups: dict[frozenset[Atom], list[Patient]] = {}
        for patient, key in zip(self.patients, self._keys, strict=True):
            groups.setdefault(key, []).append(patient)
        return {group[0].id: group for group in groups.values()}

    def triples(self, patient: Patient, profile: Profile) -> Iterator[ox.Triple]:
        """What was inferred of a patient, without what its record states."""
        node = ox.NamedNode(patient.iri)
        stated = {Value(f.property, f.value) for f in patient.facts if isinstance(f.value, str)}
        for atom in sorted(profile.entailed, key=str):
            if atom in stated or atom == PATIENT:
                continue
            if isinstance(atom, Type):
                yield ox.Triple(node, _TYPE, dvt(atom.name))
            elif isinstance(atom, Value):
                yield ox.Triple(node, dvt(atom.property), dvt(atom.value))
        for predicate, object_ in profile.derived:
            yield ox.Triple(node, predicate, object_)
        own = {fact.property: fact for fact in patient.facts if isinstance(fact.value, Decimal)}
        for criterion, facts in profile.reasons():
            reason = part(node, "reason", criterion)
            yield ox.Triple(node, dvt("hasReason"), reason)
            yield ox.Triple(reason, _TYPE, dvt("Reason"))
            yield ox.Triple(reason, dvt("aboutCriterion"), dvt(criterion))
            for fact in facts:
                said = words(own.get(fact.property, fact), self.ontology)
                yield ox.Triple(reason, dvt("because"), ox.Literal(said))
        for presentation, names in sorted(profile.missing.items()):
            question = part(node, "open", presentation)
            yield ox.Triple(node, dvt("hasOpenQuestion"), question)
            yield ox.Triple(question, _TYPE, dvt("OpenQuestion"))
            yield ox.Triple(question, dvt("aboutPresentation"), dvt(presentation))
            for name in names:
                yield ox.Triple(question, dvt("missing"), dvt(name))
        for number, facts in enumerate(profile.clashes, 1):
            clash = part(node, "clash", str(number))
            yield ox.Triple(node, dvt("hasClash"), clash)
            yield ox.Triple(clash, _TYPE, dvt("Clash"))
            for fact in facts:
                recorded, stated_there = recorded_fact(patient, own.get(fact.property, fact), self.ontology)
                yield ox.Triple(clash, dvt("clashingFact"), recorded)
                yield from stated_there

    def graph(
        self, chosen: Iterable[tuple[Patient, Profile]] | None = None, *, made: datetime | None = None
    ) -> KnowledgeGraph:
        """The patients and what was inferred of them as a knowledge graph.

        :param chosen: some of the patients; all of them if not given
        :param made: the time that the provenance states; now if not given
        """
        graph = KnowledgeGraph(self.ontology)
        self.fill(graph, self if chosen is None else chosen)
        graph.add(INFERRED, provenance(self.reasoner, self.ontology, made or datetime.now(UTC)))
        return graph

    def fill(self, graph: KnowledgeGraph, chosen: Iterable[tuple[Patient, Profile]]) -> None:
        """Put patients and what was inferred of them into a graph."""
        pairs = list(chosen)
        graph.add(PATIENTS, (t for patient, _ in pairs for t in patient.triples()))
        graph.add(INFERRED, (t for pair in pairs for t in self.triples(*pair)))


def provenance(reasoner: str, ontology: Ontology, made: datetime) -> list[ox.Triple]:
    """What made the inferred graph: reasoner, versions and time, in PROV.

    :param reasoner: the reasoner's name
    :param ontology: the ontology by which it judged
    :param made: when
    """
    run, agent = ox.NamedNode(INFERRED.value + "#run"), ox.NamedNode(INFERRED.value + "#reasoner")

    def prov(name: str) -> ox.NamedNode:
        return ox.NamedNode(PROV + name)

    label = ox.NamedNode("http://www.w3.org/2000/01/rdf-schema#label")
    made_by = f"{reasoner}, dvt-kg {package_version('dvt-kg')}"
    time = ox.Literal(
        made.replace(microsecond=0).isoformat().replace("+00:00", "Z"),
        datatype=ox.NamedNode(XSD + "dateTime"),
    )
    return [
        ox.Triple(INFERRED, _TYPE, prov("Entity")),
        ox.Triple(INFERRED, prov("wasGeneratedBy"), run),
        ox.Triple(INFERRED, prov("wasDerivedFrom"), PATIENTS),
        ox.Triple(INFERRED, prov("wasDerivedFrom"), ox.NamedNode(f"{IRI}/{ontology.version}")),
        ox.Triple(run, _TYPE, prov("Activity")),
        ox.Triple(run, prov("endedAtTime"), time),
        ox.Triple(run, prov("wasAssociatedWith"), agent),
        ox.Triple(agent, _TYPE, prov("SoftwareAgent")),
        ox.Triple(agent, label, ox.Literal(made_by, language="en")),
    ]


def part(node: ox.NamedNode, kind: str, name: str) -> ox.NamedNode:
    """Something that belongs to a patient, as an IRI of its own."""
    return ox.NamedNode(f"{node.value}#{kind}/{name}")


def recorded_fact(patient: Patient, fact: Fact, ontology: Ontology) -> tuple[ox.NamedNode, list[ox.Triple]]:
    """A fact of a record as a node, and what the graph says of it: its place, its value, its term."""
    path, value = entry(fact, ontology)
    node = part(ox.NamedNode(patient.iri), "fact", f"{fact.property}/{fact.value}")
    said = term(fact) if isinstance(value, Decimal) else ox.Literal(str(value))
    return node, [
        ox.Triple(node, _TYPE, dvt("RecordedFact")),
        ox.Triple(node, dvt("path"), ox.Literal(path)),
        ox.Triple(node, dvt("recordedValue"), said),
        ox.Triple(node, dvt("recordedTerm"), dvt(question_of(fact))),
    ]


@lru_cache(maxsize=1)
def _shipped() -> Reasoner:
    """The rules of the shipped ontology, compiled once."""
    return RuleReasoner(load())


def classify(
    patients: Iterable[Patient],
    reasoner: Reasoner | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Classification:
    """Classify patients, each for itself, and say why and what is missing.

    :param patients: the records
    :param reasoner: the compiled rules or HermiT, with an ontology; if not given the rules of the
        shipped one
    :param progress: called with the distinct profiles done and their number
    :raises ReasonerError: where HermiT fails, takes too long, or disagrees with the rules
    """
    patients = tuple(patients)
    reasoner = reasoner or _shipped()
    rules = reasoner.rules
    keys = [rules.profile(patient.facts) for patient in patients]
    first: dict[frozenset[Atom], Patient] = {}
    for patient, key in zip(patients, keys, strict=True):
        first.setdefault(key, patient)
    profiles: dict[frozenset[Atom], Profile] = {}
    missing = search(reasoner.ontology)
    pending = list(first.items())
    for start in range(0, len(pending), _BATCH):
        batch = pending[start : start + _BATCH]
        judged = _judge([p for _, p in batch], reasoner)
        classification = Classification(
            reasoner.ontology,
            reasoner.version,
            [p for _, p in batch],
            [k for k, _ in batch],
            dict(zip((k for k, _ in batch), judged, strict=True)),
        )
        profiles |= _derive(classification, missing)
        if progress:
            progress(len(profiles), len(pending))
    return Classification(reasoner.ontology, reasoner.version, patients, keys, profiles)


def _judge(patients: Sequence[Patient], reasoner: Reasoner) -> list[Profile]:
    """Ask the reasoner about each patient, and a second time about what stands outside the clashes."""
    whys = [why(reasoner.rules, p.facts) for p in patients]
    answers = reasoner.judge([p.facts for p in patients])
    for patient, reasons, answer in zip(patients, whys, answers, strict=True):
        _compare(patient, reasons, answer)
    contradictory = [n for n, answer in enumerate(answers) if answer is None]
    rest = reasoner.judge([whys[n].unclashed() for n in contradictory])
    flags = dict(zip(contradictory, rest, strict=True))
    return [
        Profile(
            reasons.facts,
            answer if answer is not None else _red_flags(flags[n], reasoner.ontology),
            tuple(reasons.clashes()),
            reasons,
        )
        for n, (reasons, answer) in enumerate(zip(whys, answers, strict=True))
    ]


def _compare(patient: Patient, reasons: Why, answer: Entailed | None) -> None:
    """The reasoner and the sets of facts must agree: nothing is answered on a doubt."""
    if answer is None and None in reasons.concluded:
        return
    by_rules = {a for a in reasons.concluded if a is not None and not isinstance(a, Range)}
    if answer is None or None in reasons.concluded or by_rules != answer:
        differing = sorted(str(a) for a in by_rules ^ (answer or set()))
        raise ReasonerError(
            f"the reasoner and the rules disagree about record {patient.id!r}"
            f" on {', '.join(differing) or 'consistency'}; nothing is answered; please report the findings"
        )


def red_flags(ontology: Ontology) -> frozenset[str]:
    """The alerts that are red flags."""
    return frozenset(local_name(s) for s in ontology.subjects(dvt("alertKind"), dvt("red-flag")))


def _red_flags(entailed: Entailed | None, ontology: Ontology) -> Entailed:
    """The red flags among what the facts outside every clash entail."""
    flags = red_flags(ontology)
    chosen = (a for a in entailed or () if isinstance(a, Value) and a.property == "triggersAlert")
    return frozenset(a for a in chosen if a.value in flags)


def _derive(classification: Classification, missing: Missing) -> dict[frozenset[Atom], Profile]:
    """Add to each profile what the derivation queries say, and what is missing."""
    derived: dict[str, list[tuple[ox.NamedNode, RdfTerm]]] = {}
    with lent(classification.ontology) as graph:
        classification.fill(graph, classification)
        for triple in derivations(graph):
            assert isinstance(triple.subject, ox.NamedNode)
            derived.setdefault(triple.subject.value, []).append((triple.predicate, triple.object))
    found = {}
    for (key, profile), patient in zip(classification.profiles.items(), classification.patients, strict=True):
        mine = sorted(derived.get(patient.iri, ()), key=str)
        open_ = [local_name(o) for p, o in mine if p == dvt("openPresentation")]
        found[key] = replace(
            profile, derived=tuple(mine), missing=missing_sets(missing, profile.facts, open_)
        )
    return found


def missing_sets(
    missing: Missing, facts: Collection[Fact], presentations: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """For each open presentation what would make it met, else what would rule it out.

    :param missing: the search
    :param facts: the recorded facts
    :param presentations: the presentations that are open
    """
    goals = [Value("hasPresentation", p) for p in presentations]
    met = missing.find(facts, goals)
    rest = [Value("ruledOutPresentation", goal.value) for goal in goals if goal not in met]
    return {goal.value: names for goal, names in (met | missing.find(facts, rest)).items()}
