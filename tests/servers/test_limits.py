"""What one request may take: time, rows, memory; and what the others notice of it."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from ..records import MILD
from .serving import PATIENTS, Served, serving

# Every triple with every other, five times over: no machine gets to its end.
ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n1 ?o }"
LIMIT = 3.0


@pytest.fixture(scope="module")
def limited() -> Iterator[Served]:
    """A server with a short time limit."""
    with serving("--time-limit", str(LIMIT), "--max-rows", "1000", "--memory", "300", PATIENTS) as server:
        server.recommend(json.dumps([MILD]))
        yield server


def children(server: Served) -> list[int]:
    """The processes that work for a server."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    found = []
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                state, parent = stat.read().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == server.process.pid and state != "Z":
            found.append(pid)
    return found


def until(condition: object, seconds: float = 30.0) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


def test_an_endless_query_is_stopped_and_the_others_do_not_notice(limited: Served) -> None:
    assert until(lambda: limited.get("/health").json()["workers"] >= 4)
    found: list[httpx.Response] = []
    took: list[float] = []

    def ask_endlessly() -> None:
        began = time.monotonic()
        found.append(httpx.post(f"{limited.url}/sparql", data={"query": ENDLESS}, timeout=60))
        took.append(time.monotonic() - began)

    body = json.dumps([MILD])
    for address in ("/queries/options", "/terms"):
        limited.get(address)
    asking = threading.Thread(target=ask_endlessly)
    asking.start()
    others = []
    while asking.is_alive():
        for method, address in (("GET", "/queries/options"), ("POST", "/recommend"), ("GET", "/terms")):
            began = time.monotonic()
            content = body if method == "POST" else None
            headers = {"Content-Type": "application/json"}
            response = limited.client.request(method, address, content=content, headers=headers)
            assert response.status_code == 200
            others.append(time.monotonic() - began)
    asking.join()
    assert found[0].status_code == 422
    assert found[0].json()["error"]["kind"] == "time-limit"
    assert took[0] >= LIMIT
    assert len(others) > 20
    assert max(others) < LIMIT  # how long they take is measured by benchmarks/serving.py


def test_what_takes_too_long_ends_with_its_process_and_another_takes_its_place(limited: Served) -> None:
    assert until(lambda: limited.get("/health").json()["workers"] >= 4)
    before = set(children(limited))
    assert limited.sparql(ENDLESS).status_code == 422
    assert until(lambda: len(set(children(limited)) - before) >= 1)
    assert until(lambda: len(before - set(children(limited))) >= 1)
    assert until(lambda: limited.get("/health").json()["workers"] >= 4)


def test_endless_queries_of_many_never_stop_the_answers_to_records(limited: Served) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = [
            pool.submit(httpx.post, f"{limited.url}/sparql", data={"query": ENDLESS}, timeout=60)
            for _ in range(8)
        ]
        time.sleep(0.5)
        began = time.monotonic()
        assert limited.recommend(json.dumps([MILD])).status_code == 200
        assert time.monotonic() - began < LIMIT
        statuses = {future.result().status_code for future in asked}
    assert statuses <= {422, 503}
    assert 422 in statuses


def test_what_a_client_asked_that_has_gone_ends_at_the_limit(limited: Served) -> None:
    assert until(lambda: limited.get("/health").json()["workers"] >= 4)
    before = set(children(limited))
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{limited.url}/sparql", data={"query": ENDLESS}, timeout=0.5)
    assert until(lambda: bool(before - set(children(limited))), LIMIT + 10)


def test_more_rows_than_allowed_are_refused_and_not_cut_off(limited: Served) -> None:
    query = "SELECT * { ?s ?p ?o } LIMIT %d"
    for form in ("text/csv", "application/sparql-results+json", "text/tab-separated-values"):
        assert limited.sparql(query % 1000, accept=form).status_code == 200
        refused = limited.sparql(query % 1001, accept=form)
        assert refused.status_code == 422
        assert refused.json()["error"]["kind"] == "answer-too-large"
    triples = "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o } LIMIT 2000"
    assert limited.sparql(triples, accept="text/turtle").status_code == 422


def test_a_query_that_takes_too_much_memory_is_refused(limited: Served) -> None:
    query = 'SELECT (GROUP_CONCAT(STR(?a); separator="%s") AS ?x) { ?a ?b ?c . ?d ?e ?f }' % ("x" * 5000)
    refused = limited.sparql(query)
    assert refused.status_code == 422
    assert refused.json()["error"]["kind"] in ("memory", "time-limit")
    assert limited.sparql("ASK {}").status_code == 200


def test_a_worker_that_is_killed_is_replaced(limited: Served) -> None:
    assert until(lambda: len(children(limited)) >= 4)
    killed = children(limited)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    assert until(lambda: not set(killed) & set(children(limited)))
    assert limited.sparql("ASK {}").status_code == 200
    assert until(lambda: limited.get("/health").json()["workers"] == 4)


def test_killed_and_started_again_it_answers_and_nothing_of_the_first_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    with serving("--workers", "2", port=port) as server:
        workers = children(server)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        with serving("--workers", "2", port=port) as again:
            assert again.sparql("ASK {}").status_code == 200
        assert until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers))


def test_a_port_in_use_is_said_in_one_line() -> None:
    with serving("--workers", "1") as server:
        port = server.url.rpartition(":")[2]
        with (
            pytest.raises(AssertionError, match=f"port {port} is in use; choose another"),
            serving("--port", port),
        ):
            pass


def test_where_no_record_is_let_in_nothing_is_served() -> None:
    said = "no such file; check the name(.|\n)*no record was let in, so nothing is served"
    with pytest.raises(AssertionError, match=said), serving("nowhere.json"):
        pass


def test_ctrl_c_ends_the_server_and_all_that_works_for_it() -> None:
    with serving("--workers", "1") as server:
        assert until(lambda: len(children(server)) >= 2)
        workers = children(server)
        os.killpg(server.process.pid, signal.SIGINT)  # as a terminal sends it, to all of them
        assert server.process.wait(15) == 0
        assert until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers))
        assert server.log().count("\n") == 1
