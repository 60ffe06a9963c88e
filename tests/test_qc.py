"""The quality checks: each returns nothing on the shipped ontology and catches what is planted for it."""

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pyoxigraph as ox
import pytest
import rdflib
import yaml
from rdflib.plugins.sparql import prepareQuery
from rdflib.plugins.sparql.sparql import Query
from rdflib.term import Node

from dvt_kg.ontology import NAMESPACE, PREFIXES, XSD, data_dir, dvt, load

FOLDER = data_dir("queries") / "qc"
FILES = {f.stem.removesuffix("-violation"): f for f in sorted(FOLDER.iterdir())}
HEADER_KEYS = {"summary", "description", "parameters", "columns", "tags"}
OPTIONAL_KEYS = {"level", "standards"}  # of a check that other catalogues have too, see test_standards.py

Triple = tuple[Node, Node, Node]
Row = tuple[str, ...]
OxigraphTerm = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple


class Planting(NamedTuple):
    """A violation: a SPARQL update, and the names of which each has to be in some row of its check."""

    update: str
    found: tuple[str, ...]


# Where a check looks for several problems, its update plants each of them.
PLANTINGS = {
    "alert-or-step-untriggered": Planting(
        """
        INSERT DATA {
          dvt:lost-alert a owl:NamedIndividual, dvt:Alert .
          dvt:lost-step a owl:NamedIndividual, dvt:NextStep .
          [] a owl:Restriction ; owl:onProperty dvt:triggersStep ; owl:hasValue dvt:lost-step .
        }
        """,
        ("lost-alert", "lost-step"),
    ),
    "alert-without-kind": Planting(
        """
        DELETE WHERE { dvt:no-follow-up dvt:alertKind ?kind } ;
        INSERT DATA { dvt:underestimated-symptoms dvt:alertKind dvt:red-flag }
        """,
        ("no-follow-up", "underestimated-symptoms"),
    ),
    "annotation-of-wrong-kind": Planting(
        """
        INSERT DATA {
          dvt:no-follow-up dvt:unlessContraindicated dvt:compression-stocking .
          dvt:check-within-48-hours dvt:whileUnknown dvt:popliteal-vein ; dvt:unlessPresent dvt:left .
          dvt:anticoagulation dvt:notToBeConfusedWith dvt:anticoagulant .
        }
        """,
        ("no-follow-up", "check-within-48-hours", "popliteal-vein", "left", "anticoagulant"),
    ),
    "arm-incomplete": Planting(
        """
        DELETE WHERE { dvt:arm-attract-pcdt rdfs:label ?label } ;
        DELETE WHERE { dvt:arm-attract-anticoagulation dvt:armRole ?role } ;
        DELETE WHERE { ?study dvt:hasArm dvt:arm-sox-active }
        """,
        ("arm-attract-pcdt", "arm-attract-anticoagulation", "arm-sox-active"),
    ),
    "category-outside-the-four": Planting(
        """
        INSERT DATA {
          dvt:rarely-appropriate a owl:NamedIndividual, dvt:RatingCategory .
          dvt:rating-acr-2020-iliofemoral-1-anticoagulation-alone dvt:category dvt:often-appropriate .
        }
        """,
        ("rarely-appropriate", "often-appropriate"),
    ),
    "category-without-direction": Planting(
        """
        DELETE WHERE { dvt:usually-appropriate dvt:direction ?direction } ;
        INSERT DATA { dvt:may-be-appropriate dvt:direction dvt:for }
        """,
        ("usually-appropriate", "may-be-appropriate"),
    ),
    "code-incomplete": Planting(
        """
        DELETE WHERE { <http://snomed.info/id/59282003> skos:inScheme ?system } ;
        DELETE WHERE { <http://purl.obolibrary.org/obo/HP_0002204> skos:notation ?notation } ;
        DELETE WHERE { <http://purl.obolibrary.org/obo/HP_0000961> dcterms:source ?source } ;
        DELETE WHERE { <http://purl.obolibrary.org/obo/HP_0000980> sssom:mapping_justification ?rests } ;
        DELETE WHERE { <http://purl.obolibrary.org/obo/HP_0004950> a skos:Concept } ;
        INSERT DATA { <http://hl7.org/fhir/sid/icd-10-cm/I82.422> skos:inScheme dvt:loinc }
        """,
        (
            "http://snomed.info/id/59282003",
            "http://purl.obolibrary.org/obo/HP_0002204",
            "http://purl.obolibrary.org/obo/HP_0000961",
            "http://purl.obolibrary.org/obo/HP_0000980",
            "http://purl.obolibrary.org/obo/HP_0004950",
            "http://hl7.org/fhir/sid/icd-10-cm/I82.422",
            "no code system",
            "no skos:notation",
            "no source in words",
            "no justification",
            "no skos:Concept",
            "two values where one belongs",
        ),
    ),
    "code-iri": Planting(
        """
        DELETE WHERE { <http://hl7.org/fhir/sid/icd-10-cm/I82.422> skos:notation ?notation } ;
        INSERT DATA { <http://hl7.org/fhir/sid/icd-10-cm/I82.422> skos:notation "I82.412" }
        """,
        ("http://hl7.org/fhir/sid/icd-10-cm/I82.422", "http://hl7.org/fhir/sid/icd-10-cm/I82.412"),
    ),
    "code-label-not-allowed": Planting(
        """
        DELETE WHERE { <http://snomed.info/id/77386006> skos:inScheme ?system } ;
        INSERT DATA {
          <http://snomed.info/id/59282003> rdfs:label "what it is called there"@en .
          <http://snomed.info/id/77386006> skos:definition "what it is there"@en .
        }
        """,
        (
            "http://snomed.info/id/59282003",
            "what it is called there",
            "http://snomed.info/id/77386006",
            "what it is there",
        ),
    ),
    "code-system-incomplete": Planting(
        """
        DELETE WHERE { dvt:loinc dcterms:rights ?notice } ;
        DELETE WHERE { dvt:hpo skos:notation ?name } ;
        INSERT DATA { dvt:mondo vann:preferredNamespacePrefix "DOID" }
        """,
        ("loinc", "hpo", "mondo"),
    ),
    "code-unmapped": Planting(
        "DELETE WHERE { ?term ?match <http://hl7.org/fhir/sid/icd-10-cm/I82.220> }",
        ("http://hl7.org/fhir/sid/icd-10-cm/I82.220",),
    ),
    "condition-without-converse": Planting(
        """
        DELETE DATA {
          dvt:septic-phlebitis
            dvt:conditionOf dvt:compression-stockings-septic-phlebitis-by-stocking-leaflet .
          dvt:compression-stockings-sensory-neuropathy-by-nice-cg92 dvt:condition dvt:sensory-neuropathy .
        }
        """,
        ("septic-phlebitis", "sensory-neuropathy"),
    ),
    "confusion-without-converse": Planting(
        "DELETE DATA { dvt:anticoagulation dvt:notToBeConfusedWith dvt:anticoagulation-alone }",
        ("anticoagulation-alone",),
    ),
    "contraindication-absolute-and-ungraded": Planting(
        "INSERT DATA { dvt:compression-stockings-sensory-neuropathy-by-nice-cg92 dvt:strength dvt:absolute }",
        ("compression-stockings-sensory-neuropathy-by-nice-cg92",),
    ),
    "contraindication-ambiguous": Planting(
        "INSERT DATA { dvt:compression-stockings-sensory-neuropathy-by-nice-cg92 dvt:condition dvt:falls }",
        ("compression-stockings-sensory-neuropathy-by-nice-cg92",),
    ),
    "contraindication-grading": Planting(
        """
        DELETE WHERE {
          dvt:anticoagulation-major-trauma-by-uptodate-anticoagulation dvt:strengthInSource ?strength
        } ;
        INSERT DATA {
          dvt:compression-stockings-sensory-neuropathy-by-nice-cg92 dvt:strengthInSource dvt:relative
        }
        """,
        (
            "anticoagulation-major-trauma-by-uptodate-anticoagulation",
            "compression-stockings-sensory-neuropathy-by-nice-cg92",
        ),
    ),
    "contraindication-incomplete": Planting(
        "INSERT DATA { dvt:bare a owl:NamedIndividual, dvt:Contraindication }",
        ("bare", "condition", "contraindicates", "strength", "grading", "locator"),
    ),
    "criterion-class-without-condition": Planting(
        """
        DELETE WHERE { ?condition rdfs:subClassOf dvt:AcuteOnsetMet } ;
        DELETE WHERE { dvt:MayThurnerNotMet owl:equivalentClass ?condition }
        """,
        ("AcuteOnsetMet", "MayThurnerNotMet"),
    ),
    "criterion-classes-not-disjoint": Planting(
        "DELETE WHERE { dvt:AcuteOnsetNotMet owl:disjointWith ?met }",
        ("acute-onset",),
    ),
    "criterion-unused": Planting(
        "INSERT DATA { dvt:spare a owl:NamedIndividual, dvt:Criterion }",
        ("spare",),
    ),
    "criterion-without-classes": Planting(
        """
        DELETE WHERE { dvt:AcuteOnsetMet rdfs:subClassOf ?class } ;
        DELETE WHERE { dvt:MayThurnerNotMet rdfs:subClassOf ?class }
        """,
        ("acute-onset", "meetsCriterion", "may-thurner", "failsCriterion"),
    ),
    "criterion-without-converse": Planting(
        """
        DELETE DATA {
          dvt:acute-onset dvt:criterionOf dvt:acr-2020-iliofemoral-1 .
          dvt:acr-2020-iliofemoral-6 dvt:hasCriterion dvt:moderate-symptoms .
        }
        """,
        ("acr-2020-iliofemoral-1", "acr-2020-iliofemoral-6"),
    ),
    "data-property": Planting(
        """
        DELETE DATA { dvt:ageYears a owl:FunctionalProperty } ;
        DELETE WHERE { dvt:plateletCount skos:notation ?key } ;
        DELETE WHERE { dvt:symptomDurationDays rdfs:range ?range } ;
        DELETE WHERE { dvt:assessedAt rdfs:range ?range } ;
        INSERT DATA { dvt:assessedAt rdfs:range xsd:date }
        """,
        ("ageYears", "plateletCount", "symptomDurationDays", "assessedAt"),
    ),
    "date-not-datetime": Planting(
        """
        INSERT DATA {
          dvt:article-2026 dcterms:issued "2026-05-26"^^xsd:date .
          dvt:attract dcterms:issued "2017"^^xsd:gYear .
          dvt:sox dcterms:issued "P2Y"^^xsd:duration .
        }
        """,
        ("article-2026", "attract", "sox"),
    ),
    "disagreement-too-small": Planting(
        """
        DELETE WHERE { dvt:disagreement-stockings dvt:between ?part } ;
        INSERT DATA { dvt:disagreement-stockings dvt:between dvt:threshold-acute-onset }
        """,
        ("disagreement-stockings",),
    ),
    "doi-form": Planting(
        """INSERT DATA { dvt:sox dvt:doi "https://doi.org/10.1000/1" . dvt:cava dvt:doi "10.1000 1" }""",
        ("sox", "cava"),
    ),
    "duplicate-contraindication": Planting(
        """
        INSERT { dvt:again ?property ?value }
        WHERE { dvt:compression-stockings-septic-phlebitis-by-stocking-leaflet ?property ?value }
        """,
        ("again", "compression-stockings-septic-phlebitis-by-stocking-leaflet"),
    ),
    "duplicate-label": Planting(
        """
        INSERT DATA {
          dvt:cyanosis rdfs:label "Tense Edema"@en .
          dvt:Vein rdfs:label "finding"@en .
          dvt:unit rdfs:label "has finding"@en .
        }
        """,
        ("tense-edema", "Vein", "hasFinding"),
    ),
    "duplicate-notation": Planting(
        'INSERT DATA { dvt:side skos:notation "sex" . dvt:loinc skos:notation "Hpo" }',
        ("side", "sex", "loinc", "hpo"),
    ),
    "duplicate-rating": Planting(
        """
        INSERT { dvt:again ?property ?value }
        WHERE { dvt:rating-acr-2020-iliofemoral-1-anticoagulation-alone ?property ?value }
        """,
        ("again", "rating-acr-2020-iliofemoral-1-anticoagulation-alone"),
    ),
    "evidence-without-result": Planting(
        """
        INSERT DATA {
          dvt:rating-acr-2020-iliofemoral-1-anticoagulation-alone dvt:evidence dvt:prepic .
          dvt:recommendation-chest-2016-no-filter dvt:evidence dvt:sox .
        } ;
        DELETE DATA {
          dvt:rating-acr-2020-iliofemoral-3-anticoagulation-alone dvt:evidence dvt:attract-femoropopliteal
        }
        """,
        (
            "rating-acr-2020-iliofemoral-1-anticoagulation-alone",
            "prepic",
            "recommendation-chest-2016-no-filter",
            "rating-acr-2020-iliofemoral-3-anticoagulation-alone",
        ),
    ),
    "facet-beyond-two": Planting(
        """
        INSERT { ?end rdf:rest [ rdf:first [ xsd:maxExclusive 40.0 ] ; rdf:rest rdf:nil ] }
        WHERE {
          ?list rdf:rest ?end .
          ?end rdf:first ?limited ; rdf:rest rdf:nil .
          ?limited xsd:maxExclusive 50.0
        }
        """,
        ("plateletCount",),
    ),
    "facet-without-complement": Planting(
        """
        DELETE { ?limited xsd:minInclusive 14.0 } INSERT { ?limited xsd:minInclusive 15.0 }
        WHERE { ?limited xsd:minInclusive 14.0 }
        """,
        ("symptomDurationDays", XSD + "minInclusive", XSD + "maxExclusive"),
    ),
    "facet-without-threshold": Planting(
        """
        DELETE WHERE { dvt:threshold-acute-onset dvt:limit ?limit } ;
        INSERT DATA { dvt:threshold-acute-onset dvt:limit 15.0 } ;
        DELETE WHERE { dvt:threshold-toe-pressure-30 dvt:comparator ?comparator } ;
        INSERT DATA { dvt:threshold-toe-pressure-30 dvt:comparator "<=" } ;
        INSERT { ?limited xsd:minInclusive 24.0 } WHERE { ?limited xsd:minInclusive 20.0 }
        """,
        ("symptomDurationDays", "toePressureMmHg", "plateletCount"),
    ),
    "filler-outside-range": Planting(
        "INSERT DATA { [] a owl:Restriction ; owl:onProperty dvt:hasFinding ; owl:hasValue dvt:calf-vein }",
        ("calf-vein",),
    ),
    "finding-without-disjointness": Planting(
        """
        DELETE { ?present owl:disjointWith ?absent }
        WHERE { ?present owl:disjointWith ?absent ; owl:hasValue dvt:tense-edema } ;
        INSERT DATA { dvt:new-finding a owl:NamedIndividual, dvt:Finding }
        """,
        ("tense-edema", "new-finding"),
    ),
    "group-class-unlike-criteria": Planting(
        """
        DELETE WHERE { dvt:Acr2020Iliofemoral1Patient owl:equivalentClass ?all } ;
        INSERT DATA { dvt:acr-2020-iliofemoral-5 dvt:hasCriterion dvt:mild-symptoms } ;
        DELETE DATA { dvt:acr-2020-iliofemoral-6 dvt:hasCriterion dvt:moderate-symptoms } ;
        DELETE WHERE { dvt:PopulationDistalDvtPatient owl:equivalentClass ?all } ;
        INSERT DATA { dvt:population-attract dvt:hasCriterion dvt:mild-symptoms } ;
        DELETE DATA { dvt:population-first-proximal-dvt dvt:hasCriterion dvt:first-episode } ;
        INSERT DATA { dvt:population-proximal-dvt dvt:hasCriterion dvt:first-episode } ;
        DELETE WHERE { dvt:PopulationLimbThreatPatient owl:equivalentClass ?all } ;
        INSERT DATA { dvt:PopulationLimbThreatPatient owl:equivalentClass dvt:FirstEpisodeMet }
        """,
        (
            "acr-2020-iliofemoral-1",
            "acr-2020-iliofemoral-5",
            "acr-2020-iliofemoral-6",
            "population-distal-dvt",
            "population-attract",
            "population-first-proximal-dvt",
            "population-proximal-dvt",
            "population-limb-threat",
        ),
    ),
    "group-without-criteria": Planting(
        """
        DELETE WHERE { dvt:acr-2020-iliofemoral-5 dvt:hasCriterion ?criterion } ;
        DELETE WHERE { dvt:population-attract dvt:hasCriterion ?criterion }
        """,
        ("acr-2020-iliofemoral-5", "population-attract"),
    ),
    "group-without-patient-class": Planting(
        """
        DELETE WHERE { dvt:Acr2020Iliofemoral5Patient rdfs:subClassOf ?class } ;
        DELETE WHERE { dvt:PopulationAttractPatient rdfs:subClassOf ?class }
        """,
        ("acr-2020-iliofemoral-5", "population-attract"),
    ),
    "guideline-not-among-sources": Planting(
        "DELETE DATA { dvt:acr-2020-iliofemoral-4 dcterms:source dvt:acr-2020-iliofemoral }",
        ("acr-2020-iliofemoral-4",),
    ),
    "implication-across-kinds": Planting(
        """
        INSERT DATA {
          dvt:calf-vein dvt:implies dvt:leg-swelling .
          dvt:leg-pain dvt:narrowerThan dvt:mild-symptoms .
          dvt:leg-swelling dvt:segmentOf dvt:leg-pain .
        }
        """,
        ("calf-vein", "mild-symptoms", "segmentOf"),
    ),
    "implication-cycle": Planting(
        """
        INSERT DATA {
          dvt:moderate-or-severe-symptom dvt:implies dvt:cyanosis .
          dvt:leg-pain dvt:narrowerThan dvt:leg-pain .
          dvt:proximal-vein dvt:segmentOf dvt:femoral-vein .
        }
        """,
        ("moderate-or-severe-symptom", "skin-discoloration", "cyanosis", "leg-pain", "femoral-vein"),
    ),
    "implication-without-converse": Planting(
        """
        DELETE DATA {
          dvt:cyanosis dvt:impliedBy dvt:phlegmasia-cerulea-dolens .
          dvt:phlegmasia-alba-dolens dvt:implies dvt:pallor .
        }
        """,
        ("cyanosis", "pallor"),
    ),
    "import-missing": Planting(
        """
        DELETE DATA { <https://w3id.org/dvt-kg> owl:imports <https://w3id.org/dvt-kg/alerts> } ;
        INSERT DATA { <https://w3id.org/dvt-kg> owl:imports <https://w3id.org/dvt-kg/lost> }
        """,
        ("https://w3id.org/dvt-kg/alerts", "https://w3id.org/dvt-kg/lost"),
    ),
    "individual-without-source": Planting(
        """
        DELETE { ?term dcterms:source ?source }
        WHERE {
          VALUES ?term {
            dvt:tense-edema dvt:calf-vein dvt:acute-onset dvt:acr-2019-ivc-filter-1 dvt:systemic-thrombolysis
            dvt:rating-acr-2020-iliofemoral-1-anticoagulation-alone dvt:threshold-acute-onset
            dvt:anticoagulation-major-trauma-by-uptodate-anticoagulation
            dvt:population-attract dvt:recommendation-chest-2016-no-filter
            dvt:result-attract-major-bleeding dvt:claim-discoloration-leaves-mild
            dvt:consideration-uncomplicated dvt:question-may-thurner
            dvt:no-follow-up dvt:check-within-48-hours
          }
          ?term dcterms:source ?source
        }
        """,
        (
            "tense-edema",
            "calf-vein",
            "acute-onset",
            "acr-2019-ivc-filter-1",
            "systemic-thrombolysis",
            "rating-acr-2020-iliofemoral-1-anticoagulation-alone",
            "threshold-acute-onset",
            "anticoagulation-major-trauma-by-uptodate-anticoagulation",
            "population-attract",
            "recommendation-chest-2016-no-filter",
            "result-attract-major-bleeding",
            "claim-discoloration-leaves-mild",
            "consideration-uncomplicated",
            "question-may-thurner",
            "no-follow-up",
            "check-within-48-hours",
        ),
    ),
    "intervention-unused": Planting(
        """
        INSERT DATA {
          dvt:spare a owl:NamedIndividual, dvt:Intervention ; dvt:kindOf dvt:anticoagulation-alone .
        }
        """,
        ("spare",),
    ),
    "kind-of-cycle": Planting(
        """
        INSERT DATA {
          dvt:therapeutic-anticoagulation dvt:kindOf dvt:anticoagulation-alone .
          dvt:systemic-thrombolysis dvt:kindOf dvt:systemic-thrombolysis .
        }
        """,
        ("therapeutic-anticoagulation", "anticoagulation-alone", "systemic-thrombolysis"),
    ),
    "mapping-ambiguous": Planting(
        """
        INSERT DATA {
          dvt:pulmonary-embolism skos:closeMatch <http://snomed.info/id/59282003> .
          dvt:popliteal-vein skos:exactMatch <http://snomed.info/id/397364003> .
        }
        """,
        ("pulmonary-embolism", "popliteal-vein", "two statements", "two terms of one meaning"),
    ),
    "mapping-chain": Planting(
        """
        DELETE WHERE { <http://purl.obolibrary.org/obo/DOID_2364> dvt:mappedThrough ?code } ;
        DELETE { ?code sssom:mapping_justification ?rests }
        INSERT { ?code sssom:mapping_justification <urn:x-somebody-said-so> }
        WHERE {
          VALUES ?code { <http://www.ebi.ac.uk/efo/EFO_0007452> }
          ?code sssom:mapping_justification ?rests
        } ;
        INSERT DATA {
          dvt:leg-pain skos:narrowMatch <http://purl.obolibrary.org/obo/DOID_9477> .
          dvt:leg-swelling skos:relatedMatch <http://purl.obolibrary.org/obo/DOID_162> .
        }
        """,
        (
            "http://purl.obolibrary.org/obo/DOID_2364",
            "goes through no code on file",
            "http://www.ebi.ac.uk/efo/EFO_0007452",
            "goes through a code and was judged",
            "an unknown justification",
            "http://purl.obolibrary.org/obo/DOID_9477",
            "says more than the chain can carry",
            "http://purl.obolibrary.org/obo/DOID_162",
            "its term is not mapped to the code that it goes through",
        ),
    ),
    "mapping-target-undeclared": Planting(
        """
        INSERT DATA {
          dvt:leg-pain skos:exactMatch <http://snomed.info/id/1> .
          <http://snomed.info/id/59282003> skos:exactMatch <http://purl.obolibrary.org/obo/HP_0002204> .
          dvt:leg-swelling skos:closeMatch dvt:tense-edema .
        }
        """,
        (
            "leg-pain",
            "http://snomed.info/id/1",
            "its start is no term of ours",
            "tense-edema",
            "leads to a term of ours",
        ),
    ),
    "measurement-incomplete": Planting(
        """
        DELETE WHERE { dvt:ageYears dvt:unit ?unit } ;
        INSERT DATA { dvt:plateletCount dvt:unit "10^3/uL" . dvt:toePressureMmHg dvt:plausibleMinimum 350.0 }
        """,
        ("ageYears", "plateletCount", "toePressureMmHg"),
    ),
    "module-incomplete": Planting(
        "DELETE WHERE { <https://w3id.org/dvt-kg/alerts> dcterms:license ?license }",
        ("https://w3id.org/dvt-kg/alerts",),
    ),
    "module-version": Planting(
        """
        DELETE WHERE { <https://w3id.org/dvt-kg/alerts> owl:versionInfo ?version } ;
        INSERT DATA { <https://w3id.org/dvt-kg/alerts> owl:versionInfo "0.0.1" } ;
        DELETE WHERE { <https://w3id.org/dvt-kg/findings> owl:versionIRI ?iri } ;
        INSERT DATA {
          <https://w3id.org/dvt-kg/findings> owl:versionIRI <https://w3id.org/dvt-kg/0.0.1/findings>
        }
        """,
        ("https://w3id.org/dvt-kg/alerts", "https://w3id.org/dvt-kg/findings"),
    ),
    "name-style": Planting(
        """
        INSERT DATA {
          dvt:tenseEdema a owl:NamedIndividual . dvt:finding a owl:Class . dvt:Has-it a owl:ObjectProperty .
          dvt:Days a owl:DatatypeProperty . dvt:note_to_self a owl:AnnotationProperty .
        }
        """,
        ("tenseEdema", "finding", "Has-it", "Days", "note_to_self"),
    ),
    "narrower-without-converse": Planting(
        """
        DELETE DATA {
          dvt:antiphospholipid-syndrome dvt:narrowerThan dvt:hypercoagulable-state .
          dvt:moderate-or-severe-symptom dvt:broaderThan dvt:limb-threatening-ischemia .
        }
        """,
        ("antiphospholipid-syndrome", "limb-threatening-ischemia"),
    ),
    "number-not-decimal": Planting(
        """
        INSERT DATA {
          dvt:threshold-acute-onset dvt:limit 14.0e0 . dvt:acute-onset dvt:position 1 .
          dvt:ageYears dvt:plausibleMinimum "none" . [] xsd:maxExclusive "14"@en .
          dvt:attract dvt:participants "many"@en . dvt:result-attract-major-bleeding dvt:estimate "none" .
        }
        """,
        (
            "threshold-acute-onset",
            "acute-onset",
            "ageYears",
            XSD + "maxExclusive",
            "attract",
            "result-attract-major-bleeding",
        ),
    ),
    "part-without-converse": Planting(
        """
        DELETE DATA {
          dvt:tense-edema dvt:partOf dvt:moderate-or-severe-symptom .
          dvt:skin-discoloration dvt:consistsOf dvt:pallor .
        }
        """,
        ("tense-edema", "pallor"),
    ),
    "population-unused": Planting(
        "DELETE WHERE { ?statement dvt:appliesTo dvt:population-massive }", ("population-massive",)
    ),
    "position": Planting(
        """
        DELETE WHERE { dvt:acute-onset dvt:position ?position } ;
        INSERT DATA { dvt:may-thurner dvt:position 100.0 . dvt:usually-appropriate dvt:position 4.0 }
        """,
        ("acute-onset", "may-thurner", "usually-appropriate"),
    ),
    "presentation-without-guideline": Planting(
        """
        DELETE WHERE { dvt:acr-2020-iliofemoral-5 dvt:guideline ?guideline } ;
        DELETE WHERE { dvt:acr-2020-iliofemoral-6 dvt:locator ?locator }
        """,
        ("acr-2020-iliofemoral-5", "acr-2020-iliofemoral-6"),
    ),
    "presentation-without-ratings": Planting(
        "DELETE WHERE { ?rating dvt:ratedFor dvt:acr-2020-iliofemoral-5 }",
        ("acr-2020-iliofemoral-5",),
    ),
    "punning": Planting(
        """
        INSERT DATA {
          dvt:Finding a owl:NamedIndividual . dvt:unit a owl:NamedIndividual .
          dvt:implies a owl:DatatypeProperty . dvt:Vein a dvt:Finding . dvt:side a owl:Class .
        }
        """,
        ("Finding", "unit", "implies", "Vein", "side"),
    ),
    "question-unanswered": Planting(
        """
        DELETE WHERE { dvt:claim-discoloration-leaves-mild dvt:about ?matter } ;
        DELETE WHERE { dvt:question-may-thurner dvt:about ?matter } ;
        DELETE WHERE { dvt:consideration-uncomplicated dvt:locator ?locator }
        """,
        ("claim-discoloration-leaves-mild", "question-may-thurner", "consideration-uncomplicated"),
    ),
    "rating-ambiguous": Planting(
        """
        INSERT DATA {
          dvt:rating-acr-2020-iliofemoral-1-anticoagulation-alone dvt:category dvt:usually-not-appropriate
        }
        """,
        ("rating-acr-2020-iliofemoral-1-anticoagulation-alone",),
    ),
    "rating-incomplete": Planting(
        "INSERT DATA { dvt:bare a owl:NamedIndividual, dvt:Rating }",
        ("bare", "ratedFor", "ratesIntervention", "category", "guideline", "rationale", "locator"),
    ),
    "rating-of-another-guideline": Planting(
        """
        DELETE WHERE { dvt:rating-acr-2020-iliofemoral-1-anticoagulation-alone dvt:guideline ?guideline } ;
        INSERT DATA {
          dvt:rating-acr-2020-iliofemoral-1-anticoagulation-alone dvt:guideline dvt:acr-2019-ivc-filter
        }
        """,
        ("rating-acr-2020-iliofemoral-1-anticoagulation-alone",),
    ),
    "recommendation-incomplete": Planting(
        """
        INSERT DATA {
          dvt:bare a owl:NamedIndividual, dvt:Recommendation .
          dvt:recommendation-chest-2016-no-filter dvt:direction dvt:either .
        }
        """,
        (
            "bare",
            "appliesTo",
            "concernsIntervention",
            "direction",
            "grade",
            "scale",
            "guideline",
            "locator",
            "verification",
            "http://www.w3.org/2004/02/skos/core#definition",
            "recommendation-chest-2016-no-filter",
        ),
    ),
    "result-beyond-its-population": Planting(
        """
        INSERT DATA {
          dvt:result-attract-post-thrombotic-syndrome
            dvt:supports dvt:rating-acr-2020-iliofemoral-5-anticoagulation-alone .
        }
        """,
        ("result-attract-post-thrombotic-syndrome", "phlegmasia-cerulea"),
    ),
    "result-incomplete": Planting(
        """
        INSERT DATA { dvt:bare a owl:NamedIndividual, dvt:Result } ;
        DELETE WHERE { dvt:result-attract-post-thrombotic-syndrome dvt:measure ?measure } ;
        DELETE WHERE { dvt:result-sox-post-thrombotic-syndrome dvt:intervalLow ?low } ;
        DELETE WHERE { dvt:result-cava-post-thrombotic-syndrome dvt:intervalHigh ?high } ;
        DELETE WHERE { dvt:result-cava-long-term-post-thrombotic-syndrome dvt:estimate ?estimate } ;
        DELETE WHERE { dvt:result-cavent-5-year-post-thrombotic-syndrome dvt:interventionPercentLow ?low } ;
        DELETE WHERE { dvt:result-attract-major-bleeding dvt:pComparator ?comparator } ;
        DELETE WHERE { dvt:result-attract-recurrent-venous-thromboembolism dvt:pValue ?value } ;
        DELETE WHERE { dvt:result-cava-major-bleeding dvt:comparisonPercent ?percent } ;
        DELETE WHERE { dvt:result-attract-femoropopliteal-major-bleeding dvt:interventionValue ?value } ;
        DELETE WHERE { dvt:result-prandoni-2004-post-thrombotic-syndrome rdfs:comment ?reason }
        """,
        (
            "bare",
            "resultOf",
            "outcome",
            "http://www.w3.org/2004/02/skos/core#definition",
            "result-attract-post-thrombotic-syndrome",
            "result-sox-post-thrombotic-syndrome",
            "result-cava-post-thrombotic-syndrome",
            "result-cava-long-term-post-thrombotic-syndrome",
            "result-cavent-5-year-post-thrombotic-syndrome",
            "result-attract-major-bleeding",
            "result-attract-recurrent-venous-thromboembolism",
            "result-cava-major-bleeding",
            "result-attract-femoropopliteal-major-bleeding",
            "result-prandoni-2004-post-thrombotic-syndrome",
        ),
    ),
    "result-out-of-range": Planting(
        """
        INSERT DATA {
          dvt:result-attract-quality-of-life dvt:interventionPercent 101.0 ; dvt:comparisonPercent -1.0 .
          dvt:result-ideal-dvt-stockings-stopped dvt:estimate 155.0 .
          dvt:result-attract-post-thrombotic-syndrome dvt:intervalHigh 0.5 .
          dvt:result-sox-post-thrombotic-syndrome dvt:intervalLow 1.5 .
          dvt:result-cavent-5-year-post-thrombotic-syndrome dvt:interventionPercentHigh 40.0 .
          dvt:result-attract-major-bleeding dvt:pValue 4.9 ; dvt:atDays -10.0 .
          dvt:result-cava-major-bleeding dvt:interactionPValue -0.1 ; dvt:pComparator "<=" .
          dvt:result-cava-post-thrombotic-syndrome dvt:atMonths -1.0 .
        }
        """,
        (
            "101",
            "-1",
            "155",
            "result-attract-post-thrombotic-syndrome",
            "below the low end",
            "result-sox-post-thrombotic-syndrome",
            "result-cavent-5-year-post-thrombotic-syndrome",
            "outside its interval",
            "4.9",
            "-10",
            "-0.1",
            "<=",
            "result-cava-post-thrombotic-syndrome",
        ),
    ),
    "score-outside-scale": Planting(
        """
        INSERT DATA {
          dvt:rating-acr-2020-iliofemoral-1-anticoagulation-alone dvt:score 6.0 .
          dvt:rating-acr-2020-iliofemoral-6-anticoagulation-alone dvt:score 7.0 .
          dvt:rating-acr-2020-iliofemoral-6-surgical-thrombectomy-with-or-without-stent dvt:score 4.0 .
          dvt:rating-acr-2020-iliofemoral-1-catheter-directed-therapy-with-or-without-stent dvt:score 4.0 .
          dvt:recommendation-chest-2016-no-filter dvt:score 0.0 .
          dvt:recommendation-chest-2021-no-filter dvt:score 10.0 .
          dvt:recommendation-ash-2020-anticoagulation-alone dvt:score 7.5 .
          dvt:recommendation-article-2026-no-filter dvt:score "high"@en .
        }
        """,
        (
            "rating-acr-2020-iliofemoral-1-anticoagulation-alone",
            "rating-acr-2020-iliofemoral-6-anticoagulation-alone",
            "rating-acr-2020-iliofemoral-6-surgical-thrombectomy-with-or-without-stent",
            "rating-acr-2020-iliofemoral-1-catheter-directed-therapy-with-or-without-stent",
            "recommendation-chest-2016-no-filter",
            "recommendation-chest-2021-no-filter",
            "recommendation-ash-2020-anticoagulation-alone",
            "recommendation-article-2026-no-filter",
        ),
    ),
    "segment-without-converse": Planting(
        """
        DELETE DATA {
          dvt:popliteal-vein dvt:segmentOf dvt:femoropopliteal-vein .
          dvt:proximal-vein dvt:hasSegment dvt:deep-femoral-vein .
        }
        """,
        ("popliteal-vein", "deep-femoral-vein"),
    ),
    "source-of-wrong-kind": Planting(
        """
        INSERT DATA {
          dvt:tense-edema dcterms:source dvt:pallor . dvt:pallor dcterms:source dvt:artcle-2026 .
          dvt:cyanosis dcterms:source "said by somebody"@en .
        }
        """,
        ("tense-edema", "artcle-2026", "said by somebody"),
    ),
    "source-without-citation": Planting(
        """
        DELETE { ?source dcterms:bibliographicCitation ?citation }
        WHERE {
          VALUES ?source { dvt:article-2026 dvt:acr-2020-iliofemoral dvt:attract }
          ?source dcterms:bibliographicCitation ?citation
        }
        """,
        ("article-2026", "acr-2020-iliofemoral", "attract"),
    ),
    "statement-without-verification": Planting(
        """
        DELETE { ?term dvt:verification ?verification }
        WHERE {
          VALUES ?term {
            dvt:rating-acr-2020-iliofemoral-1-anticoagulation-alone dvt:threshold-acute-onset
            dvt:anticoagulation-major-trauma-by-uptodate-anticoagulation
            dvt:recommendation-chest-2016-no-filter dvt:result-attract-major-bleeding
            dvt:claim-discoloration-leaves-mild dvt:consideration-uncomplicated dvt:question-may-thurner
            dvt:no-follow-up dvt:check-within-48-hours dvt:article-2026 dvt:acr-2020-iliofemoral dvt:attract
          }
          ?term dvt:verification ?verification
        } ;
        INSERT DATA { dvt:underestimated-symptoms dvt:verification dvt:secondary }
        """,
        (
            "rating-acr-2020-iliofemoral-1-anticoagulation-alone",
            "threshold-acute-onset",
            "anticoagulation-major-trauma-by-uptodate-anticoagulation",
            "recommendation-chest-2016-no-filter",
            "result-attract-major-bleeding",
            "claim-discoloration-leaves-mild",
            "consideration-uncomplicated",
            "question-may-thurner",
            "no-follow-up",
            "check-within-48-hours",
            "article-2026",
            "acr-2020-iliofemoral",
            "attract",
            "underestimated-symptoms",
        ),
    ),
    "study-incomplete": Planting(
        """
        DELETE WHERE { dvt:attract dvt:design ?design } ;
        DELETE WHERE { dvt:sox dvt:studiedPopulation ?population } ;
        DELETE WHERE { ?result dvt:resultOf dvt:cochrane-2021 } ;
        INSERT DATA { dvt:result-cava-major-bleeding dvt:resultOf dvt:defiance } ;
        DELETE WHERE { dvt:prepic dvt:hasArm ?arm }
        """,
        ("attract", "sox", "cochrane-2021", "defiance", "prepic"),
    ),
    "subject-outside-domain": Planting(
        "INSERT DATA { dvt:article-2026 dvt:evidence dvt:attract . dvt:tense-edema dvt:ageYears 45.0 }",
        ("article-2026", "tense-edema"),
    ),
    "superseded-by-another-kind": Planting(
        """
        INSERT DATA {
          dvt:recommendation-aha-2011-transfer dvt:supersededBy dvt:sox .
          dvt:acr-2019-ivc-filter dvt:supersededBy dvt:recommendation-aha-2011-transfer .
        }
        """,
        ("recommendation-aha-2011-transfer", "acr-2019-ivc-filter"),
    ),
    "superseded-cycle": Planting(
        """
        INSERT DATA {
          dvt:chest-2016 dvt:supersededBy dvt:chest-2012 .
          dvt:recommendation-chest-2016-no-filter dvt:supersededBy dvt:recommendation-chest-2016-no-filter .
        }
        """,
        ("chest-2012", "chest-2016", "recommendation-chest-2016-no-filter"),
    ),
    "term-without-definedby": Planting(
        """
        DELETE WHERE { dvt:tense-edema rdfs:isDefinedBy ?ontology } ;
        DELETE WHERE { dvt:hasFinding rdfs:isDefinedBy ?ontology } ;
        INSERT DATA { dvt:hasFinding rdfs:isDefinedBy <https://w3id.org/dvt-kg/schema> }
        """,
        ("tense-edema", "hasFinding"),
    ),
    "term-without-definition": Planting(
        "DELETE { ?term skos:definition ?text } "
        "WHERE { VALUES ?term { dvt:tense-edema dvt:Finding dvt:unit } ?term skos:definition ?text }",
        ("tense-edema", "Finding", "unit"),
    ),
    "term-without-label": Planting(
        "DELETE { ?term rdfs:label ?text } "
        "WHERE { VALUES ?term { dvt:tense-edema dvt:Finding dvt:ageYears } ?term rdfs:label ?text }",
        ("tense-edema", "Finding", "ageYears"),
    ),
    "text-without-language": Planting(
        """
        INSERT DATA {
          dvt:tense-edema rdfs:comment "Plain." . dvt:pallor skos:definition dvt:cyanosis .
          dvt:rating-acr-2020-iliofemoral-1-anticoagulation-alone dvt:rationale "Plain." .
          dvt:attract dvt:eligibility "Plain." .
        }
        """,
        ("tense-edema", "pallor", "rating-acr-2020-iliofemoral-1-anticoagulation-alone", "attract"),
    ),
    "threshold-implausible": Planting(
        """
        INSERT DATA {
          dvt:threshold-platelets-25 dvt:limit 25000.0 . dvt:threshold-acute-onset dvt:limit -1.0 .
        }
        """,
        ("threshold-platelets-25", "threshold-acute-onset"),
    ),
    "threshold-incomplete": Planting(
        """
        INSERT DATA {
          dvt:bare a owl:NamedIndividual, dvt:Threshold .
          dvt:threshold-platelets-25 dvt:limit 26.0 .
          dvt:threshold-platelets-20 dvt:comparator "below" .
          dvt:threshold-acute-onset dvt:measurement dvt:sex .
        }
        """,
        ("bare", "threshold-platelets-25", "threshold-platelets-20", "threshold-acute-onset"),
    ),
    "threshold-without-facet": Planting(
        """
        DELETE WHERE { dvt:threshold-acute-onset dvt:limit ?limit } ;
        INSERT DATA { dvt:threshold-acute-onset dvt:limit 15.0 } ;
        DELETE WHERE { dvt:threshold-toe-pressure-30 dvt:comparator ?comparator } ;
        INSERT DATA { dvt:threshold-toe-pressure-30 dvt:comparator "<=" } ;
        DELETE WHERE { dvt:threshold-ankle-pressure-60 dvt:measurement ?measurement } ;
        INSERT DATA { dvt:threshold-ankle-pressure-60 dvt:measurement dvt:ageYears }
        """,
        ("threshold-acute-onset", "threshold-toe-pressure-30", "threshold-ankle-pressure-60"),
    ),
    "undeclared-individual": Planting(
        "DELETE DATA { dvt:tense-edema a owl:NamedIndividual } ;"
        "INSERT DATA { dvt:classless a owl:NamedIndividual }",
        ("tense-edema", "classless"),
    ),
    "undeclared-property": Planting(
        'INSERT DATA { dvt:tense-edema dvt:partof dvt:pallor ; skos:altLabel "tense oedema"@en }',
        ("partof", "http://www.w3.org/2004/02/skos/core#altLabel"),
    ),
    "undefined-name": Planting(
        """
        INSERT DATA {
          dvt:tense-edema dcterms:source dvt:artcle-2026 .
          [] a owl:Restriction ; owl:onProperty dvt:hasFinding ; owl:hasValue dvt:tense-oedema .
        }
        """,
        ("artcle-2026", "tense-oedema"),
    ),
    "untyped-term": Planting(
        'INSERT DATA { dvt:tense-oedema rdfs:label "tense oedema"@en }',
        ("tense-oedema",),
    ),
    "value-outside-range": Planting(
        """
        INSERT DATA {
          dvt:rating-acr-2020-iliofemoral-1-anticoagulation-alone dvt:evidence dvt:article-2026 .
          dvt:tense-edema dvt:conditionOf "a text" .
        }
        """,
        ("article-2026", "tense-edema"),
    ),
    "value-without-disjointness": Planting(
        "INSERT DATA { dvt:critical a owl:NamedIndividual, dvt:Severity }",
        ("critical",),
    ),
    "vein-without-disjointness": Planting(
        """
        DELETE { ?present owl:disjointWith ?absent }
        WHERE { ?present owl:disjointWith ?absent ; owl:hasValue dvt:calf-vein }
        """,
        ("calf-vein",),
    ),
    "whole-unlike-its-parts": Planting(
        """
        INSERT DATA {
          dvt:leg-pain dvt:consistsOf dvt:severe-leg-pain .
          dvt:skin-discoloration dvt:consistsOf dvt:leg-swelling .
        } ;
        DELETE DATA { dvt:iliofemoral-vein dvt:hasSegment dvt:common-femoral-vein } ;
        INSERT { [] owl:intersectionOf ( dvt:MildSymptomsMet dvt:MayThurnerMet ) ; rdfs:subClassOf ?absent }
        WHERE { ?absent owl:onProperty dvt:lacksFinding ; owl:hasValue dvt:leg-swelling }
        """,
        ("leg-pain", "skin-discoloration", "iliofemoral-vein", "leg-swelling"),
    ),
}


