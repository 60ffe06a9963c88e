"""The README says what is so: its commands and code run, and its lists are whole."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

import dvt_kg
from dvt_kg import HermiT, Ontology
from dvt_kg.cli import main
from dvt_kg.records import Vocabulary
from dvt_kg.tables import columns
from dvt_kg.work import CONTRADICTORY, REFUSED

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = [line.strip().removeprefix("$ ") for line in README.splitlines() if line.startswith("    ")]
COMMANDS = dict.fromkeys(line.partition(" #")[0].rstrip() for line in LINES if line.startswith("dvt-kg "))
LOCAL = [command for command in COMMANDS if "--endpoint" not in command and "dvt-kg serve" not in command]
CONTRADICTORY_FILE = "examples/patients.json"
BROKEN_FILE = "examples/cohort.csv"


def block(language: str) -> str:
    """The README's one block of code in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return str(found)


ALL_GUIDELINES = "dvt-kg recommend --guidelines all examples/patient.json"
EXPLAINED = "dvt-kg explain examples/patient.json"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the examples, the ontology and the README's own question, as a reader would have it."""
    for name in ("examples", "ontology"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "question.rq").write_text(block("sparql"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@cache
def run(command: str) -> Result:
    """What a command of the README gives, run once in a folder of the fixture's kind."""
    return CliRunner().invoke(main, shlex.split(command)[1:], catch_exceptions=False)


def test_every_command_is_run() -> None:
    assert len(LOCAL) == 30
    assert {shlex.split(command)[1] for command in COMMANDS} == set(main.commands)


@pytest.mark.parametrize("command", LOCAL)
def test_command(command: str, folder: Path) -> None:
    allowed = {CONTRADICTORY_FILE: (0, CONTRADICTORY), BROKEN_FILE: (REFUSED,)}
    expected = next((statuses for file, statuses in allowed.items() if file in command), (0,))
    result = run(command)
    assert result.exit_code in expected, result.output
    assert result.stdout or (folder / "all.nq").stat().st_size
    assert "0 rows" not in result.stdout.splitlines()


def test_the_cohort_shown_is_that_of_the_program(folder: Path) -> None:
    command = "dvt-kg cohort examples/cohort.csv answers.parquet"
    said = run(command).stdout.splitlines()
    start = LINES.index(command) + 1
    shown = LINES[start : LINES.index("...", start)]
    assert len(shown) == 2
    assert shown == said[:2]


def test_the_answer_shown_is_that_of_the_program(folder: Path) -> None:
    commands = ("dvt-kg recommend examples/patient.json", ALL_GUIDELINES, EXPLAINED)
    said = {line.strip() for command in commands for line in run(command).stdout.splitlines()}
    start = LINES.index(commands[0]) + 1
    end = next(n for n, line in enumerate(LINES) if line.startswith("make demo"))
    shown = [line for line in LINES[start:end] if line not in ("...", *commands)]
    assert len(shown) > 28
    assert [line for line in shown if line not in said] == []


def test_the_changes_shown_are_those_of_the_program(folder: Path) -> None:
    file = folder / "ontology" / "thresholds.ttl"
    moved = re.sub(r"(threshold-acute-onset a.*?)14\.0", r"\1 10.0", file.read_text("utf-8"), flags=re.DOTALL)
    moved, count = re.subn(r"14\.0( \] \) \] \]\s+rdfs:subClassOf dvt:AcuteOnset)", r"10.0\1", moved)
    assert count == 2
    file.write_text(moved, encoding="utf-8")
    said = CliRunner().invoke(main, ["diff", "shipped", "ontology"]).stdout.splitlines()
    start, last = LINES.index("Clinically"), "now        symptom duration in days < 10 → acute onset: met"
    shown = LINES[start : LINES.index(last) + 1]
    assert len(shown) == 7
    assert [line for line in shown if line != "..." and line not in map(str.strip, said)] == []


def test_the_rows_shown_are_those_of_the_query(folder: Path) -> None:
    command = "dvt-kg query status examples/patients.json --format csv"
    start = LINES.index(command) + 1
    assert LINES[start : start + 4] == run(command).stdout.splitlines()


def test_the_python_block_runs(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block("python")],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert "acr-2020-iliofemoral-1 met" in done.stdout
    assert "('contradicts-itself', 'contradictory')" in done.stdout


def test_the_record_is_read(ontology: Ontology) -> None:
    reading = dvt_kg.read_records([json.loads(block("json"))], ontology)
    assert reading.errors == ()
    assert [patient.id for patient in reading.patients] == ["case-01"]


def test_the_picture_is_the_one_that_is_drawn(folder: Path) -> None:
    def texts(drawing: str) -> list[str]:
        return ["".join(t.itertext()).strip() for t in ElementTree.fromstring(drawing).findall(".//{*}text")]

    drawn = run("dvt-kg explain --format svg examples/patient.json").stdout
    shown = (ROOT / "docs" / "explanation.svg").read_text(encoding="utf-8")
    assert "✓ acute onset" in texts(shown)
    assert texts(shown) == texts(drawn)


def test_the_columns_are_those_of_a_table(ontology: Ontology) -> None:
    said = README.partition("CSV columns:")[2].partition("and one column for each")[0]
    named = re.findall(r"`(\w+)`", said)
    others = {*ontology.findings, *ontology.measurements}
    assert named == ["id", *(name for name in columns(Vocabulary(ontology)) if name not in others)]


def test_the_added_knowledge_is_sound_and_used(extended: Callable[[str], Ontology]) -> None:
    ontology = extended(block("turtle"))
    assert dvt_kg.check_ontology(ontology) == []
    record = {
        "id": "x",
        "findings": {"stent-in-place": "present"},
        "measurements": {"symptom-duration-days": 3},
    }
    reading = dvt_kg.read_records([record], ontology)
    answer = dvt_kg.recommend(dvt_kg.classify(reading.patients, HermiT(ontology)))
    (option,) = answer["results"][0]["options"]
    assert (option["presentation"], option["rating"]) == ("our-protocol-1", "may-be-appropriate")


def test_the_table_names_every_module() -> None:
    named = re.findall(r"^\| `([\w-]+\.ttl)` \|", README, re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in (ROOT / "ontology").glob("*.ttl"))


def test_the_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^\s*make ([\w-]+)|`make ([\w-]+)`", README, re.MULTILINE))
    names = {a or b for a, b in targets}
    assert {"demo", "test", "bench"} <= names
    assert all(re.search(rf"^{name}:", makefile, re.MULTILINE) for name in names)


@pytest.mark.parametrize("name", dvt_kg.__all__)
def test_every_exported_name_exists(name: str) -> None:
    assert hasattr(dvt_kg, name)


def test_the_changelog_begins_with_the_version(ontology: Ontology) -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (version, *_) = re.findall(r"^## \[(\S+)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)
    assert version == dvt_kg.__version__ == ontology.version
