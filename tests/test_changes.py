"""What changed between two versions: every kind of change is told once, in words, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dvt_kg import Ontology, OntologyError, changes, load, read_records
from dvt_kg.change_report import markdown, text
from dvt_kg.cli import main
from dvt_kg.differences import Changes
from dvt_kg.ontology import DCTERMS, IRI, OWL, RDF, RDFS, SKOS, data_dir, dvt
from dvt_kg.release import merged
from dvt_kg.serialisation import FORMS, canonical

from .records import MILD, changed

ROOT = Path(__file__).resolve().parent.parent
Edits = list[tuple[str, str, str]]  # module, what stands there, what is to stand there
RATING = "rating-acr-2020-iliofemoral-1-anticoagulation-alone"
BLEEDING = "anticoagulation-active-major-bleeding-by-uptodate-anticoagulation"


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[Edits], Path]:
    """A copy of the ontology's folder in which passages were replaced."""

    def edit(edits: Edits) -> Path:
        folder = tmp_path / "edited"
        shutil.copytree(data_dir("ontology"), folder)
        for module, old, new in edits:
            file = folder / f"{module}.ttl"
            before = file.read_text(encoding="utf-8")
            assert before.count(old) == 1, (module, old)
            file.write_text(before.replace(old, new), encoding="utf-8")
        return folder

    return edit


def block(module: str, name: str) -> str:
    """What a module states of one individual."""
    whole = (data_dir("ontology") / f"{module}.ttl").read_text(encoding="utf-8")
    start = whole.index(f"dvt:{name} a owl:")
    return whole[start : whole.index("\n\n", start) + 1]


def within(module: str, name: str, old: str, new: str) -> tuple[str, str, str]:
    """An edit of what a module states of one individual."""
    before = block(module, name)
    assert old in before
    return module, before, before.replace(old, new)


def appended(module: str, turtle: str) -> tuple[str, str, str]:
    """An edit that adds to a module, beside its header's last line."""
    whole = (data_dir("ontology") / f"{module}.ttl").read_text(encoding="utf-8")
    last = whole.rstrip().splitlines()[-1]
    block_ = whole.rstrip().rpartition("\n\n")[2]
    assert block_.endswith(last)
    return module, block_, f"{block_}\n\n{turtle}"


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


MOVED = [
    within("thresholds", "threshold-acute-onset", "14.0", "10.0"),
    (
        "thresholds",
        "xsd:maxExclusive 14.0 ] ) ] ]\n    rdfs:subClassOf dvt:AcuteOnsetMet",
        "xsd:maxExclusive 10.0 ] ) ] ]\n    rdfs:subClassOf dvt:AcuteOnsetMet",
    ),
    (
        "thresholds",
        "xsd:minInclusive 14.0 ] ) ] ]\n    rdfs:subClassOf dvt:AcuteOnsetNotMet",
        "xsd:minInclusive 10.0 ] ) ] ]\n    rdfs:subClassOf dvt:AcuteOnsetNotMet",
    ),
]
RERATED = [within("ratings", RATING, "dvt:usually-appropriate", "dvt:may-be-appropriate")]
UNRATED = [("ratings", block("ratings", RATING), "")]
UNCONTRAINDICATED = [
    ("contraindications", block("contraindications", BLEEDING), ""),
    ("contraindications", f"dvt:conditionOf dvt:{BLEEDING} , ", "dvt:conditionOf "),
]
DEPRECATED_TERM = [
    appended("metadata", 'dvt:leg-pain owl:deprecated "true"^^xsd:boolean .\n'),
]