def rdflib_node(term: OxigraphTerm) -> Node:
    """A pyoxigraph term as an rdflib term; blank nodes keep their names."""
    match term:
        case ox.NamedNode():
            return rdflib.URIRef(term.value)
        case ox.BlankNode():
            return rdflib.BNode(term.value)
        case ox.Literal():
            plain_text = term.language or term.datatype.value == XSD + "string"
            datatype = None if plain_text else rdflib.URIRef(term.datatype.value)
            return rdflib.Literal(term.value, lang=term.language, datatype=datatype)
    raise TypeError(term)


def rdflib_triple(quad: ox.Quad) -> Triple:
    """The triple of a quad in rdflib's terms."""
    return rdflib_node(quad.subject), rdflib_node(quad.predicate), rdflib_node(quad.object)


def plain(value: str, datatype: str | None) -> str:
    """A value as text, the same for all ways of writing a number."""
    if datatype in {XSD + "decimal", XSD + "double", XSD + "integer"}:
        return f"{Decimal(value).normalize():f}"
    return value.removeprefix(NAMESPACE)


def oxigraph_rows(store: ox.Store, check: str) -> list[Row]:
    """The rows of a check on Oxigraph, sorted."""
    solutions = store.query(FILES[check].read_text())
    assert isinstance(solutions, ox.QuerySolutions)
    rows = []
    for solution in solutions:
        cells = []
        for variable in solutions.variables:
            term = solution[variable]
            datatype = term.datatype.value if isinstance(term, ox.Literal) else None
            cells.append("" if term is None else plain(getattr(term, "value", ""), datatype))
        rows.append(tuple(cells))
    return sorted(rows)


