from __future__ import annotations

import csv
import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from click.testing import CliRunner, Result

from dvt_kg import catalogue
from dvt_kg.cli import main
from dvt_kg.graph import FORMATS

from .records import COMPRESSED, EMPTY, MILD, RECORDS, THREATENED, TORN, changed

PROGRAM = [sys.executable, "-c", "from dvt_kg.cli import main; main(prog_name='dvt-kg')"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    bad = {"id": "bad", "findings": {"tense-oedema": "present"}}
    for name, records in {"mild": [MILD], "all": RECORDS, "torn": [MILD, TORN], "bad": [MILD, bad]}.items():
        (folder / f"{name}.json").write_text(json.dumps(records), encoding="utf-8")
    return folder


def run(*words: object, input: str | None = None) -> Result:
    """A command in this process; HermiT stays warm between calls."""
    return CliRunner().invoke(main, [str(w) for w in words], input=input)


def test_recommend_prints_one_json_object(folder: Path) -> None:
    result = run("recommend", "--format", "json", folder / "mild.json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert [p["id"] for p in answer["results"][0]["presentations"]] == [
        "acr-2019-ivc-filter-1",
        "acr-2020-iliofemoral-1",
    ]
    assert result.stderr == ""


def test_the_text_answer_reads_from_status_to_sources(folder: Path) -> None:
    text = run("recommend", folder / "all.json").stdout
    order = [
        "mild: matched",
        "Presentations that fit",
        "✓  acute onset",
        "symptom-duration-days 7",
        "Options, most appropriate first",
        "Why they are rated so",
        "Ruled out",
        "Next steps",
        "Sources",
        "compressed: matched",
        "Conflicts: reported, not resolved",
        "Presentations that fit",
        "Still open, and what would settle it",
        "?  May-Thurner configuration on imaging",
        "CONTRAINDICATED",
        "RED FLAG: limb-threatening ischemia",
        "torn: contradictory",
        "These facts cannot all be true",
        "/findings/fully-ambulatory = present",
        "empty: indeterminate",
        "for review by a professional",
    ]
    position = 0
    for phrase in order:
        found = text.find(phrase, position)
        assert found >= 0, phrase
        position = found
    assert "No presentation of acr-2020-iliofemoral fits this record." in text
    assert "\x1b[" not in text
    assert not [line for line in text.splitlines() if len(line) > 110]


def test_the_csv_answer_has_a_row_for_each_option_and_for_each_record_without_one(folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run("recommend", "--format", "csv", folder / "all.json").stdout)))
    assert {row["patient"] for row in rows} == {r["id"] for r in RECORDS}
    mild = [row for row in rows if row["patient"] == "mild"]
    assert len(mild) == 7
    assert mild[0]["rating"] == "usually-appropriate"
    (empty,) = (row for row in rows if row["patient"] == "empty")
    assert (empty["status"], empty["intervention"]) == ("indeterminate", "")


@pytest.mark.parametrize(("name", "status"), [("mild", 0), ("bad", 1), ("torn", 3)])
def test_the_exit_status_tells_what_happened(folder: Path, name: str, status: int) -> None:
    assert run("recommend", "--format", "json", folder / f"{name}.json").exit_code == status


def test_refused_records_are_said_on_standard_error_and_the_rest_is_answered(folder: Path) -> None:
    result = run("recommend", "--format", "json", folder / "bad.json")
    answer = json.loads(result.stdout)
    assert [r["patient"] for r in answer["results"]] == ["mild"]
    assert answer["errors"][0]["nearest"] == "tense-edema"
    assert "record 'bad'" in result.stderr
    assert "tense-edema" in result.stderr


def test_strict_stops_at_the_first_refusal(folder: Path) -> None:
    result = run("recommend", "--strict", folder / "bad.json")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("refused: ")


def test_a_dash_reads_standard_input() -> None:
    result = run("recommend", "--format", "json", "-", input=json.dumps([MILD]))
    assert [r["patient"] for r in json.loads(result.stdout)["results"]] == ["mild"]