SENTENCES: dict[str, tuple[Edits, tuple[str, ...]]] = {
    "a rating's category": (
        RERATED,
        (
            "rating changed anticoagulation alone, ACR 2020, variant 1: usually appropriate",
            "category: usually appropriate → may be appropriate",
        ),
    ),
    "a rating removed": (
        UNRATED,
        (
            "rating removed anticoagulation alone, ACR 2020, variant 1: usually appropriate",
            "category: usually appropriate",
        ),
    ),
    "a threshold": (
        MOVED,
        (
            "threshold changed acute: under 14 days limit: 14 → 10",
            "no longer symptom duration in days < 14 → acute onset: met",
            "now symptom duration in days < 10 → acute onset: met",
            "no longer symptom duration in days >= 14 → acute onset: not met",
        ),
    ),
    "the criteria of a presentation": (
        [
            within("criteria", "acr-2020-iliofemoral-4", " , dvt:no-limb-threat", ""),
            within("criteria", "no-limb-threat", "dvt:acr-2020-iliofemoral-4 , ", ""),
        ],
        (
            "presentation changed ACR 2020, variant 4",
            "has criterion: no longer: limb not threatened",
            "no longer fails criterion limb not threatened → ruled out presentation ACR 2020, variant 4",
        ),
    ),
    "the condition of a criterion": (
        [within("criteria", "OtherwiseHealthyMet", "altering-comorbidity", "active-cancer")],
        (
            "no longer lacks finding comorbidity that alters management → otherwise healthy: met",
            "now lacks finding active cancer → otherwise healthy: met",
        ),
    ),
    "a contraindication removed": (
        UNCONTRAINDICATED,
        (
            "contraindication removed active major bleeding, against anticoagulation (UpToDate)",
            "strength: absolute",
            "Besides, 2 rules about terms that were added or removed",
        ),
    ),
    "a contraindication's strength": (
        [within("contraindications", BLEEDING, "dvt:strength dvt:absolute", "dvt:strength dvt:relative")],
        (
            "contraindication changed active major bleeding, against anticoagulation (UpToDate)"
            " strength: absolute → relative",
        ),
    ),
    "a recommendation's direction and strength": (
        [
            within(
                "recommendations",
                "recommendation-chest-2016-no-routine-stockings",
                'dvt:direction dvt:against ;\n    dvt:grade "2B"@en',
                'dvt:direction dvt:either ;\n    dvt:grade "2C"@en',
            )
        ],
        (
            "recommendation changed CHEST 2016: no routine stockings direction: against → either"
            " grade: 2B → 2C",
        ),
    ),
    "an alert": (
        [within("alerts", "limb-threatening-ischemia-red-flag", "dvt:red-flag ;", "dvt:pitfall ;")],
        ("alert changed limb-threatening ischemia alert kind: red flag → pitfall",),
    ),
    "what triggers an alert": (
        [
            (
                "alerts",
                "owl:hasValue dvt:limb-threatening-ischemia ]\n    rdfs:subClassOf [ a owl:Restriction ;"
                " owl:onProperty dvt:triggersAlert",
                "owl:hasValue dvt:phlegmasia-cerulea-dolens ]\n    rdfs:subClassOf [ a owl:Restriction ;"
                " owl:onProperty dvt:triggersAlert",
            )
        ],
        (
            "no longer has finding limb-threatening ischemia → triggers alert limb-threatening ischemia",
            "now has finding phlegmasia cerulea dolens → triggers alert limb-threatening ischemia",
        ),
    ),
    "a next step": (
        [within("alerts", "check-within-48-hours", "24 to 48 hours", "24 to 72 hours")],
        ("next step changed check within 48 hours definition: was: See or call", "definition: now: See or"),
    ),
    "the hierarchy of findings": (
        [
            within("findings", "cyanosis", "dvt:partOf", "dvt:narrowerThan"),
            within(
                "findings",
                "skin-discoloration",
                "dvt:consistsOf dvt:cyanosis ,",
                "dvt:broaderThan dvt:cyanosis ;\n    dvt:consistsOf",
            ),
        ],
        (
            "finding changed cyanosis narrower than: now: skin discoloration"
            " part of: no longer: skin discoloration",
        ),
    ),
    "an edition superseded": (
        [
            within(
                "sources",
                "svs-avf-2012",
                "dvt:verification",
                "dvt:supersededBy dvt:acr-2020-iliofemoral ;\n    dvt:verification",
            )
        ],
        ("guideline changed SVS/AVF guideline on early thrombus removal (2012) superseded by: now: ACR",),
    ),
    "a term deprecated": (DEPRECATED_TERM, ("finding deprecated leg pain",)),
    "a label": (
        [within("findings", "cyanosis", '"cyanosis"@en', '"blue leg"@en')],
        ("label cyanosis cyanosis → blue leg",),
    ),
    "a definition": (
        [within("findings", "cyanosis", "Bluish discoloration of the leg.", "A blue leg.")],
        ("definition cyanosis Bluish discoloration of the leg. → A blue leg.",),
    ),
    "the language of a label": (
        [within("findings", "cyanosis", '"cyanosis"@en', '"cyanosis"@fr')],
        ('label cyanosis "cyanosis"@en → "cyanosis"@fr',),
    ),
    "another annotation": (
        [within("ratings", RATING, 'dvt:locator "variant 1"@en', 'dvt:locator "table 1"@en')],
        ("locator anticoagulation alone, ACR 2020, variant 1: usually appropriate variant 1 → table 1",),
    ),
    "a plausible range": (
        [within("schema", "ageYears", "130.0", "120.0")],
        ("plausible maximum age in years 130 → 120",),
    ),
    "an axiom without a rule": (
        [within("schema", "narrowerThan", "rdfs:subPropertyOf dvt:implies ;\n    ", "")],
        ("removed narrowerThan SubPropertyOf implies",),
    ),
    "the version": (
        [("dvt-kg", '"0.1.0"', '"0.2.0"')],
        ("Nothing changed but what the ontology says of itself.", "version info 0.1.0 → 0.2.0"),
    ),
}


