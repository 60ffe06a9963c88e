"""HermiT beside the rules on thousands of random records."""

from __future__ import annotations

import random

from dvt_kg import Fact, HermiT
from dvt_kg.rules import PATIENT, Range
from tests.strategies import ONTOLOGY, RULES

COUNT = 5000


def drawn(rng: random.Random) -> frozenset[Fact]:
    """A record of any facts, coherent or not."""
    facts: dict[str, Fact] = {}
    for name in rng.sample(sorted(ONTOLOGY.findings), rng.randint(2, 14)):
        facts[name] = Fact(rng.choice(("hasFinding", "lacksFinding", "lacksFinding")), name)
    for name in rng.sample(sorted(ONTOLOGY.veins), rng.randint(0, 4)):
        facts[name] = Fact(rng.choice(("hasThrombusIn", "lacksThrombusIn")), name)
    for prop in ("sex", "recordedSeverity", "side"):
        if rng.random() < 0.7:
            facts[prop] = Fact(prop, rng.choice(ONTOLOGY.values(prop)))
    for prop, ranges in RULES.ranges.items():
        if rng.random() < 0.5:
            limit = rng.choice([limit for r in ranges for _, limit in r.bounds])
            facts[prop] = Fact(prop, max(limit + rng.choice((-1, 0, 1)), limit * 0))
    return frozenset(facts.values())


def test_hermit_and_the_rules_agree_on_thousands_of_random_records(reasoner: HermiT) -> None:
    rng = random.Random(20261122)
    records = [drawn(rng) for _ in range(COUNT)]
    contradictory = 0
    for stated, answer in zip(records, reasoner.judge(records), strict=True):
        closed = RULES.closure({PATIENT, *RULES.profile(stated)})
        expected = None if None in closed else {a for a in closed if not isinstance(a, Range)}
        assert answer == expected, sorted(map(str, stated))
        contradictory += answer is None
    assert COUNT // 20 < contradictory < COUNT * 19 // 20
