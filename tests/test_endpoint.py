"""The client of endpoints against a server that answers as it is told: late, busy, half, or otherwise."""

from __future__ import annotations

import base64
import contextlib
import email.utils
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from click.testing import CliRunner

from dvt_kg import Endpoint, EndpointError, Query, ask_endpoint
from dvt_kg.cli import main
from dvt_kg.graph import GRAPHS
from dvt_kg.stored import knowledge

JSON = "application/sparql-results+json"
ROWS = json.dumps(
    {
        "head": {"vars": ["x", "y"]},
        "results": {
            "bindings": [
                {"x": {"type": "uri", "value": "urn:a"}, "y": {"type": "literal", "value": "b"}},
                {"x": {"type": "bnode", "value": "c"}},
            ]
        },
    }
).encode()
COUNTED = json.dumps(
    {
        "head": {"vars": ["triples"]},
        "results": {"bindings": [{"triples": {"type": "literal", "value": "2"}}]},
    }
).encode()


@dataclass
class Reply:
    """An answer.

    :param seconds: after how long it comes
    :param announced: the length that its header says; the true one if not given, none if below 0
    :param silent: whether the connection is closed in place of an answer
    :param trickle: whether it comes byte by byte
    """

    status: int = 200
    body: bytes = ROWS
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": JSON})
    seconds: float = 0
    announced: int | None = None
    silent: bool = False
    trickle: bool = False


@dataclass
class Asked:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body)


class Told(http.server.ThreadingHTTPServer):
    """A server that gives the answers it was told one after the other, the last for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.asked: list[Asked] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/sparql"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Told

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        number = len(self.server.asked)
        self.server.asked.append(Asked(self.command, self.path, dict(self.headers), body))
        reply = self.server.replies[min(number, len(self.server.replies) - 1)]
        time.sleep(reply.seconds)
        if reply.silent:
            return
        with contextlib.suppress(OSError):
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            announced = len(reply.body) if reply.announced is None else reply.announced
            if announced >= 0:
                self.send_header("Content-Length", str(announced))
            self.end_headers()
            for piece in reply.body if reply.trickle else ():
                self.wfile.write(bytes([piece]))
                time.sleep(0.05)
            self.wfile.write(b"" if reply.trickle else reply.body)

    do_GET = do_PUT = do_POST

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged."""


