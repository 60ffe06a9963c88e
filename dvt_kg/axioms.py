"""Axioms of the ontology, read as Horn rules about one patient.

The ontology's core is in OWL 2 EL and RL; over the facts of one patient every axiom is a Horn
clause. An axiom that is none is refused by name, so that nothing is silently left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cached_property, lru_cache

import pyoxigraph as ox

from dvt_kg.errors import UnsupportedAxiom
from dvt_kg.ontology import DCTERMS, OWL, RDF, RDFS, XSD, Ontology, RdfTerm, dvt, local_name
from dvt_kg.rules import FACETS, PATIENT, Atom, Range, Rule, RuleSet, Type, Value

_RDFS_KNOWN = {"subClassOf", "subPropertyOf", "domain", "range", "label", "comment", "isDefinedBy", "seeAlso"}
_OWL_KNOWN = {
    *("equivalentClass", "disjointWith", "intersectionOf", "unionOf", "members"),
    *("onProperty", "hasValue", "someValuesFrom", "onDatatype", "withRestrictions"),
    *("propertyChainAxiom", "imports", "versionIRI", "versionInfo", "priorVersion", "deprecated"),
    *("backwardCompatibleWith", "incompatibleWith", "differentFrom", "distinctMembers"),
}
_TYPES_KNOWN = {
    *(
        "Class",
        "Restriction",
        "ObjectProperty",
        "DatatypeProperty",
        "AnnotationProperty",
        "FunctionalProperty",
    ),
    *("NamedIndividual", "Ontology", "AllDisjointClasses", "AllDifferent"),
}


def _owl(name: str) -> ox.NamedNode:
    return ox.NamedNode(OWL + name)


def _rdfs(name: str) -> ox.NamedNode:
    return ox.NamedNode(RDFS + name)


_TYPE = ox.NamedNode(RDF + "type")
_CHAIN = _owl("propertyChainAxiom")
Node = ox.NamedNode | ox.BlankNode


class _Axioms:
    """The axioms of an ontology, one kind at a time."""

    def __init__(self, ontology: Ontology) -> None:
        self.ontology = ontology

    def refuse_unknown(self) -> None:
        """Refuse every construct of OWL that the rules do not know."""
        for quad in self.ontology.match():
            predicate, object_ = quad.predicate.value, quad.object
            for prefix, known in ((RDFS, _RDFS_KNOWN), (OWL, _OWL_KNOWN)):
                if predicate.startswith(prefix) and predicate.removeprefix(prefix) not in known:
                    raise UnsupportedAxiom(
                        f"{local_name(quad.subject)} {predicate.removeprefix(prefix)} {local_name(object_)}",
                        "no rule for this construct",
                    )
            if quad.predicate == _TYPE and isinstance(object_, ox.BlankNode):
                raise UnsupportedAxiom(
                    f"{local_name(quad.subject)} Type {self.words(object_)}",
                    "an individual of the ontology has named classes and stated values only",
                )
            if quad.predicate == _TYPE and isinstance(object_, ox.NamedNode):
                kind = object_.value.removeprefix(OWL)
                if object_.value.startswith(OWL) and kind not in _TYPES_KNOWN:
                    raise UnsupportedAxiom(f"{local_name(quad.subject)} a {kind}", "no rule for this kind")
                if kind == "FunctionalProperty" and not self.has_type(quad.subject, _owl("DatatypeProperty")):
                    raise UnsupportedAxiom(
                        f"{local_name(quad.subject)} a {kind}", "only data properties may be functional"
                    )

    def has_type(self, node: object, kind: ox.NamedNode) -> bool:
        return bool(self.ontology.match(node, _TYPE, kind))  # type: ignore[arg-type]

    def one(self, subject: Node, predicate: ox.NamedNode) -> RdfTerm | None:
        return next(iter(self.ontology.objects(subject, predicate)), None)

    def pairs(self, predicate: ox.NamedNode) -> list[tuple[Node, Node]]:
        quads = self.ontology.match(None, predicate)
        found = [(q.subject, q.object) for q in quads]
        return sorted(found, key=str)  # type: ignore[arg-type]

    def items(self, head: RdfTerm | None) -> list[Node]:
        """The members of an RDF list."""
        found: list[Node] = []
        while isinstance(head, ox.BlankNode):
            first = self.one(head, ox.NamedNode(RDF + "first"))
            assert isinstance(first, ox.NamedNode | ox.BlankNode)
            found.append(first)
            head = self.one(head, ox.NamedNode(RDF + "rest"))
        return found

    def bodies(self, node: Node) -> list[frozenset[Atom]]:
        """A class expression on the left, as the alternatives that each entail it."""
        if isinstance(node, ox.NamedNode):
            return [frozenset()] if node == _owl("Thing") else [frozenset({Type(local_name(node))})]
        if members := self.one(node, _owl("intersectionOf")):
            parts = [self.bodies(m) for m in self.items(members)]
            return [frozenset().union(*choice) for choice in itertools.product(*parts)]
        if members := self.one(node, _owl("unionOf")):
            return [body for m in self.items(members) for body in self.bodies(m)]
        prop = self.one(node, _owl("onProperty"))
        if isinstance(prop, ox.NamedNode):
            if (value := self.one(node, _owl("hasValue"))) is not None:
                return [frozenset({self._has_value(prop, value)})]
            if isinstance(filler := self.one(node, _owl("someValuesFrom")), ox.NamedNode | ox.BlankNode):
                return self._some(prop, filler)
        raise UnsupportedAxiom(self.words(node), "no rule for this class expression")

    def _has_value(self, prop: ox.NamedNode, value: RdfTerm) -> Atom:
        if isinstance(value, ox.NamedNode):
            return Value(local_name(prop), local_name(value))
        number = self._number(prop, value)
        return Range(local_name(prop), (("maxInclusive", number), ("minInclusive", number)))

    def _number(self, prop: ox.NamedNode, value: RdfTerm) -> Decimal:
        if not isinstance(value, ox.Literal) or value.datatype.value != XSD + "decimal":
            raise UnsupportedAxiom(f"{local_name(prop)} and {value}", "numbers are xsd:decimal")
        return Decimal(value.value)

    def _some(self, prop: ox.NamedNode, filler: Node) -> list[frozenset[Atom]]:
        """An existential: over a number's facets, or over the individuals of a class."""
        datatype = self.one(filler, _owl("onDatatype"))
        if datatype is not None or filler == ox.NamedNode(XSD + "decimal"):
            if datatype not in (None, ox.NamedNode(XSD + "decimal")):
                raise UnsupportedAxiom(f"{local_name(prop)} some {datatype}", "numbers are xsd:decimal")
            bounds = []
            for facet in self.items(self.one(filler, _owl("withRestrictions"))):
                for quad in self.ontology.match(facet):
                    name = quad.predicate.value.removeprefix(XSD)
                    if name not in FACETS:
                        raise UnsupportedAxiom(f"{local_name(prop)} some decimal[{name}]", "no such bound")
                    bounds.append((name, self._number(prop, quad.object)))
            return [frozenset({Range(local_name(prop), tuple(sorted(bounds)))})]
        if isinstance(filler, ox.NamedNode) and self.has_type(prop, _owl("ObjectProperty")):
            return [frozenset({Value(local_name(prop), i)}) for i in sorted(self._members(filler))]
        raise UnsupportedAxiom(f"{local_name(prop)} some {self.words(filler)}", "no rule for this filler")

    def _members(self, cls: ox.NamedNode) -> set[str]:
        """The ontology's individuals of a class and of the named classes below it."""
        below = (q.subject for q in self.ontology.match(None, _rdfs("subClassOf"), cls))
        same = (q for p in ((cls, None), (None, cls)) for q in self._equivalents(*p))
        found = set(self.ontology.individuals(local_name(cls)))
        for other in (*below, *same):
            if not isinstance(other, ox.NamedNode):
                axiom = f"{self.words(other)} SubClassOf {local_name(cls)}"
                raise UnsupportedAxiom(axiom, "the individuals of an existential's class have to be stated")
            found |= self._members(other)
        for kind, place in (("domain", 0), ("range", 1)):
            for quad in self.ontology.match(None, _rdfs(kind), cls):
                uses = self.ontology.match(None, quad.subject, None)  # type: ignore[arg-type]
                found |= {local_name((use.subject, use.object)[place]) for use in uses}
        return found

    def _equivalents(self, one: ox.NamedNode | None, other: ox.NamedNode | None) -> list[Node]:
        quads = self.ontology.match(one, _owl("equivalentClass"), other)
        return [q.object if other is None else q.subject for q in quads]  # type: ignore[misc]

    def about_patients(self, prop: str) -> bool:
        """Whether a property can link a patient: its domain is Patient or a class below it, or open."""
        if self.has_type(_named(prop), _owl("AnnotationProperty")):
            return False
        domains = set(self.ontology.objects(_named(prop), _rdfs("domain")))
        return not domains or bool(domains & self._patients)

    @cached_property
    def _patients(self) -> set[Node]:
        found: set[Node] = {dvt(PATIENT.name)}
        pairs = self.pairs(_rdfs("subClassOf"))
        while more := {lower for lower, upper in pairs if upper in found} - found:
            found |= more
        return found

    def heads(self, node: Node, axiom: str) -> list[Atom | None]:
        """A class expression on the right, as the atoms that it entails together."""
        if node == _owl("Nothing"):
            return [None]
        if isinstance(node, ox.BlankNode):
            if members := self.one(node, _owl("intersectionOf")):
                return [head for m in self.items(members) for head in self.heads(m, axiom)]
            if not isinstance(self.one(node, _owl("hasValue")), ox.NamedNode):
                raise UnsupportedAxiom(axiom, "its right side is no conjunction of classes and values")
        (body,) = self.bodies(node)
        return list(body)

    def words(self, node: RdfTerm) -> str:
        """A class expression in the manner of the Manchester syntax."""
        if isinstance(node, ox.BlankNode):
            for predicate, joint in (("intersectionOf", " and "), ("unionOf", " or ")):
                if members := self.one(node, _owl(predicate)):
                    return "(" + joint.join(self.words(m) for m in self.items(members)) + ")"
            try:
                return " or ".join(" and ".join(map(str, sorted(body))) for body in self.bodies(node))
            except UnsupportedAxiom as error:
                if not error.axiom:
                    raise
            quads = self.ontology.match(node)
            inside = sorted(
                f"{local_name(q.predicate).removeprefix(OWL)} {local_name(q.object).removeprefix(OWL)}"
                for q in quads
            )
            return "[" + ", ".join(inside) + "]"
        return local_name(node)


