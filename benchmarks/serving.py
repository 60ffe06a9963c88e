"""The graph as a service under load, beside Oxigraph's server and rdflib-endpoint, in one run on loopback.

All hold the same three graphs: the example patients, what is inferred of them and why, and the ontology.
wrk asks them the catalogue's queries by GET for JSON, each alone and all in turn; ours also for answers to a
posted record, while a query that would never end is running, and after ``kill -9``. It ends with exit
status 1 where two servers give different rows or ours errs; a target that is missed is only said.
``--quick`` runs a few queries for a second each.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import shutil
import sys
import tempfile
import threading
import time
import urllib.error
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endpoints import (
    JSON_ROWS,
    Endpoint,
    contents,
    fetched,
    fill,
    ours,
    oxigraph,
    rdflib_endpoint,
    settled,
)
from rich import box
from rich.console import Console
from rich.table import Table
from wrk import Load, Request, load

from dvt_kg import KnowledgeGraph, Query, ask, catalogue
from dvt_kg import load as load_ontology
from dvt_kg.ontology import data_dir

RECORD = Path(__file__).resolve().parent.parent / "examples" / "patient.json"
EACH, MANY, OTHERS = 8, 32, 8  # connections: each query alone, the mix, beside the endless query
LONGEST = 30.0  # s, for a query alone
ONE_IN = 5  # of the mix's requests is a posted record
ENDLESS = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
# Targets: s; s; s; growth of memory; times oxigraph's rate in the geometric mean and for each query.
POSTED, BESIDE, READY, GROWTH, MEAN, WORST = 0.02, 0.25, 3.0, 0.1, 1.0, 0.5


@dataclass(frozen=True)
class Effort:
    """How long is measured.

    :param each: seconds for each query alone, and for one record
    :param mix: seconds under the mix
    :param warm: seconds under the mix before its memory is looked at
    :param limit: seconds within which rdflib-endpoint has to answer a query once to be measured on it
    :param every: one query in so many is asked
    """

    each: float
    mix: float
    warm: float
    limit: float
    every: int = 1


def questions(every: int) -> dict[str, str]:
    """The texts of the catalogue's queries, with the term that finds most where one must be given."""
    ontology = load_ontology()
    graph = KnowledgeGraph(ontology)

    def text(query: Query) -> str:
        needed = [name for name, parameter in query.parameters.items() if parameter.required]
        for name in needed:
            terms = sorted(ontology.individuals(name.capitalize()))
            most = max(terms, key=lambda term: len(ask(graph, query, **{name: term})))
            term = query.bind({name: most})[name]
            return f"{query.text}\nVALUES ?{name} {{ {term} }}\n"
        return query.text

    return {name: text(query) for name, query in list(catalogue().items())[::every]}


def asking(server: Endpoint, text: str) -> Request:
    return Request(server.target(text), headers={"Accept": JSON_ROWS})


def posting() -> Request:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    return Request("/recommend", "POST", headers, RECORD.read_text(encoding="utf-8"))


def mixed(server: Endpoint, texts: Mapping[str, str]) -> list[Request]:
    """Every query once, and after every few of them a posted record."""
    requests: list[Request] = []
    for text in texts.values():
        requests.append(asking(server, text))
        if len(requests) % ONE_IN == ONE_IN - 1:
            requests.append(posting())
    return requests


def measured(server: Endpoint, requests: Sequence[Request], connections: int, seconds: float) -> Load:
    """A server under load, alone: it comes to rest before the next one's turn."""
    found = load(server.address, requests, connections, seconds)
    server.rest()
    return found


