"""The fragment of OWL 2 that rules about one patient carry exactly; anything else is refused by name.

A class is either about patients or about the ontology's own individuals. What is said of patients
may use the class expressions below. What the ontology's own individuals are, and how they are
linked, has to be stated, so that nothing about them waits for a reasoner.
"""

from __future__ import annotations

import itertools
from decimal import Decimal, InvalidOperation
from functools import cache, cached_property, lru_cache

import pyoxigraph as ox

from dvt_kg.errors import UnsupportedAxiom
from dvt_kg.manchester import expression
from dvt_kg.ontology import OWL, RDF, RDFS, XSD, Ontology, RdfTerm, dvt, local_name, named
from dvt_kg.patients import PATIENT_IRI
from dvt_kg.rules import FACETS, PATIENT, Atom, Range, Type, Value

_RDFS_KNOWN = {"subClassOf", "subPropertyOf", "domain", "range", "label", "comment", "isDefinedBy", "seeAlso"}
_OWL_KNOWN = {
    *("equivalentClass", "disjointWith", "intersectionOf", "unionOf", "members"),
    *("onProperty", "hasValue", "someValuesFrom", "onDatatype", "withRestrictions"),
    *("propertyChainAxiom", "imports", "versionIRI", "versionInfo", "priorVersion", "deprecated"),
    *("backwardCompatibleWith", "incompatibleWith", "differentFrom", "distinctMembers"),
    *("annotatedSource", "annotatedProperty", "annotatedTarget"),
}
_KNOWN = {RDFS + name for name in _RDFS_KNOWN} | {OWL + name for name in _OWL_KNOWN}
_TYPES_KNOWN = {
    *("Class", "Restriction", "ObjectProperty", "DatatypeProperty", "AnnotationProperty"),
    *("FunctionalProperty", "NamedIndividual", "Ontology", "AllDisjointClasses", "AllDifferent"),
    *("Axiom", "DeprecatedClass", "DeprecatedProperty"),
}
_BUILT_IN = {f"{OWL}{end}{kind}Property" for end in ("top", "bottom") for kind in ("Object", "Data")}
_SWRL = "http://www.w3.org/2003/11/swrl"
_DATATYPES = {XSD + name for name in ("decimal", "dateTime", "string")}
_ONE_EACH = (
    "intersectionOf",
    "unionOf",
    "onProperty",
    "hasValue",
    "someValuesFrom",
    "onDatatype",
    "withRestrictions",
)
_NAMELESS = {*(OWL + name for name in _ONE_EACH), RDF + "first", RDF + "rest"}
_STATED = "what the ontology's own individuals are has to be stated"
_LINKED = "what links the ontology's own individuals has to be stated"

Node = ox.NamedNode | ox.BlankNode


@cache
def owl(name: str) -> ox.NamedNode:
    """A term of OWL."""
    return ox.NamedNode(OWL + name)


@cache
def rdfs(name: str) -> ox.NamedNode:
    """A term of RDF Schema."""
    return ox.NamedNode(RDFS + name)


TYPE = ox.NamedNode(RDF + "type")
THING, NOTHING, DECIMAL = owl("Thing"), owl("Nothing"), ox.NamedNode(XSD + "decimal")