def _closure(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The transitive and reflexive closure of a relation."""
    names = {n for pair in pairs for n in pair}
    closed = pairs | {(n, n) for n in names}
    while more := {(a, d) for a, b in closed for c, d in closed if b == c} - closed:
        closed |= more
    return closed


def links(ontology: Ontology) -> Iterator[tuple[Value, Value, str]]:
    """What a property value of a patient entails by itself: chains and sub-properties, grounded.

    A chain's second property links the ontology's own individuals, so each of its links is one
    implication between two values of a patient.

    :returns: the value, the entailed value, and the axioms in words
    """
    axioms = _Axioms(ontology)
    supers = _closure({(local_name(a), local_name(b)) for a, b in axioms.pairs(_rdfs("subPropertyOf"))})
    chains = [(local_name(result), axioms.items(chain)) for result, chain in axioms.pairs(_CHAIN)]
    joints = _joints(ontology)
    for result, steps in chains:
        words = f"{' o '.join(local_name(s) for s in steps)} SubPropertyOf {result}"
        if len(steps) != 2 or not all(isinstance(s, ox.NamedNode) for s in steps):
            raise UnsupportedAxiom(words, "a chain has two named properties")
        if result in joints:
            raise UnsupportedAxiom(words, "what links the ontology's own individuals has to be stated")
        first, second = (local_name(s) for s in steps)
        admitted = ontology.values(first)  # a record with any other value is refused when it is read
        for link in sorted({a for a, b in supers if b == second} | {second}):
            quads = ontology.match(None, _named(link))
            for quad in sorted(quads, key=str):
                a, b = local_name(quad.subject), local_name(quad.object)
                if a in admitted:
                    yield Value(first, a), Value(result, b), f"{a} {link} {b}; {words}"
    for lower, upper in sorted(supers):
        if lower != upper and lower not in joints and axioms.about_patients(lower):
            words = f"{lower} SubPropertyOf {upper}"
            values = ontology.values(lower)
            if not values:
                raise UnsupportedAxiom(words, "its range names no closed list of individuals")
            for value in values:
                yield Value(lower, value), Value(upper, value), words


def _joints(ontology: Ontology) -> set[str]:
    """The properties that link the ontology's own individuals in chains, and those below them."""
    axioms = _Axioms(ontology)
    supers = _closure({(local_name(a), local_name(b)) for a, b in axioms.pairs(_rdfs("subPropertyOf"))})
    seconds = {local_name(step) for _, chain in axioms.pairs(_CHAIN) for step in axioms.items(chain)[1:]}
    return seconds | {lower for lower, upper in supers if upper in seconds}


def domains(ontology: Ontology) -> Iterator[tuple[Value | Range, Type, str]]:
    """What a property of patients by itself says of its subject, beyond being a patient.

    :returns: each value of the property, the class, and the axiom in words
    """
    axioms = _Axioms(ontology)
    for prop, domain in axioms.pairs(_rdfs("domain")):
        name = local_name(prop)
        if domain == dvt(PATIENT.name) or not axioms.about_patients(name):
            continue
        words = f"{name} Domain {axioms.words(domain)}"
        if not isinstance(domain, ox.NamedNode):
            raise UnsupportedAxiom(words, "a domain is a named class")
        number = axioms.has_type(prop, _owl("DatatypeProperty"))
        atoms = [Range(name, ())] if number else [Value(name, value) for value in ontology.values(name)]
        if not atoms:
            raise UnsupportedAxiom(words, "its range names no closed list of individuals")
        for atom in atoms:
            yield atom, Type(local_name(domain)), words


def existentials(ontology: Ontology) -> Iterator[tuple[Node, list[Value]]]:
    """Each existential over the individuals of a class, with the values of a patient that satisfy it."""
    axioms = _Axioms(ontology)
    for node, _ in axioms.pairs(_owl("someValuesFrom")):
        prop = axioms.one(node, _owl("onProperty"))
        if axioms.has_type(prop, _owl("ObjectProperty")):
            bodies = axioms.bodies(node)
            yield node, [atom for body in bodies for atom in body if isinstance(atom, Value)]


class Sources:
    """The sources that an ontology names for what rules are about."""

    def __init__(self, ontology: Ontology) -> None:
        self._of_terms: dict[str, set[str]] = {}
        for quad in ontology.match(None, ox.NamedNode(DCTERMS + "source")):
            self._of_terms.setdefault(local_name(quad.subject), set()).add(local_name(quad.object))
        self._of_limits: dict[tuple[str, Decimal, bool], set[str]] = {}
        for quad in ontology.match(None, dvt("measurement")):
            assert isinstance(quad.subject, ox.NamedNode)
            measured, limit = local_name(quad.object), ontology.text(quad.subject, dvt("limit"))
            # "< 14" and ">= 14" divide the numbers alike, "<= 14" and "> 14" otherwise.
            above = ontology.text(quad.subject, dvt("comparator")) in ("<", ">=")
            named = self._of_terms.get(local_name(quad.subject), set())
            self._of_limits.setdefault((measured, Decimal(limit), above), set()).update(named)

    def of(self, atoms: Iterable[Atom | None]) -> tuple[str, ...]:
        """The sources of the terms and thresholds that atoms name, by local name, sorted."""
        found: set[str] = set()
        for atom in atoms:
            if isinstance(atom, Range):
                for facet, limit in atom.bounds:
                    above = facet in ("maxExclusive", "minInclusive")
                    found |= self._of_limits.get((atom.property, limit, above), set())
            elif atom is not None:
                found |= self._of_terms.get(atom.value if isinstance(atom, Value) else atom.name, set())
        return tuple(sorted(found))


def _named(name: str) -> ox.NamedNode:
    return ox.NamedNode(name) if ":" in name else dvt(name)


@lru_cache(maxsize=4)
def compile_rules(ontology: Ontology) -> RuleSet:
    """Read the rules from an ontology's axioms, once for each ontology.

    :raises UnsupportedAxiom: for an axiom that is no Horn clause about one patient
    """
    axioms = _Axioms(ontology)
    axioms.refuse_unknown()
    rules: dict[tuple[frozenset[Atom], Atom | None], Rule] = {}
    sources = Sources(ontology)

    def add(body: frozenset[Atom], head: Atom | None, axiom: str) -> None:
        body -= {PATIENT}
        if head not in body and head != PATIENT and (body, head) not in rules:
            rules[body, head] = Rule(frozenset(body), head, axiom, sources.of({*body, head}))

    def subsumption(lower: Node, upper: Node) -> None:
        axiom = f"{axioms.words(lower)} SubClassOf {axioms.words(upper)}"
        for head in axioms.heads(upper, axiom):
            for body in axioms.bodies(lower):
                add(body, head, axiom)

    for lower, upper in axioms.pairs(_rdfs("subClassOf")):
        subsumption(lower, upper)
    for one, other in axioms.pairs(_owl("equivalentClass")):
        subsumption(one, other)
        subsumption(other, one)
    groups = [list(pair) for pair in axioms.pairs(_owl("disjointWith"))]
    groups += [axioms.items(head) for _, head in axioms.pairs(_owl("members"))]
    for group in groups:
        for one, other in itertools.combinations(group, 2):
            axiom = f"{axioms.words(one)} DisjointWith {axioms.words(other)}"
            for left, right in itertools.product(axioms.bodies(one), axioms.bodies(other)):
                add(left | right, None, axiom)
    for premise, conclusion, axiom in links(ontology):
        add(frozenset({premise}), conclusion, axiom)
    for atom, cls, axiom in domains(ontology):
        add(frozenset({atom}), cls, axiom)
    joints = _joints(ontology)
    for rule in rules.values():
        for part in (*rule.body, rule.head):
            if isinstance(part, Value) and part.property in joints:
                raise UnsupportedAxiom(
                    rule.axiom, "what links the ontology's own individuals has to be stated"
                )
    return RuleSet(tuple(sorted(rules.values(), key=lambda r: (str(r.head), sorted(map(str, r.body))))))
