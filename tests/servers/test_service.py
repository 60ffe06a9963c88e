"""What the server answers, beside SPARQL by the protocol."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import subprocess
from urllib.parse import quote, urlencode

import httpx
import jsonschema
import pyoxigraph as ox
import pytest
import rdflib
from openapi_spec_validator import validate

from dvt_kg import (
    Endpoint,
    KnowledgeGraph,
    Ontology,
    Patient,
    ask,
    catalogue,
    classify,
    explain,
    explained,
    read,
    read_records,
    recommend,
)
from dvt_kg.graph import PATIENTS as PATIENTS_GRAPH
from dvt_kg.ontology import data_dir
from dvt_kg.queries import Query
from dvt_kg.server.negotiation import ROWS, TRIPLES
from dvt_kg.server.requests import RECORDS as FORMATS
from dvt_kg.work import CONTRADICTORY, FAILED
from dvt_kg.writers import write

from ..records import RECORDS
from ..rows import texts
from ..test_queries import REQUIRED
from ..test_readme import COMMANDS, LINES
from .serving import DVT_KG, PATIENTS, ROOT, Served, serving

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def graph(ontology: Ontology) -> KnowledgeGraph:
    """What the shared server serves."""
    return explained(classify(read([PATIENTS], ontology).patients))


@pytest.fixture(scope="module")
def patients(ontology: Ontology) -> tuple[Patient, ...]:
    return read_records(RECORDS, ontology).patients


def error_of(response: httpx.Response) -> dict[str, str]:
    assert response.headers["content-type"] == "application/json"
    found = response.json()["error"]
    assert set(found) == {"kind", "message", "field"}
    return found  # type: ignore[no-any-return]


# SPARQL


@pytest.mark.parametrize("query", catalogue().values(), ids=lambda q: q.name)
def test_each_query_of_the_catalogue_gives_the_rows_of_the_library(
    served: Served, graph: KnowledgeGraph, query: Query
) -> None:
    parameters = REQUIRED.get(query.name, {})
    expected = ask(graph, query, **parameters)
    response = served.get(f"/queries/{query.name}", params=parameters)
    rows = ox.parse_query_results(response.content, format=ox.QueryResultsFormat.JSON)
    assert isinstance(rows, ox.QuerySolutions)
    if query.name == "provenance":  # it holds the time
        assert len(list(rows)) == len(expected)
        return
    assert texts(rows, expected.variables) == texts(expected, expected.variables)


@pytest.mark.parametrize("query", catalogue().values(), ids=lambda q: q.name)
def test_each_query_gives_the_same_rows_through_the_client_of_other_stores(
    served: Served, graph: KnowledgeGraph, query: Query
) -> None:
    parameters = REQUIRED.get(query.name, {})
    expected = ask(graph, query, **parameters)
    rows = Endpoint(f"{served.url}/sparql").select(query, **parameters)
    assert rows.variables == expected.variables
    if query.name == "provenance":  # it holds the time
        assert len(rows) == len(expected)
        return
    assert texts(rows, rows.variables) == texts(expected, expected.variables)


@pytest.mark.parametrize("form", ROWS)
def test_rows_come_in_every_form(served: Served, form: str) -> None:
    for response in (
        served.sparql(catalogue()["rating-matrix"].text, accept=form),
        served.get("/queries/rating-matrix", headers={"Accept": form}),
    ):
        assert response.headers["content-type"].split(";")[0] == form
        if form == "text/csv":  # from which terms cannot be told
            assert len(list(csv.reader(response.text.splitlines()))) == 31
            continue
        rows = ox.parse_query_results(response.content, format=ROWS[form])
        assert isinstance(rows, ox.QuerySolutions)
        assert len(list(rows)) == 30


@pytest.mark.parametrize("form", TRIPLES)
def test_triples_come_in_every_form(served: Served, graph: KnowledgeGraph, form: str) -> None:
    query = "CONSTRUCT { ?s ?p ?o } WHERE { GRAPH <urn:dvt-kg:patients> { ?s ?p ?o } }"
    response = served.sparql(query, accept=form)
    assert response.headers["content-type"].split(";")[0] == form
    found = {str(quad.triple) for quad in ox.parse(response.content, format=TRIPLES[form])}
    assert found == {str(triple) for triple in graph.triples(PATIENTS_GRAPH)}


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("text/csv;q=0.5, text/tab-separated-values", "text/tab-separated-values"),
        ("text/csv, application/sparql-results+xml;q=0.9", "text/csv"),
        ("text/html, */*;q=0.1", "application/sparql-results+json"),
        ("application/*", "application/sparql-results+json"),
        ("application/sparql-results+json;q=0, text/csv;q=0.1", "text/csv"),
        ("text/turtle, text/csv;q=0.2", "text/csv"),
    ],
)
def test_the_form_is_the_one_that_the_client_wants_most(served: Served, accept: str, form: str) -> None:
    response = served.sparql("SELECT (1 AS ?x) {}", accept=accept)
    assert response.headers["content-type"].split(";")[0] == form


def test_what_cannot_be_had_is_not_acceptable_and_what_can_is_named(served: Served) -> None:
    response = served.sparql("SELECT (1 AS ?x) {}", accept="image/png")
    assert response.status_code == 406
    assert error_of(response)["field"] == "Accept"
    assert "text/csv" in error_of(response)["message"]


def test_a_wrong_query_is_told_by_its_place_and_not_repeated(served: Served) -> None:
    response = served.sparql('SELECT * {\n ?s ?p "secret" FILTR }')
    assert response.status_code == 400
    assert "line 2" in error_of(response)["message"]
    assert "secret" not in response.text
    for prefix in ("foaf", "ward"):
        unknown = served.sparql(f"SELECT * {{ ?s {prefix}:name ?o }}")
        assert "a prefix that no PREFIX declares" in error_of(unknown)["message"]


def test_the_default_graph_is_the_union_of_the_three(served: Served) -> None:
    names = served.sparql("SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } } ORDER BY ?g").json()
    found = [row["g"]["value"] for row in names["results"]["bindings"]]
    assert found == [f"urn:dvt-kg:{name}" for name in ("inferred", "ontology", "patients")]
    both = "ASK { ?p a <https://w3id.org/dvt-kg#Patient> ; <https://w3id.org/dvt-kg#status> ?s }"
    assert served.sparql(both).json()["boolean"] is True


def test_the_service_describes_itself_with_its_entailment(served: Served) -> None:
    for form, name in (("text/turtle", "turtle"), ("application/rdf+xml", "xml")):
        response = served.get("/sparql", headers={"Accept": form})
        found = rdflib.Graph().parse(data=response.text, format=name)
        sd = rdflib.Namespace("http://www.w3.org/ns/sparql-service-description#")
        service = rdflib.URIRef(f"{served.url}/sparql")
        assert (service, rdflib.RDF.type, sd.Service) in found
        regimes = set(found.objects(None, sd.defaultEntailmentRegime))
        assert regimes == {rdflib.URIRef("http://www.w3.org/ns/entailment/Simple")}
        assert "before any query" in str(next(found.objects(service, rdflib.RDFS.comment)))
        assert len(set(found.objects(None, sd.name))) == 3


def test_void_says_where_the_endpoint_is(served: Served) -> None:
    response = served.get("/.well-known/void", headers={"Accept": "application/n-triples"})
    endpoint = "<http://rdfs.org/ns/void#sparqlEndpoint>"
    assert f"{endpoint} <{served.url}/sparql>" in response.text
    assert "urn:dvt-kg:patient" not in response.text


@pytest.mark.parametrize("command", ["recommend", "explain", "cohort", "publish"])
def test_the_commands_for_other_stores_ask_ours_too_and_publish_is_told_why_not(
    served: Served, command: str
) -> None:
    words = [command, "--endpoint", f"{served.url}/sparql"]
    done = subprocess.run([DVT_KG, *words], check=False, capture_output=True, text=True)
    if command == "publish":
        assert done.returncode == FAILED
        assert "it forbids this (403): " in done.stderr
        assert "only these graphs are served" in done.stderr
    else:
        assert done.returncode == CONTRADICTORY  # one of the example records contradicts itself on purpose
        assert "not medical advice" in done.stdout


# HTTP


def test_head_has_the_headers_of_get_and_no_body(served: Served) -> None:
    address = "/queries/rating-matrix"
    get, head = served.get(address), served.client.head(address)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["etag"] == get.headers["etag"]
    assert head.headers["content-type"] == get.headers["content-type"]


def test_options_names_the_methods(served: Served) -> None:
    response = served.client.options("/sparql")
    assert response.status_code == 204
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}


def test_an_answer_that_the_client_has_is_not_sent_again(served: Served) -> None:
    for address in ("/queries/rating-matrix", "/sparql?query=ASK%7B%7D", "/form", "/page/style.css"):
        first = served.get(address)
        again = served.get(address, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = served.get(address, headers={"If-None-Match": '"another"'})
        assert other.content == first.content


def test_a_long_answer_is_compressed_for_those_who_can_read_it(served: Served) -> None:
    address = "/queries/rating-matrix"
    packed = served.get(address, headers={"Accept-Encoding": "gzip"})
    plain = served.get(address, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert "Accept-Encoding" in packed.headers["vary"]
    assert "Accept" in packed.headers["vary"]


def test_every_response_keeps_a_browser_in_bounds(served: Served) -> None:
    for address in ("/", "/nowhere", "/sparql?query=x", "/health"):
        headers = served.get(address).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers


@pytest.mark.parametrize(
    ("method", "address", "status", "field"),
    [
        ("GET", "/nowhere", 404, None),
        ("GET", "/queries/statsu", 404, "name"),
        ("GET", "/terms/acute-onest", 404, "name"),
        ("GET", "/terms?system=SNOMED%20CT", 400, "code"),
        ("GET", "/terms?system=nothing&code=1", 404, "code"),
        ("GET", "/queries/status?patient=a&patient=b", 400, "patient"),
        ("GET", "/queries/statements-about-intervention", 400, "intervention"),
        ("GET", "/queries/statements-about-intervention?intervention=lysos", 400, "intervention"),
        ("GET", "/form?x=1", 400, "x"),
        ("GET", "/recommend", 405, None),
        ("DELETE", "/sparql", 405, None),
        ("POST", "/recommend?guideline=all", 400, "guideline"),
    ],
)
def test_what_is_refused_names_the_field_at_fault(
    served: Served, method: str, address: str, status: int, field: str | None
) -> None:
    response = served.client.request(method, address)
    assert response.status_code == status
    found = error_of(response)
    assert found["field"] == field
    assert found["message"]


def test_a_name_that_is_nearly_right_is_met_with_the_right_one(served: Served) -> None:
    assert "'status'" in error_of(served.get("/queries/statsu"))["message"]
    assert "'acute-onset'" in error_of(served.get("/terms/acute-onest"))["message"]


# Records


@pytest.mark.parametrize("media_type", FORMATS)
def test_posted_records_are_answered_in_every_format(
    served: Served, patients: tuple[Patient, ...], media_type: str
) -> None:
    body = write(patients, FORMATS[media_type])
    response = served.recommend(body, media_type)
    assert response.status_code == 200
    expected = recommend(classify(patients))
    assert response.json() == json.loads(json.dumps(expected))
    schema = json.loads((data_dir("ontology") / "answer.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(response.json(), schema)


def test_other_guidelines_are_asked_by_a_parameter(served: Served, patients: tuple[Patient, ...]) -> None:
    body = write(patients[:1], "json")
    response = served.post("/recommend?guidelines=all", content=body, headers=JSON)
    expected = recommend(classify(patients[:1]), guidelines="all")
    assert response.json() == json.loads(json.dumps(expected))
    wrong = served.post("/recommend?guidelines=some", content=body, headers=JSON)
    assert wrong.status_code == 400


def test_an_answer_comes_as_text_and_as_a_table_too(served: Served) -> None:
    body = PATIENTS.read_bytes()
    text = served.post("/recommend", content=body, headers={**JSON, "Accept": "text/plain"})
    assert "For research and information, for review by a professional" in text.text
    table = served.post("/recommend", content=body, headers={**JSON, "Accept": "text/csv"})
    assert table.text.startswith("patient,status,presentation,")


def test_good_records_are_answered_beside_those_that_are_refused(served: Served) -> None:
    body = json.dumps([{"id": "good"}, {"id": "bad", "measurements": {"platelet-count": 18000}}])
    answer = served.recommend(body).json()
    assert [result["patient"] for result in answer["results"]] == ["good"]
    assert [(e["record"], e["field"]) for e in answer["errors"]] == [("bad", "measurements/platelet-count")]


@pytest.mark.parametrize(
    ("body", "media_type", "status", "field"),
    [
        ("", "application/json", 422, "body"),
        ("{", "application/json", 422, "body"),
        ("nonsense", "text/turtle", 422, "body"),
        ("[]", "application/xml", 415, "Content-Type"),
        ("[]", "", 415, "Content-Type"),
    ],
)
def test_a_body_that_holds_no_records_is_refused(
    served: Served, body: str, media_type: str, status: int, field: str
) -> None:
    response = served.recommend(body, media_type)
    assert response.status_code == status
    assert response.json()["error"]["field"] == field


def test_explanations_come_in_every_form(served: Served, patients: tuple[Patient, ...]) -> None:
    body = write(patients[:1], "json")
    expected = json.loads(json.dumps(explain(classify(patients[:1]))))
    assert served.post("/explain", content=body, headers=JSON).json() == expected
    for form, start in {
        "text/plain": patients[0].id,
        "text/html": "<!doctype html>",
        "image/svg+xml": "<?xml",
        "text/turtle": "@prefix",
    }.items():
        response = served.post("/explain", content=body, headers={**JSON, "Accept": form})
        assert response.headers["content-type"].split(";")[0] == form
        assert response.text.lower().lstrip().startswith(start.lower())


def test_an_explanation_of_one_presentation_or_conclusion(served: Served) -> None:
    body = json.dumps({"patients": [RECORDS[0]]})
    address = "/explain?" + urlencode({"presentation": "acr-2020-iliofemoral-4"})
    found = served.post(address, content=body, headers=JSON).json()["explanations"]
    assert [entry["presentation"] for entry in found] == ["acr-2020-iliofemoral-4"]
    wrong = served.post("/explain?presentation=acr-2020-iliofemoral-9", content=body, headers=JSON)
    assert wrong.status_code == 400
    assert "did you mean" in error_of(wrong)["message"]


def test_posted_records_are_forgotten(served: Served) -> None:
    response = served.recommend(json.dumps([{"id": "never-seen-again", "sex": "male"}]))
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers
    asked = served.sparql("SELECT * { ?s ?p ?o FILTER(CONTAINS(STR(?s), 'never-seen-again')) }")
    assert asked.json()["results"]["bindings"] == []
    for address in ("/metrics", "/health", "/queries/status"):
        assert "never-seen-again" not in served.get(address).text


def test_nothing_that_is_asked_is_logged() -> None:
    with serving("--workers", "1") as server:
        server.recommend(json.dumps([{"id": "secret-id", "findings": {"secret-finding": "present"}}]))
        server.recommend("{secret-body")
        server.get("/queries/status?patient=secret-patient")
        server.get("/secret-address")
        server.sparql("SELECT * { ?s ?p 'secret-value' SECRET }")
        assert server.sparql("ASK {}").status_code == 200
        log = server.log()
    assert "secret" not in log.lower()
    assert "serving 0 records" in log


# Knowledge


def test_the_catalogue_is_listed_with_its_questions_and_each_has_its_text(served: Served) -> None:
    listed = served.get("/queries").json()
    assert [query["name"] for query in listed] == list(catalogue())
    assert all(query["summary"].endswith("?") for query in listed)
    text = served.get("/queries/status", headers={"Accept": "application/sparql-query"})
    assert text.text == catalogue()["status"].text


def test_terms_are_found_by_words_and_by_codes(served: Served) -> None:
    found = served.get("/terms?text=tense+edema").json()
    assert "tense-edema" in [term["name"] for term in found]
    mapped = served.get("/terms", params={"system": "ICD-10-CM", "code": "I82.422"}).json()
    assert mapped
    assert {m["code"] for m in mapped} == {"I82.422"}


def test_a_term_tells_all_that_is_stated_of_it_and_with_it(served: Served, ontology: Ontology) -> None:
    found = served.get("/terms/acute-onset").json()
    assert found["label"] == ontology.label("acute-onset")
    assert "hasCriterion" in [use["property"] for use in found["used_by"]]
    for term in ontology.terms[::25]:
        assert served.get(f"/terms/{quote(term.name)}").json()["name"] == term.name


def test_a_term_comes_as_triples_with_the_expressions_behind_it(served: Served) -> None:
    response = served.get("/terms/AcuteOnsetMet", headers={"Accept": "text/turtle"})
    quads = list(ox.parse(io.BytesIO(response.content), format=ox.RdfFormat.TURTLE))
    assert any(isinstance(quad.subject, ox.BlankNode) for quad in quads)


def test_the_description_of_the_addresses_is_valid_and_names_them_all(served: Served) -> None:
    description = served.get("/openapi.json").json()
    validate(description)
    for path, operations in description["paths"].items():
        address = path.replace("{name}", "status" if "queries" in path else "acute-onset")
        for method in ("get", "post"):
            status = served.client.request(method.upper(), address).status_code
            assert (status == 405) == (method not in operations), (method, path)


def test_the_metrics_count_requests_by_address_and_not_by_what_was_asked(served: Served) -> None:
    served.get("/queries/status?patient=somebody")
    text = served.get("/metrics").text
    assert 'dvt_kg_requests_total{route="queries",status="200"}' in text
    assert "somebody" not in text
    assert re.search(r"^dvt_kg_workers [1-4]\.0$", text, re.MULTILINE)


def test_health_says_what_is_served(served: Served, ontology: Ontology) -> None:
    found = served.get("/health").json()
    assert found["ontology_version"] == ontology.version
    assert found["patients"] == 3


def test_what_the_readme_asks_by_curl_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (command,) = [command for command in COMMANDS if command.startswith("dvt-kg serve")]
    asked = [line for line in LINES if line.startswith("curl ")]
    assert len(asked) == 3
    with serving(*command.split()[2:]) as server:
        at = server.url.removeprefix("http://")
        found = [
            subprocess.run(shlex.split(line.replace("localhost:8000", at)), capture_output=True, check=True)
            for line in asked
        ]
    answer, options, rows = (one.stdout.decode() for one in found)
    assert json.loads(answer)["results"][0]["status"] == "matched"
    assert options.startswith("patient,")
    assert len(options.splitlines()) > 2
    assert len(rows.splitlines()) == 4


# The token


def test_where_a_token_is_asked_for_nothing_is_told_without_it() -> None:
    with serving("--workers", "1", token="a-long-token") as server:
        assert server.get("/queries").status_code == 200
        for headers in ({}, {"Authorization": "Bearer another"}, {"Authorization": "Basic a-long-token"}):
            stranger = httpx.Client(base_url=server.url, headers=headers)
            for address in ("/queries", "/sparql?query=ASK%7B%7D", "/metrics", "/form", "/openapi.json"):
                response = stranger.get(address)
                assert response.status_code == 401
                assert response.headers["www-authenticate"] == "Bearer"
                assert error_of(response)["field"] == "Authorization"
            assert stranger.get("/health").status_code == 200  # a supervisor asks it
            assert stranger.get("/").status_code == 200  # the page asks for the token
            stranger.close()
        assert "a-long-token" not in server.log()
