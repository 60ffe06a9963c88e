"""Ways out of the server, tried and refused: each with 4xx within two seconds, and the server goes on."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote, urlsplit

import httpx
import pytest

from dvt_kg.server.limits import Limits

from .serving import Served, serving

SECONDS = 2.0
"""Within which each has to be refused."""


class Trap:
    """A web server that nobody may reach; it keeps what it was asked."""

    def __init__(self) -> None:
        asked: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(200)
                self.end_headers()

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.asked = asked
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture(scope="module")
def trap() -> Iterator[Trap]:
    found = Trap()
    threading.Thread(target=found.server.serve_forever, daemon=True).start()
    yield found
    found.server.shutdown()
    found.server.server_close()


SERVICE = {
    "plain": "SELECT * { SERVICE <TRAP> { ?s ?p ?o } }",
    "silent": "SELECT * { SERVICE SILENT <TRAP> { ?s ?p ?o } }",
    "in an optional": "SELECT * { ?a ?b ?c OPTIONAL { SERVICE <TRAP> { ?s ?p ?o } } }",
    "in a sub-select": "SELECT * { { SELECT ?s { SERVICE <TRAP> { ?s ?p ?o } } } }",
    "in an exists": "SELECT * { ?a ?b ?c FILTER EXISTS { SERVICE <TRAP> { ?s ?p ?o } } }",
    "in an exists in an exists": "ASK { ?a ?b ?c FILTER EXISTS { FILTER EXISTS { SERVICE <TRAP> { } } } }",
    "in a negation in a projection": "SELECT (NOT EXISTS { SERVICE <TRAP> { ?s ?p ?o } } AS ?x) {}",
    "in an order": "SELECT * { ?a ?b ?c } ORDER BY (EXISTS { SERVICE <TRAP> { ?s ?p ?o } })",
    "in a having": "SELECT ?a { ?a ?b ?c } GROUP BY ?a HAVING (EXISTS { SERVICE <TRAP> { ?s ?p ?o } })",
    "in a minus in a union": "ASK { { ?a ?b ?c } UNION { ?a ?b ?c MINUS { SERVICE <TRAP> { ?a ?p ?o } } } }",
    "by a variable": "SELECT * { BIND(<TRAP> AS ?where) SERVICE ?where { ?s ?p ?o } }",
    "by a value": "SELECT * { VALUES ?where { <TRAP> } SERVICE ?where { ?s ?p ?o } }",
    "in a construct": "CONSTRUCT { ?s ?p ?o } WHERE { SERVICE <TRAP> { ?s ?p ?o } }",
    "in a describe": "DESCRIBE ?s { SERVICE <TRAP> { ?s ?p ?o } }",
    "written in escapes": "SELECT * { SERV\\u0049CE <TRAP> { ?s ?p ?o } }",
    "after a comment": "SELECT * { # }\n SERVICE # <x>\n <TRAP> { ?s ?p ?o } }",
}
ELSEWHERE = {
    "from http": "SELECT * FROM <TRAP/data.ttl> { ?s ?p ?o }",
    "from a file": "SELECT * FROM <file:///etc/passwd> { ?s ?p ?o }",
    "from a named graph elsewhere": "SELECT * FROM NAMED <TRAP/data.ttl> { GRAPH ?g { ?s ?p ?o } }",
    "construct from elsewhere": "CONSTRUCT { ?s ?p ?o } FROM <TRAP/data.ttl> WHERE { ?s ?p ?o }",
    "load": "LOAD <TRAP/data.ttl>",
    "load into a graph": "LOAD SILENT <file:///etc/passwd> INTO GRAPH <urn:dvt-kg:patients>",
    "insert": "INSERT DATA { GRAPH <urn:dvt-kg:patients> { <urn:a> <urn:b> <urn:c> } }",
    "delete": "DELETE WHERE { GRAPH <urn:dvt-kg:ontology> { ?s ?p ?o } }",
    "drop": "DROP ALL",
}
Way = Callable[[Served, Trap], httpx.Response]


def asking(text: str) -> Way:
    """A query as a way out."""
    return lambda server, trap: server.sparql(text.replace("TRAP", trap.url))


WAYS: dict[str, Way] = {
    f"service {name}" if name in SERVICE else name: asking(text)
    for name, text in {**SERVICE, **ELSEWHERE}.items()
}


def way(name: str) -> Callable[[Way], None]:
    def note(function: Way) -> None:
        WAYS[name] = function

    return note


@way("an update as a form")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.post("/sparql", data={"update": f"LOAD <{trap.url}>"})


@way("an update as a body")
def _(server: Served, trap: Trap) -> httpx.Response:
    headers = {"Content-Type": "application/sparql-update"}
    return server.post("/sparql", content=f"LOAD <{trap.url}>", headers=headers)


@way("a default graph elsewhere")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.get(f"/sparql?query=ASK%7B%7D&default-graph-uri={quote(trap.url)}")


@way("a named graph that is a file")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.get(f"/sparql?query=ASK%7B%7D&named-graph-uri={quote('file:///etc/passwd')}")


@way("a graph store write")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.client.put("/sparql?graph=urn%3Ax", content="<urn:a> <urn:b> <urn:c> .")


@way("a remote JSON-LD context")
def _(server: Served, trap: Trap) -> httpx.Response:
    record = {"@context": f"{trap.url}/context.jsonld", "@id": "urn:dvt-kg:patient:x", "@type": "Patient"}
    return server.recommend(json.dumps(record), "application/ld+json")


@way("a remote context inside a JSON-LD context")
def _(server: Served, trap: Trap) -> httpx.Response:
    record = {"@context": [{"@import": f"{trap.url}/context.jsonld"}], "@id": "urn:dvt-kg:patient:x"}
    return server.recommend(json.dumps(record), "application/ld+json")


BOMB = """<?xml version="1.0"?>
<!DOCTYPE bomb [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c SYSTEM "file:///etc/passwd">]><rdf:RDF>&b;&c;</rdf:RDF>"""


@way("an XML bomb")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.recommend(BOMB, "application/rdf+xml")


@way("an XML bomb that is said to be Turtle")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.recommend(BOMB, "text/turtle")


@way("a path upwards")
def _(server: Served, trap: Trap) -> httpx.Response:
    return raw(server, "GET /page/../../errors.py HTTP/1.1")


@way("a path upwards in escapes")
def _(server: Served, trap: Trap) -> httpx.Response:
    return raw(server, "GET /page/%2e%2e/%2e%2e/errors.py HTTP/1.1")


@way("a query's name with a path")
def _(server: Served, trap: Trap) -> httpx.Response:
    return raw(server, "GET /queries/..%2f..%2fetc%2fpasswd HTTP/1.1")


@way("a term's name with a path")
def _(server: Served, trap: Trap) -> httpx.Response:
    return raw(server, "GET /terms/%2e%2e%2fetc HTTP/1.1")


@way("a header in an address")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.get("/queries/status?patient=x%0d%0aSet-Cookie:%20a=b&x%0d%0aSet-Cookie:%20a=b=1")


@way("a header in the Accept header")
def _(server: Served, trap: Trap) -> httpx.Response:
    return raw(server, "GET /sparql?query=ASK%7B%7D HTTP/1.1", "Accept: text/%0d%0aSet-Cookie: a=b")


@way("another site's name for the server")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.get("/health", headers={"Host": "evil.example"})


@way("a name that is none")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.get("/sparql", headers={"Host": 'localhost"><script>'})


@way("a body that is too long")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.recommend(b" " * (Limits().body + 1))


@way("a body that is too long and does not say so")
def _(server: Served, trap: Trap) -> httpx.Response:
    pieces = (b" " * 100_000 for _ in range(Limits().body // 100_000 + 2))
    return server.post("/recommend", content=pieces, headers={"Content-Type": "application/json"})


@way("a query that is too long")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.sparql("ASK {}" + " " * Limits().text)


@way("a query of a million brackets")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.sparql("SELECT * { " + "{" * 1_000_000)


@way("a query of as many brackets as are read")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.sparql("SELECT * { FILTER(" + "(" * 90_000)


@way("a query of as many negations as are read")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.sparql("SELECT * { FILTER(" + "!" * 90_000 + "true) }")


@way("a record nested too deep")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.recommend('[{"id": "x", "findings": ' + "[" * 100_000 + "]" * 100_000 + "}]")


@way("a parameter that closes its text")
def _(server: Served, trap: Trap) -> httpx.Response:
    value = quote(f'x> }} }} SERVICE <{trap.url}> {{ ?s ?p ?o }} #"', safe="")
    return server.get(f"/queries/rating-matrix?presentation={value}")


@way("a parameter that the query does not take")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.get("/queries/status?query=DROP%20ALL")


@way("a hundred and one parameters")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.get("/queries/status?" + "&".join(f"p{n}=1" for n in range(101)))


@way("an Accept header that cannot be read")
def _(server: Served, trap: Trap) -> httpx.Response:
    return server.sparql("ASK {}", accept="nonsense")


@way("two lengths")
def _(server: Served, trap: Trap) -> httpx.Response:
    return raw(server, "POST /sparql HTTP/1.1", "Content-Length: 5", "Content-Length: 6")


def raw(server: Served, *lines: str) -> httpx.Response:
    """The response to a request that a client would not write so."""
    at = urlsplit(server.url)
    assert at.hostname
    assert at.port
    text = "\r\n".join((*lines, f"Host: {at.netloc}", "Connection: close", "", ""))
    with socket.create_connection((at.hostname, at.port), timeout=10) as connection:
        connection.sendall(text.encode())
        found = b""
        while block := connection.recv(65536):
            found += block
    head, _, body = found.partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    fields = [tuple(header.split(": ", 1)) for header in headers if not header.startswith("content-encoding")]
    return httpx.Response(int(status.split()[1]), headers=fields, content=body)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", WAYS)
def test_a_way_out_is_refused_and_the_server_goes_on(served: Served, trap: Trap, name: str) -> None:
    served.sparql("ASK {}")
    began = time.monotonic()
    response = WAYS[name](served, trap)
    assert time.monotonic() - began < SECONDS
    assert 400 <= response.status_code < 500, response.text
    if "application/json" in response.headers["content-type"]:
        error = response.json()["error"]
        assert error["message"]
        assert "passwd" not in error["message"]
    else:
        assert name == "two lengths"  # refused before it is a request
    assert "set-cookie" not in response.headers
    assert trap.asked == []
    assert served.get("/health").json()["status"] == "ok"
    assert served.sparql("ASK {}").json()["boolean"] is True


def test_more_than_twenty_ways_were_tried() -> None:
    assert len(WAYS) > 50


def test_a_text_parameter_is_bound_as_a_term_whatever_it_holds(served: Served) -> None:
    text = quote('" } } SELECT * { ?s ?p ?o } #')
    response = served.get(f"/queries/status?patient={text}")
    assert response.status_code == 200
    assert response.json()["results"]["bindings"] == []


def test_a_function_of_a_query_opens_no_file_and_no_connection(served: Served, trap: Trap) -> None:
    """Beside the algebra, the process itself is closed while a query runs."""
    for text in (f"ASK {{ FILTER(<{trap.url}>('x')) }}", "ASK { FILTER(<file:///etc/passwd>('x')) }"):
        assert served.sparql(text).status_code in (200, 400)
    assert trap.asked == []


def test_only_listed_origins_may_read_answers() -> None:
    asked = {"Origin": "https://notes.example", "Access-Control-Request-Method": "POST"}
    with serving("--origin", "https://notes.example", "--workers", "1") as server:
        allowed = server.client.options("/recommend", headers=asked)
        assert allowed.headers["access-control-allow-origin"] == "https://notes.example"
        other = server.client.options("/recommend", headers={**asked, "Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


def test_no_origin_is_listed_unless_told(served: Served) -> None:
    response = served.get("/health", headers={"Origin": "https://notes.example"})
    assert not [name for name in response.headers if name.startswith("access-control")]
