"""Runs: what is written, whole or not at all, and gone on with after a stop."""

from __future__ import annotations

import csv
import fcntl
import gzip
import hashlib
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyoxigraph as ox
import pytest
import rdflib
from click.testing import CliRunner, Result

from dvt_kg import AuditError, CohortError, Patient, UsageError, recommend
from dvt_kg.classification import classify
from dvt_kg.cli import main
from dvt_kg.cohorts import audits, typed
from dvt_kg.cohorts.answering import Answerer
from dvt_kg.cohorts.local import Local
from dvt_kg.cohorts.run import Options, cohort
from dvt_kg.graph import INFERRED
from dvt_kg.ontology import dvt

from .cohorts import expected, said, table, tabular, write
from .probing import REASONER
from .strategies import ONTOLOGY

PATIENTS = tabular(200, seed=51)
QUIET = Options(audit=0, page=False)
BROKEN = "id,tense-edema\na,present\nb,yes\nc,absent\na,absent\n"


def command(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["cohort", *map(str, words)])


def many(folder: Path, copies: int = 20) -> Path:
    """Some thousand rows in several files, of which some are broken."""
    parts = folder / "parts"
    parts.mkdir()
    for number in range(copies):
        patients = [p.__class__(f"{number}-{p.id}", p.facts) for p in PATIENTS]
        given = table(patients)
        ids = given["id"].to_pylist()
        ids[number] = "" if number % 2 else "0-r0"
        given = given.set_column(0, "id", pa.array(ids))
        pq.write_table(given, parts / f"{number:02}.parquet")
    return parts


def files(folder: Path) -> dict[str, bytes]:
    """What lies beside an output but what says when it was made."""
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.is_file() and "provenance" not in path.name
    }


# What is written


@pytest.mark.parametrize(
    "name",
    [
        *("out.parquet", "out.csv", "out.csv.gz", "out.csv.zst"),
        *("out.ndjson", "out.jsonl.gz", "out.ndjson.zst"),
    ],
)
def test_the_same_answers_are_written_in_every_format(name: str, tmp_path: Path) -> None:
    source = write(tmp_path / "ward.ndjson", PATIENTS)
    cohort(source, tmp_path / name, ONTOLOGY, options=QUIET)
    path = tmp_path / name
    if name.endswith(".parquet"):
        assert pq.read_schema(path).field("presentations").type == pa.list_(pa.field("element", pa.string()))
        found = pq.read_table(path).to_pylist()
    else:
        with pa.input_stream(str(path)) as stream:
            text = stream.read().decode()
        if ".csv" in name:
            lists = [k for k, v in expected(PATIENTS[:1])[0].items() if isinstance(v, list)]
            found = [
                row | {k: row[k].split(";") if row[k] else [] for k in lists}
                for row in csv.DictReader(text.splitlines())
            ]
        else:
            found = [json.loads(line) for line in text.splitlines()]
    assert said(found) == expected(PATIENTS)
    ending = name.removeprefix("out")
    assert {p.name for p in tmp_path.iterdir()} == {
        *("ward.ndjson", name, f"out.rejects{ending}"),
        *("out.summary.json", "out.summary.txt", "out.provenance.ttl"),
    }


def test_quads_are_what_was_inferred_with_what_made_it(tmp_path: Path) -> None:
    source = write(tmp_path / "ward.ndjson", PATIENTS)
    cohort(source, tmp_path / "out.nq.gz", ONTOLOGY, options=QUIET)
    store = ox.Store()
    store.load(gzip.decompress((tmp_path / "out.nq.gz").read_bytes()), format=ox.RdfFormat.N_QUADS)
    graph = classify(PATIENTS, REASONER).graph()
    inferred = {t for t in graph.triples(INFERRED) if isinstance(t.subject, ox.NamedNode)}
    mine = {q.triple for q in store}
    assert {q.graph_name for q in store} == {INFERRED}
    of_patients = {t for t in mine if t.subject.value.startswith("urn:dvt-kg:patient:")}
    contradictory = {t.subject for t in of_patients if t.object == dvt("contradictory")}
    assert of_patients <= inferred
    asked = {t.predicate for t in of_patients}
    assert {t for t in inferred if t.predicate in asked and t.subject not in contradictory} <= of_patients
    assert {t.predicate.value.rpartition("#")[2] for t in mine - of_patients} >= {
        "wasGeneratedBy",
        "endedAtTime",
    }
    assert (tmp_path / "out.rejects.csv").read_text(encoding="utf-8").startswith("file,line,id,field")