@pytest.fixture
def server() -> Iterator[Told]:
    told = Told()
    threading.Thread(target=told.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield told
    told.shutdown()
    told.server_close()


ANY = Query("any", "# In which address is it loaded?\nSELECT ?x ?y WHERE { ?x ?p ?y }")
PAGE = Reply(body=b"<!DOCTYPE html><p>hello", headers={"Content-Type": "text/html"})


def test_rows_are_read_and_the_three_graphs_are_asked_by_post(server: Told) -> None:
    server.replies = [Reply()]
    assert Endpoint(server.url).select(ANY).plain() == [{"x": "urn:a", "y": "b"}, {"x": "c", "y": None}]
    (asked,) = server.asked
    assert asked.method == "POST"
    assert asked.form["query"] == [ANY.text]
    assert asked.form["default-graph-uri"] == [graph.value for graph in GRAPHS]


def test_a_query_longer_than_any_address_is_asked_whole(server: Told) -> None:
    server.replies = [Reply()]
    long = Query("long", f"SELECT ?x ?y WHERE {{ ?x ?p ?y FILTER(?y != '{'y' * 100_000}') }}")
    assert len(Endpoint(server.url).select(long)) == 2
    assert server.asked[0].form["query"] == [long.text]


def test_a_busy_endpoint_is_asked_again(server: Told) -> None:
    server.replies = [Reply(503), Reply(502), Reply()]
    assert len(Endpoint(server.url).select(ANY)) == 2
    assert len(server.asked) == 3
    assert len({asked.body for asked in server.asked}) == 1


@pytest.mark.parametrize("date", [False, True])
def test_it_is_asked_again_when_it_says(server: Told, date: bool) -> None:
    wait = email.utils.formatdate(time.time() + 2, usegmt=True) if date else "1"
    server.replies = [Reply(429, headers={"Retry-After": wait}), Reply()]
    start = time.monotonic()
    assert len(Endpoint(server.url).select(ANY)) == 2
    assert time.monotonic() - start > 0.9


def test_it_is_not_waited_for_longer_than_a_minute(server: Told) -> None:
    server.replies = [Reply(503, headers={"Retry-After": "3600"})]
    with pytest.raises(EndpointError, match=r"busy \(503, overloaded\) and asks to wait 3,600 s"):
        Endpoint(server.url).select(ANY)
    assert len(server.asked) == 1


def test_what_stays_busy_is_one_clear_error(server: Told) -> None:
    server.replies = [Reply(503)]
    with pytest.raises(EndpointError, match=r"it is busy \(503, overloaded\), also at attempt 2"):
        Endpoint(server.url, attempts=2).select(ANY)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (
            Reply(400, b"no such word at line 3\nand more", {}),
            "the query was refused: no such word at line 3$",
        ),
        (Reply(400, b"", {}), "the query was refused without a reason"),
        (
            Reply(401, b"", {}),
            r"it asks for credentials \(401\): a token in DVT_KG_ENDPOINT_TOKEN, or --user",
        ),
        (Reply(403, b"", {}), r"it forbids this \(403\); where it wants credentials: a token in"),
        (Reply(404, b"", {}), "there is nothing at this address"),
        (Reply(500, b"out of memory", {}), "it answered 500 Internal Server Error: out of memory"),
        (PAGE, r"the answer is a page \(HTML\) in place of results"),
        (Reply(body=b"hello"), "the answer is no SPARQL JSON in place of results"),
        (Reply(body=b"[1]"), "the answer is no SPARQL JSON"),
        (Reply(announced=len(ROWS) + 1), "only half an answer came: the connection was closed"),
        (Reply(body=ROWS[:40]), "only half an answer came: its JSON breaks off"),
        (
            Reply(body=b"ff\r\n{", headers={"Transfer-Encoding": "chunked"}, announced=-1),
            "only half an answer came: the connection was closed",
        ),
        (Reply(headers={"X-SPARQL-MaxRows": "2"}), "only half an answer came: it gives no more than 2 rows"),
        (Reply(silent=True), "it closed the connection without an answer"),
        (Reply(302, b"", {"Location": "/sparql"}), r"it redirects in a circle, or to nowhere \(302\)"),
        (Reply(302, b"", {}), r"it redirects in a circle, or to nowhere \(302\)"),
    ],
)
def test_whatever_comes_in_place_of_an_answer_is_one_clear_error(
    server: Told, reply: Reply, message: str
) -> None:
    server.replies = [reply]
    with pytest.raises(EndpointError, match=message) as caught:
        Endpoint(server.url).select(ANY)
    assert str(caught.value).startswith(f"endpoint {server.url}: ")
    assert len({asked.path for asked in server.asked}) == 1


@pytest.mark.parametrize("reply", [Reply(seconds=20), Reply(body=b" " * 400, trickle=True)])
def test_a_late_answer_is_not_waited_for(server: Told, reply: Reply) -> None:
    server.replies = [reply]
    start = time.monotonic()
    with pytest.raises(EndpointError, match=r"no whole answer within 0.4 s; allow more with --timeout"):
        Endpoint(server.url, timeout=0.4).select(ANY)
    assert time.monotonic() - start < 10


def test_nobody_listening_is_one_clear_error() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/query"
    with pytest.raises(EndpointError, match=r"cannot be reached: .*refused"):
        ask_endpoint(url, "status")


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://host/query", "http://", "http://host:port/", "http://[x/"]
)
def test_an_address_that_is_none_is_one_clear_error(url: str) -> None:
    with pytest.raises(EndpointError, match="this is no address of the form"):
        ask_endpoint(url, "status")


