"""The SSSOM file, parsed and validated by the reference implementation in an environment of its own."""

from __future__ import annotations

import json
import subprocess
import venv
from pathlib import Path

import pytest

from dvt_kg import load, sssom

ROOT = Path(__file__).resolve().parents[2]
PARSE = """
import json, sys
from sssom.constants import SchemaValidationType
from sssom.parsers import parse_sssom_table
from sssom.validators import validate
found = parse_sssom_table(sys.argv[1])
kinds = [SchemaValidationType.JsonSchema, SchemaValidationType.PrefixMapCompleteness,
         SchemaValidationType.StrictCurieFormat]
reports = validate(found, kinds, fail_on_error=False)
problems = [str(r) for report in reports.values() for r in report.results]
print(json.dumps({"rows": len(found.df), "problems": problems, "license": found.metadata["license"]}))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the group ``sssom`` of pyproject.toml."""
    folder = tmp_path_factory.mktemp("sssom")
    venv.create(folder, with_pip=True)
    program = folder / "bin" / "python"
    pip = [str(program), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)
    subprocess.run([*pip, "--group", f"{ROOT / 'pyproject.toml'}:sssom"], check=True)
    return program


def judged(python: Path, file: Path) -> dict[str, object]:
    done = subprocess.run([python, "-c", PARSE, file], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_reference_implementation_finds_nothing_wrong(python: Path, tmp_path: Path) -> None:
    text = sssom(load())
    file = tmp_path / "dvt-kg.sssom.tsv"
    file.write_text(text, encoding="utf-8")
    found = judged(python, file)
    rows = [line for line in text.splitlines() if not line.startswith("#")]
    assert found == {
        "rows": len(rows) - 1,
        "problems": [],
        "license": "https://creativecommons.org/licenses/by/4.0/",
    }


def test_the_reference_implementation_finds_out_a_broken_file(python: Path, tmp_path: Path) -> None:
    text = sssom(load())
    file = tmp_path / "broken.sssom.tsv"
    file.write_text(text.replace("#  LOINC: ", "#  LONIC: "), encoding="utf-8")
    assert judged(python, file)["problems"]
