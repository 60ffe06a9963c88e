"""The examples that ask a server or run another's reasoner, each as a reader would run it."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dvt_kg import Classification, Ontology, ask, classify, read, recommend
from dvt_kg.release import merged
from dvt_kg.serialisation import canonical, rdf_xml
from tests.test_examples import DISCLAIMER, EXAMPLES, run

from .serving import PATIENTS, Served
from .stores import free_port

PATIENT = "mild-left-iliac"


@pytest.fixture
def server(served: Served) -> str:
    """The address of a server of this project that holds the example records."""
    return served.url


@pytest.fixture(scope="module")
def classification(ontology: Ontology) -> Classification:
    return classify(read([PATIENTS], ontology).patients)


def test_sparqlwrapper_shows_the_options_of_a_patient_with_sources(
    server: str, classification: Classification
) -> None:
    done = run("ask_endpoint.py", f"{server}/sparql", PATIENT)
    assert done.returncode == 0, done.stderr
    first, second, *lines = [line for line in done.stdout.splitlines() if line]
    rows = ask(classification.graph(), "options", patient=PATIENT).plain()
    unique = {row["statement"]: row for row in rows}  # a row for each study
    expected = [
        (
            f"{row['ratingLabel']}: {row['interventionLabel']}"
            f" (contraindication: {str(row['contraindication']).replace('-', ' ')})",
            f"  {row['source']}, {row['locator']}",
        )
        for row in unique.values()
    ]
    assert first == DISCLAIMER
    assert second == f"{PATIENT}: {len(expected)} rated options"
    assert sorted(zip(lines[::3], lines[2::3], strict=True)) == sorted(expected)
    ranks = {row["ratingLabel"]: int(float(str(row["rank"]))) for row in rows}
    order = [ranks[line.partition(":")[0]] for line in lines[::3]]
    assert order == sorted(order)
    assert len(set(order)) == 3


def test_sparqlwrapper_finds_nothing_for_an_id_that_tries_to_close_its_term(server: str) -> None:
    done = run("ask_endpoint.py", f"{server}/sparql", "x> AS ?patient) ?s ?p ?o #")
    assert done.returncode == 0, done.stderr
    assert "0 rated options; no presentation is met" in done.stdout


def test_sparqlwrapper_says_in_one_line_that_nobody_answers() -> None:
    done = run("ask_endpoint.py", f"http://127.0.0.1:{free_port()}/sparql", PATIENT)
    assert done.returncode == 1
    assert "gave no answer" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def with_curl(server: str, records: Path) -> subprocess.CompletedProcess[str]:
    shell = shutil.which("sh")
    assert shell
    words = [shell, str(EXAMPLES / "ask_endpoint.sh"), server, str(records)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)


def test_curl_shows_an_answer_a_query_and_one_of_the_catalogue(
    server: str, classification: Classification, ontology: Ontology
) -> None:
    done = with_curl(server, EXAMPLES / "patient.json")
    assert (done.returncode, done.stderr) == (0, "")
    said, *parts = re.split(r"^# .*\n", done.stdout, flags=re.MULTILINE)
    assert said.strip() == DISCLAIMER
    answers, counts, conflicts = (list(csv.DictReader(part.strip().splitlines())) for part in parts)
    (result,) = recommend(classify(read([EXAMPLES / "patient.json"], ontology).patients))["results"]
    assert [(row["intervention"], row["rating"]) for row in answers] == [
        (option["intervention"], option["rating"]) for option in result["options"]
    ]
    assert {row["id"]: (row["status"], int(row["presentations"])) for row in counts} == {
        r["patient"]: (r["status"], len(r["presentations"])) for r in recommend(classification)["results"]
    }
    expected = ask(classification.graph(), "conflicts", patient="mild-with-may-thurner")
    assert len(conflicts) == len(expected) > 0


def test_curl_shows_why_records_are_refused_and_stops(server: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")
    done = with_curl(server, broken)
    assert done.returncode != 0
    answer = json.loads(re.split(r"^# .*\n", done.stdout, flags=re.MULTILINE)[1])
    assert answer["error"]
    assert done.stdout.count("\n# ") == 1


def owlready(patients: list[str], ontology: Ontology, folder: Path) -> subprocess.CompletedProcess[str]:
    """The example over the merged ontology with some patients, as a release has them."""
    chosen = [patient for patient in read([PATIENTS], ontology).patients if patient.id in patients]
    triples = {*merged(ontology), *(t for patient in chosen for t in patient.triples())}
    file = folder / "patients.owl"
    file.write_bytes(rdf_xml(canonical(triples)))
    return run("owlready_access.py", file)


def test_owlready2_reads_what_hermit_concludes(
    ontology: Ontology, classification: Classification, tmp_path: Path
) -> None:
    ids = [PATIENT, "mild-with-may-thurner"]
    done = owlready(ids, ontology, tmp_path)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines()[1:]:
        if line.startswith("urn:"):
            now = found.setdefault(line.removeprefix("urn:dvt-kg:patient:").partition(":")[0], [])
        elif line:
            now.append(line)
    expected: dict[str, list[str]] = {}
    for result in recommend(classification)["results"]:
        if result["patient"] in ids:
            lines = expected.setdefault(result["patient"], [])
            for presentation in sorted(result["presentations"], key=lambda p: str(p["id"])):
                by = sorted(ontology.labels[criterion["id"]] for criterion in presentation["criteria"])
                lines += [f"  {presentation['label']}", f"    by {', '.join(by)}"]
    assert found == expected
    assert sum(map(len, found.values())) == 10


def test_owlready2_says_that_a_contradictory_record_takes_the_others_with_it(
    ontology: Ontology, tmp_path: Path
) -> None:
    done = owlready(["contradicts-itself"], ontology, tmp_path)
    assert done.returncode == 1
    assert "a record contradicts itself" in done.stderr
