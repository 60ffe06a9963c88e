"""Triples: the records of Turtle, N-Triples and JSON-LD, each patient a subject."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pyoxigraph as ox

from dvt_kg.errors import RecordError
from dvt_kg.ontology import DCTERMS, NAMESPACE, RDF, XSD, Ontology
from dvt_kg.patients import PATIENT_IRI, Patient, canonical, term
from dvt_kg.records import Draft, Layout, Vocabulary
from dvt_kg.slots import UNKNOWN, Name, Number, Refused, Slot, Time, Written, kind, numeral, shown

CONTEXT_IRI = "https://w3id.org/dvt-kg/context.jsonld"
CONTEXT_FILE = "context.jsonld"

_TYPE = RDF + "type"
_IDENTIFIER = DCTERMS + "identifier"
_PATIENT = NAMESPACE + "Patient"
_INTEGERS = ("integer", "int", "long", "short", "byte")
_EXACT = {XSD + name for name in ("decimal", *_INTEGERS)}
_EXACT |= {XSD + sign + "Integer" for sign in ("positive", "negative", "nonPositive", "nonNegative")}
_EXACT |= {XSD + "unsigned" + name.capitalize() for name in _INTEGERS[1:]}
_INEXACT = {XSD + "double", XSD + "float"}
_PREFIXES = {"dvt": NAMESPACE, "dcterms": DCTERMS, "xsd": XSD}
_EXPONENT = re.compile(r"[0-9.][eE][+-]?[0-9]+$")
_WHERE = re.compile(r"^Parser error at .*?: | \(line \d+\)$")

Subject = ox.NamedNode | ox.BlankNode
Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
Statements = list[tuple[str, Term]]
Subjects = dict[Subject, Statements]


def drafts(text: str, name: str, vocabulary: Vocabulary) -> Iterator[Draft | RecordError]:
    """The records of Turtle or N-Triples.

    :param text: the text
    :param name: the file's name
    :param vocabulary: the places and names of a record
    :returns: the records
    :raises RecordError: where the text as a whole cannot be read
    """
    return _drafts(_parsed(text, ox.RdfFormat.TURTLE, name), name, vocabulary)


def linked_drafts(text: str, name: str, vocabulary: Vocabulary) -> Iterator[Draft | RecordError]:
    """The records of JSON-LD, whose context is written out or the shipped one; none is fetched.

    :param text: the text
    :param name: the file's name
    :param vocabulary: the places and names of a record
    :returns: the records
    :raises RecordError: where the text as a whole cannot be read
    """
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_not_json)
        document = _inlined(document, context(vocabulary.ontology))
    except json.JSONDecodeError as error:
        message = f"it is not valid JSON ({error.msg}, column {error.colno}); mend it there"
        raise RecordError(message, file=name, line=error.lineno) from None
    except (Refused, ValueError) as error:
        raise RecordError(str(error), file=name) from None
    if not isinstance(document, dict | list):
        raise RecordError(f"{kind(document)} is no JSON-LD document; write an object", file=name)
    return _drafts(_parsed(json.dumps(document), ox.RdfFormat.JSON_LD, name), name, vocabulary)


def text(
    patients: Iterable[Patient], ontology: Ontology, *, format: ox.RdfFormat = ox.RdfFormat.TURTLE
) -> str:
    """Patients as Turtle or N-Triples."""
    data = ox.serialize((t for p in patients for t in p.triples()), format=format, prefixes=_PREFIXES)
    assert data is not None
    return data.decode() or "# no patients\n"


def linked_text(patients: Iterable[Patient], ontology: Ontology) -> str:
    """Patients as JSON-LD, with the context written out, so that every processor can read it."""
    written = context(ontology)
    document = {"@context": written, "@graph": [_node(patient, written) for patient in patients]}
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _node(patient: Patient, written: dict[str, Any]) -> dict[str, Any]:
    """A patient as an object of JSON-LD."""
    values: dict[str, list[str]] = {}
    for fact in sorted(patient.facts, key=str):
        object_ = term(fact)
        value = object_.value if isinstance(object_, ox.Literal) else str(fact.value)
        values.setdefault(fact.property, []).append(value)
    node: dict[str, Any] = {"@id": patient.iri, "@type": "Patient", "identifier": patient.id}
    for property, stated in values.items():
        node[property] = stated if len(stated) > 1 or "@container" in written[property] else stated[0]
    return node


def context(ontology: Ontology) -> dict[str, Any]:
    """The JSON-LD context of patients, which ships as ``ontology/context.jsonld``.

    :param ontology: the ontology
    :returns: the context, with the type of every property of a record

    >>> from dvt_kg.ontology import load
    >>> context(load())["plateletCount"]
    {'@id': 'dvt:plateletCount', '@type': 'xsd:decimal'}
    """
    found: dict[str, Any] = {
        "@version": 1.1,
        "@vocab": NAMESPACE,
        "dvt": NAMESPACE,
        "dcterms": DCTERMS,
        "xsd": XSD,
        "identifier": "dcterms:identifier",
    }
    for name, slot in Vocabulary(ontology).properties.items():
        found[name] = {"@id": f"dvt:{name}", "@type": _coercion(slot)}
        if not slot.single:
            found[name]["@container"] = "@set"
    return found


def _coercion(slot: Slot) -> str:
    if isinstance(slot, Number):
        return "xsd:decimal"
    return "xsd:dateTime" if isinstance(slot, Time) else "@vocab"


def _parsed(text: str, format: ox.RdfFormat, name: str) -> Subjects:
    """The statements by subject, in the order of the text.

    Lenient, so that a name that makes no valid IRI is refused at its record, and not silently
    dropped with its triple, as JSON-LD would have it.
    """
    subjects: Subjects = {}
    try:
        for quad in ox.parse(input=text, format=format, lenient=True):
            object_ = quad.object if format != ox.RdfFormat.JSON_LD else _without_exponent(quad.object)
            subjects.setdefault(quad.subject, []).append((quad.predicate.value, object_))
    except (SyntaxError, ValueError) as error:
        reason = _WHERE.sub("", getattr(error, "msg", None) or str(error))
        message = f"it is not valid {format.name} ({reason}); mend it there"
        raise RecordError(message, file=name, line=getattr(error, "lineno", None)) from None
    return subjects


def _drafts(subjects: Subjects, name: str, vocabulary: Vocabulary) -> Iterator[Draft]:
    """The drafts of the subjects that are patients, or that are stated to be like patients."""
    layout = Layout(vocabulary, lambda property, _: f"dvt:{property}", "dcterms:identifier")
    recorded = {NAMESPACE + property for property in vocabulary.properties}
    index = 0
    for subject, statements in subjects.items():
        typed = (_TYPE, ox.NamedNode(_PATIENT)) in statements
        if typed or subject.value.startswith(PATIENT_IRI) or any(p in recorded for p, _ in statements):
            draft = _identified(subject, statements, layout, index, name)
            if not typed:
                draft.refuse("rdf:type", None, f"{_called(subject)} has no type; add the type dvt:Patient")
            for predicate, object_ in statements:
                _state(draft, predicate, object_)
            yield draft
            index += 1
    if subjects and not index:
        raise RecordError("it has no patient; give each record the type dvt:Patient", file=name)


def _identified(subject: Subject, statements: Statements, layout: Layout, index: int, name: str) -> Draft:
    """The draft of a subject, with its id."""
    identifiers = list(dict.fromkeys(o for p, o in statements if p == _IDENTIFIER))
    texts = [o.value for o in identifiers if isinstance(o, ox.Literal) and o.datatype.value == XSD + "string"]
    id, fault = None, None
    if not identifiers:
        fault = f"{_called(subject)} has no identifier; give it the one that its IRI is made from"
    elif len(identifiers) > 1:
        fault = f"{_called(subject)} has {len(identifiers)} identifiers; keep one"
    elif not texts:
        fault = f"the identifier of {_called(subject)} is no plain text; write it in quotes"
    else:
        id = texts[0]
    value = id if id is not None else ", ".join(map(_written, identifiers)) or None
    draft = Draft(value, layout, index=index, file=name, fault=fault)
    if draft.id is not None:
        iri = Patient(draft.id, frozenset()).iri
        if _called(subject) != f"<{iri}>":
            message = f"the IRI of the patient must be <{iri}>, made from its identifier; rename it"
            draft.refuse("@id", _called(subject), message)
    return draft


def _state(draft: Draft, predicate: str, object_: Term) -> None:
    """Put a statement about a patient into its slot."""
    vocabulary = draft.layout.vocabulary
    property = _local(predicate)
    if slot := vocabulary.properties.get(property):
        try:
            value = _value(object_, slot)
        except Refused as refusal:
            draft.refuse(f"dvt:{property}", _written(object_), str(refusal))
        else:
            draft.state(f"dvt:{property}", slot, value)
    elif predicate == _TYPE:
        type_ = object_.value if isinstance(object_, ox.NamedNode) else ""
        if type_.startswith(NAMESPACE) and type_ != _PATIENT:
            draft.refuse("rdf:type", _written(object_), "only the reasoner states such a type; remove it")
    elif predicate != _IDENTIFIER and (predicate.startswith(NAMESPACE) or ":" not in predicate):
        field = f"dvt:{property}" if predicate.startswith(NAMESPACE) else property
        if any(
            property == known.name and "ObjectProperty" in known.kinds for known in vocabulary.ontology.terms
        ):
            message = "only the reasoner states such a thing of a patient; remove it"
            draft.refuse(field, _written(object_), message)
        else:
            known = frozenset({*vocabulary.properties, draft.layout.id_field})
            draft.refuse_name(field, _written(object_), "property", property, known)


def _value(object_: Term, slot: Slot) -> str:
    """What a term says in a slot.

    :raises Refused: where it is of another kind than the slot
    """
    if isinstance(slot, Name):
        if not isinstance(object_, ox.NamedNode):
            known = min(slot.names)
            raise Refused(f"{_kind(object_)} is no {slot.what}; write a term of the ontology, as dvt:{known}")
        name = _local(object_.value)
        return name if name != UNKNOWN else f"dvt:{name}"
    stated = _kind(object_)
    if not isinstance(object_, ox.Literal):
        raise Refused(f"{stated} is no value; write a literal")
    value, datatype = object_.value, object_.datatype.value
    if isinstance(slot, Time):
        if datatype == XSD + "date":
            remedy = f'"{value}T00:00:00Z"^^xsd:dateTime'
            raise Refused(f"an xsd:date has no time, and reasoners stop at it; write {remedy}")
        if datatype != XSD + "dateTime":
            raise Refused(f"{stated} is no time; write an xsd:dateTime, as 2026-05-26T09:00:00Z")
        return value
    if datatype in _INEXACT:
        raise Refused(f"{stated} is not exact, and reasoners pass over it; write an xsd:decimal, as 7.0")
    if datatype not in _EXACT:
        raise Refused(f"{stated} is no number; write an xsd:decimal, as 7.0")
    if _EXPONENT.search(value):
        raise Refused(f"{shown(value)!r} is no xsd:decimal; write it without an exponent, as 7.0")
    return Written(value)


def _local(iri: str) -> str:
    """The local name of a term of the ontology; any other IRI in its brackets, which no name has."""
    return iri.removeprefix(NAMESPACE) if iri.startswith(NAMESPACE) else f"<{iri}>"


def _written(term: Term) -> str:
    """A term as an error repeats it."""
    if isinstance(term, ox.NamedNode):
        return _local(term.value)
    return term.value if isinstance(term, ox.Literal) else _kind(term)


def _called(subject: Subject) -> str:
    return f"<{subject.value}>" if isinstance(subject, ox.NamedNode) else "a blank node"


def _kind(term: Term) -> str:
    """What a term is, in words."""
    if isinstance(term, ox.NamedNode):
        return "an IRI"
    if not isinstance(term, ox.Literal):
        return "a blank node" if isinstance(term, ox.BlankNode) else "a triple"
    if term.language:
        return "a text"
    name = term.datatype.value.removeprefix(XSD)
    return "a text" if name == "string" else f"an xsd:{name}" if ":" not in name else "a literal"


def _without_exponent(term: Term) -> Term:
    """A decimal as JSON-LD makes it of a number of JSON, ``7.5E0``, as an ``xsd:decimal`` is written."""
    if (
        isinstance(term, ox.Literal)
        and term.datatype.value == XSD + "decimal"
        and _EXPONENT.search(term.value)
    ):
        return ox.Literal(canonical(numeral(term.value)), datatype=term.datatype)
    return term


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in found if names.count(key) > 1)
        raise Refused(f"the key {shown(twice)!r} is written more than once in one object; keep the right one")
    return found


def _not_json(name: str) -> None:
    raise Refused(f"{name} is no number of JSON; write a number or leave it out")


def _inlined(node: Any, shipped: dict[str, Any]) -> Any:
    """A document with the shipped context written out wherever it is named.

    :raises Refused: where it names another context, which would have to be fetched
    """
    if isinstance(node, list):
        return [_inlined(each, shipped) for each in node]
    if not isinstance(node, dict):
        return node
    if "@import" in node:
        raise Refused("an imported context is not fetched; write the context out")
    return {
        key: _context(value, shipped) if key == "@context" else _inlined(value, shipped)
        for key, value in node.items()
    }


def _context(value: Any, shipped: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_context(each, shipped) for each in value]
    if not isinstance(value, str):
        return _inlined(value, shipped)
    if value in (CONTEXT_IRI, CONTEXT_FILE):
        return shipped
    raise Refused(f"the context {shown(value)!r} is not fetched; write it out, or name {CONTEXT_IRI}")
