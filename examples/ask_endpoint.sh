#!/bin/sh
# A running server, asked with curl: records, a query of one's own, a query of the catalogue.
# For research and information, for review by a professional; not medical advice.
#
#   dvt-kg serve examples/patients.json      # in another terminal
#   sh examples/ask_endpoint.sh http://127.0.0.1:8000 examples/patient.json
set -eu
server=${1:?"the address of the server is missing, such as http://127.0.0.1:8000"}
records=${2:?"a file of records in JSON is missing, such as examples/patient.json"}

# Never without a time-out; a refusal is shown (its body says what is wrong) and ends the script.
ask() { curl --silent --show-error --fail-with-body --max-time 30 "$@"; }

echo "For research and information, for review by a professional; not medical advice."

echo
echo "# Records, answered and forgotten (Accept: application/json for programs, text/plain to read)"
ask --header "Content-Type: application/json" --header "Accept: text/csv" \
    --data-binary "@$records" "$server/recommend"

echo
echo "# A SPARQL query of one's own, its rows as CSV"
ask --header "Accept: text/csv" --data-urlencode query@- "$server/sparql" <<'QUERY'
PREFIX dvt: <https://w3id.org/dvt-kg#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX dcterms: <http://purl.org/dc/terms/>
SELECT ?id ?status (COUNT(?presentation) AS ?presentations) WHERE {
  ?patient dcterms:identifier ?id ; dvt:status/rdfs:label ?status .
  OPTIONAL { ?patient dvt:hasPresentation ?presentation }
}
GROUP BY ?id ?status
ORDER BY ?id
QUERY

echo
echo "# A query of the catalogue by its name, on one of the patients that are served: conflicting ratings"
ask --get --header "Accept: text/csv" --data-urlencode "patient=mild-with-may-thurner" "$server/queries/conflicts"
