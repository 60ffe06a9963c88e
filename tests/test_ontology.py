from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import rdflib
from rdflib.namespace import DCTERMS, OWL, RDF

from dvt_kg import (
    HermiT,
    Ontology,
    OntologyError,
    RuleReasoner,
    classify,
    load,
    read_records,
    recommend,
    record_terms,
)
from dvt_kg.ontology import CATALOG_FILE, IRI, catalog, data_dir, dvt, local_name, nearest

FOLDER = data_dir("ontology")
CORE = (
    "schema",
    "findings",
    "criteria",
    "interventions",
    "contraindications",
    "populations",
    "alerts",
    "sources",
    "ratings",
    "recommendations",
    "evidence",
    "workflow",
    "disagreements",
    "mappings",
    "alignments",
)
WHOLE = (*CORE, "thresholds", "form", "metadata", "dvt-kg", "examples")


def violations(reasoner: HermiT, modules: Iterable[str], profile: str) -> list[str]:
    """What the OWL API's profile checker finds in modules, merged."""
    store = ox.Store()
    for module in modules:
        store.load(path=str(FOLDER / f"{module}.ttl"), format=ox.RdfFormat.TURTLE)
    imports = ox.NamedNode(str(OWL.imports))
    triples = {
        q.triple
        for q in store
        if q.predicate != imports and not str(getattr(q.subject, "value", "")).startswith(IRI + "/")
    }
    triples.add(ox.Triple(ox.NamedNode(IRI), ox.NamedNode(str(RDF.type)), ox.NamedNode(str(OWL.Ontology))))
    data = ox.serialize(triples, format=ox.RdfFormat.RDF_XML)
    assert data is not None
    jclass: Any = reasoner._class
    manager = jclass("org.semanticweb.owlapi.apibinding.OWLManager").createOWLOntologyManager()
    source = jclass("org.semanticweb.owlapi.io.StringDocumentSource")(data.decode())
    loaded = manager.loadOntologyFromOntologyDocument(source)
    assert loaded.getLogicalAxiomCount() > 100
    report = jclass(f"org.semanticweb.owlapi.profiles.OWL2{profile}Profile")().checkOntology(loaded)
    return [str(v.toString()) for v in report.getViolations()]


@pytest.mark.parametrize("profile", ["EL", "RL", "DL"])
def test_the_core_is_in_owl_2_el_rl_and_dl(reasoner: HermiT, profile: str) -> None:
    assert violations(reasoner, CORE, profile) == []


def test_the_whole_is_in_owl_2_dl(reasoner: HermiT) -> None:
    assert violations(reasoner, WHOLE, "DL") == []


def test_only_the_thresholds_leave_the_tractable_profiles(reasoner: HermiT) -> None:
    assert {v.split(":")[0] for v in violations(reasoner, WHOLE, "EL")} == {
        "Use of data range not in profile"
    }


def test_the_root_imports_and_states_nothing_else() -> None:
    graph = rdflib.Graph().parse(FOLDER / "dvt-kg.ttl")
    assert set(graph.subjects()) == {rdflib.URIRef(IRI)}
    imported = {str(o).removeprefix(IRI + "/") for o in graph.objects(rdflib.URIRef(IRI), OWL.imports)}
    assert imported == set(WHOLE) - {"dvt-kg", "examples"}


def test_the_catalog_is_relative_and_names_every_module() -> None:
    entries = {e.get("uri") for e in ET.parse(FOLDER / CATALOG_FILE).iter() if e.get("uri")}
    assert entries == {f"{module}.ttl" for module in WHOLE}
    assert all(path.is_file() for path in catalog(FOLDER).values())


@pytest.mark.parametrize("module", WHOLE)
def test_each_module_states_its_metadata(module: str) -> None:
    graph = rdflib.Graph().parse(FOLDER / f"{module}.ttl")
    (subject,) = graph.subjects(RDF.type, OWL.Ontology)
    for predicate in (DCTERMS.title, DCTERMS.description, DCTERMS.creator, OWL.versionIRI):
        assert graph.value(subject, predicate), predicate
    assert str(graph.value(subject, OWL.versionInfo)) == version("dvt-kg")
    assert version("dvt-kg") in str(graph.value(subject, OWL.versionIRI))
    assert graph.value(subject, DCTERMS.license) == rdflib.URIRef(
        "https://creativecommons.org/licenses/by/4.0/"
    )


def test_the_package_has_the_ontology_s_version(ontology: Ontology) -> None:
    assert ontology.version == version("dvt-kg")