def test_a_missing_file_is_an_error_of_the_input() -> None:
    result = run("recommend", "--format", "json", "nowhere.json")
    assert result.exit_code == 1
    assert "nowhere.json" in result.stderr
    assert json.loads(result.stdout)["results"] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["recommend"], "Missing argument 'FILES...'"),
        (["recommend", "x.json", "--format", "xml"], "is not one of 'text', 'json', 'csv'"),
        (["query", "options", "--param", "patient"], "is not of the form name=value"),
        (["recommend", "--endpoint", "http://localhost:1", "--ontology", "x"], "give one"),
        (["recommend", "x.json", "--user", "ann"], "add --endpoint"),
        (["recommend", "x.json", "--endpoint", "http://localhost:1", "--user", "ann"], "needs the password"),
        (
            ["query", "options", "--endpoint", "http://localhost:1", "--with-explanations"],
            "give record files",
        ),
        (["cohort", "x.csv"], "Missing argument 'IN... OUT'"),
        (["cohort", "x.csv", "y.csv", "--endpoint", "http://localhost:1"], "leave out IN, OUT"),
        (["publish"], "Missing option '--endpoint'"),
        (["publish", "--endpoint", "http://localhost:1", "--classify", "rules"], "needs records"),
        (
            [
                "publish",
                *("--endpoint", "http://a"),
                *("--update", "http://b"),
                *("--graph-store", "http://c"),
            ],
            "two ways to write: give one",
        ),
        (["nonsense"], "No such command 'nonsense'"),
        (["recommend", "x.json", "--timeout", "0"], "0"),
    ],
)
def test_wrong_usage_is_status_2_with_the_reason(words: list[str], message: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["query", "option"], "did you mean 'options'?"),
        (["query", "options", "--param", "patent=x"], "did you mean 'patient'?"),
        (["terms", "--ontology", "/nowhere"], "no such file or folder"),
    ],
)
def test_what_cannot_be_answered_is_status_4_in_one_line(words: list[str], message: str) -> None:
    result = run(*words)
    assert result.exit_code == 4
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("form", ["turtle", "nquads", "jsonld", "trig", "ntriples", "rdfxml"])
def test_classify_writes_the_inferred_graph(folder: Path, form: str) -> None:
    result = run("classify", "--format", form, folder / "mild.json")
    assert result.exit_code == 0
    store = ox.Store()
    store.load(input=result.stdout, format=FORMATS[form])
    met = ox.NamedNode("https://w3id.org/dvt-kg#hasPresentation")
    patient = ox.NamedNode("urn:dvt-kg:patient:mild")
    assert len(list(store.quads_for_pattern(patient, met, None))) == 2
    asserted = ox.NamedNode("https://w3id.org/dvt-kg#plateletCount")
    assert not list(store.quads_for_pattern(None, asserted, None))


def test_classify_can_write_all_three_graphs(folder: Path) -> None:
    result = run("classify", "--format", "nquads", "--with-all", folder / "torn.json")
    assert result.exit_code == 3
    store = ox.Store()
    store.load(input=result.stdout, format=ox.RdfFormat.N_QUADS)
    names = {str(g) for g in store.named_graphs()}
    assert names == {f"<urn:dvt-kg:{name}>" for name in ("patients", "inferred", "ontology")}


def test_query_prints_a_table_csv_or_json(folder: Path) -> None:
    words = ("query", "alerts", folder / "all.json", "--param", "patient=threatened")
    assert "limb-threatening-ischemia-red-flag" in run(*words).stdout
    rows = list(csv.DictReader(io.StringIO(run(*words, "--format", "csv").stdout)))
    assert rows[0]["kind"] == "https://w3id.org/dvt-kg#red-flag"
    found = json.loads(run(*words, "--format", "json").stdout)
    assert found["results"]["bindings"][0]["patient"]["value"] == "urn:dvt-kg:patient:threatened"