class Fragment:
    """An ontology's axioms, each read as what it says of one patient.

    :raises UnsupportedAxiom: for an axiom outside the fragment, whenever it is met
    """

    def __init__(self, ontology: Ontology) -> None:
        self.ontology = ontology
        self._bodies: dict[Node, list[frozenset[Atom]]] = {}

    def refuse_unknown(self) -> None:
        """Refuse every construct that is read nowhere, and every statement that is read otherwise."""
        by_predicate: dict[str, list[ox.Quad]] = {}
        for quad in self.ontology.match():
            by_predicate.setdefault(quad.predicate.value, []).append(quad)
        for predicate, quads in by_predicate.items():
            if predicate.startswith((RDFS, OWL, _SWRL)) and predicate not in _KNOWN:
                raise UnsupportedAxiom(self._statement(quads[0]), "no rule for this construct")
            if predicate.startswith((RDFS, OWL, RDF)):
                self._refuse_terms(predicate, quads)
        for predicate in _ONE_EACH:
            for node, group in itertools.groupby(self.pairs(owl(predicate)), key=lambda pair: pair[0]):
                if len(list(group)) > 1:
                    raise UnsupportedAxiom(self.words(node), f"an expression has one owl:{predicate}")
        for node, _ in self.pairs(owl("someValuesFrom")):
            if self.ontology.match(node, owl("hasValue")):
                raise UnsupportedAxiom(self.words(node), "a restriction has one filler")

    def _refuse_terms(self, predicate: str, quads: list[ox.Quad]) -> None:
        """Refuse statements of a known predicate whose subject or object is read nowhere."""
        for quad in quads:
            subject, object_ = quad.subject, quad.object
            if any(isinstance(t, ox.NamedNode) and t.value in _BUILT_IN for t in (subject, object_)):
                raise UnsupportedAxiom(self._statement(quad), "no rule for this property")
            if isinstance(subject, ox.NamedNode) and predicate in _NAMELESS:
                raise UnsupportedAxiom(
                    self._statement(quad), "expressions and lists have no names of their own"
                )
            if predicate == RDF + "type":
                self._refuse_kind(quad)

    def _refuse_kind(self, quad: ox.Quad) -> None:
        subject, kind = quad.subject, quad.object
        if isinstance(kind, ox.BlankNode):
            raise UnsupportedAxiom(f"{self.words(subject)} Type {self.words(kind)}", _STATED)
        name = str(getattr(kind, "value", ""))
        if (name.startswith(OWL) and name.removeprefix(OWL) not in _TYPES_KNOWN) or name.startswith(_SWRL):
            raise UnsupportedAxiom(self._statement(quad), "no rule for this kind")
        if kind == owl("FunctionalProperty") and not self.has_type(subject, owl("DatatypeProperty")):
            raise UnsupportedAxiom(self._statement(quad), "only data properties may be functional")
        if kind in self._below_patient and not _is_patient(subject):
            raise UnsupportedAxiom(self._statement(quad), f"a patient's IRI begins with {PATIENT_IRI}")

    def _statement(self, quad: ox.Quad) -> str:
        verb = quad.predicate.value.removeprefix(OWL).removeprefix(RDFS).removeprefix(RDF)
        return f"{self.words(quad.subject)} {verb} {self.words(quad.object)}"

    def has_type(self, node: object, kind: ox.NamedNode) -> bool:
        """Whether a node is stated to be of a kind."""
        return bool(self.ontology.match(node, TYPE, kind))  # type: ignore[arg-type]

    def one(self, subject: Node, predicate: ox.NamedNode) -> RdfTerm | None:
        """The object of a subject and a predicate, None where there is none."""
        return next(iter(self.ontology.objects(subject, predicate)), None)

    def words(self, node: RdfTerm | None) -> str:
        """A class expression in the manner of the Manchester syntax."""
        return expression(self.ontology, node)

    def pairs(self, predicate: ox.NamedNode) -> list[tuple[Node, Node]]:
        """The subjects and objects of a predicate, sorted."""
        found = [(q.subject, q.object) for q in self.ontology.match(None, predicate)]
        return sorted(found, key=str)  # type: ignore[arg-type]

    def items(self, head: RdfTerm | None) -> list[Node]:
        """The members of an RDF list."""
        members = self.ontology.members(head)
        for member in members:
            if not isinstance(member, ox.NamedNode | ox.BlankNode):
                raise UnsupportedAxiom(f"a list with {member}", "its members have to be names or expressions")
        return members

    # Classes

    def bodies(self, node: Node) -> list[frozenset[Atom]]:
        """A class expression on the left, as the alternatives that each entail it."""
        if node not in self._bodies:
            self._bodies[node] = self._alternatives(node)
        return self._bodies[node]

    def _alternatives(self, node: Node) -> list[frozenset[Atom]]:
        if isinstance(node, ox.NamedNode):
            if node == NOTHING:
                return []
            return [frozenset({PATIENT if node == THING else Type(local_name(node))})]
        if (members := self.one(node, owl("intersectionOf"))) is not None:
            parts = [self.bodies(m) for m in self.items(members)]
            return [frozenset({PATIENT}).union(*choice) for choice in itertools.product(*parts)]
        if (members := self.one(node, owl("unionOf"))) is not None:
            return [body for m in self.items(members) for body in self.bodies(m)]
        prop = self.one(node, owl("onProperty"))
        if isinstance(prop, ox.NamedNode):
            if (value := self.one(node, owl("hasValue"))) is not None:
                return [frozenset({self._has_value(prop, value)})]
            if isinstance(filler := self.one(node, owl("someValuesFrom")), ox.NamedNode | ox.BlankNode):
                return self._some(prop, filler)
        raise UnsupportedAxiom(self.words(node), "no rule for this class expression")

    def _has_value(self, prop: ox.NamedNode, value: RdfTerm) -> Atom:
        name = local_name(prop)
        if isinstance(value, ox.NamedNode):
            known = self.range_of(name)
            if known and local_name(value) not in known:
                raise UnsupportedAxiom(
                    f"{name} value {local_name(value)}",
                    f"the value is not stated to be in the range of {name}",
                )
            return Value(name, local_name(value))
        number = self._number(prop, value)
        return Range(name, (("maxInclusive", number), ("minInclusive", number)))

    @cache  # noqa: B019 - lives as long as the ontology it belongs to
    def range_of(self, prop: str) -> frozenset[str]:
        """The individuals that are stated to be in a property's range."""
        return frozenset(self.ontology.values(prop))

    def _number(self, prop: ox.NamedNode, value: RdfTerm) -> Decimal:
        wrong = UnsupportedAxiom(f"{local_name(prop)} and {self.words(value)}", "numbers are xsd:decimal")
        if not isinstance(value, ox.Literal) or value.datatype != DECIMAL:
            raise wrong
        try:
            number = Decimal(value.value)
        except InvalidOperation:
            raise wrong from None
        if not number.is_finite():
            raise wrong
        return number

    def _some(self, prop: ox.NamedNode, filler: Node) -> list[frozenset[Atom]]:
        """An existential: over a number's facets, or over the individuals of a class."""
        words = f"{local_name(prop)} some {self.words(filler)}"
        datatype = self.one(filler, owl("onDatatype"))
        if filler == DECIMAL or datatype is not None:
            if datatype not in (None, DECIMAL):
                raise UnsupportedAxiom(words, "numbers are xsd:decimal")
            bounds = []
            for facet in self.items(self.one(filler, owl("withRestrictions"))):
                for quad in self.ontology.match(facet):
                    name = quad.predicate.value.removeprefix(XSD)
                    if name not in FACETS:
                        raise UnsupportedAxiom(words, f"no rule for the facet {name}")
                    bounds.append((name, self._number(prop, quad.object)))
            return [frozenset({Range(local_name(prop), tuple(sorted(bounds)))})]
        if isinstance(filler, ox.NamedNode) and self.has_type(prop, owl("ObjectProperty")):
            return [frozenset({Value(local_name(prop), i)}) for i in sorted(self._members(filler, words))]
        raise UnsupportedAxiom(words, "no rule for this filler")

    def _members(self, cls: ox.NamedNode, axiom: str) -> set[str]:
        """The ontology's individuals of a class and of the named classes below it."""
        if cls not in self.of_individuals:
            raise UnsupportedAxiom(axiom, f"no individual is stated to be a {local_name(cls)}")
        below = self.ontology.reached({cls}, rdfs("subClassOf"), upwards=False)
        found = set(self.ontology.individuals(local_name(cls)))
        for kind, place in (("domain", 0), ("range", 1)):
            for prop, given in self.pairs(rdfs(kind)):
                if given in below:
                    for link in self.links_below(local_name(prop)):
                        for use in self.ontology.match(None, named(link)):
                            one = local_name((use.subject, use.object)[place])
                            if one not in found:
                                raise UnsupportedAxiom(
                                    axiom, f"{one} is not stated to be a {local_name(cls)}"
                                )
        return found

    def heads(self, node: Node, axiom: str) -> list[Atom | None]:
        """A class expression on the right, as the atoms that it entails together."""
        if node == NOTHING:
            return [None]
        if isinstance(node, ox.BlankNode):
            if (members := self.one(node, owl("intersectionOf"))) is not None:
                return [head for m in self.items(members) for head in self.heads(m, axiom)]
            if not isinstance(self.one(node, owl("hasValue")), ox.NamedNode):
                raise UnsupportedAxiom(axiom, "its right side is no conjunction of classes and values")
        (body,) = self.bodies(node)
        return list(body)

    @cached_property
    def of_individuals(self) -> set[Node]:
        """The classes that the ontology's own individuals are in: no patient is."""
        found: set[Node] = set()
        for quad in self.ontology.match(None, TYPE):
            kind = quad.object
            own = isinstance(kind, ox.NamedNode) and not kind.value.startswith((OWL, RDFS, RDF))
            if own and not _is_patient(quad.subject):
                found.add(kind)  # type: ignore[arg-type]
        found |= {r for p, r in self.pairs(rdfs("range")) if self.has_type(p, owl("ObjectProperty"))}
        return self.ontology.reached(found, rdfs("subClassOf"), upwards=True) - {dvt(PATIENT.name)}

    def refuse_individuals(self, axiom: str, *sides: Node) -> None:
        """Refuse an axiom about classes of individuals, unless it puts one named class below another."""
        if all(isinstance(side, ox.NamedNode) for side in sides) and " SubClassOf " in axiom:
            return
        for side in sides:
            for body in self.bodies(side):
                if any(isinstance(atom, Type) and named(atom.name) in self.of_individuals for atom in body):
                    raise UnsupportedAxiom(axiom, _STATED)

    @cached_property
    def _below_patient(self) -> set[Node]:
        return self.ontology.reached({dvt(PATIENT.name)}, rdfs("subClassOf"), upwards=False)

    # Properties

    @cached_property
    def supers(self) -> set[tuple[str, str]]:
        """Each property with each that it is below, itself included."""
        names = {term for pair in self.pairs(rdfs("subPropertyOf")) for term in pair}
        return {
            (local_name(name), local_name(above))
            for name in names
            for above in self.ontology.reached({name}, rdfs("subPropertyOf"), upwards=True)
        }

    def links_below(self, prop: str) -> set[str]:
        """A property and those below it."""
        return {a for a, b in self.supers if b == prop} | {prop}

    @cached_property
    def chains(self) -> list[tuple[str, str, str, str]]:
        """The property chains: result, first and second property, and the axiom in words."""
        found = []
        for result, chain in self.pairs(owl("propertyChainAxiom")):
            steps = self.items(chain)
            words = f"{' o '.join(self.words(s) for s in steps)} SubPropertyOf {self.words(result)}"
            if len(steps) != 2 or not all(isinstance(s, ox.NamedNode) for s in steps):
                raise UnsupportedAxiom(words, "a chain has two named properties")
            found.append((local_name(result), local_name(steps[0]), local_name(steps[1]), words))
        return found

    @cached_property
    def joints(self) -> set[str]:
        """The properties that link the ontology's own individuals in chains, and those below them."""
        return {link for _, _, second, _ in self.chains for link in self.links_below(second)}

    @cached_property
    def of_patients(self) -> set[str]:
        """The properties by which something can be said of a patient."""
        found = {local_name(p) for p, d in self.pairs(rdfs("domain")) if d == dvt(PATIENT.name)}
        found |= {self.words(p) for _, p in self.pairs(owl("onProperty"))}
        found |= {name for result, first, _, _ in self.chains for name in (result, first)}
        return found | {upper for lower, upper in self.supers if lower in found}

    def refuse_properties(self) -> None:
        """Refuse what is said of the properties of patients, or of links, that no rule carries."""
        for result, _, _, words in self.chains:
            if result in self.joints:
                raise UnsupportedAxiom(words, _LINKED)
        for node, prop in self.pairs(owl("onProperty")):
            if self.words(prop) in self.joints:
                raise UnsupportedAxiom(self.words(node), _LINKED)
        for name in sorted(self.of_patients & self.joints):
            raise UnsupportedAxiom(f"{name} of patients and within a chain", _LINKED)
        for name in sorted(self.of_patients):
            ranges = self.ontology.objects(named(name), rdfs("range"))
            words = f"{name} Range {', '.join(sorted(map(self.words, ranges)))}"
            numeric = self.has_type(named(name), owl("DatatypeProperty"))
            fine = [r for r in ranges if isinstance(r, ox.NamedNode) and (r.value in _DATATYPES) == numeric]
            if len(ranges) > 1 or len(fine) != len(ranges) or any(r in (THING, NOTHING) for r in ranges):
                raise UnsupportedAxiom(
                    words, "a property of patients has one range, a named class or datatype"
                )
            for lower, upper in sorted(self.supers):
                if numeric and lower != upper and name in (lower, upper):
                    raise UnsupportedAxiom(
                        f"{lower} SubPropertyOf {upper}", "no rule for numbers of two properties"
                    )
            for domain in self.ontology.objects(named(name), rdfs("domain")):
                if not isinstance(domain, ox.NamedNode) or domain == NOTHING:
                    raise UnsupportedAxiom(f"{name} Domain {self.words(domain)}", "a domain is a named class")


@lru_cache(maxsize=4)
def fragment(ontology: Ontology) -> Fragment:
    """The axioms of an ontology, which remember what was read of them."""
    return Fragment(ontology)


def _is_patient(node: object) -> bool:
    return isinstance(node, ox.NamedNode) and node.value.startswith(PATIENT_IRI)
