"""The catalogues of ROBOT, OOPS! and FOOPS!: each item is a check that is planted for, or declined."""

from __future__ import annotations

import re
import time
from collections import Counter
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest

from dvt_kg import Ontology
from dvt_kg.checks import check_ontology, declined, standards_queries, violation_queries, violations
from dvt_kg.ontology import PREFIXES, data_dir, dvt, local_name
from dvt_kg.queries import Query

from .test_qc import HEADER_KEYS, OPTIONAL_KEYS, Planting, body, header

PAGE = Path(__file__).parents[1] / "docs" / "standards.md"
FOLDER = data_dir("queries") / "standards"
CHECKS = standards_queries()
ALL: dict[str, Query] = {**violation_queries(), **CHECKS}
DECLINED = {entry["id"]: entry for entry in declined()}
LEVELS = ("ERROR", "WARN", "INFO")

# ROBOT's report, each check with the level it has there.
ROBOT = dict(
    line.split()
    for line in """
    annotation_whitespace WARN
    deprecated_boolean_datatype ERROR
    deprecated_class_reference ERROR
    deprecated_property_reference ERROR
    duplicate_definition ERROR
    duplicate_exact_synonym WARN
    duplicate_label_synonym WARN
    duplicate_label ERROR
    duplicate_scoped_synonym WARN
    equivalent_class_axiom_no_genus INFO
    equivalent_pair WARN
    illegal_use_of_built_in_vocabulary WARN
    invalid_entity_uri ERROR
    invalid_xref WARN
    label_formatting ERROR
    label_whitespace ERROR
    lowercase_definition INFO
    misused_obsolete_label ERROR
    misused_replaced_by ERROR
    missing_definition WARN
    missing_label ERROR
    missing_obsolete_label WARN
    missing_ontology_description ERROR
    missing_ontology_license ERROR
    missing_ontology_title ERROR
    missing_subset_declaration WARN
    missing_superclass INFO
    missing_synonym_type_declaration WARN
    multiple_asserted_superclasses INFO
    multiple_definitions ERROR
    multiple_equivalent_classes ERROR
    multiple_equivalent_class_definitions ERROR
    multiple_labels ERROR
    self_reference ERROR
    """.strip().splitlines()
)
OOPS = [f"P{number:02}" for number in range(1, 42)]
FOOPS = [
    "CN1",
    "DOC1",
    "FIND1",
    "FIND2",
    "FIND3",
    "FIND_3_BIS",
    "HTTP1",
    "OM1",
    "OM2",
    "OM3",
    "OM4.1",
    "OM4.2",
    "OM5.1",
    "OM5.2",
    "PURL1",
    "RDF1",
    "URI1",
    "URI2",
    "VER1",
    "VER2",
    "VOC1",
    "VOC2",
    "VOC3",
    "VOC4",
]
CATALOGUE = [f"ROBOT {n}" for n in ROBOT] + [f"OOPS {n}" for n in OOPS] + [f"FOOPS {n}" for n in FOOPS]

OLD = 'dvt:Vein owl:deprecated true ; rdfs:comment "No longer."@en .'
ROOT = "<https://w3id.org/dvt-kg>"


def lacking(*properties: str) -> Planting:
    """The root without some of its metadata."""
    update = " ;\n".join(f"DELETE WHERE {{ {ROOT} {p} ?v{i} }}" for i, p in enumerate(properties))
    names = (p if p.startswith("<") else expanded(p) for p in properties)
    return Planting(update, tuple(name.strip("<>") for name in names))


def expanded(name: str) -> str:
    prefix, local = name.split(":")
    return PREFIXES[prefix] + local