def test_the_digest_does_not_depend_on_the_cut_into_modules(ontology: Ontology, tmp_path: Path) -> None:
    whole = tmp_path / "one.nt"
    whole.write_bytes(ontology.store.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph()) or b"")
    assert load(whole).digest == ontology.digest
    with whole.open("a", encoding="utf-8") as file:
        file.write("<urn:x> <urn:y> <urn:z> .\n")
    assert load(whole).digest != ontology.digest


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda f: (f / CATALOG_FILE).unlink(), "no catalog-v001.xml in the folder"),
        (lambda f: (f / CATALOG_FILE).write_text("<no"), "the catalog cannot be read"),
        (lambda f: (f / "findings.ttl").write_text("no turtle"), "not valid Turtle"),
        (lambda f: (f / "findings.ttl").unlink(), "cannot be read: No such file"),
        (
            lambda f: (f / CATALOG_FILE).write_text(
                '<c xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog"/>'
            ),
            "the catalog names no file for it",
        ),
    ],
)
def test_a_broken_ontology_folder_is_one_clear_error(
    extended: Callable[[str], Ontology], break_it: Callable[[Path], object], message: str
) -> None:
    folder = extended("").path
    break_it(folder)
    with pytest.raises(OntologyError, match=message):
        load(folder)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("_:a rdf:first dvt:MildMet .", "breaks off at member 1"),
        ("_:a rdf:first dvt:MildMet ; rdf:rest [ rdf:first dvt:SevereMet ] .", "breaks off at member 2"),
        ("_:a rdf:first dvt:MildMet , dvt:SevereMet ; rdf:rest () .", "breaks off at member 1"),
        ("_:a rdf:rest () .", "breaks off at member 1"),
        ("_:a rdf:first dvt:MildMet ; rdf:rest _:a .", "breaks off at member 2"),
        ("_:a rdf:first dvt:MildMet ; rdf:rest dvt:SevereMet .", "breaks off at member 2"),
    ],
)
def test_a_broken_list_loses_no_part_of_a_definition_in_silence(
    extended: Callable[[str], Ontology], cells: str, message: str
) -> None:
    ontology = extended(f"""
dvt:MildMet a owl:Class .
dvt:SevereMet a owl:Class .
dvt:Both a owl:Class ; owl:equivalentClass [ a owl:Class ; owl:intersectionOf _:a ] .
{cells}
""")
    with pytest.raises(OntologyError, match=message):
        RuleReasoner(ontology)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OntologyError, match=r"nowhere: no such file or folder"):
        load(tmp_path / "nowhere")


FINDING = """
dvt:groin-pain a owl:NamedIndividual , dvt:Finding ;
    rdfs:label "groin pain"@en ; skos:definition "Pain of the groin."@en ;
    dvt:narrowerThan dvt:leg-pain ; dcterms:source dvt:project-decision ;
    rdfs:isDefinedBy <https://w3id.org/dvt-kg> .
dvt:leg-pain dvt:broaderThan dvt:groin-pain .
[ a owl:Restriction ; owl:onProperty dvt:hasFinding ; owl:hasValue dvt:groin-pain ]
    owl:disjointWith [ a owl:Restriction ; owl:onProperty dvt:lacksFinding ; owl:hasValue dvt:groin-pain ] .
"""
CRITERION = """
dvt:painful a owl:NamedIndividual , dvt:Criterion ; rdfs:label "painful"@en ;
    skos:definition "The groin hurts."@en ; dvt:position 50.0 ; dvt:criterionOf dvt:test-presentation .
dvt:PainfulMet a owl:Class ; rdfs:label "painful: met"@en ; rdfs:subClassOf dvt:Patient ,
    [ a owl:Restriction ; owl:onProperty dvt:meetsCriterion ; owl:hasValue dvt:painful ] ;
    owl:equivalentClass [ a owl:Restriction ; owl:onProperty dvt:hasFinding ; owl:hasValue dvt:groin-pain ] .
dvt:PainfulNotMet a owl:Class ; rdfs:label "painful: not met"@en ; rdfs:subClassOf dvt:Patient ,
    [ a owl:Restriction ; owl:onProperty dvt:failsCriterion ; owl:hasValue dvt:painful ] ;
    owl:disjointWith dvt:PainfulMet ;
    owl:equivalentClass
    [ a owl:Restriction ; owl:onProperty dvt:lacksFinding ; owl:hasValue dvt:groin-pain ] .
"""
PRESENTATION = """
dvt:test-presentation a owl:NamedIndividual , dvt:Presentation ; rdfs:label "test presentation"@en ;
    dvt:hasCriterion dvt:painful ; dvt:guideline dvt:acr-2020-iliofemoral ; dvt:locator "nowhere"@en .
dvt:TestPresentationPatient a owl:Class ; rdfs:label "patient of the test"@en ;
    owl:equivalentClass [ a owl:Class ; owl:intersectionOf ( dvt:PainfulMet dvt:AcuteOnsetMet ) ] ;
    rdfs:subClassOf dvt:Patient ,
    [ a owl:Restriction ; owl:onProperty dvt:hasPresentation ; owl:hasValue dvt:test-presentation ] .
dvt:test-presentation dvt:hasCriterion dvt:acute-onset .
dvt:acute-onset dvt:criterionOf dvt:test-presentation .
"""
RATING = """
dvt:test-rating a owl:NamedIndividual , dvt:Rating ; rdfs:label "test rating"@en ;
    dvt:ratedFor dvt:test-presentation ; dvt:ratesIntervention dvt:systemic-thrombolysis ;
    dvt:category dvt:may-be-appropriate ; dvt:guideline dvt:acr-2020-iliofemoral ;
    dvt:rationale "A test."@en ;
    dvt:locator "nowhere"@en ; dvt:verification dvt:secondary .
"""


