"""Reading records: what each format lets in, and how each bad part is refused beside the good."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvt_kg import Fact, Ontology, RecordError, UsageError, read, read_records, read_text
from dvt_kg.readers import READERS, TEMPLATES, Reading, template
from dvt_kg.triples import CONTEXT_IRI

FIELDS = ("line", "record", "field", "value", "nearest")
PREFIXES = """\
@prefix dvt: <https://w3id.org/dvt-kg#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""


def errors(reading: Reading) -> list[tuple[Any, ...]]:
    """The fields of each error, without file and message."""
    return [tuple(getattr(error, field) for field in FIELDS) for error in reading.errors]


def ids(reading: Reading) -> list[str]:
    return [patient.id for patient in reading.patients]


def among_good(record: object) -> Reading:
    """A reading of a JSON record between two good ones, which are read whatever it is."""
    reading = read_records([{"id": "before"}, record, {"id": "after"}])  # type: ignore[list-item]
    assert ids(reading)[0] == "before"
    assert ids(reading)[-1] == "after"
    return reading


def turtle(statements: str, subject: str = "<urn:dvt-kg:patient:bad>", id: str = '"bad"') -> Reading:
    """A reading of a patient in Turtle between two good ones."""
    good = '<urn:dvt-kg:patient:{0}> a dvt:Patient ; dcterms:identifier "{0}" .\n'
    bad = f"{subject} a dvt:Patient ; dcterms:identifier {id} ; {statements} .\n"
    reading = read_text(PREFIXES + good.format("before") + bad + good.format("after"), "ttl")
    assert ids(reading)[0] == "before"
    assert ids(reading)[-1] == "after"
    return reading


# One record in every format
# --------------------------

RECORD = {
    "id": "case-01",
    "assessed_at": "2026-05-26T11:00:00+02:00",
    "age_years": 45,
    "sex": "female",
    "recorded_severity": "mild",
    "thrombus": {
        "present": ["external-iliac-vein", "popliteal-vein"],
        "absent": ["inferior-vena-cava"],
        "side": "left",
        "confirmed_by": "duplex-ultrasound",
    },
    "findings": {
        "fully-ambulatory": "present",
        "tense-edema": "absent",
        "cyanosis": "unknown",
        "pallor": None,
    },
    "measurements": {"symptom-duration-days": 7.5, "platelet-count": 210, "toe-pressure": None},
}
FACTS = {
    Fact("assessedAt", "2026-05-26T09:00:00Z"),
    Fact("ageYears", Decimal(45)),
    Fact("sex", "female"),
    Fact("recordedSeverity", "mild"),
    Fact("hasThrombusIn", "external-iliac-vein"),
    Fact("hasThrombusIn", "popliteal-vein"),
    Fact("lacksThrombusIn", "inferior-vena-cava"),
    Fact("side", "left"),
    Fact("confirmedBy", "duplex-ultrasound"),
    Fact("hasFinding", "fully-ambulatory"),
    Fact("lacksFinding", "tense-edema"),
    Fact("symptomDurationDays", Decimal("7.5")),
    Fact("plateletCount", Decimal(210)),
}
ROW = """\
id,assessed_at,age_years,sex,recorded_severity,thrombus_present,thrombus_absent,side,confirmed_by,\
fully-ambulatory,tense-edema,cyanosis,pallor,symptom-duration-days,platelet-count,toe-pressure
case-01,2026-05-26T11:00:00+02:00,45,female,mild,external-iliac-vein; popliteal-vein,inferior-vena-cava,left,\
duplex-ultrasound,present,absent,unknown,,7.5,210.0,
"""
TRIPLES = f"""{PREFIXES}
<urn:dvt-kg:patient:case-01> a dvt:Patient ; dcterms:identifier "case-01" ;
    dvt:assessedAt "2026-05-26T11:00:00+02:00"^^xsd:dateTime ; dvt:ageYears 45.0 ; dvt:sex dvt:female ;
    dvt:recordedSeverity dvt:mild ; dvt:hasThrombusIn dvt:external-iliac-vein , dvt:popliteal-vein ;
    dvt:lacksThrombusIn dvt:inferior-vena-cava ; dvt:side dvt:left ; dvt:confirmedBy dvt:duplex-ultrasound ;
    dvt:hasFinding dvt:fully-ambulatory ; dvt:lacksFinding dvt:tense-edema ;
    dvt:symptomDurationDays 7.50 ; dvt:plateletCount 210 .
"""
LINKED = {
    "@context": CONTEXT_IRI,
    "@id": "urn:dvt-kg:patient:case-01",
    "@type": "Patient",
    "identifier": "case-01",
    "assessedAt": "2026-05-26T11:00:00+02:00",
    "ageYears": "45.0",
    "sex": "female",
    "recordedSeverity": "mild",
    "hasThrombusIn": ["external-iliac-vein", "popliteal-vein"],
    "lacksThrombusIn": "inferior-vena-cava",
    "side": "left",
    "confirmedBy": "duplex-ultrasound",
    "hasFinding": ["fully-ambulatory"],
    "lacksFinding": ["dvt:tense-edema"],
    "symptomDurationDays": 7.5,
    "plateletCount": 210,
}
TEXTS = {
    "json": json.dumps([RECORD]),
    "csv": ROW,
    "tsv": ROW.replace(",", "\t"),
    "ttl": TRIPLES,
    "nt": """\
<urn:dvt-kg:patient:case-01> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> \
<https://w3id.org/dvt-kg#Patient> .
<urn:dvt-kg:patient:case-01> <http://purl.org/dc/terms/identifier> "case-01" .
""",
    "jsonld": json.dumps(LINKED),
}