def test_a_redirect_on_the_same_server_is_followed_with_the_query_and_the_credentials(server: Told) -> None:
    server.replies = [Reply(307, b"", {"Location": "/other"}), Reply()]
    assert len(Endpoint(server.url, token="secret").select(ANY)) == 2
    first, second = server.asked
    assert (second.method, second.path, second.body) == ("POST", "/other", first.body)
    assert second.headers["Authorization"] == "Bearer secret"


def test_a_redirect_to_another_server_is_not_followed(server: Told) -> None:
    elsewhere = f"http://localhost:{server.server_port}/there"
    server.replies = [Reply(302, b"", {"Location": elsewhere + "?key=secret"}), Reply()]
    with pytest.raises(EndpointError, match=f"it sends on to {elsewhere};") as caught:
        Endpoint(server.url, token="secret").select(ANY)
    assert len(server.asked) == 1
    assert "secret" not in str(caught.value)


BASIC = {"WWW-Authenticate": 'Basic realm="wards"'}


def test_credentials_are_sent_where_they_are_asked_for_and_then_at_once(server: Told) -> None:
    server.replies = [Reply(401, b"", BASIC), Reply()]
    endpoint = Endpoint(server.url, user="ann", password="s@cret")
    assert len(endpoint.select(ANY)) == len(endpoint.select(ANY)) == 2
    pair = base64.b64encode(b"ann:s@cret").decode()
    sent = [asked.headers.get("Authorization") for asked in server.asked]
    assert sent == [None, f"Basic {pair}", f"Basic {pair}"]


def test_credentials_that_are_refused_are_not_told(server: Told) -> None:
    server.replies = [Reply(401, b"", BASIC)]
    host = server.url.removeprefix("http://")
    inside = Endpoint(f"http://ann:s%40cret@{host}?key=s%40cret")
    token = Endpoint(server.url, token="s@cret")
    for endpoint in (inside, token, Endpoint(server.url, user="ann", password="s@cret")):
        with pytest.raises(EndpointError, match=r"it refused the credentials \(401\)") as caught:
            endpoint.select(ANY)
        assert "cret" not in str(caught.value) + repr(endpoint)
    pair = base64.b64encode(b"ann:s@cret").decode()
    sent = [asked.headers.get("Authorization") for asked in server.asked]
    assert sent == [None, f"Basic {pair}", "Bearer s@cret", None, f"Basic {pair}"]


def test_a_way_of_asking_for_credentials_that_is_not_known_is_one_clear_error(server: Told) -> None:
    server.replies = [Reply(401, b"", {"WWW-Authenticate": "Negotiate"})]
    with pytest.raises(EndpointError, match="credentials") as caught:
        Endpoint(server.url, user="ann", password="secret").select(ANY)
    assert "secret" not in str(caught.value)


def test_the_command_takes_credentials_from_the_environment(
    server: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.replies = [Reply(), Reply(401, b"", BASIC), Reply()]
    words = ["query", "status", "--endpoint", server.url]
    monkeypatch.setenv("DVT_KG_ENDPOINT_TOKEN", "secret")
    assert CliRunner().invoke(main, words).exit_code == 0
    refused = CliRunner().invoke(main, [*words, "--user", "ann"])
    assert refused.exit_code == 2
    assert "needs the password in the environment variable DVT_KG_ENDPOINT_PASSWORD" in refused.stderr
    monkeypatch.setenv("DVT_KG_ENDPOINT_PASSWORD", "word")
    assert CliRunner().invoke(main, [*words, "--user", "ann"]).exit_code == 0
    sent = [asked.headers.get("Authorization", "").partition(" ")[0] for asked in server.asked]
    assert sent == ["Bearer", "", "Basic"]


def test_the_command_s_time_limit_is_the_endpoint_s(server: Told) -> None:
    server.replies = [Reply(seconds=20)]
    result = CliRunner().invoke(main, ["query", "status", "--endpoint", server.url, "--timeout", "0.3"])
    assert result.exit_code == 4
    assert "no whole answer within 0.3 s" in result.stderr


def test_triples_are_read_in_the_form_in_which_they_come(server: Told) -> None:
    server.replies = [Reply(body=b"<urn:a> <urn:b> 1 .", headers={"Content-Type": "text/turtle"})]
    (triple,) = Endpoint(server.url).construct("CONSTRUCT WHERE { ?s ?p ?o }")
    assert str(triple.subject) == "<urn:a>"
    assert server.asked[0].headers["Accept"] == "application/n-triples"


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (PAGE, r"the answer is a page \(HTML\)"),
        (Reply(), "the answer is no RDF"),
        (
            Reply(body=b"<urn:a> <urn:b> <ur", headers={"Content-Type": "application/n-triples"}),
            "only half an answer came: its N-Triples breaks off",
        ),
    ],
)
def test_triples_that_do_not_come_whole_are_one_clear_error(server: Told, reply: Reply, message: str) -> None:
    server.replies = [reply]
    with pytest.raises(EndpointError, match=message):
        Endpoint(server.url).construct("CONSTRUCT WHERE { ?s ?p ?o }")


