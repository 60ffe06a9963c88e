"""Codes of other systems: only what was seen, no more than it means, no name that may not be shipped."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from dvt_kg import (
    Mapping,
    MappingError,
    Ontology,
    ask,
    classify,
    code_mappings,
    look_up_code,
    read_records,
    sssom,
)
from dvt_kg.cli import main
from dvt_kg.mappings import MAPPING_SET, MEANINGS, CodeSystem, code_systems
from dvt_kg.ontology import PREFIXES, SKOS, data_dir

from .records import MILD
from .strategies import ONTOLOGY

FACTS = Path(__file__).parent / "facts"
SYSTEMS = {system.name: system for system in code_systems(ONTOLOGY)}
MAPPINGS = code_mappings(ONTOLOGY)
IMPLYING = ("exactMatch", "narrowMatch")
SNOMED = "http://snomed.info/"
SEMANTIC_TAGS = (
    *("disorder", "finding", "procedure", "observable entity", "qualifier value", "physical object"),
    *("substance", "situation", "body structure", "regime/therapy", "morphologic abnormality", "event"),
)
NARROWED = {"I82.41", "I82.411", "I82.412", "I82.413", "I82.419"}
ILIOFEMORAL = [f"acr-2020-iliofemoral-{n}" for n in range(1, 8)]

Record = dict[str, Any]


def table(name: str) -> list[dict[str, str]]:
    with (FACTS / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


SEEN = {(row["system"], row["code"]): row["through"] for row in table("codes.csv")}
"""Each code that was seen, with the code of another system on whose word alone it rests."""


def tabled(system: str) -> str:
    """The name of a code system in the tables of facts."""
    label = SYSTEMS[system].label
    return "HCPCS" if label.startswith("HCPCS") else label


def texts() -> str:
    files = [p for name in ("ontology", "queries") for p in data_dir(name).rglob("*.*") if p.is_file()]
    assert len(files) > 150
    return "\n".join(p.read_text(encoding="utf-8") for p in files)


# What is mapped


def test_only_codes_that_were_seen_are_mapped() -> None:
    assert len(SEEN) == 444
    assert len({m.iri for m in MAPPINGS}) == 376
    assert [m for m in MAPPINGS if (tabled(m.system), m.code) not in SEEN] == []


def test_no_code_of_a_system_stands_outside_the_mappings() -> None:
    mapped = {m.iri for m in MAPPINGS}
    spaces = tuple(system.namespace for system in SYSTEMS.values())
    found = {
        term.value
        for quad in ONTOLOGY.match()
        for term in (quad.subject, quad.object)
        if isinstance(term, ox.NamedNode) and term.value.startswith(spaces)
    }
    assert found == mapped


def test_each_pair_that_implies_something_is_in_the_reviewed_table() -> None:
    reviewed = {(r["predicate"], r["term"], r["system"], r["code"]) for r in table("implying-codes.csv")}
    mapped = {(m.predicate, m.term, tabled(m.system), m.code) for m in MAPPINGS if m.predicate in IMPLYING}
    assert len(reviewed) == 130
    assert mapped == reviewed


def test_what_rests_on_another_system_alone_says_so_and_implies_nothing() -> None:
    curies = {m.iri: SYSTEMS[m.system].curie(m.iri) for m in MAPPINGS}
    for m in MAPPINGS:
        through = SEEN[tabled(m.system), m.code]
        assert curies.get(m.through, "") == through
        rests = "MappingChaining" if through else "ManualMappingCuration"
        assert m.justification == PREFIXES["semapv"] + rests
        assert not (through and m.predicate in IMPLYING)


def test_the_conflicts_that_were_met_are_settled() -> None:
    assert {m.term for m in look_up_code(ONTOLOGY, "SNOMED CT", "293637006")} == {
        "serious-allergy-to-lytic-anticoagulant-or-contrast"
    }
    assert {m.term for m in look_up_code(ONTOLOGY, "SNOMED CT", "449614009")} == {"leg-swelling"}
    (vein,) = look_up_code(ONTOLOGY, "SNOMED CT", "46027005")
    assert (vein.term, vein.predicate) == ("common-iliac-vein", "exactMatch")
    group = {(m.term, m.predicate) for m in look_up_code(ONTOLOGY, "SNOMED CT", "244411005")}
    assert ("common-iliac-vein", "broadMatch") in group
    assert not {predicate for _, predicate in group} & set(IMPLYING)


def test_a_disorder_is_never_mapped_to_a_vein() -> None:
    anatomy = {"uberon", "fma", "ncit", "snomed-ct"}
    of_veins = [m for m in MAPPINGS if m.term in ONTOLOGY.veins]
    assert len(of_veins) > 40
    assert {m.system for m in of_veins} <= anatomy
    elsewhere = {m.iri for m in MAPPINGS if m.term not in ONTOLOGY.veins}
    assert not {m.iri for m in of_veins} & elsewhere


# What may not be shipped


def test_no_code_of_snomed_ct_has_a_name() -> None:
    allowed = {SKOS + "notation", "http://purl.org/dc/terms/source", PREFIXES["rdfs"] + "comment"}
    said = [
        quad.predicate.value
        for quad in ONTOLOGY.match()
        if isinstance(quad.subject, ox.NamedNode)
        and quad.subject.value.startswith(SNOMED)
        and isinstance(quad.object, ox.Literal)
    ]
    assert len(said) > 250
    assert set(said) == allowed
    assert {m.code_label for m in MAPPINGS if m.system == "snomed-ct"} == {""}


def test_no_description_of_snomed_ct_stands_anywhere() -> None:
    shipped = texts()
    assert [tag for tag in SEMANTIC_TAGS if f"({tag})" in shipped] == []


def test_no_code_of_cpt_stands_anywhere() -> None:
    assert not any("cpt" in name.casefold() for s in SYSTEMS.values() for name in (*s.names, s.prefix))
    assert {m.system for m in MAPPINGS if re.fullmatch(r"\d{5}|\d{4}[A-Z]", m.code)} == {"rxnorm"}
    assert all(re.fullmatch(r"[A-V]\d{4}", m.code) for m in MAPPINGS if m.system == "hcpcs-level-2")
    assert "/cpt" not in texts().casefold()


def test_each_system_whose_names_may_be_shipped_gives_some() -> None:
    named = {m.system for m in MAPPINGS if m.code_label}
    assert set(SYSTEMS) - named == {"snomed-ct", "mesh", "ncit", "doid", "orphanet", "oae"}
    labels = {m.code_label for m in MAPPINGS}
    assert not [label for label in labels if "mapped from" in label or "header" in label or "OMOP" in label]


# What a code implies


def facts_of(ontology: Ontology, term: str) -> list[Record]:
    """The records of one fact each, one of which is so where a term of ours is: none for what is no fact."""
    if term in ontology.findings:
        return [{"findings": {term: "present"}}]
    if term in ontology.veins:
        return [{"thrombus": {"present": [term]}}]
    for key, kind in (("side", "Side"), ("confirmed_by", "ImagingModality")):
        if term in ontology.individuals(kind):
            return [{"thrombus": {key: term}}]
    if term not in ontology.individuals("Criterion"):
        return []
    query = f"""
        PREFIX dvt: <{PREFIXES["dvt"]}> PREFIX owl: <{PREFIXES["owl"]}> PREFIX rdfs: <{PREFIXES["rdfs"]}>
        SELECT ?condition ?property ?value WHERE {{
          ?met rdfs:subClassOf [ owl:onProperty dvt:meetsCriterion ; owl:hasValue dvt:{term} ] .
          {{ ?met owl:equivalentClass ?condition }} UNION
          {{ ?condition rdfs:subClassOf ?met . FILTER(isBlank(?condition)) }}
          OPTIONAL {{ ?condition owl:onProperty ?property ; owl:hasValue ?value }}
        }}"""
    found: list[Record] = []
    for row in list(ontology.store.query(query)):  # type: ignore[arg-type]
        assert row["property"], f"no one fact states the criterion {term}"
        name, value = (str(row[v].value).removeprefix(PREFIXES["dvt"]) for v in ("property", "value"))
        stated: dict[str, Record] = {
            "hasFinding": {"findings": {value: "present"}},
            "lacksFinding": {"findings": {value: "absent"}},
            "hasThrombusIn": {"thrombus": {"present": [value]}},
        }
        found.append(stated[name])
    assert found, term
    return found


def implied(ontology: Ontology, code: str, base: Record) -> list[Record]:
    """The records, one of which is so, that state whatever a code implies, and besides what a base does."""
    terms = [m.term for m in code_mappings(ontology) if m.code == code and m.predicate in IMPLYING]
    told = [facts for term in terms if (facts := facts_of(ontology, term))]
    records = []
    for n, choice in enumerate(itertools.product(*told)):
        record = {**base, "id": f"{code}-{n}", "findings": dict(base.get("findings", {})), "thrombus": {}}
        for fact in choice:
            record["findings"] |= fact.get("findings", {})
            thrombus = fact.get("thrombus", {})
            veins = [*record["thrombus"].get("present", []), *thrombus.get("present", [])]
            record["thrombus"] |= thrombus | ({"present": veins} if veins else {})
        records.append(record)
    return records


def states(ontology: Ontology, records: list[Record], query: str, key: str) -> list[dict[str, str | None]]:
    """For each record the state of each criterion or presentation."""
    reading = read_records(records, ontology)
    assert not reading.errors, reading.errors
    graph = classify(reading.patients).graph()
    found = []
    for record in records:
        rows = ask(graph, query, patient=record["id"]).plain()
        found.append({str(row[key]): row["state"] for row in rows})
    return found


MILD_ELSEWHERE = {key: value for key, value in MILD.items() if key != "thrombus"}


def iliofemoral(ontology: Ontology, code: str) -> tuple[set[str | None], set[str]]:
    """The states of the criterion iliofemoral thrombosis, and what is met of the iliofemoral topic,
    in a patient of whom else is known what makes a mild case."""
    records = implied(ontology, code, MILD_ELSEWHERE)
    criteria = states(ontology, records, "criteria", "criterion")
    presentations = states(ontology, records, "presentations", "presentation")
    met = {name for found in presentations for name in ILIOFEMORAL if found.get(name) == "met"}
    return {found["iliofemoral-thrombosis"] for found in criteria}, met


@pytest.mark.parametrize("code", sorted(NARROWED))
def test_a_femoral_code_alone_makes_nobody_iliofemoral(code: str) -> None:
    assert {m.predicate for m in MAPPINGS if m.code == code} == {"narrowMatch", "relatedMatch"}
    state, met = iliofemoral(ONTOLOGY, code)
    assert state == {"unknown"}
    assert met == set()


@pytest.mark.parametrize("code", ["I82.42", "I82.421", "I82.422", "I82.423", "I82.429", "128055005"])
def test_an_iliac_or_pelvic_code_alone_settles_nothing_either(code: str) -> None:
    state, met = iliofemoral(ONTOLOGY, code)
    assert (state, met) == ({"unknown"}, set())


def test_a_code_that_implies_a_criterion_is_seen_to_do_so() -> None:
    (found,) = states(ONTOLOGY, implied(ONTOLOGY, "132251000119101", {}), "criteria", "criterion")
    assert found["femoropopliteal-thrombosis"] == "met"
    assert found["iliofemoral-thrombosis"] == "unknown"


@pytest.mark.parametrize("code", ["234044007", "132301000119107"])
def test_a_code_that_does_not_say_which_veins_count_implies_nothing(code: str) -> None:
    state, met = iliofemoral(ONTOLOGY, code)
    assert (state, met) == ({"unknown"}, set())


def test_a_femoral_code_that_is_wrongly_mapped_is_found_out(extended: Callable[[str], Ontology]) -> None:
    wrong = "<http://hl7.org/fhir/sid/icd-10-cm/I82.411>"
    ontology = extended(f"dvt:common-femoral-vein skos:exactMatch {wrong} .")
    state, met = iliofemoral(ontology, "I82.411")
    assert state == {"met"}
    assert met


def test_every_femoral_code_that_is_mapped_is_among_those_tested() -> None:
    assert {m.code for m in MAPPINGS if m.system == "icd-10-cm" and m.code.startswith("I82.41")} == NARROWED


def test_whatever_codes_imply_can_be_recorded_without_contradiction() -> None:
    codes = sorted({m.code for m in MAPPINGS if m.predicate in IMPLYING})
    records = [record for code in codes for record in implied(ONTOLOGY, code, {})]
    assert len(records) > 80
    for record in records:
        record["id"] = f"x{record['id']}"
    reading = read_records(records, ONTOLOGY)
    assert not reading.errors
    rows = ask(classify(reading.patients).graph(), "status").plain()
    assert len(rows) == len(records)
    assert "contradictory" not in {row["status"] for row in rows}


# Look-up


@cache
def names(system: CodeSystem) -> tuple[str, ...]:
    return (*system.names, system.name, system.label, system.prefix)


def scrambled(draw: st.DrawFn, text: str) -> str:
    """A text in another case, and with other punctuation."""
    kept = re.sub(r"[^\w]|_", "", text)
    marks = st.sampled_from(["", "", "", " ", "-", "_", "."])
    return "".join(draw(st.sampled_from([c.upper(), c.lower()])) + draw(marks) for c in kept)


@st.composite
def questions(draw: st.DrawFn) -> tuple[str, str, Mapping]:
    mapping = draw(st.sampled_from(MAPPINGS))
    system = SYSTEMS[mapping.system]
    local = mapping.iri.removeprefix(system.namespace)
    prefix = draw(st.sampled_from(names(system)))
    written = draw(
        st.sampled_from(
            [mapping.code, local, scrambled(draw, local), f"{prefix}:{local}", f" {local} ", mapping.iri]
        )
    )
    return scrambled(draw, draw(st.sampled_from(names(system)))), written, mapping


@settings(deadline=None)
@given(questions())
def test_a_code_is_found_however_system_and_code_are_written(question: tuple[str, str, Mapping]) -> None:
    system, code, mapping = question
    assert mapping in look_up_code(ONTOLOGY, system, code)


@pytest.mark.parametrize("system", SYSTEMS)
def test_no_two_codes_of_a_system_are_alike_without_punctuation(system: str) -> None:
    codes = {m.iri.removeprefix(SYSTEMS[system].namespace) for m in MAPPINGS if m.system == system}
    assert len({re.sub(r"\W|_", "", code.casefold()) for code in codes}) == len(codes) > 0


def test_no_two_systems_are_alike_without_punctuation() -> None:
    spelt = [{re.sub(r"\W|_", "", name.casefold()) for name in names(s)} for s in SYSTEMS.values()]
    assert not [1 for one, other in itertools.combinations(spelt, 2) if one & other]


@pytest.mark.parametrize("name", ["SNOMED CT", "snomedct", "sct", "SCTID"])
def test_snomed_ct_has_many_names(name: str) -> None:
    assert [m.term for m in look_up_code(ONTOLOGY, name, "59282003")] == ["pulmonary-embolism"]


@pytest.mark.parametrize(
    ("system", "code", "said"),
    [
        ("snomd", "59282003", "no code system 'snomd'; did you mean 'SNOMED CT'"),
        ("CPT", "37187", "no code system 'CPT'"),
        ("ICD-10-CM", "I82.425", r"no code 'I82.425' of ICD-10-CM is mapped; the nearest on file is 'I82.42"),
        ("ICD-10-CM", "I82.4Z1", "no code 'I82.4Z1' of ICD-10-CM"),
        ("HPO", "MONDO:0005279", "no code 'MONDO:0005279' of HPO"),
        ("LOINC", "", "no code '' of LOINC"),
        ("", "1", "no code system ''"),
    ],
)
def test_an_unknown_system_or_code_is_said_to_be_so(system: str, code: str, said: str) -> None:
    with pytest.raises(MappingError, match=said):
        look_up_code(ONTOLOGY, system, code)


# SSSOM


def parsed(text: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
    lines = text.splitlines()
    head = [line.removeprefix("#") for line in lines if line.startswith("#")]
    rows = csv.DictReader(lines[len(head) :], delimiter="\t")
    return yaml.safe_load("\n".join(head)), list(rows)


def test_the_sssom_file_holds_each_mapping_once_in_order() -> None:
    text = sssom(ONTOLOGY)
    assert text == sssom(ONTOLOGY)
    metadata, rows = parsed(text)
    keys = [tuple(row.values()) for row in rows]
    assert keys == sorted(keys)
    assert {(r["subject_id"], r["predicate_id"], r["object_id"]) for r in rows} == {
        (f"dvt:{m.term}", f"skos:{m.predicate}", SYSTEMS[m.system].curie(m.iri)) for m in MAPPINGS
    }
    assert len(rows) == len(MAPPINGS) == 511
    expand = metadata["curie_map"]
    iris = {m.iri for m in MAPPINGS}
    for row in rows:
        for column in ("subject_id", "predicate_id", "object_id", "mapping_justification", "object_source"):
            assert row[column].partition(":")[0] in expand
        prefix, _, local = row["object_id"].partition(":")
        assert expand[prefix] + local in iris


def test_the_sssom_file_says_whose_the_codes_are_and_what_they_rest_on() -> None:
    metadata, rows = parsed(sssom(ONTOLOGY))
    assert metadata["mapping_set_id"] == MAPPING_SET
    assert metadata["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert metadata["mapping_set_version"] == ONTOLOGY.version
    for system in SYSTEMS.values():
        assert f"{system.label}: {system.notice}" in metadata["comment"]
    snomed = [row for row in rows if row["object_id"].startswith("SNOMEDCT:")]
    assert len(snomed) > 100
    assert {row["object_label"] for row in snomed} == {""}
    for row in rows:
        chained = row["mapping_justification"] == "semapv:MappingChaining"
        assert chained == bool(
            re.search(r"Rests on the mapping of (MONDO|UBERON):\d+ alone\.", row["comment"])
        )


# The command line


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_a_code_is_looked_up_from_the_shell() -> None:
    said = run("terms", "--code", "icd10cm", "i82422")
    assert said.exit_code == 0
    assert "proximal-thrombosis" in said.stdout
    assert "no code is read into a record" in said.stderr
    rows = json.loads(run("terms", "--code", "ICD-10-CM", "I82.422", "--format", "json").stdout)
    assert {row["term"]: row["says"] for row in rows} == {
        "iliofemoral-thrombosis": MEANINGS["relatedMatch"],
        "proximal-thrombosis": MEANINGS["narrowMatch"],
    }


def test_the_terms_without_a_code_are_listed() -> None:
    rows = json.loads(run("terms", "--unmapped", "--format", "json").stdout)
    unmapped = {row["term"]: row["kind"] for row in rows}
    assert unmapped["phlegmasia-cerulea-dolens"] == "finding"
    assert unmapped["tense-edema"] == "finding"
    assert unmapped["calf-vein"] == "vein"
    assert unmapped["symptomDurationDays"] == "measurement"
    assert not set(unmapped) & {m.term for m in MAPPINGS}
    assert "phlegmasia-cerulea-dolens" in run("terms", "--unmapped").stdout


def test_sssom_is_written_from_the_shell() -> None:
    assert run("terms", "--format", "sssom").stdout == sssom(ONTOLOGY)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["terms", "--code", "snomd", "1"], 4, "no code system 'snomd'"),
        (["terms", "--code", "LOINC", "1-8"], 4, "no code '1-8' of LOINC is mapped"),
        (["terms", "--code", "LOINC"], 2, "requires 2 arguments"),
        (["terms", "edema", "--code", "LOINC", "777-3"], 2, "exclude one another"),
        (["terms", "--unmapped", "--format", "sssom"], 2, "exclude one another"),
    ],
)
def test_a_wrong_question_from_the_shell_has_its_status(words: list[str], status: int, said: str) -> None:
    result = run(*words)
    assert result.exit_code == status
    assert said in result.stderr
