"""Records for property-based tests: any mixture of facts, coherent or not."""

from __future__ import annotations

import random
from collections.abc import Iterable
from decimal import Decimal

from hypothesis import strategies as st

from dvt_kg import Fact, load
from dvt_kg.axioms import compile_rules
from dvt_kg.rules import Value

ONTOLOGY = load()
RULES = compile_rules(ONTOLOGY)


def _numbers(name: str) -> st.SearchStrategy[Fact]:
    """Numbers at, just below, just above and far from each threshold of a property."""
    limits = {limit for r in RULES.ranges[name] for _, limit in r.bounds}
    near = {limit + step for limit in limits for step in map(Decimal, ("-1", "-0.1", "0", "0.1", "30"))}
    return st.sampled_from(sorted(n for n in near if n >= 0)).map(lambda number: Fact(name, number))


# Names that the criteria ask about come up more often than the rest.
_CENTRAL = sorted(
    atom.value
    for rule in RULES.rules
    for atom in rule.body
    if isinstance(atom, Value) and atom.property == "hasFinding" and str(rule.head).endswith("Met")
)


def _states(present: str, absent: str, names: list[str]) -> st.SearchStrategy[Fact]:
    return st.builds(Fact, st.sampled_from((present, absent, absent)), st.sampled_from(names))


def facts(most: int = 14) -> st.SearchStrategy[frozenset[Fact]]:
    """The facts of one record: each property of one value has one at most."""
    findings = _states("hasFinding", "lacksFinding", sorted(ONTOLOGY.findings) + _CENTRAL * 12)
    veins = _states("hasThrombusIn", "lacksThrombusIn", sorted(ONTOLOGY.veins))
    numbers = st.one_of([_numbers(name) for name in sorted(RULES.ranges)])
    values = st.one_of(
        [
            st.sampled_from(ONTOLOGY.values(p)).map(lambda v, p=p: Fact(p, v))  # type: ignore[misc]
            for p in ("sex", "recordedSeverity", "side")
        ]
    )
    stated = st.lists(st.one_of(findings, findings, veins, numbers, values), max_size=most)
    return stated.map(one_value_each)


def one_value_each(stated: Iterable[Fact]) -> frozenset[Fact]:
    """The facts with the last value of each finding, vein, number and field."""
    states = ("hasFinding", "lacksFinding", "hasThrombusIn", "lacksThrombusIn")
    return frozenset({f.value if f.property in states else f.property: f for f in stated}.values())


def facts_drawn(rng: random.Random, count: int) -> list[Fact]:
    """Some facts drawn at random, whether or not they go together."""
    kinds: list[tuple[tuple[str, ...], list[str]]] = [
        (("hasFinding", "lacksFinding", "lacksFinding"), sorted(ONTOLOGY.findings)),
        (("hasFinding", "lacksFinding"), _CENTRAL),
        (("hasThrombusIn", "lacksThrombusIn"), sorted(ONTOLOGY.veins)),
    ]
    found = []
    for _ in range(count):
        choice = rng.randrange(5)
        if choice < len(kinds):
            properties, names = kinds[choice]
            found.append(Fact(rng.choice(properties), rng.choice(names)))
        elif choice == 3:
            prop = rng.choice(("sex", "recordedSeverity", "side"))
            found.append(Fact(prop, rng.choice(ONTOLOGY.values(prop))))
        else:
            prop = rng.choice(sorted(RULES.ranges))
            limit = rng.choice(sorted({limit for r in RULES.ranges[prop] for _, limit in r.bounds}))
            found.append(Fact(prop, max(limit + rng.choice((-1, 0, 1)), limit * 0)))
    return found