PLANTINGS = {
    "robot-annotation-whitespace": Planting(
        """INSERT DATA { dvt:Vein rdfs:comment " a "@en . dvt:Side rdfs:comment "two  blanks"@en .
        <https://w3id.org/dvt-kg/alerts> rdfs:comment "a\\nb"@en }""",
        ("Vein", "Side", "https://w3id.org/dvt-kg/alerts"),
    ),
    "robot-deprecated-boolean-datatype": Planting(
        'INSERT DATA { dvt:Vein owl:deprecated "true" . dvt:Side owl:deprecated 1 }', ("Vein", "Side")
    ),
    "robot-deprecated-class-reference": Planting(
        """INSERT DATA { dvt:Vein owl:deprecated true . dvt:tense-edema owl:deprecated true .
        dvt:Old a owl:Class ; owl:deprecated true ; rdfs:subClassOf dvt:Patient }""",
        ("Vein", "tense-edema", "Old"),
    ),
    "robot-deprecated-property-reference": Planting(
        """INSERT DATA { dvt:locator owl:deprecated true . dvt:hasFinding owl:deprecated true .
        dvt:old a owl:ObjectProperty ; owl:deprecated true ; rdfs:domain dvt:Patient }""",
        ("locator", "hasFinding", "old"),
    ),
    "robot-duplicate-definition": Planting(
        """INSERT DATA { dvt:Vein skos:definition "A Recorded sex."@en .
        dvt:unit skos:definition "The finding is present."@en }""",
        ("Vein", "unit"),
    ),
    "robot-duplicate-exact-synonym": Planting(
        'INSERT DATA { dvt:Vein skos:altLabel "vessel"@en . dvt:Side skos:altLabel "Vessel"@en }',
        ("Vein", "vessel"),
    ),
    "robot-duplicate-label-synonym": Planting(
        'INSERT DATA { dvt:Vein skos:altLabel "Vein"@en . dvt:Side skos:hiddenLabel "side"@en }',
        ("Vein", "Side"),
    ),
    "robot-duplicate-scoped-synonym": Planting(
        'INSERT DATA { dvt:Vein skos:altLabel "vessel"@en ; skos:hiddenLabel "Vessel"@en }', ("Vein",)
    ),
    "robot-equivalent-class-axiom-no-genus": Planting(
        """INSERT DATA { dvt:Vein owl:equivalentClass [ a owl:Class ; owl:intersectionOf (
        [ a owl:Restriction ; owl:onProperty dvt:hasFinding ; owl:hasValue dvt:tense-edema ] ) ] }""",
        ("Vein",),
    ),
    "robot-equivalent-pair": Planting(
        """INSERT DATA { dvt:Vein owl:equivalentClass dvt:Side .
        dvt:PopulationLimbThreatPatient owl:equivalentClass dvt:LegUlcerMet }""",
        ("Vein", "PopulationLimbThreatPatient"),
    ),
    "robot-illegal-use-of-built-in-vocabulary": Planting(
        """INSERT DATA { dvt:Vein owl:subClassOf dvt:Side . dvt:Side a rdfs:Klass .
        owl:Thing rdfs:label "thing"@en }""",
        (PREFIXES["owl"] + "subClassOf", PREFIXES["rdfs"] + "Klass", PREFIXES["owl"] + "Thing"),
    ),
    "robot-invalid-entity-uri": Planting(
        """INSERT DATA { <http://w3id.org/dvt-kg#Vein> a owl:Class .
        <https://w3id.org/dvt-kg#a.b> a owl:Class .
        dvt:Vein rdfs:seeAlso <https://w3id.org/dvt-kg/Vein> }""",
        ("http://w3id.org/dvt-kg#Vein", "a.b", "https://w3id.org/dvt-kg/Vein"),
    ),
    "robot-label-formatting": Planting(
        """INSERT DATA { dvt:Vein rdfs:label "a\\tb"@en . dvt:Side rdfs:label "<i>side</i>"@en }""",
        ("Vein", "Side"),
    ),
    "robot-label-whitespace": Planting(
        'INSERT DATA { dvt:Vein rdfs:label "vein "@en . dvt:Side rdfs:label "the  side"@en }',
        ("Vein", "Side"),
    ),
    "robot-lowercase-definition": Planting(
        'INSERT DATA { dvt:Vein skos:definition "a vein."@en }', ("Vein", "a vein.")
    ),
    "robot-missing-obsolete-label": Planting(f"INSERT DATA {{ {OLD} }}", ("Vein",)),
    "robot-misused-obsolete-label": Planting(
        'INSERT DATA { dvt:Vein rdfs:label "Obsolete vein"@en }', ("Vein",)
    ),
    "robot-misused-replaced-by": Planting(
        """INSERT DATA {
        dvt:Vein dcterms:isReplacedBy dvt:Side .
        dvt:Sex owl:deprecated true ; dcterms:isReplacedBy dvt:Nothing .
        dvt:Alert owl:deprecated true .
        dvt:Study owl:deprecated true ; dcterms:isReplacedBy dvt:Alert }""",
        (
            *(
                "Vein",
                "Sex",
                "Alert",
                "Study",
                "replaced but not deprecated",
                "replaced by a deprecated term",
            ),
            *("replaced by nothing that is there", "deprecated without replacement or reason"),
        ),
    ),
    "robot-missing-superclass": Planting("INSERT DATA { dvt:Alone a owl:Class }", ("Alone",)),
    "robot-multiple-asserted-superclasses": Planting(
        "INSERT DATA { dvt:Vein rdfs:subClassOf dvt:Finding, dvt:Side }", ("Vein",)
    ),
    "robot-multiple-definitions": Planting('INSERT DATA { dvt:Vein skos:definition "More."@en }', ("Vein",)),
    "robot-multiple-labels": Planting('INSERT DATA { dvt:Vein rdfs:label "vessel"@en }', ("Vein",)),
    "robot-multiple-equivalent-classes": Planting(
        "INSERT DATA { dvt:Vein owl:equivalentClass dvt:Side, dvt:Sex }", ("Vein",)
    ),
    "robot-multiple-equivalent-class-definitions": Planting(
        """INSERT DATA { dvt:AcuteOnsetMet owl:equivalentClass [ a owl:Restriction ;
        owl:onProperty dvt:hasFinding ; owl:hasValue dvt:tense-edema ] ,
        [ a owl:Restriction ; owl:onProperty dvt:hasFinding ; owl:hasValue dvt:cyanosis ] }""",
        ("AcuteOnsetMet",),
    ),
    "robot-self-reference": Planting(
        """INSERT DATA { dvt:tense-edema dvt:implies dvt:tense-edema .
        dvt:Vein owl:equivalentClass [ owl:intersectionOf ( dvt:Side dvt:Vein ) ] .
        dvt:Side rdfs:subClassOf [ owl:onProperty dvt:about ; owl:someValuesFrom dvt:Side ] }""",
        ("tense-edema", "Vein", "Side"),
    ),
    "oops-p03-relationship-is": Planting(
        """INSERT DATA { dvt:isA a owl:ObjectProperty . dvt:be a owl:ObjectProperty ; rdfs:label "is"@en }""",
        ("isA", "be"),
    ),
    "oops-p05-inverse": Planting(
        """INSERT DATA { dvt:implies owl:inverseOf dvt:impliedBy . dvt:uses owl:inverseOf dvt:uses .
        dvt:hasFinding owl:inverseOf dvt:segmentOf .
        dvt:segmentOf a owl:SymmetricProperty }""",
        (
            *("implies", "leaves OWL 2 EL", "inverse of itself", "inverse of a symmetric property"),
            *("its domain is not the range of the other", "its range is not the domain of the other"),
        ),
    ),
    "oops-p06-hierarchy-cycle": Planting(
        """INSERT DATA { dvt:Vein rdfs:subClassOf dvt:Side . dvt:Side rdfs:subClassOf dvt:Vein .
        dvt:implies rdfs:subPropertyOf dvt:narrowerThan }""",
        ("Vein", "Side", "implies", "narrowerThan"),
    ),
    "oops-p11-domain-or-range": Planting(
        "DELETE WHERE { dvt:implies rdfs:range ?range }",
        ("implies", "narrowerThan", PREFIXES["rdfs"] + "range"),
    ),
    "oops-p14-quantifiers": Planting(
        """INSERT DATA { dvt:Vein rdfs:subClassOf [ owl:onProperty dvt:about ; owl:allValuesFrom dvt:Side ] ,
        [ owl:complementOf dvt:Side ] }""",
        (PREFIXES["owl"] + "allValuesFrom", PREFIXES["owl"] + "complementOf"),
    ),
    "oops-p19-multiple-domains": Planting(
        "INSERT DATA { dvt:hasFinding rdfs:domain dvt:Vein . dvt:implies rdfs:range dvt:Vein }",
        ("hasFinding", "implies"),
    ),
    "oops-p20-annotation-misused": Planting(
        """INSERT DATA { dvt:Vein rdfs:label "A vein is a vessel."@en .
        dvt:Sex rdfs:comment "A recorded sex."@en .
        dvt:Side skos:definition "The side"@en }""",
        ("Vein", "Sex", "Side"),
    ),
    "oops-p21-miscellaneous-class": Planting(
        'INSERT DATA { dvt:Vein rdfs:label "Other vein"@en }', ("Vein",)
    ),
    "oops-p23-datatype-duplicated": Planting('INSERT DATA { dvt:Vein rdfs:label "Date"@en }', ("Vein",)),
    "oops-p27-equivalent-properties": Planting(
        """INSERT DATA { dvt:hasFinding owl:equivalentProperty dvt:locator .
        dvt:hasFinding owl:equivalentProperty dvt:implies .
        dvt:hasThrombusIn owl:equivalentProperty dvt:hasFinding }""",
        ("locator", "sort of property", "domain", "range"),
    ),
    "oops-p28-symmetric-or-transitive": Planting(
        "INSERT DATA { dvt:hasFinding a owl:SymmetricProperty . dvt:hasThrombusIn a owl:TransitiveProperty }",
        ("hasFinding", "hasThrombusIn"),
    ),
    "oops-p33-chain-of-one": Planting(
        "INSERT DATA { dvt:uses owl:propertyChainAxiom ( dvt:mayUse ) }", ("uses",)
    ),
    "oops-p36-file-extension": Planting(
        "INSERT DATA { <https://w3id.org/dvt-kg/alerts.owl> a owl:Ontology }",
        ("https://w3id.org/dvt-kg/alerts.owl",),
    ),
    "oops-p38-no-ontology": Planting(
        f"DELETE DATA {{ {ROOT} a owl:Ontology }} ; INSERT DATA {{ dvt:Vein rdfs:isDefinedBy <urn:no> }}",
        (ROOT.strip("<>"), "urn:no"),
    ),
    "oops-p40-namespace-hijacking": Planting(
        "INSERT DATA { prov:Entity rdfs:subClassOf dvt:Source }", (PREFIXES["prov"] + "Entity",)
    ),
    "foops-om1-minimum-metadata": lacking("dcterms:title", "dcterms:creator", "vann:preferredNamespaceUri"),
    "foops-om2-recommended-metadata": lacking(
        "dcterms:bibliographicCitation", "vann:preferredNamespacePrefix"
    ),
    "foops-om3-detailed-metadata": lacking(
        *("dcterms:publisher", "dcterms:source", "dcterms:modified", "<http://purl.org/ontology/bibo/status>")
    ),
    "foops-om4-license": Planting(
        """DELETE WHERE { <https://w3id.org/dvt-kg/alerts> dcterms:license ?license } ;
        INSERT DATA { <https://w3id.org/dvt-kg/alerts> dcterms:license "CC BY"@en .
        <https://w3id.org/dvt-kg/findings> dcterms:license
        <https://creativecommons.org/publicdomain/zero/1.0/> }""",
        ("https://w3id.org/dvt-kg/alerts", "https://w3id.org/dvt-kg/findings"),
    ),
    "foops-om5-provenance": lacking("dcterms:created", "dcterms:issued"),
    "foops-uri2-namespace": Planting(
        f"""DELETE WHERE {{ {ROOT} vann:preferredNamespaceUri ?uri }} ;
        INSERT DATA {{ {ROOT} vann:preferredNamespaceUri "https://w3id.org/dvt-kg/" ;
        vann:preferredNamespacePrefix "vein" }}""",
        ("https://w3id.org/dvt-kg/", "vein"),
    ),
    "foops-voc1-metadata-vocabulary": Planting(
        f"INSERT DATA {{ {ROOT} <urn:made-up> <urn:x> }}", ("urn:made-up",)
    ),
    "foops-voc2-reuse": Planting(
        """DELETE { ?term rdfs:subClassOf ?class } WHERE { ?term rdfs:subClassOf ?class
        FILTER(isIRI(?class) && !STRSTARTS(STR(?class), "https://w3id.org/dvt-kg#")) } ;
        DELETE { ?term ?match ?other } WHERE {
        VALUES ?match { skos:exactMatch skos:closeMatch skos:broadMatch skos:narrowMatch }
        ?term ?match ?other }""",
        ("a class of ours under a foreign class", "a match to a foreign term"),
    ),
}