def test_an_ontology_of_which_triples_are_lost_on_the_way_is_refused(server: Told) -> None:
    one = Reply(body=b"<urn:a> <urn:b> <urn:c> .", headers={"Content-Type": "application/n-triples"})
    server.replies = [Reply(body=COUNTED), one]
    with pytest.raises(EndpointError, match="only half an answer came: 1 of the 2 triples in urn:dvt-kg:ont"):
        knowledge(Endpoint(server.url))


def test_an_update_and_a_graph_go_where_they_are_taken(server: Told) -> None:
    server.replies = [Reply(204, b"", {})]
    root = server.url.removesuffix("/sparql")
    endpoint = Endpoint(f"{root}/query", graph_store=f"{root}/store")
    endpoint.update("# a select\nINSERT DATA { <urn:a> <urn:b> 'é' }")
    endpoint.put("urn:g", b"<urn:a> <urn:b> <urn:c> .")
    endpoint.add("urn:g", b"<urn:a> <urn:b> <urn:d> .")
    update, put, add = server.asked
    assert update.path == "/update"
    assert update.form["update"] == ["# a select\nINSERT DATA { <urn:a> <urn:b> 'é' }"]
    assert (put.method, put.path, add.method) == ("PUT", "/store?graph=urn%3Ag", "POST")
    assert put.headers["Content-Type"] == "application/n-triples"
    with pytest.raises(EndpointError, match="no graph store is known"):
        Endpoint(server.url).put("urn:g", b"")


def test_a_store_that_takes_nothing_more_is_said_with_how_to_go_on(server: Told) -> None:
    rows = {"head": {"vars": ["graph", "digest", "triples", "done", "time"]}, "results": {"bindings": []}}
    server.replies = [Reply(body=json.dumps(rows).encode()), Reply(500, b"the disk is full", {})]
    result = CliRunner().invoke(main, ["publish", "--endpoint", server.url])
    assert result.exit_code == 4
    assert "the same command goes on from it" in result.stderr
    assert "it answered 500 Internal Server Error: the disk is full" in result.stderr


def test_an_update_that_is_refused_names_where_it_was_sent(server: Told) -> None:
    server.replies = [Reply(403, b"", {})]
    with pytest.raises(EndpointError, match=r"/update: it forbids this"):
        Endpoint(server.url.removesuffix("/sparql") + "/query").update("DROP ALL")


def test_a_query_of_one_s_own_that_has_no_end_is_refused_before_it_is_sent(
    server: Told, tmp_path: Path
) -> None:
    file = tmp_path / "open.rq"
    file.write_text("#+ parameters: {x: {kind: text}}\nSELECT ?x WHERE { ?x ?y '}'", encoding="utf-8")
    result = CliRunner().invoke(main, ["query", str(file), "--endpoint", server.url, "--param", "x=1"])
    assert result.exit_code == 4
    assert "what it matches has no end" in result.stderr
    assert server.asked == []
