"""Writing patients: the same facts come back from every format, and other tools read them too."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal

import jsonschema
import pyoxigraph as ox
import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib.compare import isomorphic

from dvt_kg import Fact, Ontology, Patient, UsageError, load, read_records, read_text
from dvt_kg.documents import to_json
from dvt_kg.ontology import data_dir
from dvt_kg.readers import READERS, template
from dvt_kg.triples import context
from dvt_kg.writers import WRITERS, write

from .drawn import patients
from .records import RECORDS

GRAPHS = {"ttl": ox.RdfFormat.TURTLE, "nt": ox.RdfFormat.N_TRIPLES, "jsonld": ox.RdfFormat.JSON_LD}
several = st.lists(patients(), max_size=4, unique_by=lambda patient: patient.id)


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft202012Validator:
    text = (data_dir("ontology") / "record.schema.json").read_text(encoding="utf-8")
    jsonschema.Draft202012Validator.check_schema(json.loads(text))
    return jsonschema.Draft202012Validator(json.loads(text))


def facts(patients: Iterable[Patient]) -> dict[str, frozenset[Fact]]:
    return {patient.id: patient.facts for patient in patients}


def triples(patients: Iterable[Patient]) -> set[str]:
    return {str(triple) for patient in patients for triple in patient.triples()}


def test_every_format_that_is_read_is_written() -> None:
    assert list(WRITERS) == list(READERS)
    with pytest.raises(UsageError, match="the formats are json"):
        write([], "xml")


@settings(deadline=None)
@given(several)
def test_any_patients_read_back_to_the_same_facts_and_graph_from_every_format(drawn: list[Patient]) -> None:
    for format in WRITERS:
        reading = read_text(write(drawn, format), format)
        assert not reading.errors
        assert facts(reading.patients) == facts(drawn)
        assert triples(reading.patients) == triples(drawn)


@settings(deadline=None, max_examples=20)
@given(several)
def test_rdflib_reads_the_same_graph_from_every_format_of_triples(drawn: list[Patient]) -> None:
    graphs = [
        rdflib.Graph().parse(data=write(drawn, format), format=form.media_type)
        for format, form in GRAPHS.items()
    ]
    assert all(isomorphic(graphs[0], graph) for graph in graphs[1:])


@settings(deadline=None, max_examples=25)
@given(several)
def test_any_record_has_the_form_of_the_schema(
    schema: jsonschema.Draft202012Validator, drawn: list[Patient]
) -> None:
    records = json.loads(write(drawn, "json"))
    schema.validate(records)
    schema.validate({"patients": records})
    for record in records:
        schema.validate(record)


@pytest.mark.parametrize("format", WRITERS)
def test_nobody_is_written_as_a_text_that_reads_as_nobody(format: str) -> None:
    reading = read_text(write([], format), format)
    assert (reading.patients, reading.errors) == ((), ())


def test_writing_is_the_same_at_every_run(ontology: Ontology) -> None:
    read = read_records(RECORDS).patients
    turned = [Patient(p.id, frozenset(sorted(p.facts, key=str, reverse=True))) for p in read]
    for format in WRITERS:
        assert write(read, format) == write(turned, format, ontology)


def test_a_record_of_json_has_the_keys_of_the_contract_in_their_order() -> None:
    (patient,) = read_records([RECORDS[0]]).patients
    record = to_json(patient)
    assert list(record) == [
        "id",
        "age_years",
        "sex",
        "recorded_severity",
        "thrombus",
        "findings",
        "measurements",
    ]
    assert record["thrombus"] == RECORDS[0]["thrombus"]
    assert record["findings"] == dict(sorted(RECORDS[0]["findings"].items()))
    assert record["measurements"] == RECORDS[0]["measurements"]
    assert type(record["age_years"]) is int
    assert to_json(Patient("nobody", frozenset())) == {"id": "nobody"}


def test_a_table_has_the_columns_that_are_filled() -> None:
    patients = [
        Patient("a", frozenset({Fact("hasThrombusIn", "calf-vein"), Fact("hasThrombusIn", "femoral-vein")})),
        Patient("b", frozenset({Fact("plateletCount", Decimal("7.5")), Fact("lacksFinding", "cyanosis")})),
    ]
    assert write(patients, "csv") == (
        "id,thrombus_present,platelet-count,cyanosis\na,calf-vein;femoral-vein,,\nb,,7.5,absent\n"
    )


@pytest.mark.parametrize(
    "clash",
    [
        {Fact("hasFinding", "cyanosis"), Fact("lacksFinding", "cyanosis")},
        {Fact("sex", "male"), Fact("sex", "female")},
    ],
)
def test_what_json_and_tables_cannot_hold_is_wrong_usage_and_triples_hold_it(clash: set[Fact]) -> None:
    patient = Patient("torn", frozenset(clash))
    for format in ("json", "csv", "tsv"):
        with pytest.raises(UsageError, match="write a format of triples"):
            write([patient], format)
    for format, form in GRAPHS.items():
        assert {str(quad.triple) for quad in ox.parse(write([patient], format), format=form)} == triples(
            [patient]
        )


def test_the_shipped_context_is_the_one_that_the_ontology_makes() -> None:
    shipped = json.loads((data_dir("ontology") / "context.jsonld").read_text(encoding="utf-8"))
    assert shipped == {"@context": context(load())}


def test_a_value_of_the_context_is_no_name_of_the_ontology(ontology: Ontology) -> None:
    names = {*ontology.findings, *ontology.veins, *(v for p in ("sex", "side") for v in ontology.values(p))}
    assert names.isdisjoint(context(ontology))


def test_the_template_has_the_form_of_the_schema_once_it_has_an_id(
    schema: jsonschema.Draft202012Validator,
) -> None:
    (record,) = json.loads(template("json"))
    assert not schema.is_valid(record)
    schema.validate({**record, "id": "a"})


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"id": 7},
        {"id": ""},
        {"id": " a"},
        {"id": "a\nb"},
        {"id": "a", "sexx": "male"},
        {"id": "a", "sex": True},
        {"id": "a", "age_years": "45"},
        {"id": "a", "age_years": -1},
        {"id": "a", "assessed_at": "2026-05-26"},
        {"id": "a", "thrombus": []},
        {"id": "a", "thrombus": {"present": "calf-vein"}},
        {"id": "a", "thrombus": {"left": []}},
        {"id": "a", "findings": {"cyanosis": True}},
        {"id": "a", "findings": {"cyanosis": "yes"}},
        {"id": "a", "measurements": {"platelet-count": "low"}},
        [{"id": "a"}, 5],
        {"patients": {}},
        {"patients": [], "version": 1},
        7,
    ],
    ids=json.dumps,
)
def test_what_the_schema_refuses_the_reader_refuses(
    record: object, schema: jsonschema.Draft202012Validator
) -> None:
    assert not schema.is_valid(record)
    assert read_text(json.dumps(record), "json").errors