# What is shown of the shipped ontology at the level INFO, explained in the header of each.
NOTES = {
    "oops-p11-domain-or-range": 10,
    "robot-missing-superclass": 7,
    "robot-multiple-asserted-superclasses": 10,
}

RIGHTLY = """
INSERT DATA {
  dvt:OldClass a owl:Class ; rdfs:label "obsolete class"@en ; skos:definition "A class that went."@en ;
    rdfs:isDefinedBy <https://w3id.org/dvt-kg> ; owl:deprecated true ; dcterms:isReplacedBy dvt:Finding .
  dvt:oldProperty a owl:AnnotationProperty ; rdfs:label "obsolete property"@en ;
    skos:definition "A property that went."@en ; rdfs:isDefinedBy <https://w3id.org/dvt-kg> ;
    owl:deprecated true ; rdfs:comment "It said what a comment says."@en .
}
"""


@cache
def dump(store: ox.Store) -> bytes:
    """A store as N-Triples, which are loaded faster than quads are copied."""
    data = store.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph())
    assert data is not None
    return data


def planted(shipped: ox.Store, update: str) -> ox.Store:
    store = ox.Store()
    store.bulk_load(dump(shipped), format=ox.RdfFormat.N_TRIPLES)
    store.update("".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items()) + update)
    return store