@cache
def prepared(check: str) -> Query:
    """A check as rdflib's parsed query."""
    return prepareQuery(FILES[check].read_text())


def rdflib_rows(graph: rdflib.Graph, check: str) -> list[Row]:
    """The rows of a check on rdflib, sorted."""
    rows = []
    for row in graph.query(prepared(check)):
        assert isinstance(row, rdflib.query.ResultRow)
        rows.append(tuple("" if c is None else plain(str(c), str(getattr(c, "datatype", None))) for c in row))
    return sorted(rows)


@pytest.fixture(scope="module")
def shipped() -> ox.Store:
    """The shipped ontology; tests plant in copies of it."""
    return load().store


def lines(store: ox.Store) -> frozenset[bytes]:
    """A store's statements as lines of N-Triples, which are quicker to compare than quads."""
    dump = store.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph())
    assert dump is not None
    return frozenset(dump.splitlines())


def rdflib_triples(statements: frozenset[bytes]) -> list[Triple]:
    """Lines of N-Triples in rdflib's terms."""
    return [rdflib_triple(quad) for quad in ox.parse(b"\n".join(statements), format=ox.RdfFormat.N_TRIPLES)]


@pytest.fixture(scope="module")
def statements(shipped: ox.Store) -> frozenset[bytes]:
    """The shipped ontology as lines of N-Triples."""
    return lines(shipped)


