"""The page's files: whole, without a way to the outside, and without knowledge of their own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dvt_kg
from dvt_kg import Ontology
from dvt_kg.answers import NOTICE
from tests.pages import outside, page

FOLDER = Path(dvt_kg.__file__).parent / "page"
MODULES = sorted(FOLDER.glob("*.js"))
IMPORT = re.compile(r'^(?:import|\} from) .*?"(\.[^"]+)";$', re.MULTILINE)
# What would make markup or code of data, or need more than the policy of the page allows.
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|javascript:"
    r"|localStorage|sessionStorage|document\.cookie|cssText|\.style\b"
)


def test_the_modules_are_found() -> None:
    assert len(MODULES) == 16
    assert {"main.js", "answer.js", "form.js", "sparql.js"} <= {module.name for module in MODULES}


def test_what_the_front_page_loads_is_there_and_its_own() -> None:
    loads = page(FOLDER / "index.html").loads
    assert len(loads) == 3
    for address in loads:
        assert not outside(address)
        assert (FOLDER / address.removeprefix("page/")).is_file(), address


def test_every_module_is_loaded_and_every_import_is_there() -> None:
    waiting, seen = [FOLDER / "main.js"], set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        assert module.is_file(), module
        seen.add(module)
        if module.parent == FOLDER:
            waiting += [(FOLDER / name).resolve() for name in IMPORT.findall(module.read_text("utf-8"))]
    assert {file for file in seen if file.parent == FOLDER} == set(MODULES)
    assert {file.name for file in seen if file.parent != FOLDER} == {"codemirror.js", "d3-force.js"}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_no_module_makes_markup_or_code_of_data_or_keeps_anything(module: Path) -> None:
    assert FORBIDDEN.findall(module.read_text("utf-8")) == []
    assert len(module.read_text("utf-8").splitlines()) < 400


def test_the_front_page_has_no_script_or_style_of_its_own_in_line() -> None:
    text = (FOLDER / "index.html").read_text("utf-8")
    assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text) == []


def test_every_part_of_the_page_says_what_it_is_for() -> None:
    assert NOTICE in (FOLDER / "index.html").read_text("utf-8").partition("<footer")[2]


def test_the_scripts_hold_no_knowledge(ontology: Ontology) -> None:
    kinds = ("Finding", "Vein", "Intervention", "Presentation", "Criterion", "Guideline", "Alert", "NextStep")
    names = {name for kind in kinds for name in ontology.individuals(kind)} | set(ontology.measurements)
    known = {text for name in names for text in (name, ontology.label(name)) if re.search(r"[ -]", text)}
    assert len(known) > 300
    found = [
        (module.name, text)
        for module in MODULES
        for text in known
        if text in module.read_text("utf-8").lower()
    ]
    assert found == []


def test_each_library_says_what_it_was_made_of_and_its_licence() -> None:
    said = (FOLDER / "vendor" / "README.md").read_text("utf-8")
    licences = (FOLDER / "vendor" / "LICENSES.txt").read_text("utf-8")
    libraries = sorted(file.name for file in (FOLDER / "vendor").glob("*.js"))
    assert libraries == ["codemirror.js", "d3-force.js"]
    assert all(f"| `{name}` |" in said for name in libraries)
    for name in re.findall(r"[@\w/-]+ \d+\.\d+\.\d+", said.split("To make them again")[0]):
        assert name.split("/")[-1] in licences