@pytest.mark.parametrize("format", READERS)
def test_the_same_record_gives_the_same_facts_in_every_format(format: str) -> None:
    reading = read_text(TEXTS[format], format, name="ward")
    assert not reading.errors
    (patient,) = reading.patients
    assert (patient.id, patient.file) == ("case-01", "ward")
    assert patient.facts == (FACTS if format != "nt" else set())
    assert patient.line == (2 if format in ("csv", "tsv") else None)


@pytest.mark.parametrize("format", READERS)
def test_a_file_is_read_by_its_extension(format: str, tmp_path: Path) -> None:
    for extension in READERS[format].extensions:
        file = tmp_path / f"records{extension.upper()}"
        file.write_text(TEXTS[format], encoding="utf-8")
        assert ids(read(file)) == ids(read([str(file)])) == ["case-01"]


@pytest.mark.parametrize("format", [f for f in READERS if f not in ("tsv", "nt")])
def test_standard_input_is_read_by_how_it_begins(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXTS[format].encode())))
    reading = read(["-"])
    assert (ids(reading), reading.errors, reading.patients[0].file) == (["case-01"], (), "-")


def test_standard_input_is_read_in_the_format_that_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"id\ncase-01\n")))
    assert ids(read(["-"], format="tsv")) == ["case-01"]


@pytest.mark.parametrize("text", ["[]", ' [ {"id": "a"} ]', '{"patients": []}'])
def test_json_that_begins_like_turtle_is_taken_for_json(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert not read(["-"]).errors


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-8"),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: "\ufeff" + text,
    ],
    ids=["UTF-8", "UTF-8 with a mark", "UTF-16", "big-endian UTF-16", "text with a mark"],
)
@pytest.mark.parametrize("format", ["json", "csv", "tsv", "ttl", "jsonld"])
def test_a_text_is_read_in_the_encodings_that_spreadsheets_save(
    format: str, encode: Callable[[str], bytes | str]
) -> None:
    assert read_text(encode(TEXTS[format]), format).patients[0].facts == FACTS


def test_records_of_python_are_read_with_numbers_of_python() -> None:
    record = {**RECORD, "age_years": 45.0, "thrombus": {**RECORD["thrombus"], "present": ("popliteal-vein",)}}  # type: ignore[dict-item]
    (patient,) = read_records([record]).patients
    assert patient.facts == FACTS - {Fact("hasThrombusIn", "external-iliac-vein")}


# Files that cannot be read as a whole
# ------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "line", "message"),
    [
        ("missing.json", None, None, "there is no such file"),
        ("nul\0.json", None, None, "cannot be read"),
        ("records.xlsx", b"x", None, "none of .json, .jsonld, .csv, .tsv, .ttl, .nt"),
        ("records", b"x", None, "none of .json"),
        ("empty.json", b"", None, "it is empty"),
        ("blank.csv", b" \n\t\n", None, "it is empty"),
        ("mark.ttl", b"\xef\xbb\xbf", None, "it is empty"),
        ("latin.csv", b"id\na\nJ\xfcrg\n", 3, "not UTF-8"),
        ("half.json", b"\xff\xfe[", None, "not UTF-16"),
        ("cut.json", b'[{"id": "a"},\n', 2, "not valid JSON"),
        ("deep.json", b"[" * 100_000, None, "nested too deep"),
        ("number.json", b"5", None, "a number is no list of records"),
        ("object.json", b'{"rows": []}', None, "an object is no list of records"),
        ("patients.json", b'{"patients": {}}', None, "an object is no list of records"),
        ("linked.json", b'{"@context": {}}', None, "it is JSON-LD"),
        ("headless.csv", b"name,sex\na,male\n", 1, "no column 'id'"),
        ("quote.csv", b'id,"sex\na,male\n', 1, "cannot be read"),
        ("cut.ttl", b"@prefix dvt: <https://w3id.org/dvt-kg#> .\n<urn:x> a dvt:", 2, "not valid Turtle"),
        ("none.ttl", b"<urn:x> a <urn:y> .", None, "it has no patient"),
        ("cut.jsonld", b"{", 1, "not valid JSON"),
        ("deep.jsonld", b'{"a":' * 100_000, None, "nested too deep"),
        ("number.jsonld", b"5", None, "a number is no JSON-LD document"),
        ("nan.jsonld", b"[NaN]", None, "NaN is no number of JSON"),
        ("twice.jsonld", b'{"@id": "urn:x", "@id": "urn:y"}', None, "written more than once"),
        (
            "foreign.jsonld",
            b'{"@context": "https://schema.org"}',
            None,
            "'https://schema.org' is not fetched",
        ),
        ("import.jsonld", b'{"@context": {"@import": "https://schema.org"}}', None, "not fetched"),
        (
            "scoped.jsonld",
            b'{"@context": {"a": {"@context": "x.jsonld"}}}',
            None,
            "'x.jsonld' is not fetched",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value[-7:] else None,
)
def test_a_broken_file_is_one_error_and_the_others_are_read(
    name: str, content: bytes | None, line: int | None, message: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    good = tmp_path / "good.csv"
    good.write_text("id\na\n", encoding="utf-8")
    reading = read([tmp_path / name, good])
    assert ids(reading) == ["a"]
    (error,) = reading.errors
    assert (error.file, error.line, error.record) == (str(tmp_path / name), line, None)
    assert message in error.message


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "records.json").mkdir()
    assert "it is a folder" in read(tmp_path / "records.json").errors[0].message


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("json", "[]"),
        ("json", '{"patients": []}'),
        ("csv", "id,sex\n"),
        ("csv", "\n\nid;sex\n;\n\n"),
        ("ttl", PREFIXES),
        ("nt", "# nobody\n"),
        ("jsonld", '{"@graph": []}'),
    ],
)
def test_a_file_without_records_is_no_error(format: str, text: str) -> None:
    assert read_text(text, format) == Reading((), ())


def test_half_a_character_in_a_text_is_refused() -> None:
    for format in READERS:
        assert "half a character" in read_text("id\n\ud800", format).errors[0].message


