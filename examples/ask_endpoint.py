"""One patient's options with their sources, from a SPARQL endpoint, with SPARQLWrapper.

For research and information, for review by a professional; not medical advice.

    dvt-kg serve examples/patients.json      # in another terminal; any store with the graphs will do
    python examples/ask_endpoint.py http://127.0.0.1:8000/sparql mild-left-iliac
"""

import sys
from typing import Any
from urllib.parse import quote

from SPARQLWrapper import JSON, POST, SPARQLWrapper
from SPARQLWrapper.SPARQLExceptions import SPARQLWrapperException

TIMEOUT = 30  # s; SPARQLWrapper itself waits for ever
GRAPHS = ("urn:dvt-kg:patients", "urn:dvt-kg:inferred", "urn:dvt-kg:ontology")

QUERY = """
PREFIX dvt: <https://w3id.org/dvt-kg#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX dcterms: <http://purl.org/dc/terms/>
SELECT ?rating ?option ?contraindication ?presentation ?source ?locator WHERE {
  BIND(<PATIENT> AS ?patient)
  ?patient dvt:hasPresentation ?scenario .
  ?statement dvt:ratedFor ?scenario ; dvt:ratesIntervention ?intervention ; dvt:category ?category ;
    dvt:guideline ?guideline ; dvt:locator ?locator .
  ?scenario rdfs:label ?presentation .
  ?intervention rdfs:label ?option .
  ?category rdfs:label ?rating ; dvt:position ?rank .
  ?guideline dcterms:bibliographicCitation ?source .
  # What stands in the way: unknown is not the same as excluded.
  OPTIONAL { ?patient dvt:absolutelyContraindicated ?intervention . BIND("absolute" AS ?absolute) }
  OPTIONAL { ?patient dvt:relativelyContraindicated ?intervention . BIND("relative" AS ?relative) }
  OPTIONAL { ?patient dvt:contraindicationExcluded ?intervention . BIND("excluded" AS ?excluded) }
  OPTIONAL { ?patient dvt:notAssessedFor ?intervention . BIND("not assessed" AS ?unassessed) }
  BIND(COALESCE(?absolute, ?relative, ?excluded, ?unassessed, "none on file") AS ?contraindication)
}
ORDER BY ?rank ?presentation ?option
"""


def options(endpoint: str, patient: str) -> list[dict[str, str]]:
    """The rated options of one patient, most appropriate first."""
    wrapper = SPARQLWrapper(endpoint, returnFormat=JSON)
    wrapper.setTimeout(TIMEOUT)
    wrapper.setMethod(POST)
    for graph in GRAPHS:  # the union of the three is asked, whatever the store's default is
        wrapper.addDefaultGraph(graph)
    # Percent-encoded, an id can hold nothing that ends the IRI.
    wrapper.setQuery(QUERY.replace("PATIENT", f"urn:dvt-kg:patient:{quote(patient, safe='')}"))
    answer: Any = wrapper.queryAndConvert()
    return [{name: term["value"] for name, term in row.items()} for row in answer["results"]["bindings"]]


def main() -> None:
    """Print the options of the patient named on the command line."""
    if len(sys.argv) != 3:
        sys.exit("usage: ask_endpoint.py ENDPOINT PATIENT")
    endpoint, patient = sys.argv[1:]
    try:
        found = options(endpoint, patient)
    except (SPARQLWrapperException, OSError) as error:
        sys.exit(f"{endpoint} gave no answer: {error}")
    print("For research and information, for review by a professional; not medical advice.")
    print(f"{patient}: {len(found)} rated options" + ("" if found else "; no presentation is met"))
    for row in found:
        print(f"\n{row['rating']}: {row['option']} (contraindication: {row['contraindication']})")
        print(f"  for {row['presentation']}")
        print(f"  {row['source']}, {row['locator']}")


if __name__ == "__main__":
    main()
