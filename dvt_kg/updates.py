"""The rules as a SPARQL 1.1 request, by which any triple store classifies patients itself.

The rules are rows of tables. Each step of the request runs the rules whose conditions are decided by
the steps before it; rules whose conclusions rest on one another are in as many steps as they need.
So nothing is repeated until no more follows. What rests on something not being known is concluded by
the derivation queries as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

import pyoxigraph as ox

from dvt_kg import queries
from dvt_kg.axioms import compile_rules
from dvt_kg.errors import UnsupportedAxiom
from dvt_kg.graph import INFERRED, ONTOLOGY, PATIENTS
from dvt_kg.missing import search
from dvt_kg.ontology import NAMESPACE, RDF, Ontology, data_dir, named
from dvt_kg.patients import canonical
from dvt_kg.program import Clause, Term, needed, ordered, step_of
from dvt_kg.rules import FACETS, Range, Rule, Type

_RULES = ox.NamedNode("urn:dvt-kg:rules")
_PREFIXES = (f"PREFIX dvt: <{NAMESPACE}>", f"PREFIX rdf: <{RDF}>", f"PREFIX rule: <{_RULES.value}#>")
_PREFIX = re.compile(r"^PREFIX .*$", re.MULTILINE)
_CONSTRUCT = re.compile(r"CONSTRUCT\s*\{(?P<made>[^}]*)\}\s*WHERE\s*\{(?P<where>.*)\}\s*$", re.DOTALL)
_SHORT = re.compile(re.escape(NAMESPACE) + r"([A-Za-z][A-Za-z0-9_-]*)")
_CLASH = ("rule:is", "rule:contradictory")
_ABOUT = f"""\
# Classifies the patients of the graph {PATIENTS.value} by the ontology in {ONTOLOGY.value}.
#
# To be run as it is, as one request, and again whenever patients have changed: what is concluded takes
# the place of all that {INFERRED.value} held. {_RULES.value} is made on the way and dropped.
#
# A record that contradicts itself gets dvt:hasClash and the status contradictory; which facts clash,
# and red flags outside the clash, are not said.
"""
_COPY = f"COPY {PATIENTS} TO {INFERRED}"
_WITHDRAW = f"""\
# What a contradictory record leads to is no conclusion.
WITH {INFERRED}
DELETE {{ ?patient ?property ?value }}
INSERT {{ ?patient dvt:hasClash ?clash }}
WHERE {{
  ?patient {" ".join(_CLASH)} ; ?property ?value .
  BIND(IRI(CONCAT(STR(?patient), "#clash")) AS ?clash)
}}"""


class Updates(NamedTuple):
    """A request.

    :param prefixes: the lines that say what the operations abbreviate
    :param operations: in the order in which they are run
    """

    prefixes: tuple[str, ...]
    operations: tuple[str, ...]

    def text(self) -> str:
        """The request as a file."""
        # Some stores read prefixes only at the start of a file.
        return "\n".join((_ABOUT, *self.prefixes, "", " ;\n\n".join(self.operations), ""))


def updates(ontology: Ontology) -> Updates:
    """The rules of an ontology's axioms and derivation queries as one request.

    What an operation matches is in one graph, the rules too: rdflib joins nothing else by an index.
    It also reads each operation inside the one before, which bears some 50 of them.
    """
    steps = _steps(ontology)
    atoms = {atom for rules in steps for rule in rules for atom in rule.body}
    ranges = {r: f"rule:range{n}" for n, r in enumerate(sorted(a for a in atoms if isinstance(a, Range)), 1)}
    derivations = queries.folder(data_dir("queries") / "derive").values()
    found = (line for query in derivations for line in _PREFIX.findall(query.text))
    return Updates(
        tuple(sorted({*_PREFIXES, *found})),
        (
            f"# All comes into one graph: the patients, the rules, later the ontology.\n{_COPY}",
            f"DROP SILENT GRAPH {_RULES}",
            *_ranges(ranges),
            _rules(steps, ranges),
            f"ADD {_RULES} TO {INFERRED}",
            *_measured(ranges),
            *(_run(number, {len(rule.body) for rule in rules}) for number, rules in enumerate(steps, 1)),
            _WITHDRAW,
            f"ADD {ONTOLOGY} TO {INFERRED}",
            *map(_derivation, derivations),
            f"# Only what was concluded stays.\n{_remove(PATIENTS)}",
            _remove(_RULES),
            _remove(ONTOLOGY),
            f"DELETE WHERE {{ GRAPH {INFERRED} {{ ?patient rule:in ?range }} }}",
            f"DROP GRAPH {_RULES}",
        ),
    )


def _steps(ontology: Ontology) -> list[list[Rule]]:
    """The rules in the steps in which they are run."""
    rules = compile_rules(ontology)
    answers = [answer for question in search(ontology).questions for answer in question.answers]
    recordable = {atom for answer in answers for atom in rules.seeds(answer)}
    by_head: dict[Term, list[Rule]] = {}
    for rule in needed(rules.rules, recordable):
        by_head.setdefault(rule.head, []).append(rule)
    clauses = {head: tuple(Clause(r.body, frozenset()) for r in group) for head, group in by_head.items()}
    steps: dict[int, list[Rule]] = {}
    last: dict[Term, int] = {}
    for heads in ordered(clauses):
        group = [rule for head in heads for rule in by_head[head]]
        rests = {atom for rule in group for atom in rule.body}.difference(heads)
        first = 1 + max((last[atom] for atom in rests if atom in last), default=0)
        final = first + step_of(heads, clauses, recordable).rounds - 1
        last |= dict.fromkeys(heads, final)
        for number in range(first, final + 1):
            steps.setdefault(number, []).extend(group)
    return [rules for _, rules in sorted(steps.items())]


def _rules(steps: Iterable[Iterable[Rule]], ranges: Mapping[Range, str]) -> str:
    """What makes the table of rules."""
    rows: dict[int, list[str]] = {}
    for number, rules in enumerate(steps, 1):
        for rule in rules:
            atoms = (*sorted(rule.body, key=str), rule.head)
            terms = " ".join(_pair(atom, ranges) for atom in atoms)
            rows.setdefault(len(rule.body), []).append(f"{number} {terms}")
    parts = [_Part(f"rule:of{n}", ("step", *_pairs(n), "property", "value"), rows[n]) for n in sorted(rows)]
    return _insert("The rules: in which step which values lead to the last one.", "_:rule ?kind ?step", parts)


def _ranges(ranges: Mapping[Range, str]) -> Iterator[str]:
    """What makes the table of ranges."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for found, name in ranges.items():
        limits = (canonical(limit) for _, limit in found.bounds)
        rows.setdefault(_facets(found), []).append(" ".join((name, _short(found.property), *limits)))
    parts = [_Part(_kind(f), ("range", "property", *_limits(f)), rows[f]) for f in sorted(rows)]
    if parts:
        yield _insert("Ranges of numbers.", "?range ?kind ?property", parts)


