"""Jobs about the knowledge itself: terms, what a form asks, what is served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyoxigraph as ox

from dvt_kg.graph import GRAPHS, INFERRED, ONTOLOGY
from dvt_kg.manchester import expression
from dvt_kg.mappings import look_up_code
from dvt_kg.ontology import (
    DCTERMS,
    IRI,
    NAMESPACE,
    PREFIXES,
    RDF,
    RDFS,
    XSD,
    dvt,
    local_name,
    nearest,
)
from dvt_kg.server.desk import Desk, Reply, as_json
from dvt_kg.server.negotiation import JSON, ROWS, TRIPLES, TURTLE, chosen
from dvt_kg.server.refusals import Refused

_SD = "http://www.w3.org/ns/sparql-service-description#"
_ENTAILMENT = "http://www.w3.org/ns/entailment/"
_FORMATS = "http://www.w3.org/ns/formats/"
_VOID = "http://rdfs.org/ns/void#"
_RESULTS = {
    **{"application/sparql-results+json": "SPARQL_Results_JSON", "text/csv": "SPARQL_Results_CSV"},
    **{
        "application/sparql-results+xml": "SPARQL_Results_XML",
        "text/tab-separated-values": "SPARQL_Results_TSV",
    },
    **{"text/turtle": "Turtle", "application/n-triples": "N-Triples"},
    **{"application/rdf+xml": "RDF_XML", "application/ld+json": "JSON-LD"},
}
_ENTAILED = (
    "What follows of the patients was concluded before any query and stands in the graph of inferred facts;"
    " a query is answered by simple entailment over what the graphs hold."
)


def description(desk: Desk, endpoint: str, accept: str | None) -> Reply:
    """The service description of SPARQL 1.1: languages, forms, graphs, and which entailment holds.

    :param endpoint: the address of the endpoint
    """
    media_type, syntax = chosen(accept, TRIPLES)
    prefixes = {"sd": _SD, "ent": _ENTAILMENT, "formats": _FORMATS, "void": _VOID, "rdfs": RDFS}
    triples = list(_described(desk, endpoint))
    data = ox.serialize(triples, format=syntax, prefixes=prefixes)
    assert data is not None, "nothing is given to write to"
    return Reply(data, media_type)


def _described(desk: Desk, endpoint: str) -> Iterator[ox.Triple]:
    service, data = ox.NamedNode(endpoint), ox.NamedNode(endpoint + "#dataset")
    kind = ox.NamedNode(RDF + "type")
    comment = ox.NamedNode(RDFS + "comment")

    def sd(name: str) -> ox.NamedNode:
        return ox.NamedNode(_SD + name)

    def number(count: int) -> ox.Literal:
        return ox.Literal(str(count), datatype=ox.NamedNode(XSD + "integer"))

    simple = ox.NamedNode(_ENTAILMENT + "Simple")
    yield ox.Triple(service, kind, sd("Service"))
    yield ox.Triple(service, sd("endpoint"), service)
    yield ox.Triple(service, sd("supportedLanguage"), sd("SPARQL11Query"))
    yield ox.Triple(service, sd("feature"), sd("UnionDefaultGraph"))
    yield ox.Triple(service, sd("defaultEntailmentRegime"), simple)
    yield ox.Triple(service, comment, ox.Literal(_ENTAILED, language="en"))
    for media_type in (*ROWS, *TRIPLES):
        if media_type in _RESULTS:
            yield ox.Triple(service, sd("resultFormat"), ox.NamedNode(_FORMATS + _RESULTS[media_type]))
    yield ox.Triple(service, sd("defaultDataset"), data)
    yield ox.Triple(data, kind, sd("Dataset"))
    union = ox.BlankNode("union")
    yield ox.Triple(data, sd("defaultGraph"), union)
    yield ox.Triple(union, kind, sd("Graph"))
    held = {g: sum(1 for _ in desk.graph.store.quads_for_pattern(None, None, None, g)) for g in GRAPHS}
    yield ox.Triple(union, ox.NamedNode(_VOID + "triples"), number(sum(held.values())))
    for place, (graph, count) in enumerate(held.items()):
        named, content = ox.BlankNode(f"named{place}"), ox.BlankNode(f"graph{place}")
        yield ox.Triple(data, sd("namedGraph"), named)
        yield ox.Triple(named, kind, sd("NamedGraph"))
        yield ox.Triple(named, sd("name"), graph)
        yield ox.Triple(named, sd("entailmentRegime"), simple)
        yield ox.Triple(named, sd("graph"), content)
        yield ox.Triple(content, kind, sd("Graph"))
        yield ox.Triple(content, ox.NamedNode(_VOID + "triples"), number(count))
        if graph == INFERRED:
            yield ox.Triple(content, comment, ox.Literal(_ENTAILED, language="en"))
        if graph == ONTOLOGY:
            version = ox.NamedNode(f"{IRI}/{desk.ontology.version}")
            yield ox.Triple(content, ox.NamedNode(DCTERMS + "isVersionOf"), version)


def void(desk: Desk, endpoint: str, accept: str | None) -> Reply:
    """The VoID description of the ontology that is served; nothing is said of the patients."""
    from dvt_kg.datasets import void as described  # noqa: PLC0415 - slow to import
    from dvt_kg.release import issued  # noqa: PLC0415

    media_type, syntax = chosen(accept, TRIPLES)
    merged = [quad.triple for quad in desk.ontology.match()]
    turtle = described(desk.ontology, merged, (), issued(desk.ontology), endpoint=endpoint)
    if media_type == TURTLE:
        return Reply(turtle, media_type)
    data = ox.serialize(ox.parse(turtle, format=ox.RdfFormat.TURTLE), format=syntax)
    assert data is not None, "nothing is given to write to"
    return Reply(data, media_type)


def form(desk: Desk) -> Reply:
    """What a form asks of a patient."""
    from dvt_kg.form import form as asked  # noqa: PLC0415

    return as_json(asked(desk.ontology))


def examples(desk: Desk) -> Reply:
    """The example patients that come with the ontology."""
    from dvt_kg.form import examples as shown  # noqa: PLC0415

    return as_json(shown(desk.ontology))


def terms(desk: Desk, text: str) -> Reply:
    """The terms whose name, label or definition holds every word of a text."""
    asked = text.lower().split()
    found = [
        {"name": t.name, "kind": ", ".join(t.kinds), "label": t.label, "definition": t.definition}
        for t in sorted(desk.ontology.terms, key=lambda t: (t.label.lower(), t.name))
        if all(word in f"{t.name} {t.label} {t.definition}".lower() for word in asked)
    ]
    return as_json(found)


def terms_of_code(desk: Desk, system: str, code: str) -> Reply:
    """The terms that a code of another system speaks of.

    :raises MappingError: where no such code or system is on file
    """
    return as_json([vars(mapping) for mapping in look_up_code(desk.ontology, system, code)])


def term(desk: Desk, name: str, accept: str | None) -> Reply:
    """All that is stated of a term and with it: as JSON for a page, or as triples.

    :raises Refused: 404 where the ontology has no such term
    """
    known = {t.name: t for t in desk.ontology.terms}
    if name not in known:
        hint = nearest(name, known)
        meant = f"; did you mean {hint!r}?" if hint else "; /terms lists them"
        raise Refused(404, "no-such-term", f"no term of the ontology has that name{meant}", field="name")
    media_type, syntax = chosen(accept, {JSON: None, **TRIPLES})
    node = dvt(name)
    if syntax is not None:
        data = ox.serialize(_concise(desk, node), format=syntax, prefixes=PREFIXES)
        assert data is not None, "nothing is given to write to"
        return Reply(data, media_type)
    stated: dict[str, list[Any]] = {}
    for quad in sorted(desk.ontology.match(node), key=str):
        stated.setdefault(quad.predicate.value, []).append(quad.object)
    users: dict[str, list[Any]] = {}
    for quad in sorted(desk.ontology.match(None, None, node), key=str):
        if isinstance(quad.subject, ox.NamedNode):
            users.setdefault(quad.predicate.value, []).append(quad.subject)
    found = known[name]
    return as_json(
        {
            "name": name,
            "iri": node.value,
            "label": found.label,
            "definition": found.definition,
            "kinds": list(found.kinds),
            "statements": [_property(desk, *item) for item in stated.items()],
            "used_by": [_property(desk, *item) for item in users.items()],
        }
    )


def _concise(desk: Desk, node: ox.NamedNode | ox.BlankNode) -> list[ox.Triple]:
    """What is stated of a node, and of the blank nodes that this leads to."""
    found: list[ox.Triple] = []
    waiting: list[ox.NamedNode | ox.BlankNode] = [node]
    seen: set[object] = set()
    while waiting:
        subject = waiting.pop()
        if subject in seen:
            continue
        seen.add(subject)
        for quad in desk.ontology.match(subject):
            found.append(quad.triple)
            if isinstance(quad.object, ox.BlankNode):
                waiting.append(quad.object)
    return found


def _property(desk: Desk, name: str, values: list[Any]) -> dict[str, Any]:
    return {
        "property": local_name(ox.NamedNode(name)),
        "property_label": _label(desk, ox.NamedNode(name)),
        "values": [_value(desk, value) for value in values],
    }


def _label(desk: Desk, node: ox.NamedNode) -> str:
    """A term's label, else its name with a prefix."""
    label = desk.ontology.text(node, ox.NamedNode(RDFS + "label"))
    for prefix, namespace in PREFIXES.items():
        if not label and node.value.startswith(namespace):
            label = f"{prefix}:{node.value.removeprefix(namespace)}"
    return label or node.value


def _value(desk: Desk, value: Any) -> dict[str, str]:
    if isinstance(value, ox.NamedNode):
        shown = {"iri": value.value, "label": _label(desk, value)}
        own = value.value.startswith(NAMESPACE)
        return {"name": local_name(value), **shown} if own else shown
    if isinstance(value, ox.Literal):
        return {"text": value.value} | ({"lang": value.language} if value.language else {})
    return {"text": expression(desk.ontology, value)}