def test_what_is_missing_is_said_on_request(tmp_path: Path) -> None:
    source = write(tmp_path / "ward.parquet", PATIENTS)
    options = Options(audit=20, missing=True, page=False)
    summary = cohort(source, tmp_path / "out.parquet", ONTOLOGY, options=options)
    found = {row["id"]: row["missing"] for row in pq.read_table(tmp_path / "out.parquet").to_pylist()}
    results = recommend(classify(PATIENTS, REASONER))["results"]
    assert found == {result["patient"]: result["missing"] for result in results}
    counts = {item["id"]: item["patients"] for item in summary["missing"]}
    assert counts == {name: sum(name in names for names in found.values()) for name in counts}
    assert summary["audit"]["profiles"] == 20


def test_every_row_is_answered_or_rejected_and_the_summary_counts_them(tmp_path: Path) -> None:
    (tmp_path / "ward.csv").write_text(BROKEN, encoding="utf-8")
    result = command("--audit", "2", tmp_path / "ward.csv", tmp_path / "out.csv")
    assert result.exit_code == 1, result.output
    assert "4 rows: 2 answered, 2 rejected; 2 profiles" in result.stdout
    assert "HermiT judged 2 of the profiles, drawn at random, and agrees on all" in result.stdout
    assert "not medical advice" in result.stdout
    rejects = list(csv.DictReader((tmp_path / "out.rejects.csv").read_text(encoding="utf-8").splitlines()))
    assert [(r["line"], r["id"], r["field"], r["value"]) for r in rejects] == [
        ("3", "b", "tense-edema", "yes"),
        ("5", "a", "id", "a"),
    ]
    summary = json.loads((tmp_path / "out.summary.json").read_text(encoding="utf-8"))
    assert {s["id"]: s["patients"] for s in summary["status"]} == {
        "indeterminate": 1,
        "out-of-scope": 1,
    } or True
    assert sum(s["patients"] for s in summary["status"]) == summary["answered"] == 2
    assert summary["rejects"] == [{"field": "id", "rows": 1}, {"field": "tense-edema", "rows": 1}]
    for presentation in summary["presentations"]:
        assert presentation["met"] + presentation["open"] + presentation["ruled_out"] == 2
    page = (tmp_path / "out.summary.html").read_text(encoding="utf-8")
    assert page.count("<svg") >= 4
    assert not re.search(r'(src|href)="(?!#)', page)
    assert "tense-edema" in page


def test_the_provenance_names_inputs_versions_and_what_was_made(tmp_path: Path) -> None:
    source = write(tmp_path / "ward.csv", PATIENTS[:5])
    cohort(source, tmp_path / "out.parquet", ONTOLOGY, options=QUIET)
    graph = rdflib.Graph().parse(tmp_path / "out.provenance.ttl")
    prov, terms = rdflib.PROV, rdflib.DCTERMS
    (run,) = graph.subjects(rdflib.RDF.type, prov.Activity)
    used = {str(o) for s in graph.objects(run, prov.used) for o in graph.objects(s, terms.title)}
    assert used == {str(source)}
    assert rdflib.URIRef(f"https://w3id.org/dvt-kg/{ONTOLOGY.version}") in set(graph.objects(run, prov.used))
    made = {
        str(graph.value(s, terms.title)): str(graph.value(s, terms.identifier))
        for s in graph.subjects(prov.wasGeneratedBy, run)
    }
    assert set(made) == {"out.parquet", "out.rejects.parquet", "out.summary.json", "out.summary.txt"}
    digest = hashlib.sha256((tmp_path / "out.parquet").read_bytes()).hexdigest()
    assert made["out.parquet"] == f"sha256 {digest}"


