"""Seeded patients for the benchmarks: coherent records, with part of what is known left out."""

from __future__ import annotations

import random
from decimal import Decimal

from dvt_kg.ontology import Ontology
from dvt_kg.patients import Fact, Patient
from dvt_kg.rules import PATIENT, RuleSet


def facts(rng: random.Random, ontology: Ontology, rules: RuleSet) -> frozenset[Fact]:
    """The facts of one patient: drawn one by one, each kept if it contradicts nothing before it."""
    candidates = [
        Fact(rng.choice(("hasThrombusIn", "hasThrombusIn", "lacksThrombusIn")), v)
        for v in rng.sample(sorted(ontology.veins), rng.randint(1, 3))
    ]
    candidates += [
        Fact(rng.choice(("hasFinding", "lacksFinding", "lacksFinding", "lacksFinding")), f)
        for f in rng.sample(sorted(ontology.findings), rng.randint(5, 25))
    ]
    candidates += [Fact(p, rng.choice(ontology.values(p))) for p in ("sex", "recordedSeverity", "side")]
    for measurement in ontology.measurements.values():
        limits = {limit for r in rules.ranges.get(measurement.property, ()) for _, limit in r.bounds}
        if limits and rng.random() < 0.6:
            number = max(Decimal(0), rng.choice(sorted(limits)) + Decimal(rng.choice((-1, 0, 5, 40))) / 10)
            candidates.append(Fact(measurement.property, min(number, measurement.maximum)))
    rng.shuffle(candidates)
    kept: list[Fact] = []
    closed = rules.closure({PATIENT})
    for fact in candidates:
        more = rules.closure(rules.seeds(fact), closed)
        if None not in more:
            kept.append(fact)
            closed = more
    return frozenset(kept)


def patients(count: int, profiles: int, ontology: Ontology, rules: RuleSet, seed: int = 1) -> list[Patient]:
    """Patients of so many different profiles, the profiles in turn, each patient of an own age.

    :param count: how many patients
    :param profiles: how many different profiles
    """
    rng = random.Random(seed)
    different: dict[frozenset[object], frozenset[Fact]] = {}
    while len(different) < profiles:
        drawn = facts(rng, ontology, rules)
        different.setdefault(rules.profile(drawn), drawn)
    drawn_facts = list(different.values())
    ages = [Fact("ageYears", Decimal(rng.randint(18, 95))) for _ in range(count)]
    return [Patient(f"patient-{n}", drawn_facts[n % profiles] | {ages[n]}) for n in range(count)]