def test_an_unknown_format_is_wrong_usage(tmp_path: Path) -> None:
    for call in (lambda: read_text("x", "xml"), lambda: read([], format="xml"), lambda: template("ttl")):
        with pytest.raises(UsageError, match="json"):
            call()


# What every format refuses
# -------------------------


def test_an_id_is_read_once_over_all_files_and_the_first_stands(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,sex\nx,male\ny,male\n", encoding="utf-8")
    (tmp_path / "b.json").write_text('[{"id": "y"}, {"id": "z"}, {"id": "z"}]', encoding="utf-8")
    reading = read([tmp_path / "a.csv", tmp_path / "b.json"])
    assert ids(reading) == ["x", "y", "z"]
    assert reading.patients[1].facts == {Fact("sex", "male")}
    first, second = reading.errors
    assert (first.file, first.record, first.field, first.value) == (str(tmp_path / "b.json"), "y", "id", "y")
    assert f"in {tmp_path / 'a.csv'}, line 3, and the first stands" in first.message
    assert f"in {tmp_path / 'b.json'}, record 1, and the first stands" in second.message


def test_an_id_that_was_refused_once_is_not_let_in_later() -> None:
    reading = read_records([{"id": "x", "sex": "man"}, {"id": "x"}])
    assert not reading.patients
    assert [error.field for error in reading.errors] == ["sex", "id"]


def test_all_faults_of_a_record_are_reported() -> None:
    reading = among_good(
        {"id": "bad", "sex": "man", "age_years": -1, "findings": {"x": 1, "cyanosis": "yes"}}
    )
    assert [error.field for error in reading.errors] == [
        "sex",
        "age_years",
        "findings/x",
        "findings/cyanosis",
    ]


def test_strict_reading_raises_the_first_error() -> None:
    records = [{"id": "a"}, {"id": "b", "sex": "man"}, {"id": "c", "sex": "man"}]
    with pytest.raises(RecordError) as caught:
        read_records(records, strict=True)
    assert (caught.value.record, caught.value.field) == ("b", "sex")
    with pytest.raises(RecordError, match="no such file"):
        read(["missing.csv"], strict=True)
    with pytest.raises(RecordError, match="is no record"):
        read_text("[5]", "json", strict=True)


@pytest.mark.parametrize(
    ("id", "message"),
    [
        (None, "has no id"),
        ("", "is empty"),
        (" \t", "is empty"),
        (" a", "white space"),
        ("a\u00a0", "white space"),
        ("a\nb", "control character"),
        ("a\0b", "control character"),
        ("\u009f", "control character"),
        ("x" * 257, "longer than 256"),
        (7, "a number is no id; write the id as text"),
        (True, "true or false is no id"),
        (["a"], "a list is no id"),
    ],
)
def test_an_id_that_is_none_is_refused_and_the_record_named_by_its_place(id: object, message: str) -> None:
    reading = among_good({"id": id})
    (error,) = reading.errors
    assert (error.record, error.field) == (1, "id")
    assert message in error.message


def test_an_id_of_any_letters_is_kept_as_it_is() -> None:
    names = ["x" * 256, "a b", "Jürg/3", "患者", "#", '"', "a;b,c", "-", "null"]
    assert ids(read_records([{"id": name} for name in names])) == names


# JSON
# ----


@pytest.mark.parametrize(
    ("part", "field", "value", "nearest", "message"),
    [
        ({"sexx": "male"}, "sexx", "male", "sex", "did you mean 'sex'?"),
        ({"Sex": "male"}, "Sex", "male", "sex", "did you mean 'sex'?"),
        ({"zzz": 1}, "zzz", 1, None, "write 'age_years', 'assessed_at'"),
        (
            {"tense-edema": "present"},
            "tense-edema",
            "present",
            "findings/tense-edema",
            "belongs in findings/",
        ),
        ({"side": "left"}, "side", "left", "thrombus/side", "belongs in thrombus/side"),
        ({"findings": {"tense-edma": "present"}}, "findings/tense-edma", "present", "tense-edema", "did you"),
        (
            {"findings": {"Tense oedema": "absent"}},
            "findings/Tense oedema",
            "absent",
            "tense-edema",
            "did you",
        ),
        ({"findings": {"qqq": "absent"}}, "findings/qqq", "absent", None, "template json lists all names"),
        (
            {"findings": {"platelet-count": 3}},
            "findings/platelet-count",
            3,
            "measurements/platelet-count",
            "'platelet-count' is no finding; it belongs in measurements/platelet-count",
        ),
        (
            {"findings": {"calf-vein": "present"}},
            "findings/calf-vein",
            "present",
            None,
            "belongs in thrombus/present or thrombus/absent",
        ),
        (
            {"measurements": {"tense-edema": "present"}},
            "measurements/tense-edema",
            "present",
            "findings/tense-edema",
            "is no measurement; it belongs in findings/tense-edema",
        ),
        (
            {"measurements": {"age-years": 45}},
            "measurements/age-years",
            45,
            "age_years",
            "belongs in age_years",
        ),
        (
            {"measurements": {"plateletCount": 45}},
            "measurements/plateletCount",
            45,
            "measurements/platelet-count",
            "belongs in measurements/platelet-count",
        ),
        ({"measurements": {"platelets": 45}}, "measurements/platelets", 45, "platelet-count", "did you mean"),
        ({"thrombus": {"presnt": []}}, "thrombus/presnt", "[]", "present", "no key of thrombus"),
        ({"thrombus": {"present": ["calf vein"]}}, "thrombus/present", "calf vein", "calf-vein", "no vein"),
        (
            {"thrombus": {"present": "calf-vein"}},
            "thrombus/present",
            "calf-vein",
            None,
            'write ["calf-vein"]',
        ),
        ({"thrombus": {"absent": {}}}, "thrombus/absent", "{}", None, "an object is no list"),
        ({"thrombus": {"absent": [7]}}, "thrombus/absent", 7, None, "a number is no vein"),
        ({"thrombus": {"absent": [None]}}, "thrombus/absent", None, None, "null is no vein"),
        (
            {"thrombus": {"present": ["cyanosis"]}},
            "thrombus/present",
            "cyanosis",
            "findings/cyanosis",
            "belongs",
        ),
        ({"thrombus": {"side": "lefft"}}, "thrombus/side", "lefft", "left", "did you mean 'left'?"),
        ({"thrombus": {"side": ""}}, "thrombus/side", "", None, "write 'bilateral', 'left' or 'right'"),
        (
            {"thrombus": {"side": "ct-venography"}},
            "thrombus/side",
            "ct-venography",
            "thrombus/confirmed_by",
            "bel",
        ),
        ({"thrombus": {"confirmed_by": 3}}, "thrombus/confirmed_by", 3, None, "write its name as text"),
        ({"thrombus": []}, "thrombus", "[]", None, "a list cannot hold thrombus; write an object"),
        ({"findings": "none"}, "findings", "none", None, "write an object"),
        ({"measurements": 7}, "measurements", 7, None, "write an object"),
        ({"findings": {"cyanosis": True}}, "findings/cyanosis", True, None, "write 'present'"),
        ({"findings": {"cyanosis": False}}, "findings/cyanosis", False, None, "write 'absent'"),
        ({"findings": {"cyanosis": "Present"}}, "findings/cyanosis", "Present", "present", "no state"),
        (
            {"findings": {"cyanosis": "yes"}},
            "findings/cyanosis",
            "yes",
            None,
            "'present', 'absent' or 'unknown'",
        ),
        ({"findings": {"cyanosis": 1}}, "findings/cyanosis", 1, None, "a number is no state"),
        (
            {"findings": {"cyanosis": ["present"]}},
            "findings/cyanosis",
            '["present"]',
            None,
            "a list is no state",
        ),
        (
            {"sex": "woman"},
            "sex",
            "woman",
            None,
            "no sex is called 'woman'; write 'female', 'male' or 'other'",
        ),
        ({"sex": True}, "sex", True, None, "true or false is no sex"),
        ({"recorded_severity": "Mild"}, "recorded_severity", "Mild", "mild", "did you mean 'mild'?"),
        (
            {"recorded_severity": "unknown"},
            "recorded_severity",
            "unknown",
            None,
            "leave out what is not known",
        ),
        ({"age_years": "45"}, "age_years", "45", None, "write the number without quotes"),
        ({"age_years": True}, "age_years", True, None, "true or false is no number"),
        ({"age_years": [45]}, "age_years", "[45]", None, "a list is no number"),
        ({"age_years": -1}, "age_years", -1, None, "-1 is negative; age in years goes from 0 to 130"),
        ({"age_years": 131}, "age_years", 131, None, "131 is outside 0 to 130"),
        ({"age_years": float("nan")}, "age_years", "NaN", None, "NaN is not a finite number"),
        ({"age_years": float("-inf")}, "age_years", "-Infinity", None, "is not a finite number"),
        ({"age_years": Decimal("1e-30")}, "age_years", "1E-30", None, "more digits than can be kept"),
        (
            {"measurements": {"platelet-count": 18000}},
            "measurements/platelet-count",
            18000,
            None,
            "is outside 0 to 5000 10^9/L, the plausible range of platelet count; is it in another unit?",
        ),
        (
            {"measurements": {"ankle-brachial-index": 90}},
            "measurements/ankle-brachial-index",
            90,
            None,
            "90 is outside 0 to 3, the plausible range of ankle-brachial index",
        ),
        ({"assessed_at": "2026-05-26"}, "assessed_at", "2026-05-26", None, "as in 2026-05-26T00:00:00Z"),
        ({"assessed_at": 2026}, "assessed_at", 2026, None, "a number is no time; write it as text"),
    ],
)
def test_a_bad_part_of_a_json_record_is_refused_with_the_remedy(
    part: dict[str, Any], field: str, value: object, nearest: str | None, message: str
) -> None:
    reading = among_good({"id": "bad", **part})
    assert errors(reading) == [(None, "bad", field, value, nearest)]
    assert message in reading.errors[0].message


@pytest.mark.parametrize(
    "part",
    [
        {"sex": "unknown"},
        {"sex": None},
        {"age_years": None},
        {"assessed_at": None},
        {"recorded_severity": None},
        {"thrombus": None},
        {"thrombus": {"present": None, "absent": [], "side": None, "confirmed_by": None}},
        {"findings": None},
        {"findings": {"cyanosis": None, "pallor": "unknown"}},
        {"measurements": {}},
        {"measurements": {"platelet-count": None}},
    ],
)
def test_unknown_null_and_leaving_out_are_the_same(part: dict[str, Any]) -> None:
    reading = read_records([{"id": "a", **part}])
    assert not reading.errors
    assert reading.patients[0].facts == set()


@pytest.mark.parametrize("number", ["7", "7.0", "7.000", "0.7e1", "70E-1"])
def test_a_number_of_json_is_exact_however_it_is_written(number: str) -> None:
    (patient,) = read_text(f'[{{"id": "a", "age_years": {number}}}]', "json").patients
    ((_, value),) = patient.facts
    assert str(value) == "7"


@pytest.mark.parametrize(
    ("number", "value"),
    [("NaN", "NaN"), ("Infinity", "Infinity"), ("1e99999999999999999999", "Infinity"), ("1E999", "1E+999")],
)
def test_a_number_of_json_that_is_none_refuses_the_record_alone(number: str, value: str) -> None:
    reading = read_text(f'[{{"id": "a"}}, {{"id": "b", "age_years": {number}}}]', "json")
    assert ids(reading) == ["a"]
    assert errors(reading) == [(None, "b", "age_years", value, None)]


def test_a_key_that_is_written_twice_refuses_the_record_alone() -> None:
    twice = '{"id": "a", "sex": "male", "sex": "female"}'
    below = '{"id": "b", "findings": {"pallor": null, "pallor": 1}}'
    reading = read_text(f'[{twice}, {below}, {{"id": "c"}}]', "json")
    assert ids(reading) == ["c"]
    assert [(e.record, e.field) for e in reading.errors] == [
        ("a", "sex"),
        ("b", "findings/pallor"),
        ("b", "findings/pallor"),
    ]
    assert "written more than once" in reading.errors[0].message


def test_an_element_that_is_no_object_is_named_by_its_place() -> None:
    reading = read_text('[{"id": "a"}, null, ["id"], "b", {"id": "c"}]', "json")
    assert ids(reading) == ["a", "c"]
    assert errors(reading) == [
        (None, 1, None, None, None),
        (None, 2, None, '["id"]', None),
        (None, 3, None, "b", None),
    ]


def test_json_is_a_list_an_object_with_patients_or_one_record() -> None:
    for text in ('[{"id": "a"}]', '{"patients": [{"id": "a"}]}', '{"id": "a"}'):
        assert ids(read_text(text, "json")) == ["a"]
    assert errors(read_text('{"sex": "male"}', "json")) == [(None, 0, "id", None, None)]


def test_a_key_beside_patients_is_an_error_and_the_patients_are_read() -> None:
    reading = read_text('{"patients": [{"id": "a"}], "version": 1}', "json")
    assert ids(reading) == ["a"]
    assert errors(reading) == [(None, None, "version", 1, None)]
    assert "written more than once" in read_text('{"patients": [], "patients": []}', "json").errors[0].message


# CSV and TSV
# -----------


@pytest.mark.parametrize(
    ("header", "cell", "value", "nearest", "message"),
    [
        ("tense-edma", "present", "present", "tense-edema", "no column is called 'tense-edma'; did you mean"),
        ("Sex", "male", "male", "sex", "did you mean 'sex'?"),
        ("age-years", "45", "45", "age_years", "it belongs in age_years"),
        ("calf-vein", "present", "present", None, "it belongs in thrombus_present or thrombus_absent"),
        ("", "present", "present", None, "stands under no column"),
        ("qqq", "1", "1", None, "dvt-kg template json lists all names"),
        ("tense-edema", "yes", "yes", None, "write 'present', 'absent' or 'unknown'"),
        ("thrombus_present", "calf-vein; calf", "calf", "calf-vein", "no vein is called 'calf'"),
        ("thrombus_absent", "tense-edema", "tense-edema", "tense-edema", "it belongs in tense-edema"),
        ("side", "Left", "Left", "left", "did you mean 'left'?"),
        ("sex", "m", "m", None, "write 'female', 'male' or 'other'"),
        ("recorded_severity", "unknown", "unknown", None, "leave out what is not known"),
        ("assessed_at", "2026-05-26", "2026-05-26", None, "add the time, as in 2026-05-26T00:00:00Z"),
        ("platelet-count", '"7,5"', "7,5", None, "'7,5' has a comma; write a decimal point"),
        ("platelet-count", "1 000", "1 000", None, "no number"),
        ("platelet-count", "nan", "nan", None, "not a finite number"),
        ("platelet-count", "-1", "-1", None, "negative"),
        ("platelet-count", "< 5", "< 5", None, "a bound and no number"),
        ("platelet-count", "low", "low", None, "no number"),
        ("platelet-count", "18000", "18000", None, "is outside 0 to 5000 10^9/L"),
        ("plateletCount", "1e99999999999999999999", "1e99999999999999999999", None, "not a finite number"),
    ],
)
def test_a_bad_cell_refuses_its_row_alone(
    header: str, cell: str, value: str, nearest: str | None, message: str
) -> None:
    text = f"id,{header},pallor\nbefore,,present\nbad,{cell},present\nafter,,\n"
    reading = read_text(text, "csv", name="ward.csv")
    assert ids(reading) == ["before", "after"]
    assert errors(reading) == [(3, "bad", header, value, nearest)]
    assert reading.errors[0].file == "ward.csv"
    assert message in reading.errors[0].message


@pytest.mark.parametrize("cell", ["7", "7.0", " 7 ", "+7", "0.7e1", '"7"'])
def test_a_cell_holds_a_number_with_a_decimal_point(cell: str) -> None:
    (patient,) = read_text(f"id,platelet-count\na,{cell}\n", "csv").patients
    assert patient.facts == {Fact("plateletCount", Decimal(7))}


def test_a_measurement_has_its_column_by_key_or_by_local_name() -> None:
    assert read_text("id,plateletCount\na,7\n", "csv").patients[0].facts == {
        Fact("plateletCount", Decimal(7))
    }
    reading = read_text("id,platelet-count,plateletCount\na,7,7\n", "csv")
    assert errors(reading) == [(2, "a", "plateletCount", "7", None)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("format", ["csv", "tsv"])
def test_the_delimiter_is_found_in_the_header(format: str, delimiter: str) -> None:
    rows = (["id", "thrombus_present", "sex"], ["a", '"calf-vein;femoral-vein"', "male"])
    (patient,) = read_text("\r\n".join(delimiter.join(row) for row in rows), format).patients
    assert patient.facts == {
        Fact("hasThrombusIn", "calf-vein"),
        Fact("hasThrombusIn", "femoral-vein"),
        Fact("sex", "male"),
    }


def test_a_decimal_comma_between_semicolons_is_refused() -> None:
    reading = read_text("id;platelet-count\na;7,5\nb;7.5\n", "csv")
    assert ids(reading) == ["b"]
    assert errors(reading) == [(2, "a", "platelet-count", "7,5", None)]


def test_a_row_with_more_cells_than_the_header_is_refused_and_one_with_fewer_is_not() -> None:
    reading = read_text("id,platelet-count,sex\na,7,5,male\nb,7\nc\n", "csv")
    assert ids(reading) == ["b", "c"]
    assert errors(reading)[-1] == (2, "a", None, "male", None)
    assert "the row has 4 cells and the header 3" in reading.errors[-1].message


def test_empty_rows_are_passed_over_and_lines_are_counted_as_an_editor_counts_them() -> None:
    text = '\n id , sex \n\n,\na,male\n  ,  \n"b\nb",male\nc,man\nd,"male\n"\ne,man\n'
    reading = read_text(text, "csv")
    assert [(patient.id, patient.line) for patient in reading.patients] == [("a", 5), ("d", 10)]
    assert [(e.line, e.record, e.field) for e in reading.errors] == [
        (7, 1, "id"),
        (9, "c", "sex"),
        (12, "e", "sex"),
    ]


def test_a_row_without_id_is_refused() -> None:
    reading = read_text("sex,id\nmale,\nmale,  a  \nmale\n", "csv")
    assert ids(reading) == ["a"]
    assert errors(reading) == [(2, 0, "id", "", None), (4, 2, "id", "", None)]


def test_a_column_that_stands_twice_refuses_the_rows_that_fill_it_again() -> None:
    reading = read_text("id,sex,sex\na,male,\nb,male,male\n", "csv")
    assert ids(reading) == ["a"]
    assert errors(reading) == [(3, "b", "sex", "male", None)]
    assert "the column stands twice" in reading.errors[0].message
    assert errors(read_text("id,id\na,b\n", "csv")) == [(2, "a", "id", "b", None)]


def test_a_row_with_a_stray_quotation_mark_is_refused_and_the_next_line_is_read() -> None:
    reading = read_text('id,sex\na,"ma"le\nb,male\nc,"male\nd,male\n', "csv")
    assert ids(reading) == ["b", "d"]
    assert errors(reading) == [(2, 0, None, 'a,"ma"le', None), (4, 2, None, 'c,"male', None)]


# Turtle, N-Triples and JSON-LD
# -----------------------------


@pytest.mark.parametrize(
    ("statement", "field", "value", "nearest", "message"),
    [
        ("dvt:hasFinding dvt:tense-edma", "dvt:hasFinding", "tense-edma", "tense-edema", "did you mean"),
        ("dvt:hasFinding <urn:x>", "dvt:hasFinding", "<urn:x>", None, "no finding is called '<urn:x>'"),
        ('dvt:hasFinding "cyanosis"', "dvt:hasFinding", "cyanosis", None, "a text is no finding"),
        ("dvt:hasFinding []", "dvt:hasFinding", "a blank node", None, "a blank node is no finding"),
        (
            "dvt:hasFinding dvt:external-iliac-vein",
            "dvt:hasFinding",
            "external-iliac-vein",
            None,
            "'external-iliac-vein' is no finding; it belongs in dvt:hasThrombusIn or dvt:lacksThrombusIn",
        ),
        (
            "dvt:lacksThrombusIn dvt:cyanosis",
            "dvt:lacksThrombusIn",
            "cyanosis",
            None,
            "it belongs in dvt:hasFinding or dvt:lacksFinding",
        ),
        ("dvt:hasFindng dvt:cyanosis", "dvt:hasFindng", "cyanosis", "hasFinding", "no property is called"),
        ("<hasFinding> dvt:cyanosis", "<hasFinding>", "cyanosis", "hasFinding", "no property is called"),
        ('dvt:cyanosis "present"', "dvt:cyanosis", "present", None, "belongs in dvt:hasFinding or"),
        ("dvt:platelet-count 7.0", "dvt:platelet-count", "7.0", "dvt:plateletCount", "belongs in dvt:plat"),
        ("dvt:meetsCriterion dvt:pregnant", "dvt:meetsCriterion", "pregnant", None, "only the reasoner"),
        ("a dvt:Finding", "rdf:type", "Finding", None, "only the reasoner states such a type"),
        ("dvt:sex dvt:unknown", "dvt:sex", "dvt:unknown", None, "write 'female', 'male' or 'other'"),
        ("dvt:sex dvt:male , dvt:female", "dvt:sex", "female", None, "another value there too"),
        ("dvt:ageYears 7.0 , 8.0", "dvt:ageYears", "8.0", None, "another value there too"),
        ("dvt:ageYears 7e0", "dvt:ageYears", "7e0", None, "an xsd:double is not exact"),
        ('dvt:ageYears "7"^^xsd:float', "dvt:ageYears", "7", None, "an xsd:float is not exact"),
        ('dvt:ageYears "7"', "dvt:ageYears", "7", None, "a text is no number; write an xsd:decimal"),
        ('dvt:ageYears "7"@en', "dvt:ageYears", "7", None, "a text is no number"),
        ("dvt:ageYears true", "dvt:ageYears", "true", None, "an xsd:boolean is no number"),
        ("dvt:ageYears dvt:left", "dvt:ageYears", "left", None, "an IRI is no value; write a literal"),
        ('dvt:ageYears "7E0"^^xsd:decimal', "dvt:ageYears", "7E0", None, "without an exponent"),
        ('dvt:ageYears "x"^^xsd:decimal', "dvt:ageYears", "x", None, "'x' is no number"),
        ('dvt:ageYears "INF"^^xsd:decimal', "dvt:ageYears", "INF", None, "not a finite number"),
        ("dvt:ageYears -7.0", "dvt:ageYears", "-7.0", None, "-7 is negative"),
        ("dvt:plateletCount 18000.0", "dvt:plateletCount", "18000.0", None, "is outside 0 to 5000 10^9/L"),
        (
            'dvt:assessedAt "2026-05-26"^^xsd:date',
            "dvt:assessedAt",
            "2026-05-26",
            None,
            'write "2026-05-26T00:00:00Z"^^xsd:dateTime',
        ),
        ('dvt:assessedAt "2026-05-26T00:00:00Z"', "dvt:assessedAt", "2026-05-26T00:00:00Z", None, "no time"),
        ('dvt:assessedAt "x"^^xsd:dateTime', "dvt:assessedAt", "x", None, "'x' is no time"),
        (
            'dvt:assessedAt "2026-05-26T09:00:00Z"^^xsd:dateTime , "2026-05-26T09:00:00"^^xsd:dateTime',
            "dvt:assessedAt",
            "2026-05-26T09:00:00",
            None,
            "another value there too",
        ),
    ],
)
def test_a_bad_statement_refuses_its_patient_alone(
    statement: str, field: str, value: str, nearest: str | None, message: str
) -> None:
    reading = turtle(statement)
    assert errors(reading) == [(None, "bad", field, value, nearest)]
    assert message in reading.errors[0].message


@pytest.mark.parametrize(
    "statement",
    [
        "dvt:ageYears 7",
        "dvt:ageYears 7.00",
        'dvt:ageYears "+7"^^xsd:decimal',
        'dvt:ageYears " 7 "^^xsd:decimal',
        'dvt:ageYears "7"^^xsd:nonNegativeInteger',
        'dvt:ageYears "7"^^xsd:unsignedByte',
        "dvt:ageYears 7 , 7.0",
        'dvt:ageYears 7.0 ; <http://www.w3.org/2000/01/rdf-schema#label> "x" ; a <http://schema.org/Person>',
    ],
)
def test_a_decimal_and_what_derives_from_it_are_taken_and_other_vocabularies_passed_over(
    statement: str,
) -> None:
    reading = turtle(statement)
    assert reading.patients[1].facts == {Fact("ageYears", Decimal(7))}


@pytest.mark.parametrize(
    ("subject", "id", "record", "field", "message"),
    [
        ("<urn:x>", '"bad"', "bad", "@id", "must be <urn:dvt-kg:patient:bad>"),
        ("<bad>", '"bad"', "bad", "@id", "must be <urn:dvt-kg:patient:bad>"),
        ("[]", '"bad"', "bad", "@id", "must be <urn:dvt-kg:patient:bad>"),
        ("<urn:dvt-kg:patient:a b>", '"a b"', "a b", "@id", "must be <urn:dvt-kg:patient:a%20b>"),
        ("<urn:dvt-kg:patient:7>", "7", 1, "dcterms:identifier", "is no plain text; write it in quotes"),
        ("<urn:dvt-kg:patient:x>", '"x"@en', 1, "dcterms:identifier", "is no plain text; write it in quotes"),
        ("<urn:dvt-kg:patient:x>", '"x", "y"', 1, "dcterms:identifier", "<urn:dvt-kg:patient:x> has 2 ident"),
        ("<urn:dvt-kg:patient:x>", '""', 1, "dcterms:identifier", "the id is empty"),
    ],
)
def test_a_patient_has_the_iri_that_its_one_identifier_makes(
    subject: str, id: str, record: str | int, field: str, message: str
) -> None:
    reading = turtle("dvt:side dvt:left", subject, id)
    (error,) = reading.errors
    assert (error.record, error.field) == (record, field)
    assert message in error.message


def test_a_patient_without_identifier_or_type_is_refused_by_its_iri() -> None:
    reading = read_text(
        f"""{PREFIXES}
        <urn:dvt-kg:patient:a> a dvt:Patient .
        <urn:dvt-kg:patient:b> dcterms:identifier "b" .
        <urn:c> dvt:side dvt:left .
        <urn:d> dcterms:title "no patient" .
        """,
        "ttl",
    )
    assert not reading.patients
    assert [(e.record, e.field) for e in reading.errors] == [
        (0, "dcterms:identifier"),
        ("b", "rdf:type"),
        (2, "dcterms:identifier"),
        (2, "rdf:type"),
    ]
    assert "<urn:dvt-kg:patient:a> has no identifier" in reading.errors[0].message
    assert "<urn:dvt-kg:patient:b> has no type; add the type dvt:Patient" in reading.errors[1].message


def test_a_contradiction_between_statements_is_read_for_the_reasoner_to_find() -> None:
    reading = turtle("dvt:hasFinding dvt:cyanosis ; dvt:lacksFinding dvt:cyanosis")
    assert reading.patients[1].facts == {Fact("hasFinding", "cyanosis"), Fact("lacksFinding", "cyanosis")}


def linked(**part: object) -> Reading:
    good = {"@id": "urn:dvt-kg:patient:good", "@type": "Patient", "identifier": "good"}
    bad = {"@id": "urn:dvt-kg:patient:bad", "@type": "Patient", "identifier": "bad", **part}
    reading = read_text(json.dumps({"@context": CONTEXT_IRI, "@graph": [bad, good]}), "jsonld")
    assert ids(reading)[-1] == "good"
    return reading


@pytest.mark.parametrize(
    ("part", "field", "value", "nearest"),
    [
        ({"sexx": "female"}, "dvt:sexx", "female", "sex"),
        ({"has finding": "cyanosis"}, "dvt:has finding", "cyanosis", "hasFinding"),
        ({"hasFinding": ["tense-edma"]}, "dvt:hasFinding", "tense-edma", "tense-edema"),
        ({"hasFinding": "tense edema"}, "dvt:hasFinding", "tense edema", "tense-edema"),
        ({"hasFinding": ""}, "dvt:hasFinding", "", None),
        ({"ageYears": -0.5}, "dvt:ageYears", "-0.5", None),
        ({"ageYears": True}, "dvt:ageYears", "true", None),
        ({"assessedAt": "2026-05-26"}, "dvt:assessedAt", "2026-05-26", None),
        ({"sex": ["female", "male"]}, "dvt:sex", "male", None),
    ],
)
def test_json_ld_drops_nothing_silently(
    part: dict[str, object], field: str, value: str, nearest: str | None
) -> None:
    assert errors(linked(**part)) == [(None, "bad", field, value, nearest)]


@pytest.mark.parametrize(
    "context",
    [
        CONTEXT_IRI,
        "context.jsonld",
        [CONTEXT_IRI, {"ward": "https://example.org/ward"}],
        {"@vocab": "https://w3id.org/dvt-kg#", "identifier": "http://purl.org/dc/terms/identifier"},
    ],
)
def test_json_ld_is_read_with_the_shipped_context_or_with_one_that_is_written_out(context: object) -> None:
    document = {
        "@context": context,
        "@id": "urn:dvt-kg:patient:a",
        "@type": "Patient",
        "identifier": "a",
        "https://w3id.org/dvt-kg#side": {"@id": "https://w3id.org/dvt-kg#left"},
    }
    reading = read_text(json.dumps(document), "jsonld")
    assert reading.patients[0].facts == {Fact("side", "left")}


def test_json_ld_without_its_context_is_refused_and_not_read_as_empty() -> None:
    reading = read_text(json.dumps({**LINKED, "@context": {}}), "jsonld")
    assert not reading.patients
    assert {error.nearest for error in reading.errors} >= {"dcterms:identifier", "sex", "hasFinding"}


# Names added in Turtle, templates, and anything at all
# -----------------------------------------------------

ADDED = """
dvt:mottling a owl:NamedIndividual , dvt:Finding ; rdfs:label "mottling"@en .
dvt:lactateMmolL a owl:DatatypeProperty , owl:FunctionalProperty ; skos:notation "lactate" ;
    rdfs:label "lactate"@en ; rdfs:domain dvt:Patient ; rdfs:range xsd:decimal ;
    dvt:unit "mmol/L" ; dvt:plausibleMinimum 0.0 ; dvt:plausibleMaximum 30.0 .
"""


def test_a_finding_and_a_measurement_added_in_turtle_are_read_in_every_format(
    extended: Callable[[str], Ontology],
) -> None:
    ontology = extended(ADDED)
    patient = '<urn:dvt-kg:patient:a> a dvt:Patient ; dcterms:identifier "a" ;'
    texts = {
        "json": '[{"id": "a", "findings": {"mottling": "present"}, "measurements": {"lactate": 2.5}}]',
        "csv": "id,mottling,lactate\na,present,2.5\n",
        "ttl": f"{PREFIXES}{patient} dvt:hasFinding dvt:mottling ; dvt:lactateMmolL 2.5 .",
        "jsonld": json.dumps(
            {
                "@context": CONTEXT_IRI,
                "@id": "urn:dvt-kg:patient:a",
                "@type": "Patient",
                "identifier": "a",
                "hasFinding": "mottling",
                "lactateMmolL": 2.5,
            }
        ),
    }
    for format, text in texts.items():
        (patient_read,) = read_text(text, format, ontology).patients
        assert patient_read.facts == {Fact("hasFinding", "mottling"), Fact("lactateMmolL", Decimal("2.5"))}
        assert read_text(text, format).errors
    assert "mottling" in template("csv", ontology)
    error = read_text(texts["csv"].replace("2.5", "31"), "csv", ontology).errors[0]
    assert "31 is outside 0 to 30 mmol/L" in error.message


@pytest.mark.parametrize("format", TEMPLATES)
def test_a_template_has_every_place_and_reads_once_it_has_an_id(format: str, ontology: Ontology) -> None:
    text = template(format)
    for name in (*ontology.findings, *(m for m in ontology.measurements if m != "age-years"), "age_years"):
        assert name in text
    if format == "json":
        assert errors(read_text(text, format)) == [(None, 0, "id", "", None)]
        reading = read_text(text.replace('"id": ""', '"id": "a"'), format)
    else:
        assert read_text(text, format) == Reading((), ())
        reading = read_text(text + "a\n", format)
    assert (ids(reading), reading.errors, reading.patients[0].facts) == (["a"], (), frozenset())


def harmless(reading: Reading) -> None:
    """Every error names its file and can be written as JSON."""
    for error in reading.errors:
        assert error.file
        assert error.message
        assert json.dumps(error.as_json(), allow_nan=False).encode()
        assert str(error).encode()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text() | st.sampled_from(("present", "cyanosis", "side", "platelet-count")), inner, max_size=4
        )
    ),
    max_leaves=12,
)
records = st.dictionaries(st.sampled_from((*RECORD, "other")), anything, max_size=6)


@settings(deadline=None)
@given(st.lists(records | anything, max_size=4))
def test_whatever_objects_are_read_nothing_but_errors_comes_of_it(found: list[Any]) -> None:
    reading = read_records(found)
    harmless(reading)
    assert len(reading.patients) + len(reading.errors) >= len(found)


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from(list(READERS)))
def test_whatever_bytes_are_read_nothing_but_errors_comes_of_it(data: bytes, format: str) -> None:
    harmless(read_text(data, format))


@settings(deadline=None, max_examples=300)
@given(st.data(), st.sampled_from(list(READERS)))
def test_a_text_that_is_damaged_somewhere_never_raises(data: st.DataObject, format: str) -> None:
    text = TEXTS[format]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    noise = data.draw(
        st.text(max_size=5) | st.sampled_from(('"', "<", "{", "]", ";", "\\u0000", "\0", "null", "1e999"))
    )
    harmless(read_text(text[:start] + noise + text[end:], format))


@settings(deadline=None)
@given(anything)
def test_whatever_json_is_read_nothing_but_errors_comes_of_it(document: object) -> None:
    text = json.dumps(document, default=str)
    for format in ("json", "jsonld"):
        harmless(read_text(text, format))