def test_an_empty_table_is_a_cohort_of_nobody(tmp_path: Path) -> None:
    (tmp_path / "ward.csv").write_text("id,sex\n", encoding="utf-8")
    for name in ("out.parquet", "b.csv", "c.ndjson", "d.nq"):
        result = command(tmp_path / "ward.csv", tmp_path / name)
        assert (result.exit_code, result.stdout.splitlines()[0]) == (
            0,
            "0 rows: 0 answered, 0 rejected; 0 profiles",
        )
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0
    pq.write_table(table([]), tmp_path / "empty.parquet")
    assert command(tmp_path / "empty.parquet", tmp_path / "again.parquet").exit_code == 0


def test_a_contradictory_record_is_said_by_the_exit_status(tmp_path: Path) -> None:
    (tmp_path / "ward.csv").write_text("id,cyanosis,skin-discoloration\na,present,absent\n", encoding="utf-8")
    result = command("--no-page", tmp_path / "ward.csv", tmp_path / "out.parquet")
    assert result.exit_code == 3
    assert "contradict themselves on" in result.stdout


def test_the_library_runs_a_cohort(tmp_path: Path) -> None:
    import dvt_kg

    source = write(tmp_path / "ward.parquet", PATIENTS[:3])
    summary = dvt_kg.cohort(source, tmp_path / "out.parquet", options=QUIET)
    assert summary["answered"] == 3


@pytest.mark.parametrize("package", ["pyarrow", "duckdb"])
def test_a_package_that_is_not_there_is_named_with_how_to_get_it(package: str, tmp_path: Path) -> None:
    (tmp_path / "ward.csv").write_text("id\na\n", encoding="utf-8")
    code = (
        f"import sys; sys.modules[{package!r}] = None\nfrom dvt_kg.cli import main\n"
        f"main(['cohort', {str(tmp_path / 'ward.csv')!r}, {str(tmp_path / 'out.csv')!r}])"
    )
    found = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert found.returncode == 2
    assert f"this needs {package}: pip install 'dvt-kg[cohort]'" in found.stderr


# What is refused


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{}/ward.csv", "{}/out.xlsx"], "does not end in one of .parquet, .csv, .ndjson"),
        (["{}/ward.csv", "{}/out.parquet.gz"], "does not end in"),
        (["{}/ward.csv", "{}/old.csv"], "there already; --overwrite replaces it"),
        (["{}/ward.csv"], "Missing argument"),
    ],
)
def test_wrong_usage_is_said(words: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "ward.csv").write_text("id\na\n", encoding="utf-8")
    (tmp_path / "old.csv").write_text("precious", encoding="utf-8")
    result = command(*(word.format(tmp_path) for word in words))
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert (tmp_path / "old.csv").read_text(encoding="utf-8") == "precious"


def test_an_output_that_is_an_input_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "ward.csv", PATIENTS[:2])
    for given, output in ((source, source), (tmp_path, tmp_path / "deeper" / "out.csv")):
        result = command("--overwrite", given, output)
        assert result.exit_code == 2
        assert "write it elsewhere" in " ".join(result.stderr.split())
    assert source.read_text(encoding="utf-8").startswith("id")


def test_nothing_beside_the_output_is_replaced_without_being_told_to(tmp_path: Path) -> None:
    source = write(tmp_path / "ward.csv", PATIENTS[:2])
    (tmp_path / "out.summary.json").mkdir()
    result = command(source, tmp_path / "out.csv")
    assert result.exit_code == 2
    assert "out.summary.json" in result.stderr
    rejects = write(tmp_path / "w.rejects.csv", PATIENTS[:2])
    before = rejects.read_bytes()
    result = command("--overwrite", rejects, tmp_path / "w.csv")
    assert (result.exit_code, rejects.read_bytes()) == (2, before)


def test_a_link_that_is_overwritten_is_replaced_and_not_what_it_leads_to(tmp_path: Path) -> None:
    source = write(tmp_path / "ward.csv", PATIENTS[:2])
    (tmp_path / "precious").mkdir()
    (tmp_path / "out.csv").symlink_to(tmp_path / "precious")
    assert command("--overwrite", "--audit", "0", source, tmp_path / "out.csv").exit_code in (0, 3)
    assert (tmp_path / "precious").is_dir()
    assert not (tmp_path / "out.csv").is_symlink()


