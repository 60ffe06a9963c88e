"""Patients drawn at random from all that a record can state, for property-based tests."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from dvt_kg import Fact, Patient, load
from dvt_kg.ontology import Measurement

ONTOLOGY = load()
FIELDS = ("sex", "recordedSeverity", "side", "confirmedBy")

ids = (
    st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=30)
    .map(str.strip)
    .filter(bool)
)
times = st.tuples(
    st.datetimes().map(lambda t: t.replace(microsecond=0).isoformat()),
    st.sampled_from(("", ".5", ".000001")),
    st.sampled_from(("", "Z")),
).map("".join)


def numbers(measurement: Measurement) -> st.SearchStrategy[Decimal]:
    """Plausible numbers of a measurement."""
    low, high = measurement.minimum, measurement.maximum
    floats = st.floats(float(low), float(high)).map(lambda number: Decimal(repr(round(number, 9))))
    return st.one_of(st.decimals(low, high, places=2), st.integers(int(low), int(high)).map(Decimal), floats)


@st.composite
def patients(draw: st.DrawFn) -> Patient:
    """A patient whose findings and fields have one value each, as every format can hold."""
    findings = draw(st.dictionaries(st.sampled_from(sorted(ONTOLOGY.findings)), st.booleans(), max_size=8))
    facts = {Fact("hasFinding" if present else "lacksFinding", name) for name, present in findings.items()}
    for property in ("hasThrombusIn", "lacksThrombusIn"):
        facts |= {
            Fact(property, name)
            for name in draw(st.sets(st.sampled_from(sorted(ONTOLOGY.veins)), max_size=3))
        }
    for property in draw(st.sets(st.sampled_from(FIELDS))):
        facts.add(Fact(property, draw(st.sampled_from(ONTOLOGY.values(property)))))
    for measurement in draw(st.sets(st.sampled_from(list(ONTOLOGY.measurements.values())), max_size=4)):
        facts.add(Fact(measurement.property, draw(numbers(measurement))))
    if draw(st.booleans()):
        facts.add(Fact("assessedAt", draw(times)))
    return Patient(draw(ids), frozenset(facts))