@pytest.mark.parametrize(("edits", "sentences"), SENTENCES.values(), ids=SENTENCES)
def test_each_kind_of_change_is_said(
    edited: Callable[[Edits], Path], ontology: Ontology, edits: Edits, sentences: tuple[str, ...]
) -> None:
    said = re.sub(r"\s+", " ", text(changes(ontology, load(edited(edits)))))
    for sentence in sentences:
        assert sentence in said, said


def mirrored(found: Changes) -> dict[str, Any]:
    """The JSON form as it would be in the other direction."""
    turned = {
        "added": "removed",
        "removed": "added",
        "deprecated": "no longer deprecated",
        "no longer deprecated": "deprecated",
        "changed": "changed",
    }

    def turn(value: Any) -> Any:
        if isinstance(value, dict):
            swapped = {"before": "after", "after": "before", "old": "new", "new": "old"}
            return {swapped.get(k, k): turned[v] if k == "change" else turn(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return sorted((turn(item) for item in value), key=str)
        return value

    result: dict[str, Any] = turn(found.as_json())
    return result


def ordered(value: Any) -> Any:
    """JSON in which the order of lists and the labels of one version do not count."""
    if isinstance(value, dict):
        return {k: ordered(v) for k, v in sorted(value.items()) if k not in ("label", "about", "concludes")}
    return sorted(map(ordered, value), key=str) if isinstance(value, list | tuple) else value


PLANTED = [edits for edits, _ in SENTENCES.values()]


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(chosen=st.sets(st.sampled_from(range(len(PLANTED))), min_size=1, max_size=5))
def test_the_other_direction_mirrors_and_no_direction_tells_of_no_change(
    ontology: Ontology, tmp_path_factory: pytest.TempPathFactory, chosen: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("drawn") / "ontology"
    shutil.copytree(data_dir("ontology"), folder)
    for module, old, new in (edit for number in sorted(chosen) for edit in PLANTED[number]):
        file = folder / f"{module}.ttl"
        file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    other = load(folder)
    there, back = changes(ontology, other), changes(other, ontology)
    assert not there.same
    assert ordered(mirrored(there)) == ordered(back.as_json())
    assert changes(other, other).same
    assert json.dumps(there.as_json()) == json.dumps(changes(ontology, other).as_json())


def test_a_presentation_that_was_added_is_told_with_its_criteria(
    extended: Callable[[str], Ontology], ontology: Ontology
) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (turtle,) = re.findall(r"^```turtle\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    found = changes(ontology, extended(turtle))
    assert {(t.kind, t.change, t.name) for t in found.clinical} == {
        ("finding", "added", "stent-in-place"),
        ("criterion", "added", "stented"),
        ("presentation", "added", "our-protocol-1"),
        ("rating", "added", "rating-our-protocol-1-catheter-directed-therapy"),
        ("guideline", "added", "our-protocol"),
    }
    said = re.sub(r"\s+", " ", text(found))
    assert "presentation added our protocol 1: acute thrombosis of a stent" in said
    assert "has criterion: acute onset; stented" in said
    assert "now patient of our protocol 1 → acute onset: met" in said
    assert "fails criterion" not in said  # what only concludes the new presentation is counted
    assert found.version == ()


def test_a_new_kind_of_clinical_record_needs_no_python(
    extended: Callable[[str], Ontology], ontology: Ontology
) -> None:
    kind = """
        dvt:Dose a owl:Class ; rdfs:label "dose"@en ; dvt:clinicalProperty dvt:amount .
        dvt:amount a owl:AnnotationProperty ; rdfs:label "amount"@en .
        dvt:our-dose a owl:NamedIndividual , dvt:Dose ; rdfs:label "our dose"@en ; dvt:amount 5.0 ;
            rdfs:comment "As in the leaflet."@en .
    """
    old = extended(kind)
    folder = Path(old.path)
    file = folder / "local.ttl"
    turtle = file.read_text(encoding="utf-8")
    file.write_text(turtle.replace("5.0", "7.5").replace("leaflet", "label"), encoding="utf-8")
    new = load(folder)
    (dose,) = changes(old, new).clinical
    assert (dose.kind, dose.change, dose.label) == ("dose", "changed", "our dose")
    assert [(p.label, p.before, p.after) for p in dose.properties] == [("amount", ("5",), ("7.5",))]
    (comment,) = changes(old, new).terms  # what is not clinical is told too, apart
    assert [p.name for p in comment.properties] == ["rdfs:comment"]
    assert "dose added" in text(changes(ontology, new))


def test_versions_older_than_the_annotation_are_compared_by_the_shipped_one(
    ontology: Ontology, edited: Callable[[Edits], Path]
) -> None:
    folder = edited(RERATED)

    def without(source: Ontology) -> Ontology:
        quads = [q for q in source.match() if q.predicate != dvt("clinicalProperty")]
        return Ontology(store_of(quads), source.path)

    (rating,) = changes(without(ontology), without(load(folder))).clinical
    assert rating.name == RATING


def store_of(quads: list[ox.Quad]) -> ox.Store:
    store = ox.Store()
    store.extend(quads)
    return store


def written(ontology: Ontology, file: Path) -> Ontology:
    """The merged ontology as a release has it, in a file of either form."""
    file.write_bytes(FORMS[file.suffix[1:]](canonical(merged(ontology))))
    return load(file)


@pytest.mark.parametrize("name", ["merged.ttl", "merged.owl"])
def test_the_merged_file_has_not_changed(ontology: Ontology, tmp_path: Path, name: str) -> None:
    merged = written(ontology, tmp_path / name)
    assert merged.digest != ontology.digest  # the modules' headers are gone
    assert changes(ontology, merged).same
    assert changes(merged, ontology).same


def test_the_order_of_operands_and_the_writing_of_numbers_do_not_count(
    edited: Callable[[Edits], Path], ontology: Ontology
) -> None:
    folder = edited([within("thresholds", "threshold-acute-onset", "14.0", "14.00")])
    file = folder / "criteria.ttl"
    turtle = file.read_text(encoding="utf-8")
    turned, count = re.subn(
        r"owl:intersectionOf \( (dvt:\S+) (dvt:\S+) ", r"owl:intersectionOf ( \2 \1 ", turtle
    )
    assert count > 3
    turned, count = re.subn(
        r"(dvt:PregnantNotMet)(.*?)owl:disjointWith dvt:PregnantMet ;(.*?\.\n)",
        r"\1\2\3\ndvt:PregnantMet owl:disjointWith dvt:PregnantNotMet .\n",
        turned,
        count=1,
        flags=re.DOTALL,
    )
    assert count == 1
    file.write_text(turned, encoding="utf-8")
    assert changes(ontology, load(folder)).same


def test_no_difference_of_triples_is_lost(ontology: Ontology) -> None:
    """Whatever fact is taken away, a difference is told, or the broken list is refused."""
    quads = ontology.match()
    imports, inner = OWL + "imports", {q.object for q in quads if isinstance(q.object, ox.BlankNode)}
    headers = {f"{IRI}/{file.stem}" for file in data_dir("ontology").glob("*.ttl")}
    told = [
        q
        for q in sorted(quads, key=str)
        if q.predicate.value != imports
        and getattr(q.subject, "value", "") not in headers
        and q.object != ox.NamedNode(OWL + "Ontology")
    ]
    samples = [*told[:: len(told) // 8], *[q for q in told if q.subject in inner][::1500]]
    assert len(samples) > 10
    for quad in samples:
        rest = Ontology(store_of([q for q in quads if q != quad]), ontology.path)
        broken = quad.predicate.value in (RDF + "first", RDF + "rest")
        with pytest.raises(OntologyError, match="breaks off") if broken else nullcontext():
            assert not changes(ontology, rest).same, str(quad)


def test_each_difference_is_told_once(edited: Callable[[Edits], Path], ontology: Ontology) -> None:
    found = changes(ontology, load(edited([*MOVED, *UNCONTRAINDICATED, *RERATED])))
    told = [(t.name, p.name) for t in (*found.clinical, *found.terms) for p in t.properties]
    assert len(told) == len(set(told))
    assert "conditionOf" not in {name for _, name in told}  # its converse tells it
    assert not [a for a in found.axioms if "symptomDurationDays" in a.axiom]  # the rules tell it
    assert found.terms == ()


def test_an_equivalence_behind_a_change_of_what_follows_is_told_by_it(
    edited: Callable[[Edits], Path], ontology: Ontology
) -> None:
    edits = [within("criteria", "OtherwiseHealthyMet", "altering-comorbidity", "active-cancer")]
    found = changes(ontology, load(edited(edits)))
    assert len(found.conclusions) == 4
    assert found.axioms == ()


def test_a_converse_that_changes_alone_is_told(edited: Callable[[Edits], Path], ontology: Ontology) -> None:
    found = changes(ontology, load(edited(UNCONTRAINDICATED[1:])))
    (term,) = found.terms
    assert [(p.name, p.after) for p in term.properties] == [("conditionOf", ())]


def test_where_no_rules_can_be_compiled_the_rest_is_told_nevertheless(
    edited: Callable[[Edits], Path], ontology: Ontology
) -> None:
    folder = edited([*MOVED, ("contraindications", block("contraindications", BLEEDING), "")])
    found = changes(ontology, load(folder))
    assert found.conclusions == ()
    assert found.not_compiled is not None
    assert str(folder) in found.not_compiled
    said = re.sub(r"\s+", " ", text(found))
    assert "What follows for a patient Not compared: no rules can be compiled from" in said
    assert "limit: 14 → 10" in said
    assert "added symptomDurationDays some decimal[< 10] SubClassOf AcuteOnsetMet" in said


def test_a_value_of_several_and_a_class_are_told(edited: Callable[[Edits], Path], ontology: Ontology) -> None:
    folder = edited(
        [
            within("ratings", RATING, "dvt:attract , ", ""),
            within("alerts", "no-follow-up", "dvt:Alert", "dvt:NextStep"),
        ]
    )
    said = re.sub(r"\s+", " ", text(changes(ontology, load(folder))))
    assert "evidence: no longer: ATTRACT" in said
    assert "no follow-up type: alert → next step" in said


def test_markdown_has_the_same_entries_and_escapes(
    edited: Callable[[Edits], Path], ontology: Ontology
) -> None:
    found = changes(ontology, load(edited(MOVED)))
    lines = markdown(found).splitlines()
    assert "## Clinically" in lines
    assert "- **threshold changed** acute: under 14 days" in lines
    assert "  - limit: 14 → 10" in lines
    assert "- **now** symptom duration in days \\< 10 → acute onset: met" in lines


def test_what_is_no_version_of_the_ontology_is_refused(ontology: Ontology, tmp_path: Path) -> None:
    other = tmp_path / "other.ttl"
    other.write_text(f"<urn:x> a <{OWL}Ontology> .", encoding="utf-8")
    with pytest.raises(OntologyError, match=r"other\.ttl: it is <urn:x>, not <https://w3id\.org/dvt-kg>"):
        changes(ontology, load(other))
    other.write_text(f'<urn:x> <{RDFS}label> "x" .', encoding="utf-8")
    with pytest.raises(OntologyError, match="it is no ontology"):
        changes(load(other), ontology)
    with pytest.raises(OntologyError, match="imports modules that are not in it; give the folder"):
        changes(ontology, load(data_dir("ontology") / "dvt-kg.ttl"))


def test_facts_about_terms_of_other_vocabularies_are_told(ontology: Ontology) -> None:
    quads = ontology.match()
    term, label = ox.NamedNode("urn:x:y"), ox.NamedNode(RDFS + "label")
    added = [
        ox.Quad(term, label, ox.Literal("x")),
        ox.Quad(dvt("cyanosis"), ox.NamedNode(SKOS + "exactMatch"), term),
        ox.Quad(dvt("cyanosis"), ox.NamedNode(DCTERMS + "subject"), ox.BlankNode()),
    ]
    found = changes(ontology, Ontology(store_of([*quads, *added]), ontology.path))
    assert [(t.name, t.change) for t in found.terms] == [("urn:x:y", "added"), ("cyanosis", "changed")]
    assert [(p.label, p.after) for p in found.terms[1].properties] == [("exact match", ("x",))]
    assert [a.axiom for a in found.axioms] == ["cyanosis dcterms:subject []"]


def test_the_command_prints_each_form(edited: Callable[[Edits], Path], tmp_path: Path) -> None:
    folder = edited(MOVED)
    result = run("diff", "shipped", folder)
    assert result.exit_code == 0, result.output
    assert "threshold changed" in result.stdout
    answer = json.loads(run("diff", "shipped", folder, "--format", "json").stdout)
    assert list(answer) == [
        *("same", "old", "new", "version", "clinical", "conclusions", "terms", "axioms", "not_compiled")
    ]
    assert answer["new"] == {"version": "0.1.0", "digest": load(folder).digest, "path": str(folder)}
    (threshold,) = answer["clinical"]
    assert threshold == {
        "name": "threshold-acute-onset",
        "label": "acute: under 14 days",
        "kind": "threshold",
        "change": "changed",
        "properties": [{"name": "limit", "label": "limit", "before": ["14"], "after": ["10"]}],
    }
    assert answer["conclusions"][0] == {
        "change": "removed",
        "premises": ["symptom duration in days < 14"],
        "conclusion": "acute onset: met",
        "axiom": "symptomDurationDays some decimal[< 14] SubClassOf AcuteOnsetMet",
        "about": ["AcuteOnsetMet"],
        "concludes": "AcuteOnsetMet",
    }
    run("diff", "shipped", folder, "--format", "markdown", "-o", tmp_path / "changes.md")
    assert "## Clinically" in (tmp_path / "changes.md").read_text(encoding="utf-8")


def test_the_exit_status_tells_of_changes_only_when_asked(edited: Callable[[Edits], Path]) -> None:
    folder = edited(RERATED)
    assert run("diff", folder).exit_code == 0
    assert run("diff", folder, "--exit-code").exit_code == 1
    same = run("diff", "shipped", "--exit-code")
    assert (same.exit_code, same.stdout.splitlines()[1]) == (0, "Nothing changed.")


def test_records_that_are_answered_otherwise_are_named(
    edited: Callable[[Edits], Path], tmp_path: Path
) -> None:
    folder = edited(MOVED)
    records = [MILD, changed("late", measurements={"symptom-duration-days": 12})]
    file = tmp_path / "records.json"
    file.write_text(json.dumps(records), encoding="utf-8")
    said = re.sub(r"\s+", " ", run("diff", "shipped", folder, "--patients", file).stdout)
    assert "Records late answered otherwise matched → out-of-scope" in said
    assert "acr-2020-iliofemoral-1: met → ruled-out" in said
    assert "1 record answered the same. For research and information" in said
    words = ("diff", "shipped", folder, "--patients", file, "--format", "json")
    patients = json.loads(run(*words).stdout)["patients"]
    assert (patients["compared"], patients["refused"]) == (2, [])
    (late,) = patients["differ"]
    assert (late["patient"], late["status"]) == ("late", {"before": "matched", "after": "out-of-scope"})


def test_a_record_that_one_version_refuses_is_named(edited: Callable[[Edits], Path], tmp_path: Path) -> None:
    folder = edited([within("schema", "ageYears", "130.0", "40.0")])
    file = tmp_path / "records.json"
    file.write_text(json.dumps([MILD]), encoding="utf-8")
    result = run("diff", "shipped", folder, "--patients", file)
    assert result.exit_code == 1
    assert "mild  refused by the new version:" in result.stdout
    assert "0 records answered the same" in result.stdout


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("nowhere", "nowhere: no such file or folder"),
        ("README.md", "README.md: the file's ending tells no RDF format"),
        (
            "ontology/thresholds.ttl",
            "it is <https://w3id.org/dvt-kg/thresholds>, not <https://w3id.org/dvt-kg>",
        ),
        ("tests", "tests: no catalog-v001.xml in the folder"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_sentence(source: str, sentence: str) -> None:
    result = run("diff", ROOT / source)
    assert result.exit_code == 4
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_patients_in_a_file_are_told_as_terms(ontology: Ontology) -> None:
    (patient,) = read_records([MILD], ontology).patients
    with_patient = [
        *ontology.match(),
        *(ox.Quad(t.subject, t.predicate, t.object) for t in patient.triples()),
    ]
    found = changes(ontology, Ontology(store_of(with_patient), ontology.path))
    assert [(t.name, t.kind, t.change) for t in found.terms] == [
        ("urn:dvt-kg:patient:mild", "patient", "added")
    ]
    assert found.clinical == ()