def _measured(ranges: Iterable[Range]) -> Iterator[str]:
    """What says in which ranges the numbers of patients are."""
    ways = []
    for facets in sorted(set(map(_facets, ranges))):
        limits = _limits(facets)
        tests = (f"?number {FACETS[f]} ?{limit}" for f, limit in zip(facets, limits, strict=True))
        ways.append(
            [
                f"?range {_kind(facets)} ?property{_columns(limits)} .",
                "?patient ?property ?number .",
                *(f"FILTER({test})" for test in tests),
            ]
        )
    if ways:
        yield _conclude("In which ranges the numbers are.", "?patient rule:in ?range", ways)


def _run(number: int, sizes: Collection[int]) -> str:
    """What runs the rules of a step.

    :param sizes: the numbers of conditions that the rules have
    """
    ways = [
        [
            f"?rule rule:of{size} {number}",
            *(f" {_columns((f'property{n}', f'value{n}'))}" for n in (*range(1, size + 1), "")),
            ".",
            *(f"?patient ?property{n} ?value{n} ." for n in range(1, size + 1)),
        ]
        for size in sorted(sizes)
    ]
    return _conclude(f"Step {number}", "?patient ?property ?value", ways)


def _derivation(query: queries.Query) -> str:
    """What keeps what a derivation query constructs."""
    body = re.sub(r"^#.*\n", "", query.text, flags=re.MULTILINE)
    found = _CONSTRUCT.fullmatch(_PREFIX.sub("", body).strip())
    if found is None:
        raise UnsupportedAxiom(f"derivation query {query.name}", "it is no CONSTRUCT { ... } WHERE { ... }")
    made, where = found["made"], found["where"]
    return f"# {query.name}: {query.summary}\nWITH {INFERRED}\nINSERT {{{made}}}\nWHERE {{{where}}}"