def answer(ontology: Ontology, *records: dict[str, object]) -> list[dict[str, Any]]:
    reading = read_records(list(records), ontology)
    assert not reading.errors, reading.errors
    results: list[dict[str, Any]] = recommend(classify(reading.patients, HermiT(ontology)))["results"]
    return results


def test_a_finding_criterion_presentation_and_rating_added_in_turtle_are_answered(
    extended: Callable[[str], Ontology],
) -> None:
    ontology = extended(FINDING + CRITERION + PRESENTATION + RATING)
    days = {"symptom-duration-days": 5}
    hurts, well, silent, torn = answer(
        ontology,
        {"id": "hurts", "findings": {"groin-pain": "present"}, "measurements": days},
        {"id": "well", "findings": {"leg-pain": "absent"}, "measurements": days},
        {"id": "silent", "measurements": days},
        {"id": "torn", "findings": {"groin-pain": "present", "leg-pain": "absent"}},
    )
    assert [p["id"] for p in hurts["presentations"]] == ["test-presentation"]
    (option,) = hurts["options"]
    assert (option["intervention"], option["rating"]) == ("systemic-thrombolysis", "may-be-appropriate")
    assert option["statement"] == "test-rating"
    ruled_out = {r["presentation"]: r for r in well["ruled_out"]}
    assert ruled_out["test-presentation"]["criterion"] == "painful"
    assert ruled_out["test-presentation"]["because"] == ["leg-pain absent"]
    missing = {u["presentation"]: u["missing"] for u in silent["undetermined"]}
    assert missing["test-presentation"] == ["groin-pain"]
    assert torn["status"] == "contradictory"


def test_a_measurement_with_a_threshold_added_in_turtle_is_read_and_answered(
    extended: Callable[[str], Ontology],
) -> None:
    ontology = extended(
        FINDING
        + """
        dvt:painScore a owl:DatatypeProperty , owl:FunctionalProperty ; rdfs:label "pain score"@en ;
            skos:notation "pain-score" ; rdfs:domain dvt:Patient ; rdfs:range xsd:decimal ; dvt:unit "1" ;
            dvt:plausibleMinimum 0.0 ; dvt:plausibleMaximum 10.0 .
        [ a owl:Restriction ; owl:onProperty dvt:painScore ; owl:someValuesFrom
            [ a rdfs:Datatype ; owl:onDatatype xsd:decimal ;
              owl:withRestrictions ( [ xsd:minInclusive 7.0 ] ) ] ]
            rdfs:subClassOf
            [ a owl:Restriction ; owl:onProperty dvt:hasFinding ; owl:hasValue dvt:severe-leg-pain ] .
    """
    )
    mild, severe, unscored = answer(
        ontology,
        {"id": "mild", "measurements": {"pain-score": 6.9}},
        {"id": "severe", "measurements": {"pain-score": 7}},
        {"id": "unscored"},
    )
    assert {**mild, "patient": ""} == {**unscored, "patient": ""}
    out = {r["presentation"]: r for r in severe["ruled_out"]}
    assert out["acr-2020-iliofemoral-1"]["because"] == ["pain-score 7"]
    assert not mild["ruled_out"]


def test_a_term_is_found_by_words_of_its_name_label_or_definition(ontology: Ontology) -> None:
    assert "tense-edema" in {t["name"] for t in record_terms(ontology, "tense")}
    (platelets,) = (t for t in record_terms(ontology, "platelet count") if t["kind"] == "measurement")
    assert platelets["name"] == "platelet-count"
    assert platelets["definition"].endswith("0 to 5000 10^9/L.")
    assert {t["kind"] for t in record_terms(ontology)} >= {"finding", "vein", "measurement", "sex", "side"}
    assert record_terms(ontology, "no such thing") == []


def test_every_presentation_of_the_design_is_there_with_its_criteria(ontology: Ontology) -> None:
    expected = {f"acr-2020-iliofemoral-{n}" for n in range(1, 8)} | {
        f"acr-2019-ivc-filter-{n}" for n in (1, 2)
    }
    assert set(ontology.individuals("Presentation")) == expected
    criteria = {q.subject for q in ontology.store.quads_for_pattern(None, dvt("criterionOf"), None)}
    assert len(criteria) == 17


def test_the_nearest_name_is_found_across_spelling_and_separators() -> None:
    assert nearest("tense_oedema", ["tense-edema", "cyanosis"]) == "tense-edema"
    assert nearest("qqqq", ["tense-edema"]) is None


def test_names_of_other_namespaces_stay_whole() -> None:
    assert local_name(ox.NamedNode("urn:x")) == "urn:x"