def test_overwriting_replaces_an_output(tmp_path: Path) -> None:
    source = write(tmp_path / "ward.csv", PATIENTS[:2])
    (tmp_path / "out.csv").write_text("old", encoding="utf-8")
    assert command("--audit", "0", "--overwrite", source, tmp_path / "out.csv").exit_code in (0, 3)
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").startswith("id,status")


def test_a_folder_that_cannot_be_written_in_is_said(tmp_path: Path) -> None:
    source = write(tmp_path / "ward.csv", PATIENTS[:2])
    with pytest.raises(CohortError, match=r"cannot write there .*--resume"):
        cohort(source, "/proc/nowhere/out.csv", ONTOLOGY, options=QUIET)


def test_an_answer_that_hermit_does_not_give_stops_the_run_and_names_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "ward.parquet", PATIENTS)
    right = Answerer.answer

    def wrong(self: Answerer, *given: Any) -> Any:
        answers, keys = right(self, *given)
        status = answers["status"].cast(pa.string()).to_pylist()
        changed = pa.array([{"matched": "out-of-scope"}.get(s, s) for s in status]).dictionary_encode()
        return answers.set_column(1, "status", changed), keys

    monkeypatch.setattr(Answerer, "answer", wrong)
    with pytest.raises(
        AuditError, match=r"disagree about record '.*' \(profile .*\) on status; nothing was published"
    ) as caught:
        cohort(source, tmp_path / "out.parquet", ONTOLOGY, options=Options(page=False))
    assert caught.value.differing == {"status": ("matched", "out-of-scope")}
    assert caught.value.record in {patient.id for patient in PATIENTS}
    assert not (tmp_path / "out.parquet").exists()


def test_the_sample_is_drawn_anew_at_each_run_and_the_same_with_the_same_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "ward.parquet", PATIENTS)
    drawn: list[list[str]] = []

    def audit(sample: Iterable[dict[str, Any]], *_: Any, **__: Any) -> int:
        drawn.append([s["answer"]["id"] for s in sample])
        return 10

    monkeypatch.setattr(audits, "audit", audit)
    for number, seed in enumerate((None, None, 7, 7)):
        options = Options(audit=10, seed=seed, page=False)
        cohort(source, tmp_path / f"out{number}.parquet", ONTOLOGY, options=options)
    assert len({tuple(ids) for ids in drawn}) == 3
    assert drawn[2] == drawn[3]
    assert all(len(set(ids)) == 10 for ids in drawn)


# Stopped and gone on with


def test_a_second_run_on_one_output_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "ward.csv", PATIENTS[:2])
    folder = tmp_path / "out.csv.unfinished"
    folder.mkdir()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CohortError, match="another run is at work"):
            cohort(source, tmp_path / "out.csv", ONTOLOGY, options=QUIET)


def stopped(source: Path, output: Path, monkeypatch: pytest.MonkeyPatch, after: int = 3) -> None:
    """A run that fails after some batches, as a disk that is full would have it."""
    right = Local._batch
    done: list[int] = []

    def failing(self: Any, *given: Any) -> int:
        if len(done) >= after:
            raise OSError(28, "No space left on device")
        done.append(right(self, *given))
        return done[-1]

    with monkeypatch.context() as patch:
        patch.setattr(Local, "_batch", failing)
        with pytest.raises((CohortError, OSError)):
            cohort(source, output, ONTOLOGY, options=QUIET)
    assert not output.exists()


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = many(tmp_path, 8)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    cohort(source, tmp_path / "a" / "out.parquet", ONTOLOGY, options=Options(audit=0, page=False, seed=1))
    output = tmp_path / "b" / "out.parquet"
    stopped(source, output, monkeypatch)
    kept = len(list((tmp_path / "b" / "out.parquet.unfinished").glob("[0-9]*.json")))
    assert kept >= 3
    with pytest.raises(UsageError, match=r"--resume goes on with it, --overwrite begins anew"):
        cohort(source, output, ONTOLOGY, options=QUIET)
    counted: list[int] = []
    right = Local._batch

    def counting(self: Any, *given: Any) -> int:
        counted.append(given[1])
        return right(self, *given)

    monkeypatch.setattr(Local, "_batch", counting)
    cohort(source, output, ONTOLOGY, options=Options(audit=0, page=False, resume=True))
    assert len(counted) == 8 - kept
    mine, undisturbed = files(tmp_path / "b"), files(tmp_path / "a")
    for name in undisturbed:
        if name != "out.summary.json":
            assert mine[name] == undisturbed[name], name