def _remove(graph: ox.NamedNode) -> str:
    """What takes out of the inferred graph all that another graph holds."""
    triple = "{ ?subject ?property ?value }"
    return f"DELETE {{ GRAPH {INFERRED} {triple} }}\nWHERE {{ GRAPH {graph} {triple} }}"


class _Part(NamedTuple):
    """Rows of one kind with the names of their columns."""

    kind: str
    names: tuple[str, ...]
    rows: list[str]


def _insert(comment: str, first: str, parts: Iterable[_Part]) -> str:
    """Rows as triples of a node for each, of which the first has the kind as its property."""
    names = dict.fromkeys(name for part in parts for name in part.names if f"?{name}" not in first.split())
    blocks = (
        f"    VALUES ({' '.join(f'?{name}' for name in part.names)}) {{\n"
        + "".join(f"      ({row})\n" for row in part.rows)
        + f"    }}\n    BIND({part.kind} AS ?kind)\n"
        for part in parts
    )
    return (
        f"# {comment}\nINSERT {{ GRAPH {_RULES} {{ {first}{_columns(names)} }} }}\n"
        f"WHERE {{\n{_union(blocks)}}}"
    )


def _conclude(comment: str, made: str, ways: Iterable[Iterable[str]]) -> str:
    """What concludes something that patterns lead to in several ways."""
    blocks = ("".join(f"    {line}\n" for line in way) for way in ways)
    return f"# {comment}\nWITH {INFERRED}\nINSERT {{ {made} }}\nWHERE {{\n{_union(blocks)}}}"


def _union(blocks: Iterable[str]) -> str:
    return "  UNION\n".join(f"  {{\n{block}  }}\n" for block in blocks)


def _columns(names: Iterable[str]) -> str:
    return "".join(f" ; rule:{name} ?{name}" for name in names)


def _pairs(size: int) -> tuple[str, ...]:
    return tuple(f"{name}{n}" for n in range(1, size + 1) for name in ("property", "value"))


def _limits(facets: Collection[str]) -> tuple[str, ...]:
    return tuple(f"limit{n}" for n in range(1, len(facets) + 1))


def _facets(found: Range) -> tuple[str, ...]:
    return tuple(facet for facet, _ in found.bounds)


def _kind(facets: Collection[str]) -> str:
    """The property that leads from a range to the number that it is of."""
    return f"rule:{'-'.join(facets) or 'any'}"


def _pair(term: Term, ranges: Mapping[Range, str]) -> str:
    """What a term says of a patient: a property and a value of it."""
    if term is None:
        return " ".join(_CLASH)
    if isinstance(term, Range):
        return f"rule:in {ranges[term]}"
    prop, value = (RDF + "type", term.name) if isinstance(term, Type) else term
    return f"{_short(prop)} {_short(value)}"


def _short(name: str) -> str:
    """A term as short as it can be written."""
    node = named(name)
    found = _SHORT.fullmatch(node.value)
    return f"dvt:{found[1]}" if found else "rdf:type" if node.value == RDF + "type" else str(node)