def comparable(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rows without the names of blank nodes, which differ from server to server, in an order of their own."""
    plain = [
        sorted(
            # When it was concluded differs too: each of ours classifies for itself.
            (name, term["type"], "" if term["type"] == "bnode" or name == "time" else term["value"])
            for name, term in r.items()
        )
        for r in rows
    ]
    return sorted(map(str, plain))


class Servers:
    """The servers that are measured, all running; of ours one with and one without its cache of replies."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        records = data_dir("ontology") / "examples.ttl"
        self.cached = stack.enter_context(ours(records, cache=True))
        self.plain = stack.enter_context(ours(records, cache=False))
        for server in (self.cached, self.plain):
            settled(server)
        quads = contents(self.cached)
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "all.nq"
        file.write_bytes(quads)
        self.oxigraph = stack.enter_context(oxigraph())
        fill(self.oxigraph, quads)
        self.rdflib = stack.enter_context(rdflib_endpoint(file))
        self.triples = quads.count(b"\n")

    @property
    def all(self) -> tuple[Endpoint, ...]:
        """All of them, in the order of the tables."""
        return (self.cached, self.plain, self.oxigraph, self.rdflib)


def each_alone(
    servers: Servers, texts: Mapping[str, str], effort: Effort
) -> tuple[dict[str, Any], list[str]]:
    """Answers a second for each query, and what differs between the servers."""
    numbers: dict[str, Any] = {}
    wrong: list[str] = []
    for name, text in texts.items():
        reference = servers.oxigraph.rows(text, LONGEST) or []
        rates = {}
        for server in servers.all:
            guest = server is servers.rdflib
            started = time.perf_counter()
            rows = server.rows(text, effort.limit if guest else LONGEST)
            once = time.perf_counter() - started
            if guest and rows is None:  # it may still be at it
                server.kill()
                server.start()
                continue
            # Literals are written otherwise by rdflib.
            if rows is None or (len(rows) if guest else comparable(rows)) != (
                len(reference) if guest else comparable(reference)
            ):
                wrong.append(f"{name}: {server.name} gives other rows than {servers.oxigraph.name}, or none")
            seconds = min(LONGEST, max(effort.each, 2 * EACH * once))  # so that slow ones are answered too
            found = measured(server, [asking(server, text)], EACH, seconds)
            if found.rate:
                rates[server.name] = found.rate
            if (found.errors or not found.rate) and not guest:
                wrong.append(
                    f"{name}: {server.name} answers {found.rate:.1f} a second, {found.errors} errors"
                )
        numbers[name] = {"rows": len(reference), "rates": rates}
    return numbers, wrong


def ratios(alone: Mapping[str, Any], server: Endpoint, other: Endpoint) -> dict[str, Any]:
    """The rates of a server as multiples of another's: the geometric mean, and the worst with its query."""
    both = {n: m["rates"] for n, m in alone.items() if {server.name, other.name} <= m["rates"].keys()}
    found = {name: rates[server.name] / rates[other.name] for name, rates in both.items()}
    worst = min(found, key=found.__getitem__)
    mean = math.exp(sum(map(math.log, found.values())) / len(found))
    return {"mean": mean, "worst": found[worst], "query": worst}


def under_the_mix(servers: Servers, texts: Mapping[str, str], effort: Effort) -> Iterator[dict[str, Any]]:
    """Ours under the mix with its memory, then the mix's queries alone on every server that answers them."""
    for server in (servers.cached, servers.plain):
        requests = mixed(server, texts)
        load(server.address, requests, MANY, effort.warm)
        before = server.resident()
        found = load(server.address, requests, MANY, effort.mix)
        after = server.resident()
        server.rest()
        yield row(server, "queries and records", found) | {"before": before, "after": after}
    for server in servers.all[:3]:
        requests = [asking(server, text) for text in texts.values()]
        yield row(server, "queries", measured(server, requests, MANY, effort.mix))


def slow_part(
    servers: Servers, texts: Mapping[str, str], alone: Mapping[str, Any], effort: Effort
) -> Iterator[dict[str, Any]]:
    """rdflib-endpoint and the others on the queries that rdflib-endpoint answers within the limit."""
    chosen = [text for n, text in texts.items() if servers.rdflib.name in alone[n]["rates"]]
    for server in (servers.rdflib, servers.plain, servers.oxigraph) if chosen else ():
        requests = [asking(server, text) for text in chosen]
        yield row(
            server,
            f"{len(chosen)} that rdflib-endpoint answers",
            measured(server, requests, MANY, effort.mix),
        )


def row(server: Endpoint, what: str, found: Load) -> dict[str, Any]:
    return {"server": server.name, "what": what, **found._asdict(), "errors": found.errors}


def beside_an_endless_query(server: Endpoint, texts: Mapping[str, str], seconds: float) -> dict[str, Any]:
    """The mix while a query that never ends is asked again as soon as it has been stopped."""
    over = threading.Event()
    stopped: list[tuple[int, float]] = []

    def ask_for_ever() -> None:
        while not over.is_set():
            started = time.perf_counter()
            try:
                fetched(server.address + server.target(ENDLESS), Accept=JSON_ROWS, timeout=60)
                status = 200
            except urllib.error.HTTPError as error:
                status = error.code
            stopped.append((status, time.perf_counter() - started))

    thread = threading.Thread(target=ask_for_ever)
    thread.start()
    try:
        time.sleep(0.5)
        found = load(server.address, mixed(server, texts), OTHERS, seconds)
    finally:
        over.set()
        thread.join()
        server.rest()
    refused = [status for status, _ in stopped]
    return row(server, "beside an endless query", found) | {
        "stopped": refused,
        "stopped_after": max(seconds for _, seconds in stopped),
    }


def after_a_kill(server: Endpoint, times: int) -> float:
    """The most seconds from the start after ``kill -9`` until the server answers again."""
    taken = []
    for _ in range(times):
        server.kill()
        taken.append(server.start())
    return max(taken)


def by_query(alone: Mapping[str, Any], servers: Servers) -> Table:
    table = Table(title=f"answers a second, each query alone, {EACH} connections", box=box.MARKDOWN)
    table.add_column("query")
    for name in ("rows", *(server.name for server in servers.all), "times oxigraph", "with --cache 0"):
        table.add_column(name, justify="right")
    for name, found in alone.items():
        rates = found["rates"]
        shown = [f"{rates[s.name]:,.0f}" if s.name in rates else "too few" for s in servers.all]
        beside = rates.get(servers.oxigraph.name)
        times = [
            f"{rates[s.name] / beside:.2f}" if beside and s.name in rates else "" for s in servers.all[:2]
        ]
        table.add_row(name, f"{found['rows']:,}", *shown, *times)
    return table


def by_load(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title="under load", box=box.MARKDOWN)
    table.add_column("server")
    table.add_column("asked")
    for name in ("p50", "p99", "a second", "errors", "memory"):
        table.add_column(name, justify="right")
    for found in rows:
        memory = ""
        if "before" in found:
            grown = found["after"] / found["before"] - 1
            memory = f"{found['before'] / 1e6:,.0f} MB, {grown:+.1%}"
        times = [f"{found[name] * 1000:.1f} ms" if found["rate"] else "" for name in ("p50", "p99")]
        table.add_row(
            found["server"], found["what"], *times, f"{found['rate']:,.0f}", str(found["errors"]), memory
        )
    return table


def by_target(numbers: Mapping[str, Any]) -> Table:
    """What was aimed at, and what came of it."""
    shipped, bare = numbers["ratios"]["dvt-kg"], numbers["ratios"]["dvt-kg --cache 0"]
    endless, mix = numbers["endless"], numbers["load"][0]
    checks = [
        (f"{how}: times oxigraph's rate, {what}", found[key], target, found[key] >= target, "{:.2f}")
        for how, found in (("as shipped", shipped), ("--cache 0", bare))
        for what, key, target in (
            ("geometric mean", "mean", MEAN),
            (f"worst ({found['query']})", "worst", WORST),
        )
    ]
    grown = mix["after"] / mix["before"] - 1
    checks += [
        ("one record, p50", numbers["record"]["p50"], POSTED, numbers["record"]["p50"] <= POSTED, "{:.4f} s"),
        ("the mix, growth of memory", grown, GROWTH, grown <= GROWTH, "{:.1%}"),
        ("the mix, errors", mix["errors"], 0, mix["errors"] == 0, "{}"),
        *(
            (f"beside an endless query, p99, {e['server']}", e["p99"], BESIDE, e["p99"] <= BESIDE, "{:.3f} s")
            for e in endless
        ),
        ("ready after kill -9", numbers["restart"], READY, numbers["restart"] <= READY, "{:.2f} s"),
    ]
    table = Table(title="targets", box=box.MARKDOWN)
    for name in ("what", "measured", "target", "reached"):
        table.add_column(name)
    for what, value, target, reached, form in checks:
        table.add_row(what, form.format(value), form.format(target), "yes" if reached else "NO")
    return table


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a small run, to see that it works")
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help="under the mix (60)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers too")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: it is a Debian package, which make test-servers installs too")
    effort = Effort(1, 2, 2, 1, every=11) if given.quick else Effort(2, given.seconds, 15, 2)
    texts = questions(effort.every)
    numbers: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        servers = Servers(stack)
        numbers["triples"] = servers.triples
        numbers["queries"], wrong = each_alone(servers, texts, effort)
        numbers["ratios"] = {s.name: ratios(numbers["queries"], s, servers.oxigraph) for s in servers.all[:2]}
        record = measured(servers.cached, [posting()], 1, max(effort.each, effort.mix / 6))
        numbers["record"] = row(servers.cached, "one record, one connection", record)
        numbers["load"] = [
            *under_the_mix(servers, texts, effort),
            *slow_part(servers, texts, numbers["queries"], effort),
        ]
        numbers["endless"] = [
            beside_an_endless_query(s, texts, min(effort.mix, 30)) for s in (servers.cached, servers.plain)
        ]
        numbers["restart"] = after_a_kill(servers.cached, 1 if given.quick else 5)
    own = [r for r in (numbers["record"], *numbers["load"], *numbers["endless"]) if "dvt-kg" in r["server"]]
    wrong += [f"{r['errors']} errors of {r['server']}: {r['what']}" for r in own if r["errors"]]
    for found in numbers["endless"]:
        if set(found["stopped"]) != {422}:
            wrong.append(f"the endless query was answered with {found['stopped']}")
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    console.print(f"{numbers['triples']:,} triples, {len(texts)} queries")
    console.print(by_query(numbers["queries"], servers))
    console.print(by_load([numbers["record"], *numbers["load"], *numbers["endless"]]))
    console.print(by_target(numbers))
    limits = ", ".join(f"{found['stopped_after']:.1f} s" for found in numbers["endless"])
    console.print(f"the endless query was stopped after {limits}")
    for what in wrong:
        console.print(f"WRONG: {what}")
    if given.json:
        given.json.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