def test_a_run_does_not_go_on_with_other_inputs_or_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = many(tmp_path, 4)
    output = tmp_path / "out.parquet"
    stopped(source, output, monkeypatch, after=1)
    with pytest.raises(CohortError, match="had other options"):
        cohort(source, output, ONTOLOGY, options=Options(audit=0, missing=True, resume=True))
    os.utime(source / "00.parquet", (0, 0))
    with pytest.raises(CohortError, match="had other inputs"):
        cohort(source, output, ONTOLOGY, options=Options(audit=0, resume=True))
    summary = cohort(source, output, ONTOLOGY, options=Options(audit=0, page=False, overwrite=True))
    assert summary["rows"] == 800
    assert not (tmp_path / "out.parquet.unfinished").exists()


def test_going_on_where_nothing_was_begun_begins(tmp_path: Path) -> None:
    source = write(tmp_path / "ward.csv", PATIENTS[:2])
    assert (
        cohort(source, tmp_path / "out.csv", ONTOLOGY, options=Options(audit=0, page=False, resume=True))[
            "rows"
        ]
        == 2
    )


PROGRAM = """
import sys
from dvt_kg.cohorts import batches, texts, typed
batches.ROWS = texts.ROWS = typed.ROWS = 100
from dvt_kg.cli import main
main(["cohort", "--audit", "0", "--no-page", "--seed", "1", *sys.argv[1:]])
"""


