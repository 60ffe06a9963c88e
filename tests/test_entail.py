"""The queries that go before a reasoner without facets or chains: they say what HermiT says."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pyoxigraph as ox
import pytest
import rdflib

from dvt_kg import Fact, Ontology, Patient, load
from dvt_kg.axioms import compile_rules
from dvt_kg.ontology import RDF, XSD, data_dir, dvt, local_name
from dvt_kg.queries import folder
from dvt_kg.rules import Range, Type, Value

from .rows import constructed

QUERIES = folder(data_dir("queries") / "entail")
RULES = compile_rules(load())
LIMITS = sorted(
    {(name, limit) for name, ranges in RULES.ranges.items() for r in ranges for _, limit in r.bounds}
)

Said = set[tuple[str, str, str]]


def said(ontology: Ontology, chosen: list[Patient], query: str) -> Said:
    """What a query adds to the records, by patient, property and value."""
    store = ox.Store()
    store.extend(quad for quad in ontology.match())
    store.extend(ox.Quad(t.subject, t.predicate, t.object) for p in chosen for t in p.triples())
    found = constructed(store, QUERIES[query].text)
    return {(named(t.subject), named(t.predicate), named(t.object)) for t in found}


def named(node: object) -> str:
    return "type" if local_name(node) == RDF + "type" else local_name(node)


def by_rules(ontology: Ontology, chosen: list[Patient]) -> Said:
    """What the compiled rules conclude from single numbers."""
    found = set()
    for patient in chosen:
        for fact in patient.facts:
            for rule in compile_rules(ontology).rules:
                (atom,) = rule.body if len(rule.body) == 1 else (None,)
                if (
                    isinstance(atom, Range)
                    and atom.property == fact.property
                    and isinstance(fact.value, Decimal)
                ):
                    if not atom.holds(fact.value):
                        continue
                    if isinstance(rule.head, Type):
                        found.add((patient.iri, "type", rule.head.name))
                    elif isinstance(rule.head, Value):
                        found.add((patient.iri, *rule.head))
    return found


def at_the_limits() -> list[Patient]:
    """A patient for each number at, just below and just above each limit."""
    steps = [Decimal(step) for step in ("-1", "-0.0001", "0", "0.0001", "1")]
    numbers = sorted({(name, limit + step) for name, limit in LIMITS for step in steps if limit + step >= 0})
    return [Patient(f"{name}-{n}", frozenset({Fact(name, n)})) for name, n in numbers]


def test_numbers_at_every_limit_entail_what_the_rules_say(ontology: Ontology) -> None:
    chosen = at_the_limits()
    assert len(LIMITS) >= 12
    expected = by_rules(ontology, chosen)
    assert len(expected) > 100
    found = said(ontology, chosen, "values-of-measurements")
    assert {(patient, p, v) for patient, p, v in found} == expected


def test_rdflib_says_the_same(ontology: Ontology) -> None:
    chosen = at_the_limits()[::7]
    triples = [quad.triple for quad in ontology.match()] + [t for p in chosen for t in p.triples()]
    data = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES)
    assert data is not None
    graph = rdflib.Graph().parse(data=data, format="nt")
    for name in QUERIES:
        theirs = {tuple(map(str, triple)) for triple in graph.query(QUERIES[name].text)}  # type: ignore[arg-type]
        store = ox.Store()
        store.extend(ox.Quad(t.subject, t.predicate, t.object) for t in triples)
        ours = constructed(store, QUERIES[name].text)
        mine = {tuple(str(getattr(n, "value", n)) for n in (t.subject, t.predicate, t.object)) for t in ours}
        assert theirs == mine


def test_a_threshold_added_in_turtle_is_derived(extended: Callable[[str], Ontology]) -> None:
    ontology = extended("""
[ a owl:Restriction ; owl:onProperty dvt:plateletCount ; owl:someValuesFrom
    [ a rdfs:Datatype ; owl:onDatatype xsd:decimal ;
      owl:withRestrictions ( [ xsd:minInclusive 90.0 ] [ xsd:maxExclusive 95.0 ] ) ] ]
    rdfs:subClassOf [ a owl:Restriction ; owl:onProperty dvt:hasFinding ; owl:hasValue dvt:leg-pain ] .
""")
    chosen = [Patient(str(n), frozenset({Fact("plateletCount", Decimal(n))})) for n in (89, 90, 94, 95)]
    found = {(p, v) for p, _, v in said(ontology, chosen, "values-of-measurements") if v == "leg-pain"}
    assert found == {("urn:dvt-kg:patient:90", "leg-pain"), ("urn:dvt-kg:patient:94", "leg-pain")}


@pytest.mark.parametrize(
    ("datatype", "follows"), [("decimal", True), ("integer", True), ("double", False), ("string", False)]
)
def test_only_an_exact_number_entails_something(ontology: Ontology, datatype: str, follows: bool) -> None:
    store = ox.Store()
    store.extend(quad for quad in ontology.match())
    number = ox.Literal("18", datatype=ox.NamedNode(XSD + datatype))
    store.add(ox.Quad(ox.NamedNode("urn:x"), dvt("plateletCount"), number))
    assert bool(constructed(store, QUERIES["values-of-measurements"].text)) is follows


def test_a_chain_carries_a_finding_to_what_it_implies(ontology: Ontology) -> None:
    patient = Patient("p", frozenset({Fact("hasThrombusIn", "external-iliac-vein")}))
    found = said(ontology, [patient], "property-chains")
    assert (patient.iri, "hasThrombusIn", "iliofemoral-vein") in found


@pytest.mark.parametrize("query", QUERIES.values(), ids=lambda q: q.name)
def test_each_of_them_says_what_it_is_for(query: object) -> None:
    assert getattr(query, "summary", "").endswith("?")
    assert getattr(query, "description", "")