def test_query_runs_over_the_knowledge_alone_and_from_a_file(tmp_path: Path) -> None:
    assert "30 rows" in run("query", "rating-matrix").stdout
    file = tmp_path / "mine.rq"
    file.write_text("SELECT ?v WHERE { ?v a <https://w3id.org/dvt-kg#Vein> }", encoding="utf-8")
    assert "12 rows" in run("query", file).stdout


def test_queries_lists_every_question() -> None:
    listed = json.loads(run("queries", "--format", "json").stdout)
    assert {q["name"] for q in listed} == set(catalogue())
    assert "Which rated options does each patient have" in run("queries").stdout


def test_terms_finds_a_name() -> None:
    assert "tense-edema" in run("terms", "tense").stdout
    assert (
        json.loads(run("terms", "--format", "json", "platelet count").stdout)[-1]["name"] == "platelet-count"
    )
    assert "nothing matches" in run("terms", "qqqq").stderr


def test_check_passes_the_shipped_ontology_and_good_patients(folder: Path) -> None:
    result = run("check", folder / "all.json")
    assert result.exit_code == 0, result.output
    assert "0 violations" in result.stdout
    assert f"patients: {len(RECORDS)} records, 0 violations of the shapes" in result.stdout


def test_check_tells_an_unsound_ontology(extended: Any) -> None:
    ontology = extended("dvt:nothing-more a owl:NamedIndividual , dvt:Finding .")
    result = run("check", "--ontology", ontology.path)
    assert result.exit_code == 1
    assert "nothing-more" in result.stdout


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_template_filled_in_with_an_id_is_a_record(form: str, tmp_path: Path) -> None:
    text = run("template", form).stdout
    if form == "csv":
        header = text.splitlines()[0].split(",")
        text = ",".join(header) + "\n" + ",".join("x1" if c == "id" else "" for c in header) + "\n"
    else:
        text = text.replace('"id": ""', '"id": "x1"')
    file = tmp_path / f"record.{form}"
    file.write_text(text, encoding="utf-8")
    result = run("recommend", "--format", "json", file)
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)["results"]
    assert found["status"] == "indeterminate"