def rows(store: ox.Store, query: Query) -> list[tuple[str, ...]]:
    solutions = store.query(query.text)
    assert isinstance(solutions, ox.QuerySolutions)
    return [tuple(local_name(cell) for cell in row if cell is not None) for row in solutions]


def covering() -> dict[str, list[Query]]:
    """The queries that cover each item."""
    found: dict[str, list[Query]] = {}
    for query in ALL.values():
        for item in query.standards:
            found.setdefault(item, []).append(query)
    return found


def page() -> str:
    """The page that lists the standards."""
    covered = covering()
    lines = [
        "# Standards",
        "",
        "By what ontology engineers judge an ontology: the checks of ROBOT's `report`, the pitfalls of OOPS!",
        "and the FAIR items of FOOPS!, each as a query that `dvt-kg check` runs, or declined for a reason.",
        "The queries are written anew for the vocabulary of dvt-kg (`skos:definition`, `skos:altLabel`,",
        "`dcterms:isReplacedBy`) and ask only about its own terms. ERROR and WARN must find nothing; INFO is",
        "worth a look and no fault. `tests/test_standards.py` plants a violation for each, and generates",
        "this page.",
    ]
    for standard in ("ROBOT", "OOPS", "FOOPS"):
        items = [item for item in CATALOGUE if item.startswith(f"{standard} ")]
        there = [item for item in items if item in covered]
        lines += ["", f"## {standard}: {len(there)} of {len(items)} checked", ""]
        lines += ["| item | level | what is asked | query |", "|---|---|---|---|"]
        for item in there:
            for query in covered[item]:
                folder = "standards" if query.name in CHECKS else "qc"
                cells = (item.split()[1], query.level, query.summary, f"`{folder}/{query.name}`")
                lines.append(f"| {' | '.join(cells)} |")
        lines += ["", "Declined:", ""]
        for item in items:
            if item in DECLINED:
                entry = DECLINED[item]
                lines.append(f"* **{item.split()[1]}**, {entry['name']}: {entry['reason']}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def shipped(ontology: Ontology) -> ox.Store:
    return ontology.store


def test_the_catalogues_are_whole() -> None:
    assert (len(ROBOT), len(OOPS), len(FOOPS)) == (34, 41, 24)
    assert len(set(CATALOGUE)) == 99


def test_each_item_is_either_checked_or_declined() -> None:
    covered = covering()
    assert sorted([*covered, *DECLINED]) == sorted(CATALOGUE)
    assert (len(covered), len(DECLINED)) == (82, 17)


def test_each_check_of_robot_has_the_level_that_robot_gives_it() -> None:
    for item, queries in covering().items():
        standard, name = item.split()
        if standard == "ROBOT":
            assert {query.level for query in queries} == {ROBOT[name]}, name


@pytest.mark.parametrize("item", DECLINED)
def test_what_is_declined_is_declined_for_a_reason(item: str) -> None:
    assert set(DECLINED[item]) == {"id", "name", "reason"}
    assert len(DECLINED[item]["reason"].split()) >= 15
    assert DECLINED[item]["reason"].endswith(".")
    for name in re.findall(r"qc/([a-z-]+)|\b(robot-[a-z-]+)", DECLINED[item]["reason"]):
        assert f"{name[0]}-violation" in ALL or name[1] in ALL


def test_every_query_of_the_standards_is_planted_for() -> None:
    assert len(CHECKS) == len(list(FOLDER.glob("*.rq"))) == 48
    assert set(PLANTINGS) == set(CHECKS)
    assert sum(bool(query.standards) for query in violation_queries().values()) == 17


@pytest.mark.parametrize("check", CHECKS)
def test_header_says_what_the_check_asks_and_by_which_standard(check: str, shipped: ox.Store) -> None:
    file = FOLDER / f"{check}.rq"
    parsed = header(file)
    assert set(parsed) == HEADER_KEYS | OPTIONAL_KEYS
    query = CHECKS[check]
    assert query.summary.endswith("?")
    assert query.description.endswith(".")
    assert query.level in LEVELS
    assert query.tags == ("standards",)
    assert check.split("-", maxsplit=1)[0].upper() == query.standards[0].split()[0]
    solutions = shipped.query(query.text)
    assert isinstance(solutions, ox.QuerySolutions)
    assert list(query.columns) == [variable.value for variable in solutions.variables]
    text = body(file)
    assert "ORDER BY" in text
    assert not re.search(r"\b(GRAPH|FROM|SERVICE|LATERAL|LOAD)\b", text, re.IGNORECASE)
    declared = dict(re.findall(r"^PREFIX (\w+): <(.+)>$", text, re.MULTILINE))
    assert declared == {prefix: PREFIXES[prefix] for prefix in declared}
    kind = ox.NamedNode(PREFIXES["rdf"] + "type")
    for name in re.findall(r"\bdvt:([\w-]+)", text):
        assert any(shipped.quads_for_pattern(dvt(name), kind, None)), name


def test_the_shipped_ontology_has_no_error_and_no_warning(ontology: Ontology) -> None:
    start = time.perf_counter()
    found = list(violations(ontology))
    assert [str(violation) for violation in found if violation.level != "INFO"] == []
    assert Counter(violation.check for violation in found) == NOTES
    assert time.perf_counter() - start < 30  # some 2 s on a fast machine, quality queries and all


@pytest.mark.parametrize("check", PLANTINGS)
def test_planted_violation_is_caught(check: str, shipped: ox.Store) -> None:
    planting = PLANTINGS[check]
    found = rows(planted(shipped, planting.update), CHECKS[check])
    cells = {cell for row in found for cell in row}
    assert [name for name in planting.found if name not in cells] == []
    assert len(found) > NOTES.get(check, 0)


def test_a_class_and_a_property_deprecated_rightly_pass_every_check(shipped: ox.Store) -> None:
    store = planted(shipped, RIGHTLY)
    assert len(store) == len(shipped) + 12
    assert {name: len(rows(store, query)) for name, query in ALL.items() if rows(store, query)} == NOTES


@pytest.mark.parametrize(
    ("wrong", "right", "check"),
    [
        ("owl:deprecated true", 'owl:deprecated "true"', "robot-deprecated-boolean-datatype"),
        ('"obsolete class"', '"class"', "robot-missing-obsolete-label"),
        (" ; dcterms:isReplacedBy dvt:Finding", "", "robot-misused-replaced-by"),
        ("owl:deprecated true ; dcterms", "dcterms", "robot-misused-obsolete-label"),
        ("dvt:Finding .", "dvt:Finding . dvt:old a dvt:OldClass .", "robot-deprecated-class-reference"),
        ("}", "dvt:Vein dvt:oldProperty dvt:Side . }", "robot-deprecated-property-reference"),
    ],
)
def test_what_is_deprecated_wrongly_is_caught(wrong: str, right: str, check: str, shipped: ox.Store) -> None:
    assert wrong in RIGHTLY
    assert rows(planted(shipped, RIGHTLY.replace(wrong, right, 1)), CHECKS[check])


def test_a_violation_is_told_with_its_level_and_standard(ontology: Ontology) -> None:
    old = Ontology(planted(ontology.store, 'INSERT DATA { dvt:Vein rdfs:label "vessel"@en }'), ontology.path)
    (told,) = check_ontology(old)
    assert told == "ERROR robot-multiple-labels (ROBOT multiple_labels): term Vein, first vein, last vessel"


def test_the_page_of_standards_is_the_one_that_is_generated() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
