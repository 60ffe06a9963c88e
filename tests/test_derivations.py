"""The derivation queries grounded as rules conclude what the queries themselves do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dvt_kg import Ontology, RuleReasoner, UnsupportedAxiom, classify, derivations, queries
from dvt_kg.ontology import data_dir, local_name
from dvt_kg.rules import PATIENT, Atom, Value

from .probing import DERIVATIONS, records
from .strategies import ONTOLOGY

PREFIX = "PREFIX dvt: <https://w3id.org/dvt-kg#>"


def test_the_rules_conclude_what_the_queries_derive_for_every_kind_of_record() -> None:
    seen: set[str] = set()
    for _, profile in classify(records(300, seed=3), RuleReasoner(ONTOLOGY)):
        true: set[Atom | None] = {PATIENT, *profile.entailed}
        if profile.contradictory:
            true.add(None)
        derived = {Value(local_name(p), local_name(o)) for p, o in profile.derived}
        assert DERIVATIONS.conclude(DERIVATIONS.given(true)) == derived
        seen |= {f"{atom.property} {atom.value}" for atom in derived if atom.property == "status"}
        seen |= {atom.property for atom in derived}
    assert {rule.head.property for rule in DERIVATIONS.rules} <= seen
    assert sum(name.startswith("status ") for name in seen) == 4


def test_each_rule_names_its_query_and_the_sources_of_what_it_names() -> None:
    names = set(queries.folder(data_dir("queries") / "derive"))
    assert {rule.query.partition(":")[0] for rule in DERIVATIONS.rules} == names
    excluded = next(r for r in DERIVATIONS.rules if r.head.property == "hasAlert")
    assert excluded.sources


@pytest.mark.parametrize(
    ("where", "named"),
    [
        ("?patient dvt:hasFinding ?f . FILTER(?f != dvt:cyanosis)", "FILTER RelationalExpression"),
        ("OPTIONAL { ?patient dvt:hasFinding ?f }", "LeftJoin"),
        ("?patient dvt:hasFinding ?f . BIND(STR(?f) AS ?v)", "BIND"),
        ("?patient ?p dvt:cyanosis", "as a property"),
        ("?patient dvt:hasFinding ?f . MINUS { ?patient dvt:lacksFinding ?f }", "Minus"),
        (
            "?patient a dvt:Patient . FILTER NOT EXISTS {"
            " ?patient dvt:hasFinding dvt:pallor . ?patient dvt:hasFinding dvt:cyanosis }",
            "more than one",
        ),
        (
            "?patient a dvt:Patient . FILTER NOT EXISTS { ?patient dvt:hasFinding dvt:pallor"
            " FILTER NOT EXISTS { ?patient dvt:hasFinding dvt:cyanosis } }",
            "more than one",
        ),
    ],
)
def test_a_query_that_says_more_than_such_rules_is_refused_by_name(
    where: str,
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    extended: Callable[[str], Ontology],
) -> None:
    (tmp_path / "derive").mkdir()
    text = f"{PREFIX}\nCONSTRUCT {{ ?patient dvt:status dvt:matched }} WHERE {{ {where} }}"
    (tmp_path / "derive" / "01-mine.rq").write_text(text, encoding="utf-8")
    monkeypatch.setattr(derivations, "data_dir", lambda _: tmp_path)
    with pytest.raises(UnsupportedAxiom) as refused:
        derivations.ground(extended(""))
    assert "01-mine" in refused.value.axiom
    assert named in refused.value.axiom


@pytest.mark.parametrize(
    "construct", ["{ ?patient dvt:status dvt:matched ; dvt:status dvt:x }", "{ ?f dvt:status dvt:matched }"]
)
def test_a_query_has_to_construct_one_triple_about_the_patient(
    construct: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extended: Callable[[str], Ontology]
) -> None:
    (tmp_path / "derive").mkdir()
    text = f"{PREFIX}\nCONSTRUCT {construct} WHERE {{ ?patient dvt:hasFinding ?f }}"
    (tmp_path / "derive" / "01-mine.rq").write_text(text, encoding="utf-8")
    monkeypatch.setattr(derivations, "data_dir", lambda _: tmp_path)
    with pytest.raises(UnsupportedAxiom, match="01-mine"):
        derivations.ground(extended(""))


def test_what_must_be_absent_is_never_concluded_besides() -> None:
    """Each rule is applied in the order of the queries: nothing that it needs absent comes later."""
    place = {name: n for n, name in enumerate(dict.fromkeys(r.query for r in DERIVATIONS.rules))}
    first: dict[Atom | None, int] = {}
    for rule in DERIVATIONS.rules:
        first.setdefault(rule.head, place[rule.query])
    for rule in DERIVATIONS.rules:
        for atom in (*rule.body, *rule.absent):
            assert first.get(atom, -1) < place[rule.query]
