"""The tests of the SPARQL 1.1 Protocol at https://www.w3.org/2009/sparql/docs/tests/, in our words.

The requests are those of the tests, written out again, with the served graphs in the place of the tests'
documents, each told apart by what only it states.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

import httpx
import pytest

from .serving import Served

PATIENTS, INFERRED, ONTOLOGY = (f"urn:dvt-kg:{name}" for name in ("patients", "inferred", "ontology"))
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DIRECT = {"Content-Type": "application/sparql-query"}
UPDATE = {"Content-Type": "application/sparql-update"}
BOOLEANS = ("application/sparql-results+json", "application/sparql-results+xml")
ROWS = (*BOOLEANS, "text/csv", "text/tab-separated-values")
TRIPLES = ("text/turtle", "application/n-triples", "application/rdf+xml", "application/ld+json")

# What one graph alone states.
IN_PATIENTS = "?patient <http://purl.org/dc/terms/identifier> ?id"
IN_INFERRED = "?run a <http://www.w3.org/ns/prov#Activity>"
IN_ONTOLOGY = "<https://w3id.org/dvt-kg> a <http://www.w3.org/2002/07/owl#Ontology>"


def graphs(**names: list[str]) -> str:
    """A dataset as the protocol's parameters."""
    return urlencode([(f"{kind}-graph-uri", name) for kind, found in names.items() for name in found])


def is_true(response: httpx.Response) -> bool:
    assert response.status_code == 200, response.text
    assert media_type(response) in BOOLEANS
    return bool(response.json() == {"head": {}, "boolean": True})


def media_type(response: httpx.Response) -> str:
    return response.headers["content-type"].split(";")[0]


def refused(response: httpx.Response) -> bool:
    body = response.json()
    return 400 <= response.status_code < 500 and set(body["error"]) == {"kind", "message", "field"}


def test_query_post_form(served: Served) -> None:
    address = f"/sparql?{graphs(default=[PATIENTS])}"
    assert is_true(served.post(address, content="query=ASK%20%7B%7D", headers=FORM))


TWO = f"ASK {{ {IN_PATIENTS} . {IN_ONTOLOGY} }}"
TWO_NAMED = f"ASK {{ GRAPH ?g1 {{ {IN_PATIENTS} }} GRAPH ?g2 {{ {IN_ONTOLOGY} }} }}"


def test_query_dataset_default_graphs_get(served: Served) -> None:
    both = graphs(default=[PATIENTS, ONTOLOGY])
    assert is_true(served.get(f"/sparql?query={quote(TWO)}&{both}"))
    one = graphs(default=[PATIENTS])
    assert served.get(f"/sparql?query={quote(TWO)}&{one}").json()["boolean"] is False


def test_query_dataset_default_graphs_post(served: Served) -> None:
    both = graphs(default=[PATIENTS, ONTOLOGY])
    assert is_true(served.post(f"/sparql?{both}", content=TWO, headers=DIRECT))


def test_query_dataset_named_graphs_post(served: Served) -> None:
    both = graphs(named=[PATIENTS, ONTOLOGY])
    assert is_true(served.post(f"/sparql?{both}", content=TWO_NAMED, headers=DIRECT))


def test_query_dataset_named_graphs_get(served: Served) -> None:
    both = graphs(named=[PATIENTS, ONTOLOGY])
    assert is_true(served.get(f"/sparql?query={quote(TWO_NAMED)}&{both}"))
    # Where only named graphs are given, the default graph is empty.
    assert served.get(f"/sparql?query={quote(TWO)}&{both}").json()["boolean"] is False


FULL = f"ASK {{ {IN_INFERRED} GRAPH ?g1 {{ {IN_PATIENTS} }} GRAPH ?g2 {{ {IN_ONTOLOGY} }} }}"


def test_query_dataset_full(served: Served) -> None:
    dataset = graphs(default=[INFERRED], named=[PATIENTS, ONTOLOGY])
    assert is_true(served.post(f"/sparql?{dataset}", content=FULL, headers=DIRECT))


def test_query_multiple_dataset(served: Served) -> None:
    """The protocol's dataset comes before the one that the query names."""
    dataset = graphs(default=[INFERRED], named=[PATIENTS, ONTOLOGY])
    query = FULL.replace("ASK", f"ASK FROM <{PATIENTS}>")
    assert is_true(served.post(f"/sparql?{dataset}", content=query, headers=DIRECT))
    without = served.post("/sparql", content=query, headers=DIRECT)
    assert without.json()["boolean"] is False


def test_query_get(served: Served) -> None:
    assert is_true(served.get("/sparql?query=ASK%20%7B%7D"))


