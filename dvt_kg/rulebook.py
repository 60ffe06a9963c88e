"""The whole rule set as data: what the axioms and the derivation queries come to for one patient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dvt_kg.axioms import compile_rules
from dvt_kg.derivations import ground
from dvt_kg.ontology import Ontology
from dvt_kg.rules import Atom

CONTRADICTION = "contradiction"


def rulebook(ontology: Ontology, text: str = "") -> dict[str, Any]:
    """Every rule with its body, what must be absent, its head, its axiom and its sources.

    :param text: only rules that hold every word of this
    :returns: ``ontology_version``, ``ontology_digest`` (the SHA-256 of the ontology's triples; the
        derivation queries come with the package) and ``rules``, the axioms' first, then the derivations'
        in the order in which they are applied
    """
    rules = [
        {"body": _names(rule.body), "absent": [], "head": _name(rule.head), "axiom": rule.axiom}
        | {"sources": list(rule.sources)}
        for rule in compile_rules(ontology).rules
    ]
    rules += [
        {"body": _names(rule.body), "absent": _names(rule.absent), "head": _name(rule.head)}
        | {"axiom": rule.query, "sources": list(rule.sources)}
        for rule in ground(ontology).rules
    ]
    asked = text.lower().split()
    return {
        "ontology_version": ontology.version,
        "ontology_digest": ontology.digest,
        "rules": [rule for rule in rules if all(word in _searched(rule, ontology) for word in asked)],
    }


def in_words(rule: dict[str, Any]) -> str:
    """A rule as one line.

    >>> in_words({"body": ["a", "b"], "absent": ["c"], "head": "d", "axiom": "x", "sources": ["s"]})
    'a and b and not c -> d  [x; sources: s]'
    """
    premises = rule["body"] + [f"not {name}" for name in rule["absent"]]
    sources = f"; sources: {', '.join(rule['sources'])}" if rule["sources"] else ""
    return f"{' and '.join(premises) or 'Patient'} -> {rule['head']}  [{rule['axiom']}{sources}]"


def _searched(rule: dict[str, Any], ontology: Ontology) -> str:
    """The words by which a rule is found: its own, and the keys that a record has for its properties."""
    line = in_words(rule)
    keys = (key for name, key in ontology.notations.items() if name in line)
    return f"{line} {' '.join(keys)}".lower()


def _name(atom: Atom | None) -> str:
    return CONTRADICTION if atom is None else str(atom)


def _names(atoms: Iterable[Atom | None]) -> list[str]:
    return sorted(map(_name, atoms))
