"""Other people's triple stores: what is published there is asked there, and comes back, as it is here."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyoxigraph as ox
import pytest
from click.testing import CliRunner

from dvt_kg import (
    Endpoint,
    EndpointError,
    HermiT,
    KnowledgeGraph,
    Ontology,
    Query,
    ask,
    catalogue,
    classify,
    explained,
    publish,
    read_records,
    recommend,
)
from dvt_kg.classification import PROV
from dvt_kg.cli import main
from dvt_kg.graph import GRAPHS, INFERRED, ONTOLOGY, PATIENTS
from dvt_kg.ontology import local_name
from dvt_kg.patients import PATIENT_IRI
from dvt_kg.publishing import PUBLISHING
from dvt_kg.stored import knowledge, summary
from dvt_kg.work import CONTRADICTORY
from tests.records import EMPTY, MILD, RECORDS, TORN
from tests.rows import plain, texts
from tests.servers.stores import STORES, Store, oxigraph
from tests.test_readme import COMMANDS, ROOT

# What a store cannot do of what the others can, with the reason.
EXCEPTIONS = {
    ("virtuoso", "rules"): "Virtuoso 7.2.5 joins the third step of the rules in an order that takes it hours",
}
REQUIRED: dict[str, dict[str, Any]] = {
    "statements-about-intervention": {"intervention": "systemic-thrombolysis"}
}
WITH_RULES = [name for name in STORES if (name, "rules") not in EXCEPTIONS]


@pytest.fixture(scope="module")
def graph(ontology: Ontology, reasoner: HermiT) -> KnowledgeGraph:
    return explained(classify(read_records(RECORDS, ontology).patients, reasoner))


@pytest.fixture(scope="module", params=STORES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with nothing in it."""
    with STORES[request.param](tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture(scope="module")
def published(store: Store, graph: KnowledgeGraph) -> Store:
    """A store that holds the records and what was inferred of them, and why."""
    came = publish(store.endpoint(), graph)
    assert [(name, how) for name, _, how in came] == [
        (name.value, "published") for name in (ONTOLOGY, PATIENTS, INFERRED)
    ]
    return store


def run(*words: str | Path, status: int = 0) -> str:
    result = CliRunner().invoke(main, list(map(str, words)))
    assert result.exit_code == status, result.output
    return result.stdout


def said(triples: Any) -> set[tuple[str, str, str]]:
    """Triples by what they say: blank nodes alike, numbers by their value."""

    def term(node: Any) -> str:
        blank = isinstance(node, ox.BlankNode) or str(node).startswith("<urn:dvt-kg:genid:")
        return "blank" if blank else plain(node)

    return {(term(t.subject), term(t.predicate), term(t.object)) for t in triples}


@pytest.mark.parametrize("name", catalogue())
def test_each_query_gives_the_same_rows(published: Store, graph: KnowledgeGraph, name: str) -> None:
    here = ask(graph, name, **REQUIRED.get(name, {}))
    there = published.endpoint().select(name, **REQUIRED.get(name, {}))
    assert set(there.variables) == set(here.variables)
    assert texts(there, here.variables) == texts(here, here.variables)
    assert len(here)


@pytest.mark.parametrize("name", [query.name for query in catalogue().values() if query.parameters])
def test_each_query_gives_the_same_rows_with_each_of_its_parameters(
    published: Store, graph: KnowledgeGraph, name: str
) -> None:
    rows = list(ask(graph, name, **REQUIRED.get(name, {})))
    for parameter in catalogue()[name].parameters.values():
        found = [term for term in (row[parameter.name] for row in rows) if term is not None]
        value = local_name(found[len(found) // 2])
        if parameter.kind == "patient":
            value = unquote(value.removeprefix(PATIENT_IRI))
        bound = {**REQUIRED.get(name, {}), parameter.name: value}
        here, there = ask(graph, name, **bound), published.endpoint().select(name, **bound)
        assert texts(there, here.variables) == texts(here, here.variables)
        assert 0 < len(here) <= len(rows)


def test_the_graphs_come_back_as_they_are(published: Store, graph: KnowledgeGraph) -> None:
    for name in GRAPHS:
        assert said(published.endpoint().triples(name.value)) == said(graph.triples(name))


def test_the_ontology_comes_back_with_its_blank_nodes(published: Store, ontology: Ontology) -> None:
    there = knowledge(published.endpoint())
    assert there.version == ontology.version
    assert there.findings == ontology.findings
    assert sum(isinstance(q.subject, ox.BlankNode) for q in there.store) == sum(
        isinstance(q.subject, ox.BlankNode) for q in ontology.store
    )


def test_the_patients_who_are_there_are_answered_as_from_files(published: Store, ontology: Ontology) -> None:
    here = recommend(classify(read_records(RECORDS, ontology).patients))["results"]
    there = json.loads(
        run("recommend", "--format", "json", "--endpoint", published.query, status=CONTRADICTORY)
    )
    assert there["ontology_version"] == ontology.version
    assert sorted(there["results"], key=lambda r: str(r["patient"])) == sorted(
        json.loads(json.dumps(here)), key=lambda r: str(r["patient"])
    )


def test_records_of_a_file_are_answered_by_the_knowledge_that_is_there(
    published: Store, tmp_path: Path
) -> None:
    file = tmp_path / "mild.json"
    file.write_text(json.dumps({**MILD, "id": "only-here"}), encoding="utf-8")
    words = ("recommend", "--format", "json", file)
    here, there = (json.loads(run(*words, *more)) for more in ((), ("--endpoint", published.query)))
    assert [result["patient"] for result in there["results"]] == ["only-here"]
    assert there["results"] == here["results"]


def test_one_of_the_patients_is_explained(published: Store) -> None:
    out = run(
        "explain",
        "--endpoint",
        published.query,
        "--patient",
        "mild",
        "--presentation",
        "acr-2020-iliofemoral-1",
    )
    assert "symptom-duration-days 7" in out
    missing = CliRunner().invoke(main, ["explain", "--endpoint", published.query, "--patient", "nobody"])
    assert missing.exit_code == 2
    assert "no record 'nobody'" in missing.stderr


def test_the_summary_is_what_the_answers_come_to(published: Store, ontology: Ontology) -> None:
    results = recommend(classify(read_records(RECORDS, ontology).patients))["results"]
    found = summary(published.endpoint())
    assert found["patients"] == len(RECORDS)

    def counts(part: str, key: str = "patients") -> dict[str, int]:
        return {item["id"]: item[key] for item in found[part] if item[key]}

    def answered(name: str, key: str) -> Counter[str]:
        return Counter(str(item[key]) for result in results for item in result[name])

    assert counts("status") == Counter(result["status"] for result in results)
    assert counts("presentations", "met") == answered("presentations", "id")
    assert counts("presentations", "open") == answered("undetermined", "presentation")
    assert counts("presentations", "ruled_out") == answered("ruled_out", "presentation")
    assert counts("alerts") == answered("alerts", "id")
    assert counts("next_steps") == answered("next_steps", "id")
    assert counts("conflicts") == Counter(
        name for result in results for name in {c["intervention"] for c in result["conflicts"]}
    )
    assert sum(counts("missing").values()) == sum(len(result["missing"]) for result in results)
    assert set(counts("clashes")) == {
        str(fact["path"]).rpartition("/")[2]
        for result in results
        for clash in result.get("contradiction", ())
        for fact in clash
    }


def test_the_command_prints_the_summary(published: Store) -> None:
    out = run("cohort", "--endpoint", published.query, status=CONTRADICTORY)
    assert out.startswith(f"{len(RECORDS)} patients in the store: {len(RECORDS)} classified\n")
    assert "Classified there by HermiT" in out
    assert "in the summary as JSON" not in out


# What follows changes what the store holds.


class Breaking(Endpoint):
    """An endpoint of which the connection breaks after so many writes, the last of which was done."""

    def __init__(self, store: Store, writes: int, *, by_graph_store: bool) -> None:
        graph_store = store.graph_store if by_graph_store else None
        super().__init__(store.query, update=store.update, graph_store=graph_store, timeout=60)
        self.writes = writes

    def _wrote(self) -> None:
        self.writes -= 1
        if self.writes == 0:
            raise self.error("the cable was pulled")

    def update(self, request: str) -> None:
        super().update(request)
        self._wrote()

    def put(self, graph: str, data: bytes) -> None:
        super().put(graph, data)
        self._wrote()

    def add(self, graph: str, data: bytes) -> None:
        super().add(graph, data)
        self._wrote()


@pytest.fixture(scope="module")
def one(ontology: Ontology) -> KnowledgeGraph:
    """A graph of one patient, as it is concluded at one moment."""
    return classify(read_records([MILD], ontology).patients).graph()


WAYS = pytest.mark.parametrize("by_graph_store", [False, True], ids=["updates", "graph-store"])


@WAYS
def test_a_second_run_changes_nothing(store: Store, ontology: Ontology, by_graph_store: bool) -> None:
    endpoint = store.endpoint(by_graph_store=by_graph_store)
    publish(endpoint, classify(read_records([EMPTY], ontology).patients).graph(), (PATIENTS, INFERRED))
    for how in ("published", "unchanged"):
        # Concluded again, at another time.
        graph = classify(read_records([MILD, TORN], ontology).patients).graph()
        came = publish(endpoint, graph, (PATIENTS, INFERRED))
        assert [became.how for became in came] == [how, how]
        assert [became.triples for became in came] == [endpoint.count(name) for name, *_ in came]
    publish(endpoint, classify(read_records([MILD], ontology).patients).graph(), (PATIENTS,))
    assert len(endpoint.select("status").plain()) == 1


@WAYS
@pytest.mark.parametrize("writes", [1, 2, 3, 5, 6, 7, 8])
def test_a_run_that_breaks_off_goes_on(
    store: Store, ontology: Ontology, one: KnowledgeGraph, by_graph_store: bool, writes: int
) -> None:
    endpoint = store.endpoint(by_graph_store=by_graph_store)
    publish(endpoint, classify(read_records([TORN], ontology).patients).graph(), (INFERRED,))
    breaking = Breaking(store, writes, by_graph_store=by_graph_store)
    with pytest.raises(EndpointError, match="the cable was pulled"):
        publish(breaking, one, (INFERRED,), triples=30)
    later = classify(read_records([MILD], ontology).patients).graph()
    (came,) = publish(endpoint, later, (INFERRED,), triples=30)
    # The first writes are: begun; or noted, emptied, and a batch of which it is not noted that it came.
    assert came.how == ("resumed" if writes > (3 if by_graph_store else 1) else "published")
    assert came.triples == len(list(one.triples(INFERRED)))
    assert said(endpoint.triples(INFERRED.value)) - said(one.triples(INFERRED)) <= said(
        t for t in later.triples(INFERRED) if t.predicate.value == PROV + "endedAtTime"
    )


def test_a_last_step_of_which_no_word_came_back_was_done_all_the_same(
    store: Store, one: KnowledgeGraph
) -> None:
    endpoint = store.endpoint()
    batches = -(-len(list(one.triples(INFERRED))) // 30)
    endpoint.update(f"DROP SILENT GRAPH {INFERRED}")
    with pytest.raises(EndpointError, match="the cable was pulled"):
        publish(Breaking(store, 1 + batches + 1, by_graph_store=False), one, (INFERRED,), triples=30)
    assert publish(endpoint, one, (INFERRED,), triples=30)[0].how == "unchanged"


def test_what_was_there_stays_until_the_new_is_whole(
    store: Store, ontology: Ontology, one: KnowledgeGraph
) -> None:
    endpoint = store.endpoint()
    publish(endpoint, classify(read_records([TORN], ontology).patients).graph(), (INFERRED,))
    before = said(endpoint.triples(INFERRED.value))
    with pytest.raises(EndpointError, match="the cable was pulled"):
        publish(Breaking(store, 3, by_graph_store=False), one, (INFERRED,), triples=30)
    assert said(endpoint.triples(INFERRED.value)) == before
    publish(endpoint, one, (INFERRED,))
    names = Query("names", "SELECT DISTINCT ?graph WHERE { GRAPH ?graph { ?s ?p ?o } }")
    named = {row["graph"] for row in endpoint.select(names, graphs=()).plain()}
    assert {name for name in named if str(name).startswith("urn:dvt-kg:")} <= {
        name.value for name in (*GRAPHS, PUBLISHING)
    }


@WAYS
def test_what_others_took_away_or_added_is_put_right(
    store: Store, one: KnowledgeGraph, by_graph_store: bool
) -> None:
    endpoint = store.endpoint(by_graph_store=by_graph_store)
    publish(endpoint, one, (PATIENTS,))
    endpoint.update(f"INSERT DATA {{ GRAPH {PATIENTS} {{ <urn:x> <urn:y> <urn:z> }} }}")
    assert publish(endpoint, one, (PATIENTS,))[0].how == "published"
    endpoint.update(f"DROP SILENT GRAPH {PATIENTS}")
    assert publish(endpoint, one, (PATIENTS,))[0].how == "published"
    assert said(endpoint.triples(PATIENTS.value)) == said(one.triples(PATIENTS))


def test_a_batch_is_no_longer_than_is_said(store: Store, one: KnowledgeGraph) -> None:
    endpoint = store.endpoint()
    number = len(list(one.triples(PATIENTS)))
    for triples, size, batches in ((5, 10_000, -(-number // 5)), (1_000, 1, number)):
        endpoint.update(f"DROP SILENT GRAPH {PATIENTS}")
        steps: dict[int, int] = {}
        publish(endpoint, one, (PATIENTS,), triples=triples, size=size, progress=steps.__setitem__)
        assert len(steps) == batches
        assert steps[number] == number


def test_the_command_publishes_and_says_what_became_of_each_graph(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "records.json"
    file.write_text(json.dumps([{**MILD, "id": "told"}, {"id": "bad", "sex": "n"}]), encoding="utf-8")
    words = ("publish", "--endpoint", store.query, "--update", store.update, file)
    lines = run(*words, status=1).splitlines()
    assert [line.split(":")[2] for line in lines] == ["ontology", "patients", "inferred"]
    assert lines[1].endswith("published")
    assert all(line.endswith("unchanged") for line in run(*words, status=1).splitlines())
    by_store = ("publish", "--endpoint", store.query, "--graph-store", store.graph_store)
    assert run(*by_store) == lines[0].replace("published", "unchanged") + "\n"


@pytest.mark.parametrize("name", WITH_RULES)
def test_the_store_classifies_the_patients_itself(name: str, ontology: Ontology, tmp_path: Path) -> None:
    file = tmp_path / "records.json"
    file.write_text(json.dumps(RECORDS), encoding="utf-8")
    with STORES[name](tmp_path) as store:
        words = ("publish", "--endpoint", store.query, "--classify", "rules", file)
        assert run(*words).splitlines()[2].endswith("published")
        assert run(*words).splitlines()[2].endswith("unchanged")
        there = {row["id"]: row["status"] for row in store.endpoint().select("status").plain()}
        results = recommend(classify(read_records(RECORDS, ontology).patients))["results"]
        assert there == {result["patient"]: result["status"] for result in results}
        out = run("cohort", "--endpoint", store.query, status=CONTRADICTORY)
        assert "Classified there by compiled rules as SPARQL, run by the store" in " ".join(out.split())


def test_an_empty_store_says_how_it_is_filled(tmp_path: Path) -> None:
    with oxigraph(tmp_path) as store:
        failed = CliRunner().invoke(main, ["recommend", "--endpoint", store.query])
        assert failed.exit_code == 4
        assert "nothing in its graph urn:dvt-kg:ontology: 'dvt-kg publish' fills it" in failed.stderr
        run("publish", "--endpoint", store.query)
        failed = CliRunner().invoke(main, ["recommend", "--endpoint", store.query])
        assert failed.exit_code == 4
        assert "it holds no patients" in failed.stderr


def test_the_commands_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    shown = [c for c in COMMANDS if "--endpoint http://localhost:7878/query" in c]
    assert {shlex.split(command)[1] for command in shown} == {
        "publish",
        "query",
        "recommend",
        "explain",
        "cohort",
    }
    with oxigraph(tmp_path) as store:
        for command in shown:
            words = shlex.split(command.replace("http://localhost:7878/query", store.query))[1:]
            result = CliRunner().invoke(main, words)
            assert result.exit_code in (0, CONTRADICTORY), result.output
            assert result.stdout


def test_virtuoso_asks_for_a_password_by_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with STORES["virtuoso"](tmp_path) as store:
        root = store.query.removesuffix("/sparql")
        words = ["publish", "--endpoint", store.query, "--update", f"{root}/sparql-auth", "--user", "dba"]
        monkeypatch.setenv("DVT_KG_ENDPOINT_PASSWORD", "wrong-word")
        refused = CliRunner().invoke(main, words)
        assert refused.exit_code == 4
        assert f"{root}/sparql-auth: it refused the credentials (401)" in refused.stderr
        assert "wrong-word" not in refused.output
        monkeypatch.setenv("DVT_KG_ENDPOINT_PASSWORD", "dba")
        assert "triples, published" in run(*words)


def test_rows_that_virtuoso_cuts_off_are_no_answer(tmp_path: Path) -> None:
    with STORES["virtuoso"](tmp_path) as store:
        everything = Query("everything", "SELECT * WHERE { GRAPH ?graph { ?s ?p ?o } }")
        run("publish", "--endpoint", store.query)
        with pytest.raises(EndpointError, match="only half an answer came: it gives no more than 10000 rows"):
            store.endpoint().select(everything, graphs=())
