"""The rules as SPARQL 1.1 updates, by which any triple store classifies patients itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

import pyoxigraph as ox

from dvt_kg import queries
from dvt_kg.axioms import compile_rules
from dvt_kg.errors import UnsupportedAxiom
from dvt_kg.graph import INFERRED, ONTOLOGY, PATIENTS
from dvt_kg.ontology import RDF, XSD, Ontology, data_dir, dvt, named
from dvt_kg.patients import canonical
from dvt_kg.rules import FACETS, Atom, Range, Rule, Type

_DECIMAL = ox.NamedNode(XSD + "decimal")
_CONSTRUCT = re.compile(r"CONSTRUCT\s*\{(?P<made>[^}]*)\}\s*WHERE\s*\{(?P<where>.*)\}\s*$", re.DOTALL)
_PREFIX = re.compile(r"^PREFIX .*\n", re.MULTILINE)
_OF_PATIENTS = f"USING {PATIENTS}\nUSING {INFERRED}\n"
# What a contradictory record leads to is no conclusion.
_WITHDRAW = f"""DELETE {{ GRAPH {INFERRED} {{ ?p ?property ?value }} }}
WHERE {{
  GRAPH {INFERRED} {{ ?p {dvt("hasClash")} ?clash ; ?property ?value }}
  FILTER(?property != {dvt("hasClash")})
}}"""


class Updates(NamedTuple):
    """Updates in the order in which a store has to run them.

    :param repeated: run in turn, again and again until the inferred graph no longer grows
    :param once: run then, one after the other
    """

    repeated: tuple[str, ...]
    once: tuple[str, ...]

    def text(self) -> str:
        """The updates as a file, with what to do in comments."""
        parts = [
            "# Patients are in the graph urn:dvt-kg:patients, the ontology in urn:dvt-kg:ontology; what is",
            "# concluded goes to urn:dvt-kg:inferred. A record that contradicts itself gets dvt:hasClash and",
            "# the status contradictory; which facts clash, and red flags outside the clash, are not said.",
            "",
            f"# Part 1: {len(self.repeated)} updates, to repeat until urn:dvt-kg:inferred no longer grows.",
            *(f"{update} ;\n" for update in self.repeated),
            f"# Part 2: {len(self.once)} updates, once, in this order.",
            *(f"{update} ;\n" for update in self.once),
        ]
        # Some stores read prefixes only at the start of a file.
        body = "\n".join(parts)
        prefixes = sorted(set(_PREFIX.findall(body)))
        return "".join(prefixes) + _PREFIX.sub("", body)


def updates(ontology: Ontology) -> Updates:
    """The rules of an ontology's axioms and derivation queries as updates.

    Rules of one shape are one update, with a row of terms for each.
    """
    shapes: dict[tuple[str, str], list[list[str]]] = {}
    for rule in compile_rules(ontology).rules:
        template, row = _shape(rule)
        shapes.setdefault(template, []).append(row)
    repeated = [_insert(made, where, rows) for (made, where), rows in shapes.items()]
    derived = [_derivation(q) for q in queries.folder(data_dir("queries") / "derive").values()]
    return Updates(tuple(repeated), (_WITHDRAW, *derived))


def _shape(rule: Rule) -> tuple[tuple[str, str], list[str]]:
    """A rule as what it makes and the pattern it matches, both with variables, and its terms."""
    patterns: list[str] = []
    row: list[str] = []

    def variable(term: str) -> str:
        row.append(term)
        return f"?t{len(row)}"

    for atom in sorted(rule.body, key=lambda a: (_kind(a), str(a))):
        if isinstance(atom, Range):
            number = f"?n{len(patterns)}"
            patterns.append(f"?p {named(atom.property)} {number} .")
            for facet, limit in atom.bounds:
                term = variable(str(ox.Literal(canonical(limit), datatype=_DECIMAL)))
                patterns.append(f"FILTER({number} {FACETS[facet]} {term})")
        else:
            patterns.append(_triple(atom, variable))
    if rule.head is None:
        patterns.append('BIND(IRI(CONCAT(STR(?p), "#clash")) AS ?clash)')
        return (f"?p {dvt('hasClash')} ?clash .", "\n  ".join(patterns)), row
    return (_triple(rule.head, variable), "\n  ".join(patterns)), row


def _kind(atom: Atom) -> tuple[str, ...]:
    """What atoms of one shape have in common."""
    if isinstance(atom, Range):
        return ("range", atom.property, *(facet for facet, _ in atom.bounds))
    return ("type",) if isinstance(atom, Type) else ("value", atom.property)


def _triple(atom: Atom, variable: Callable[[str], str]) -> str:
    if isinstance(atom, Type):
        return f"?p {ox.NamedNode(RDF + 'type')} {variable(str(named(atom.name)))} ."
    assert not isinstance(atom, Range)
    return f"?p {named(atom.property)} {variable(str(named(atom.value)))} ."


def _insert(made: str, where: str, rows: Iterable[list[str]]) -> str:
    rows = sorted(rows)
    names = " ".join(f"?t{place}" for place in range(1, len(rows[0]) + 1))
    terms = "\n".join(f"    ({' '.join(row)})" for row in rows)
    values = f"  VALUES ({names}) {{\n{terms}\n  }}\n" if rows[0] else ""
    return f"INSERT {{ GRAPH {INFERRED} {{ {made} }} }}\n{_OF_PATIENTS}WHERE {{\n{values}  {where}\n}}"


def _derivation(query: queries.Query) -> str:
    """A derivation query as an update that keeps what the query constructs."""
    body = re.sub(r"^#.*\n", "", query.text, flags=re.MULTILINE)
    found = _CONSTRUCT.search(body)
    if found is None:
        raise UnsupportedAxiom(f"derivation query {query.name}", "it is no CONSTRUCT { ... } WHERE { ... }")
    prefixes = body[: found.start()].strip()
    return (
        f"# {query.name}: {query.summary}\n{prefixes}\nINSERT {{ GRAPH {INFERRED} {{{found['made']}}} }}\n"
        f"{_OF_PATIENTS}USING {ONTOLOGY}\nWHERE {{{found['where']}}}"
    )
