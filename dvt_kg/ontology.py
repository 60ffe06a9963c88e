"""The ontology: found, loaded with its imports, and asked for the names that records may use."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyoxigraph as ox

from dvt_kg.errors import OntologyError

NAMESPACE = "https://w3id.org/dvt-kg#"
IRI = "https://w3id.org/dvt-kg"
OWL = "http://www.w3.org/2002/07/owl#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
DCTERMS = "http://purl.org/dc/terms/"
XSD = "http://www.w3.org/2001/XMLSchema#"

RdfTerm = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple

CATALOG_FILE = "catalog-v001.xml"
PREFIXES = {
    "dvt": NAMESPACE,
    "owl": OWL,
    "rdf": RDF,
    "rdfs": RDFS,
    "skos": SKOS,
    "dcterms": DCTERMS,
    "xsd": XSD,
    "prov": "http://www.w3.org/ns/prov#",
    "vann": "http://purl.org/vocab/vann/",
    "sssom": "https://w3id.org/sssom/",
    "semapv": "https://w3id.org/semapv/vocab/",
}


@lru_cache(maxsize=2)
def data_dir(name: str) -> Path:
    """The folder ``ontology`` or ``queries``: the packaged one, else the repository's.

    :param name: the folder's name
    :returns: its path
    :raises OntologyError: where neither is there
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "data" / name, here.parent / name):
        if folder.is_dir():
            return folder
    raise OntologyError(f"the folder {name!r} is missing from the installation; install dvt-kg again")


def dvt(name: str) -> ox.NamedNode:
    """The term of the ontology's namespace with a local name.

    >>> dvt("tense-edema").value
    'https://w3id.org/dvt-kg#tense-edema'
    """
    return ox.NamedNode(NAMESPACE + name)


def named(name: str) -> ox.NamedNode:
    """The term with a local name, or with a whole IRI where it is of another namespace.

    >>> named("tense-edema") == dvt("tense-edema"), named("urn:x:y").value
    (True, 'urn:x:y')
    """
    return ox.NamedNode(name) if ":" in name else dvt(name)


def local_name(node: object) -> str:
    """The local name of a term, or the whole IRI of a term of another namespace.

    >>> local_name(dvt("tense-edema"))
    'tense-edema'
    """
    return str(getattr(node, "value", node)).removeprefix(NAMESPACE)


@dataclass(frozen=True)
class Term:
    """A named thing of the ontology: its local name, label, definition and classes."""

    name: str
    label: str
    definition: str
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Measurement:
    """A number that a record can hold: its key, property, unit and plausible range."""

    key: str
    property: str
    label: str
    unit: str
    minimum: Decimal
    maximum: Decimal


