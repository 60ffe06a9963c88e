"""The examples that need no server, run as a reader would run them."""

from __future__ import annotations

import base64
import io
import re
import shutil
import subprocess
import sys
from ast import literal_eval
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
import pyoxigraph as ox
import pytest
from matplotlib import image
from nbclient import NotebookClient

from dvt_kg import Ontology, classify, read, recommend
from dvt_kg.graph import INFERRED, PATIENTS
from dvt_kg.ontology import data_dir

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
DISCLAIMER = "For research and information, for review by a professional; not medical advice."
PROGRAMS = ("ask_endpoint.py", "ask_endpoint.sh", "cohort.ipynb", "owlready_access.py", "rdflib_step.py")


def run(program: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / program), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_every_program_is_known_and_says_what_it_is_for() -> None:
    found = sorted(p.name for p in EXAMPLES.iterdir() if p.suffix in (".py", ".sh", ".ipynb"))
    assert found == sorted(PROGRAMS)
    for name in found:
        assert DISCLAIMER in (EXAMPLES / name).read_text(encoding="utf-8")


def test_the_readme_lists_every_program() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## In a pipeline")[2]
    listed = re.findall(r"^\| `([\w.]+)` \|", section.partition("\n## ")[0], re.MULTILINE)
    assert sorted(listed) == sorted(PROGRAMS)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook, executed in a folder that holds its table and nothing else."""
    folder = tmp_path_factory.mktemp("notebook")
    shutil.copy(EXAMPLES / "cohort.csv", folder)
    notebook = nbformat.read(EXAMPLES / "cohort.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    assert not any(cell.get("outputs") for cell in notebook.cells)
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    client.execute()
    return notebook


def shown(notebook: Any, kind: str) -> list[str]:
    """What the cells show of a media type; what they print is plain text too."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    plain = [output["text"] for output in outputs if output["output_type"] == "stream"]
    rich = [output["data"][kind] for output in outputs if kind in output.get("data", {})]
    return rich + (plain if kind == "text/plain" else [])


@pytest.mark.xdist_group("notebook")
def test_the_notebook_shows_each_status_and_each_refusal(notebook: Any, ontology: Ontology) -> None:
    reading = read([EXAMPLES / "cohort.csv"], ontology)
    answer = recommend(classify(reading.patients), reading.errors)
    texts = "\n".join(shown(notebook, "text/plain"))
    assert len(answer["results"]) == 4
    for result in answer["results"]:
        (line,) = [line for line in texts.splitlines() if line.startswith(f"│ {result['patient']} ")]
        assert result["status"] in line
    assert len(reading.errors) == 2
    for error in reading.errors:
        assert str(error).replace(str(EXAMPLES / "cohort.csv"), "cohort.csv") in texts


@pytest.mark.xdist_group("notebook")
def test_the_notebook_counts_what_is_missing(notebook: Any, ontology: Ontology) -> None:
    reading = read([EXAMPLES / "cohort.csv"], ontology)
    results = recommend(classify(reading.patients))["results"]
    expected = Counter(count for _, count in Counter(m for r in results for m in r["missing"]).items())
    (text,) = [text for text in shown(notebook, "text/plain") if text.startswith("[('")]
    assert Counter(count for _, count in literal_eval(text)) == expected
    assert expected


@pytest.mark.xdist_group("notebook")
def test_the_notebook_draws_a_plot(notebook: Any) -> None:
    (picture,) = shown(notebook, "image/png")
    pixels = image.imread(io.BytesIO(base64.b64decode(picture)), format="png")
    height, width = pixels.shape[:2]
    assert width > height > 200
    assert len({tuple(pixel) for row in pixels[::4, ::4] for pixel in row}) > 5


def test_the_rdflib_step_gives_the_inferred_graph_as_trig(ontology: Ontology, tmp_path: Path) -> None:
    source, target = data_dir("ontology") / "examples.ttl", tmp_path / "classified.trig"
    done = run("rdflib_step.py", source, target)
    assert (done.returncode, done.stderr) == (0, "")
    classification = classify(read([source], ontology).patients)
    statuses = Counter(result["status"] for result in recommend(classification)["results"])
    assert done.stdout.splitlines() == [
        DISCLAIMER,
        *(f"{n} {status}" for status, n in sorted(statuses.items())),
    ]
    quads = list(ox.parse(path=str(target), format=ox.RdfFormat.TRIG))
    assert {quad.graph_name for quad in quads} == {PATIENTS, INFERRED}
    named = {
        (quad.subject.value, quad.predicate.value, quad.object.value)
        for quad in quads
        if quad.graph_name == INFERRED and isinstance(quad.object, ox.NamedNode)
        if isinstance(quad.subject, ox.NamedNode)
        and quad.subject.value in {p.iri for p in classification.patients}
    }
    graph = classification.graph()
    assert named == {
        (t.subject.value, t.predicate.value, t.object.value)
        for t in graph.triples(INFERRED)
        if isinstance(t.object, ox.NamedNode) and isinstance(t.subject, ox.NamedNode)
        if t.subject.value in {p.iri for p in classification.patients}
    }
    assert len(named) > 500


def test_the_rdflib_step_reports_a_broken_record_and_answers_the_others(tmp_path: Path) -> None:
    records = (data_dir("ontology") / "examples.ttl").read_text(encoding="utf-8")
    source = tmp_path / "patients.ttl"
    source.write_text(
        records.replace("dvt:symptomDurationDays 7.0", "dvt:symptomDurationDays -7.0", 1), "utf-8"
    )
    done = run("rdflib_step.py", source, tmp_path / "classified.trig")
    assert done.returncode == 1
    assert "mild-left-iliac" in done.stderr
    assert "13 matched" in done.stdout


@pytest.mark.parametrize("program", [name for name in PROGRAMS if name.endswith(".py")])
def test_a_program_without_what_it_needs_says_its_usage(program: str) -> None:
    done = run(program)
    assert done.returncode == 1
    assert done.stderr.startswith(f"usage: {program} ")