@pytest.fixture(scope="module")
def graph(shipped: ox.Store) -> Iterator[rdflib.Graph]:
    """The shipped ontology in rdflib, which each test leaves as it was."""
    graph = rdflib.Graph()
    graph += (rdflib_triple(quad) for quad in shipped)
    size = len(graph)
    yield graph
    assert len(graph) == size == len(shipped)


def header(file: Path) -> dict[str, object]:
    """The YAML of a query's header, which every ``#+`` line belongs to."""
    lines = [line for line in file.read_text().splitlines() if line.startswith("#")]
    assert all(line.startswith("#+ ") for line in lines)
    parsed = yaml.safe_load("\n".join(line.removeprefix("#+ ") for line in lines))
    assert isinstance(parsed, dict)
    return parsed


def body(file: Path) -> str:
    """A query without its header."""
    return "\n".join(line for line in file.read_text().splitlines() if not line.startswith("#"))


def test_every_check_is_found_and_planted_for() -> None:
    assert len(FILES) == 94
    assert all(file.name.endswith("-violation.rq") for file in FILES.values())
    assert set(PLANTINGS) == set(FILES)


@pytest.mark.parametrize("check", FILES)
def test_header_says_what_the_check_asks_and_returns(check: str, shipped: ox.Store) -> None:
    parsed = header(FILES[check])
    assert set(parsed) - HEADER_KEYS in (set(), OPTIONAL_KEYS)
    assert set(parsed) >= HEADER_KEYS
    assert isinstance(parsed["summary"], str)
    assert "\n" not in parsed["summary"]
    assert parsed["summary"].endswith("?")
    assert isinstance(parsed["description"], str)
    assert parsed["description"].strip().endswith(".")
    assert parsed["parameters"] == []
    assert "qc" in (parsed["tags"] if isinstance(parsed["tags"], list) else [])
    solutions = shipped.query(FILES[check].read_text())
    assert isinstance(solutions, ox.QuerySolutions)
    columns = parsed["columns"]
    assert isinstance(columns, dict)
    assert list(columns) == [variable.value for variable in solutions.variables]
    assert all(isinstance(text, str) and text for text in columns.values())