def test_build_names_the_files_it_wrote(tmp_path: Path) -> None:
    result = run("build", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert len(result.stdout.split()) == 20
    assert all(Path(p).stat().st_size > 1_000 for p in result.stdout.split())


def test_an_output_file_appears_whole(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "answer.json"
    assert run("recommend", "--format", "json", folder / "mild.json", "-o", target).exit_code == 0
    assert json.loads(target.read_text(encoding="utf-8"))["results"]
    assert [p.name for p in tmp_path.iterdir()] == ["answer.json"]
    result = run("recommend", folder / "mild.json", "-o", tmp_path / "no" / "where.txt")
    assert result.exit_code == 2
    assert "cannot write" in result.stderr


def test_no_record_at_all_starts_no_reasoner(tmp_path: Path) -> None:
    file = tmp_path / "none.json"
    file.write_text("[]", encoding="utf-8")
    result = run("recommend", "--format", "json", "--java-home", tmp_path, file)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["results"] == []


@pytest.mark.parametrize("command", sorted(main.commands))
def test_the_help_of_each_command_shows_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"dvt-kg {command}" in result.stdout.split("Examples:")[1]


def test_missing_java_is_one_line_and_status_4(folder: Path, tmp_path: Path) -> None:
    words = [*PROGRAM, "recommend", "--java-home", str(tmp_path), str(folder / "mild.json")]
    unused = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (unused.returncode, unused.stdout) == (2, "")
    assert "add --reasoner hermit" in unused.stderr
    words += ["--reasoner", "hermit"]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.returncode == 4
    assert result.stdout == ""
    assert result.stderr.startswith("dvt-kg: no Java runtime in")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("reasoner", ["rules", "hermit"])
def test_no_java_on_the_path_is_needed(folder: Path, reasoner: str) -> None:
    env = {k: v for k, v in os.environ.items() if k != "JAVA_HOME"} | {"PATH": "/nowhere"}
    words = [*PROGRAM, "recommend", "--format", "csv", "--reasoner", reasoner, str(folder / "mild.json")]
    result = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_ctrl_c_ends_at_once_without_a_traceback(tmp_path: Path) -> None:
    file = tmp_path / "many.json"
    records = [changed(f"p{n}", measurements={"platelet-count": 60 + n}) for n in range(3000)]
    names = list(MILD["findings"])
    for n, record in enumerate(records):
        record["findings"] = {k: ("present", "absent", "unknown")[n // 3**i % 3] for i, k in enumerate(names)}
    file.write_text(json.dumps(records), encoding="utf-8")
    process = subprocess.Popen(
        [*PROGRAM, "recommend", str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(2.5)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - started < 10
    assert process.returncode == 130
    assert err == "dvt-kg: interrupted; nothing was written\n"


def test_a_closed_pipe_is_no_traceback(folder: Path) -> None:
    command = f"{' '.join(map(repr, PROGRAM))} recommend {folder / 'all.json'} | head -n 1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert result.stdout.startswith("mild: matched")
    assert result.stderr == ""


def test_a_terminal_gets_colour_and_progress_on_standard_error(folder: Path) -> None:
    parent, child = pty.openpty()
    words = [*PROGRAM, "recommend", str(folder / "mild.json")]
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
    with subprocess.Popen(words, stdout=child, stderr=subprocess.PIPE, env=env) as process:
        os.close(child)
        shown = b""
        while True:
            try:
                chunk = os.read(parent, 65536)
            except OSError:
                break
            if not chunk:
                break
            shown += chunk
        assert process.wait() == 0
    assert b"\x1b[" in shown
    assert b"matched" in shown


def test_the_records_used_here_are_what_they_say() -> None:
    assert {r["id"] for r in (MILD, COMPRESSED, EMPTY, THREATENED, TORN)} <= {r["id"] for r in RECORDS}


# Explaining and comparing


def test_explain_prints_one_json_object_for_the_records_and_presentations_chosen(folder: Path) -> None:
    result = run(
        *("explain", folder / "all.json", "--format", "json"),
        *("--patient", "mild", "--patient", "unknown", "--presentation", "acr-2020-iliofemoral-4"),
    )
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    found = [(e["patient"], e["presentation"], e["state"]) for e in answer["explanations"]]
    assert found == [
        ("mild", "acr-2020-iliofemoral-4", "ruled-out"),
        ("unknown", "acr-2020-iliofemoral-4", "open"),
    ]
    assert answer["reasoner"] == "compiled rules"


@pytest.mark.parametrize(("name", "status"), [("mild", 0), ("bad", 1), ("torn", 3)])
def test_the_exit_status_of_explain_and_compare_tells_what_happened(
    folder: Path, name: str, status: int
) -> None:
    assert run("explain", folder / f"{name}.json").exit_code == status
    assert run("compare", folder / "mild.json", folder / f"{name}.json").exit_code == status


def test_an_explanation_can_be_a_graph_a_picture_or_a_page(folder: Path, tmp_path: Path) -> None:
    turtle = run("explain", "--format", "turtle", folder / "all.json")
    triples = list(ox.parse(turtle.stdout, format=ox.RdfFormat.TURTLE))
    kinds = {q.object.value for q in triples if q.predicate.value.endswith("#type")}
    assert {"https://w3id.org/dvt-kg#Justification", "https://w3id.org/dvt-kg#MissingSet"} <= kinds
    svg = tmp_path / "mild.svg"
    assert run("explain", "--format", "svg", folder / "mild.json", "-o", svg).exit_code == 0
    assert "<svg" in svg.read_text(encoding="utf-8")
    html = run("explain", "--format", "html", folder / "all.json").stdout
    assert html.startswith("<!doctype html>")
    assert html.count("<svg") == len(RECORDS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--patient", "mil"), "no record 'mil'; did you mean 'mild'?"),
        (("--presentation", "acr-2020-iliofemoral-44"), "did you mean 'acr-2020-iliofemoral-4'?"),
        (("--conclusion", "cyanoses"), "did you mean 'cyanosis'?"),
        (("--format", "svg"), "choose one with --patient"),
        (("--format", "turtle", "--presentation", "acr-2020-iliofemoral-4"), "leave out --presentation"),
    ],
)
def test_explain_says_what_is_wrong_with_a_choice(folder: Path, words: tuple[str, ...], message: str) -> None:
    result = run("explain", folder / "all.json", *words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_a_record_that_was_refused_is_not_simply_unknown(folder: Path) -> None:
    result = run("explain", folder / "bad.json", "--patient", "bad")
    assert result.exit_code == 2
    assert "the record 'bad' was refused" in result.stderr
    assert "tense-edema" in result.stderr


def test_compare_answers_as_text_and_as_json(folder: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.json"
    later.write_text(json.dumps([changed("mild", {"tense-edema": "present"})]), encoding="utf-8")
    text = run("compare", folder / "mild.json", later)
    assert text.exit_code == 0
    assert "tense-edema absent → tense-edema present" in text.stdout
    answer = json.loads(run("compare", "--format", "json", folder / "mild.json", later).stdout)
    assert answer["comparisons"][0]["presentations"]["acr-2020-iliofemoral-2"]["after"] == "met"


def test_compare_of_strangers_and_of_nothing_is_refused(folder: Path, tmp_path: Path) -> None:
    strangers = tmp_path / "strangers.json"
    strangers.write_text(json.dumps([{"id": "a"}, {"id": "b"}]), encoding="utf-8")
    assert "matched by their ids" in run("compare", folder / "all.json", strangers).stderr
    empty = tmp_path / "empty.json"
    empty.write_text(json.dumps([{"id": "c", "findings": {"tense-oedema": "present"}}]), encoding="utf-8")
    result = run("compare", folder / "mild.json", empty)
    assert result.exit_code == 1
    assert "refused" in result.stderr


def test_both_reasoners_answer_alike_and_say_which_they_are(folder: Path) -> None:
    answers = {
        name: json.loads(run("recommend", "--format", "json", "--reasoner", name, folder / "all.json").stdout)
        for name in ("rules", "hermit")
    }
    assert answers["rules"]["results"] == answers["hermit"]["results"]
    assert answers["rules"]["reasoner"] == "compiled rules"
    assert answers["hermit"]["reasoner"].startswith("HermiT")
    default = json.loads(run("recommend", "--format", "json", folder / "mild.json").stdout)
    assert default["reasoner"] == "compiled rules"
    assert "compiled rules" in run("recommend", folder / "mild.json").stdout
    assert "compiled rules" in run("classify", folder / "mild.json").stdout
    rows = csv.DictReader(io.StringIO(run("recommend", "--format", "csv", folder / "mild.json").stdout))
    assert {row["reasoner"] for row in rows} == {"compiled rules"}


def test_the_rules_are_listed_by_the_words_they_hold() -> None:
    result = run("rules", "plateletCount severe-thrombocytopenia")
    assert result.exit_code == 0
    assert "plateletCount some decimal[< 25] -> hasFinding value severe-thrombocytopenia" in result.stdout
    assert "digest" in result.stderr
    book = json.loads(run("rules", "--format", "json", "plateletCount").stdout)
    assert len(book["rules"]) == 9
    assert "0 rules" in run("rules", "no such words").stderr


def test_a_query_of_one_s_own_can_ask_for_explanations(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.rq"
    file.write_text(
        "SELECT (COUNT(?j) AS ?n) WHERE { ?j a <https://w3id.org/dvt-kg#Justification> }", encoding="utf-8"
    )
    words = ("query", file, folder / "mild.json", "--format", "csv")
    assert run(*words).stdout.splitlines() == ["n", "0"]
    assert int(run(*words, "--with-explanations").stdout.splitlines()[1]) > 10
    assert "may-thurner" in run("query", "missing-sets", folder / "all.json", "--format", "csv").stdout