class Ontology:
    """The ontology as triples, with the look-ups that reading and answering need.

    :param store: the triples of every module, in the default graph
    :param path: the folder or file they came from
    """

    def __init__(self, store: ox.Store, path: Path) -> None:
        self.store = store
        self.path = path

    def match(
        self,
        subject: ox.NamedNode | ox.BlankNode | ox.Triple | None = None,
        predicate: ox.NamedNode | None = None,
        object_: RdfTerm | None = None,
    ) -> list[ox.Quad]:
        """The triples with a subject, a predicate and an object, each where it is given.

        A list, for Oxigraph's iterators must not outlive their thread, as in an error's traceback.
        """
        return list(self.store.quads_for_pattern(subject, predicate, object_))

    def members(self, head: RdfTerm | None) -> list[Any]:
        """The members of an RDF list; none where the node is no list.

        :raises OntologyError: for a list that is cut short, forks or runs in a circle
        """
        found: list[Any] = []
        passed: set[RdfTerm] = set()
        while isinstance(head, ox.BlankNode) and head not in passed:
            firsts, rests = (self.objects(head, ox.NamedNode(RDF + name)) for name in ("first", "rest"))
            if not (firsts or rests or passed):
                return []
            passed.add(head)
            if len(firsts) == len(rests) == 1:
                found, head = found + firsts, rests[0]
        if passed and head != ox.NamedNode(RDF + "nil"):
            raise OntologyError(f"an RDF list breaks off at member {len(found) + 1}", source=str(self.path))
        return found

    def objects(self, subject: ox.NamedNode | ox.BlankNode, predicate: ox.NamedNode) -> list[Any]:
        """The objects of all triples with a subject and a predicate."""
        return [q.object for q in self.match(subject, predicate)]

    def subjects(self, predicate: ox.NamedNode, object_: RdfTerm) -> list[ox.NamedNode]:
        """The named subjects of all triples with a predicate and an object, sorted."""
        found = (q.subject for q in self.match(None, predicate, object_))
        return sorted((s for s in found if isinstance(s, ox.NamedNode)), key=str)

    def text(self, subject: ox.NamedNode, predicate: ox.NamedNode, default: str = "") -> str:
        """The text of the first literal of a subject and a predicate."""
        for found in self.objects(subject, predicate):
            if isinstance(found, ox.Literal):
                return found.value
        return default

    def label(self, name: str) -> str:
        """The label of a term, else its local name."""
        return self.text(dvt(name), ox.NamedNode(RDFS + "label"), name)

    @cached_property
    def labels(self) -> dict[str, str]:
        """The label of each term that has one."""
        return {term.name: term.label for term in self.terms}

    def individuals(self, class_name: str) -> tuple[str, ...]:
        """The local names of the individuals of a class and of the named classes below it, sorted."""
        below = self.reached({named(class_name)}, ox.NamedNode(RDFS + "subClassOf"), upwards=False)
        found = {local_name(s) for c in below for s in self.subjects(ox.NamedNode(RDF + "type"), c)}
        return tuple(sorted(found))

    def reached(self, start: Iterable[RdfTerm], predicate: ox.NamedNode, *, upwards: bool) -> set[Any]:
        """What is reached from some terms by a property at any remove, the terms included.

        :param upwards: from subject to object; else from object to subject
        """
        index: dict[RdfTerm, list[RdfTerm]] = {}
        for quad in self.match(None, predicate):
            one, other = (quad.subject, quad.object) if upwards else (quad.object, quad.subject)
            index.setdefault(one, []).append(other)
        found, waiting = set(start), list(start)
        while waiting:
            fresh = set(index.get(waiting.pop(), ())) - found
            found |= fresh
            waiting += fresh
        return found

    @cached_property
    def version(self) -> str:
        """The version that the root states."""
        return self.text(ox.NamedNode(IRI), ox.NamedNode(OWL + "versionInfo"), "unknown")

    @cached_property
    def digest(self) -> str:
        """A SHA-256 of the triples, the same however the modules are cut or ordered."""
        triples = ox.Dataset(self.store)
        triples.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
        lines = sorted(str(quad) for quad in triples)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @cached_property
    def findings(self) -> frozenset[str]:
        """The local names of all findings."""
        return frozenset(self.individuals("Finding"))

    @cached_property
    def veins(self) -> frozenset[str]:
        """The local names of all veins."""
        return frozenset(self.individuals("Vein"))

    @cached_property
    def measurements(self) -> dict[str, Measurement]:
        """The measurements by their keys in a record."""
        found = {}
        for node in self.subjects(ox.NamedNode(RDFS + "range"), ox.NamedNode(XSD + "decimal")):
            key = self.text(node, ox.NamedNode(SKOS + "notation"))
            if not key:
                continue
            low, high = self.text(node, dvt("plausibleMinimum")), self.text(node, dvt("plausibleMaximum"))
            unit = self.text(node, dvt("unit"))
            if not (low and high and unit):
                raise OntologyError(
                    f"the measurement {key!r} needs dvt:unit, dvt:plausibleMinimum and dvt:plausibleMaximum",
                    source=node.value,
                )
            name = local_name(node)
            found[key] = Measurement(key, name, self.label(name), unit, Decimal(low), Decimal(high))
        return found

    @cached_property
    def thresholded(self) -> frozenset[str]:
        """The properties of the measurements on which an axiom puts a threshold."""
        restrictions = self.match(None, ox.NamedNode(OWL + "onProperty"))
        used = {local_name(quad.object) for quad in restrictions}
        return frozenset(m.property for m in self.measurements.values() if m.property in used)

    @cached_property
    def notations(self) -> dict[str, str]:
        """The key in a record of each property that has one."""
        kinds = (ox.NamedNode(f"{OWL}{kind}Property") for kind in ("Object", "Datatype"))
        properties = [p for kind in kinds for p in self.subjects(ox.NamedNode(RDF + "type"), kind)]
        notation = ox.NamedNode(SKOS + "notation")
        return {local_name(p): self.text(p, notation) for p in properties if self.objects(p, notation)}

    def values(self, property_name: str) -> tuple[str, ...]:
        """The closed list of values of a property such as ``sex``: its range's individuals."""
        ranges = self.objects(named(property_name), ox.NamedNode(RDFS + "range"))
        classes = [local_name(r) for r in ranges if str(r.value).startswith(NAMESPACE)]
        return tuple(v for name in classes for v in self.individuals(name))

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """Every named term that has a label, sorted by local name."""
        found = []
        for quad in self.match(None, ox.NamedNode(RDFS + "label")):
            subject = quad.subject
            if isinstance(subject, ox.NamedNode) and subject.value.startswith(NAMESPACE):
                kinds = sorted(local_name(k) for k in self.objects(subject, ox.NamedNode(RDF + "type")))
                definition = self.text(subject, ox.NamedNode(SKOS + "definition"))
                found.append(
                    Term(
                        local_name(subject),
                        quad.object.value if isinstance(quad.object, ox.Literal) else "",
                        definition,
                        tuple(k.removeprefix(OWL) for k in kinds if k != OWL + "NamedIndividual"),
                    )
                )
        return tuple(sorted(found, key=lambda t: t.name))