@pytest.mark.parametrize("check", FILES)
def test_check_is_plain_sparql_over_one_graph(check: str) -> None:
    text = body(FILES[check])
    assert not re.search(r"\b(GRAPH|FROM|SERVICE|LATERAL|LOAD)\b", text, re.IGNORECASE)
    assert "ORDER BY" in text


@pytest.mark.parametrize("check", FILES)
def test_every_name_in_the_check_exists(check: str, shipped: ox.Store) -> None:
    text = FILES[check].read_text()
    a = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
    names = set(re.findall(r"\bdvt:([\w-]+)", text)) | set(
        re.findall(re.escape(NAMESPACE) + r"([\w-]+)", text)
    )
    assert [n for n in sorted(names) if not any(shipped.quads_for_pattern(dvt(n), a, None))] == []
    declared = dict(re.findall(r"^PREFIX (\w+): <(.+)>$", text, re.MULTILINE))
    assert declared == {prefix: PREFIXES[prefix] for prefix in declared}
    used = set(
        re.findall(r"(?<![\w<?])(\w+):[\w(]", re.sub(r"<[^<>\s]*>|\"[^\"]*\"", "", body(FILES[check])))
    )
    assert used <= set(declared)


@pytest.mark.parametrize("check", FILES)
def test_shipped_ontology_passes_on_oxigraph(check: str, shipped: ox.Store) -> None:
    assert oxigraph_rows(shipped, check) == []


@pytest.mark.parametrize("check", FILES)
def test_shipped_ontology_passes_on_rdflib(check: str, graph: rdflib.Graph) -> None:
    assert rdflib_rows(graph, check) == []


@pytest.mark.parametrize("check", PLANTINGS)
def test_planted_violation_is_caught(
    check: str, shipped: ox.Store, statements: frozenset[bytes], graph: rdflib.Graph
) -> None:
    planting = PLANTINGS[check]
    store = ox.Store()
    store.bulk_extend(shipped)
    store.update("".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items()) + planting.update)
    planted = lines(store)
    assert planted != statements

    rows = oxigraph_rows(store, check)
    cells = {cell.removeprefix(NAMESPACE) for row in rows for cell in row}
    assert [name for name in planting.found if name not in cells] == []

    removed, added = rdflib_triples(statements - planted), rdflib_triples(planted - statements)
    for triple in removed:
        graph.remove(triple)
    for triple in added:
        graph.add(triple)
    try:
        assert rdflib_rows(graph, check) == rows
    finally:
        for triple in added:
            graph.remove(triple)
        for triple in removed:
            graph.add(triple)