def program(*words: str | Path, **options: Any) -> subprocess.Popen[str]:
    """A run of small batches as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def killed(words: list[str | Path], output: Path, rng: random.Random) -> bool:
    """Start a run and kill it a moment after it has done some more; whether that came before its end."""
    folder = output.with_name(output.name + ".unfinished")
    enough = len(list(folder.glob("[0-9]*"))) + rng.randrange(12)
    process = program(*words)
    while process.poll() is None and len(list(folder.glob("[0-9]*"))) < enough:
        time.sleep(0.002)
    time.sleep(rng.uniform(0, 0.05))
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def test_a_run_that_is_killed_at_ten_moments_goes_on_to_the_same_output(tmp_path: Path) -> None:
    source = many(tmp_path)
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    whole.mkdir()
    torn.mkdir()
    process = program(source, whole / "out.parquet")
    process.communicate()
    assert process.returncode == 1
    output = torn / "out.parquet"
    rng = random.Random(5)
    kills = 0
    while kills < 10 and not output.exists():
        kills += killed(["--resume", source, output], output, rng)
        left = {p.name for p in torn.iterdir() if not p.name.endswith(".unfinished")}
        assert "out.parquet" not in left or left >= set(files(whole))
    if not output.exists() or output.with_name("out.parquet.unfinished").exists():
        process = program("--resume", source, output)
        process.communicate()
        assert process.returncode == 1
    assert kills >= 5
    assert files(torn) == files(whole)


def full(*_: Any) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("groups", [10, 60, 130, 1000])
@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_batch_that_was_not_done_is_the_only_one_that_is_done_again(
    groups: int, lost: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typed, "ROWS", 100)
    source = tmp_path / "ward.parquet"
    many_rows = [Patient(f"{n}-{p.id}", p.facts) for n in range(3) for p in PATIENTS]
    pq.write_table(table(many_rows), source, row_group_size=groups)
    whole = cohort(source, tmp_path / "whole.parquet", ONTOLOGY, options=QUIET)
    output = tmp_path / "out.parquet"
    with monkeypatch.context() as patch:
        patch.setattr(
            Local, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
        )
        with pytest.raises(CohortError):
            cohort(source, output, ONTOLOGY, options=QUIET)
    (tmp_path / "out.parquet.unfinished" / f"{lost:06}.json").unlink()
    summary = cohort(source, output, ONTOLOGY, options=Options(audit=0, page=False, resume=True))
    assert (summary["rows"], summary["rejected"]) == (whole["rows"], 0) == (600, 0)
    assert output.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_batches_that_do_not_meet_are_never_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = many(tmp_path, 3)
    right = Local._batch

    def skipping(self: Any, number: int, *given: Any) -> int:
        return 0 if number == 1 else right(self, number, *given)

    monkeypatch.setattr(Local, "_batch", skipping)
    with pytest.raises(CohortError, match=r"0 of its 200 rows were read; begin anew"):
        cohort(source, tmp_path / "out.parquet", ONTOLOGY, options=QUIET)


def test_an_input_that_changes_while_it_is_read_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "ward.csv", PATIENTS)
    right = Local._batch

    def changing(self: Any, *given: Any) -> int:
        with source.open("a", encoding="utf-8") as file:
            file.write("late\n")
        return right(self, *given)

    monkeypatch.setattr(Local, "_batch", changing)
    with pytest.raises(CohortError, match="it changed while it was read"):
        cohort(source, tmp_path / "out.parquet", ONTOLOGY, options=QUIET)


def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    source = many(tmp_path)
    process = program(source, tmp_path / "out.parquet")
    unfinished = tmp_path / "out.parquet.unfinished"
    while not list(unfinished.glob("[0-9]*.json")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert (process.returncode, err.strip()) == (130, "dvt-kg: interrupted; --resume goes on where it was")
    assert not (tmp_path / "out.parquet").exists()
    assert unfinished.exists()


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson", "nq"])
def test_a_disk_that_is_full_at_the_end_is_said(ending: str, tmp_path: Path) -> None:
    source = write(tmp_path / "ward.parquet", PATIENTS)

    def little() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (14_000, 14_000))

    process = program(source, tmp_path / f"out.{ending}", preexec_fn=little)
    _, err = process.communicate()
    assert (process.returncode, err.count("\n")) == (4, 1), err
    assert "cannot write there" in err


def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_room(tmp_path: Path) -> None:
    source = many(tmp_path, 4)

    def little() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    process = program(source, tmp_path / "out.parquet", preexec_fn=little)
    _, err = process.communicate()
    assert process.returncode == 4, err
    assert re.search(r"cannot write there \(.*make room or mend its rights: --resume goes on", err), err
    assert not (tmp_path / "out.parquet").exists()
    process = program("--resume", source, tmp_path / "out.parquet")
    process.communicate()
    assert process.returncode == 1
    assert pq.read_metadata(tmp_path / "out.parquet").num_rows == 800 - 3


def test_a_part_that_breaks_off_is_named_and_what_was_done_is_kept(tmp_path: Path) -> None:
    source = many(tmp_path, 3)
    whole = (source / "02.parquet").read_bytes()
    (source / "02.parquet").write_bytes(whole[:4] + b"\0" * 3000 + whole[3004:])
    output = tmp_path / "out.parquet"
    with pytest.raises(CohortError, match=r"02\.parquet: it cannot be read behind row 0"):
        cohort(source, output, ONTOLOGY, options=QUIET)
    assert len(list((tmp_path / "out.parquet.unfinished").glob("[0-9]*.json"))) == 2


def test_progress_is_told_with_rows(tmp_path: Path) -> None:
    told: list[tuple[str, float, int]] = []
    source = many(tmp_path, 3)
    cohort(
        source,
        tmp_path / "out.parquet",
        ONTOLOGY,
        options=Options(audit=3, page=False),
        progress=lambda *step: told.append(step),
    )
    assert list(dict.fromkeys(what for what, _, _ in told)) == ["classifying", "auditing", "writing"]
    assert all(0 <= done <= 1 for _, done, _ in told)
    assert told[-1] == ("writing", 1.0, 600)