@pytest.mark.parametrize(
    ("query", "forms"),
    [
        ("SELECT (1 AS ?value) {}", ROWS),
        ("ASK {}", BOOLEANS),
        ("DESCRIBE <https://w3id.org/dvt-kg>", TRIPLES),
        ("CONSTRUCT { <s> <p> 1 } WHERE {}", TRIPLES),
    ],
    ids=["select", "ask", "describe", "construct"],
)
def test_query_content_type(served: Served, query: str, forms: tuple[str, ...]) -> None:
    for form in forms:
        response = served.get(f"/sparql?query={quote(query)}", headers={"Accept": form})
        assert response.status_code == 200
        assert media_type(response) == form
    assert media_type(served.get(f"/sparql?query={quote(query)}")) in forms


def test_query_post_direct(served: Served) -> None:
    assert is_true(served.post("/sparql", content="ASK {}", headers=DIRECT))


BAD = {
    "bad_query_method": ("PUT", "/sparql?query=ASK%20%7B%7D", {}, b""),
    "bad_multiple_queries": ("GET", "/sparql?query=ASK%20%7B%7D&query=SELECT%20%2A%20%7B%7D", {}, b""),
    "bad_query_wrong_media_type": ("POST", "/sparql", {"Content-Type": "text/plain"}, b"ASK {}"),
    "bad_query_missing_form_type": ("POST", "/sparql", {}, b"query=ASK%20%7B%7D"),
    "bad_query_missing_direct_type": ("POST", "/sparql", {}, b"ASK {}"),
    "bad_query_non_utf8": (
        *("POST", "/sparql", {"Content-Type": "application/sparql-query; charset=UTF-16"}),
        "ASK {}".encode("utf-16"),
    ),
    "bad_query_syntax": ("GET", "/sparql?query=ASK%20%7B", {}, b""),
    "bad_update_get": ("GET", "/sparql?update=CLEAR%20ALL", {}, b""),
    "bad_multiple_updates": ("POST", "/sparql", FORM, b"update=CLEAR%20NAMED&update=CLEAR%20DEFAULT"),
    "bad_update_wrong_media_type": ("POST", "/sparql", {"Content-Type": "text/plain"}, b"CLEAR NAMED"),
    "bad_update_missing_form_type": ("POST", "/sparql", {}, b"update=CLEAR%20NAMED"),
    "bad_update_non_utf8": (
        *("POST", "/sparql", {"Content-Type": "application/sparql-update; charset=UTF-16"}),
        "CLEAR NAMED".encode("utf-16"),
    ),
    "bad_update_syntax": ("POST", "/sparql", FORM, b"update=CLEAR%20XYZ"),
    "bad_update_dataset_conflict": (
        *("POST", f"/sparql?using-named-graph-uri={quote(PATIENTS)}", FORM),
        b"update=" + quote("DELETE { ?s ?p ?o } USING <urn:x> WHERE { ?s ?p ?o }").encode(),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_the_protocol_forbids_is_refused(served: Served, name: str) -> None:
    method, address, headers, body = BAD[name]
    assert refused(served.client.request(method, address, headers=headers, content=body))


# The exceptions: what the tests expect to be carried out, and is not.
UPDATES = {
    "update_dataset_default_graph": (f"/sparql?using-graph-uri={quote(PATIENTS)}", UPDATE),
    "update_dataset_default_graphs": (
        f"/sparql?using-graph-uri={quote(PATIENTS)}&using-graph-uri={quote(INFERRED)}",
        UPDATE,
    ),
    "update_dataset_named_graphs": (f"/sparql?using-named-graph-uri={quote(PATIENTS)}", UPDATE),
    "update_dataset_full": (
        f"/sparql?using-graph-uri={quote(INFERRED)}&using-named-graph-uri={quote(PATIENTS)}",
        UPDATE,
    ),
    "update_post_form": ("/sparql", FORM),
    "update_post_direct": ("/sparql", UPDATE),
    "update_base_uri": ("/sparql", UPDATE),
}
WHY_NO_UPDATES = "the graphs are read-only: what a patient's answer rests on cannot be changed from outside"


@pytest.mark.parametrize("name", UPDATES)
def test_every_update_is_refused_for_the_graphs_are_read_only(served: Served, name: str) -> None:
    address, headers = UPDATES[name]
    base = "BASE <http://example.org/> " if name == "update_base_uri" else ""
    update = base + "INSERT { GRAPH <urn:new> { <s> <p> <o> } } WHERE {}"
    content = urlencode({"update": update}) if headers is FORM else update
    response = served.post(address, content=content, headers=headers)
    assert (response.status_code, response.json()["error"]["kind"]) == (403, "read-only"), WHY_NO_UPDATES
    assert served.sparql("ASK { GRAPH <urn:new> { ?s ?p ?o } }").json()["boolean"] is False


def test_a_graph_that_is_not_served_is_refused_and_not_fetched(served: Served) -> None:
    address = f"/sparql?query=ASK%20%7B%7D&{graphs(default=['http://127.0.0.1:9/data0.rdf'])}"
    response = served.get(address)
    assert response.status_code == 403
    assert response.json()["error"]["field"] == "default-graph-uri"