def record_terms(ontology: Ontology, text: str = "") -> list[dict[str, str]]:
    """What a record can state, whose name, label or definition holds every word of a text.

    :returns: for each its ``name`` in a record, ``kind``, ``label`` and ``definition``
    """
    found = []
    kinds = {"Finding": "finding", "Vein": "vein"}
    kinds |= {
        local_name(r): key
        for name, key in ontology.notations.items()
        for r in ontology.objects(dvt(name), ox.NamedNode(RDFS + "range"))
        if ontology.values(name)
    }
    measurements = {m.property: m for m in ontology.measurements.values()}
    for term in ontology.terms:
        row = {"name": term.name, "label": term.label, "definition": term.definition}
        if term.name in measurements:
            m = measurements[term.name]
            plausible = f"{m.minimum.normalize():f} to {m.maximum.normalize():f} {m.unit}"
            found.append(
                {**row, "name": m.key, "kind": "measurement", "definition": f"{term.definition} {plausible}."}
            )
        else:
            found += [{**row, "kind": kinds[kind]} for kind in term.kinds if kind in kinds]
    asked = text.lower().split()
    return [
        {key: row[key] for key in ("name", "kind", "label", "definition")}
        for row in sorted(found, key=lambda r: (r["kind"], r["name"]))
        if all(word in " ".join(row.values()).lower() for word in asked)
    ]


def nearest(name: str, known: object) -> str | None:
    """The known name that is most like a name, or None where none is.

    >>> nearest("tense-oedema", ["tense-edema", "cyanosis"])
    'tense-edema'
    """
    names = sorted(str(k) for k in known)  # type: ignore[attr-defined]
    close = difflib.get_close_matches(name.strip().lower().replace("_", "-").replace(" ", "-"), names, 1)
    if not close:
        close = difflib.get_close_matches(name, names, 1)
    return close[0] if close else None


def catalog(folder: Path) -> dict[str, Path]:
    """The files of a folder's OASIS catalog by ontology IRI.

    :raises OntologyError: where the catalog is missing or broken
    """
    file = folder / CATALOG_FILE
    try:
        tree = ElementTree.parse(file)
    except FileNotFoundError:
        raise OntologyError(f"no {CATALOG_FILE} in the folder", source=str(folder)) from None
    except (ElementTree.ParseError, OSError) as error:
        raise OntologyError(f"the catalog cannot be read: {error}", source=str(file)) from None
    return {
        entry.get("name", ""): folder / entry.get("uri", "")
        for entry in tree.iter("{urn:oasis:names:tc:entity:xmlns:xml:catalog}uri")
    }


def load(path: Path | str | None = None) -> Ontology:
    """Load the ontology: the root and, by the catalog beside it, all that it imports.

    :param path: a folder that holds ``dvt-kg.ttl`` and a catalog, or one ontology file
        without imports; the shipped folder if not given
    :raises OntologyError: where a file is missing or broken, or an import has no file

    >>> "tense-edema" in load().findings
    True
    """
    where = Path(path) if path is not None else data_dir("ontology")
    return _load(where.resolve())


@lru_cache(maxsize=4)
def _load_at(where: Path, stamp: tuple[tuple[str, int, int], ...]) -> Ontology:
    store = ox.Store()
    if where.is_file():
        _parse(where, store)
        return Ontology(store, where)
    files = catalog(where)
    pending, seen = [IRI], set()
    while pending:
        iri = pending.pop()
        if iri in seen:
            continue
        seen.add(iri)
        if iri not in files:
            raise OntologyError(
                f"imported, but the catalog names no file for it; add it to {CATALOG_FILE}", source=iri
            )
        _parse(files[iri], store)
        imports = store.quads_for_pattern(ox.NamedNode(iri), ox.NamedNode(OWL + "imports"), None)
        pending += sorted(q.object.value for q in imports if isinstance(q.object, ox.NamedNode))
    return Ontology(store, where)


def _load(where: Path) -> Ontology:
    if not where.exists():
        raise OntologyError("no such file or folder", source=str(where))
    files = [where] if where.is_file() else sorted(where.glob("*.*"))
    stamp = tuple((f.name, f.stat().st_mtime_ns, f.stat().st_size) for f in files)
    return _load_at(where, stamp)


def _parse(file: Path, store: ox.Store) -> None:
    """Add a file's triples to a store."""
    ending = file.suffix.lstrip(".")
    form = ox.RdfFormat.RDF_XML if ending == "owl" else ox.RdfFormat.from_extension(ending)
    if form is None:
        raise OntologyError("the file's ending tells no RDF format; use .ttl, .owl or .nt", source=str(file))
    try:
        store.load(path=str(file), format=form, base_iri=IRI)
    except (SyntaxError, ValueError) as error:
        raise OntologyError(f"not valid {form.name}: {error}", source=str(file)) from None
    except OSError as error:
        raise OntologyError(f"cannot be read: {error.strerror or error}", source=str(file)) from None
