"""A step of an rdflib pipeline: patients in, the same with all that is inferred of them out, as TriG.

For research and information, for review by a professional; not medical advice.

    python examples/rdflib_step.py ontology/examples.ttl classified.trig
"""

import sys
from pathlib import Path

import rdflib
from rdflib.query import ResultRow

import dvt_kg

PATIENTS, INFERRED = rdflib.URIRef("urn:dvt-kg:patients"), rdflib.URIRef("urn:dvt-kg:inferred")

QUESTION = """
PREFIX dvt: <https://w3id.org/dvt-kg#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
SELECT ?status (COUNT(?patient) AS ?patients) WHERE {
  ?patient a dvt:Patient ; dvt:status/rdfs:label ?status .
}
GROUP BY ?status
ORDER BY ?status
"""


def classified(patients: rdflib.Graph) -> tuple[rdflib.Dataset, tuple[dvt_kg.RecordError, ...]]:
    """Patients, ontology and inferred facts, each a named graph; and what could not be read.

    A record with an error is left out whole; the others are answered.
    """
    reading = dvt_kg.read_text(patients.serialize(format="nt"), "nt")
    return dvt_kg.classify(reading.patients).graph().to_rdflib(), reading.errors


def main() -> int:
    """Classify the patients of one file into another."""
    if len(sys.argv) != 3:
        sys.exit("usage: rdflib_step.py PATIENTS.ttl OUT.trig")
    source, target = map(Path, sys.argv[1:])
    dataset, errors = classified(rdflib.Graph().parse(source, format="turtle"))
    for error in errors:
        print(error, file=sys.stderr)

    print("For research and information, for review by a professional; not medical advice.")
    # A query sees the union of the graphs: the ontology has the labels, the inferred graph the rest.
    for row in dataset.query(QUESTION):
        assert isinstance(row, ResultRow), "a SELECT gives rows"
        print(f"{row.patients} {row.status}")

    # What goes on down the pipeline: who the patients are and what follows, without the ontology.
    result = rdflib.Dataset()
    for prefix, namespace in dataset.namespaces():
        result.bind(prefix, namespace)
    for name in (PATIENTS, INFERRED):
        graph = result.graph(name)
        graph += dataset.graph(name)
    result.serialize(target, format="trig", encoding="utf-8")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
