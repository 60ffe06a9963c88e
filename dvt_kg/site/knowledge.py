"""What the pages say, asked of the ontology by the catalogue's own queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

import pyoxigraph as ox
import yaml

from dvt_kg.axioms import compile_rules
from dvt_kg.classification import red_flags
from dvt_kg.graph import KnowledgeGraph
from dvt_kg.mappings import code_systems
from dvt_kg.ontology import DCTERMS, RDFS, SKOS, Ontology, data_dir, dvt, local_name
from dvt_kg.queries import ask
from dvt_kg.rules import FACETS, Atom, Rule, Type, Value
from dvt_kg.site.drawings import Card, Cell, Stage

Row = dict[str, str | None]
Item = dict[str, Any]

_DEFINITION = ox.NamedNode(SKOS + "definition")
_COMMENT = ox.NamedNode(RDFS + "comment")
_SIDE = ("statement", "direction", "guideline", "group")


class Knowledge:
    """The ontology's content as the pages need it.

    :param ontology: the ontology that is shown
    """

    def __init__(self, ontology: Ontology) -> None:
        self.ontology = ontology
        self.graph = KnowledgeGraph(ontology)
        self._rows: dict[object, list[Row]] = {}

    def rows(self, query: str, **parameters: str) -> list[Row]:
        """The rows of a query of the catalogue, each once."""
        asked = (query, *parameters.items())
        if asked not in self._rows:
            found = ask(self.graph, query, **parameters).plain()
            self._rows[asked] = list({tuple(row.items()): row for row in found}.values())
        return self._rows[asked]

    @property
    def categories(self) -> list[str]:
        """The labels of the categories of appropriateness, most appropriate first."""
        named = self.ontology.individuals("RatingCategory")
        position = dvt("position")
        return [
            self.ontology.label(n)
            for n in sorted(named, key=lambda n: float(self.ontology.text(dvt(n), position)))
        ]

    def cells(self) -> list[Cell]:
        """Every rating of the matrix; within a presentation what is rated most often comes first."""
        rows = list(self.rows("rating-matrix"))
        often = Counter(row["intervention"] for row in rows)
        place = {name: number for number, name in enumerate(self.presentations)}
        rows.sort(
            key=lambda r: (place[str(r["presentation"])], -often[r["intervention"]], str(r["intervention"]))
        )
        return [
            Cell(str(r["interventionLabel"]), str(r["presentationLabel"]), int(str(r["rank"]))) for r in rows
        ]

    @property
    def presentations(self) -> list[str]:
        """The presentations, those of the guideline with most of them first."""
        guideline = {name: self.guideline(name) for name in self.ontology.individuals("Presentation")}
        every = list(guideline.values())
        return sorted(guideline, key=lambda name: (-every.count(guideline[name]), guideline[name], name))

    def guideline(self, name: str) -> str:
        """The guideline of a presentation, empty where none is stated."""
        return next((local_name(g) for g in self.ontology.objects(dvt(name), dvt("guideline"))), "")

    def presentation(self, name: str) -> Item:
        """All that a presentation's page shows."""
        ontology, node = self.ontology, dvt(name)
        ratings = self.rows("rating-rationale", presentation=name)
        statements = {str(row["statement"]) for row in ratings}
        evidence = [row for row in self.rows("evidence-for-statement") if row["statement"] in statements]
        return {
            "name": name,
            "label": ontology.label(name),
            "definition": ontology.text(node, _DEFINITION),
            "comments": [c.value for c in ontology.objects(node, _COMMENT)],
            "guideline": self.guideline(name),
            "criteria": [
                self.criterion(row) for row in self.rows("presentation-criteria", presentation=name)
            ],
            "ratings": list(self.ratings(ratings)),
            "evidence": evidence,
            "conflicts": list(self.conflicts(name)),
            "earlier": [row for row in self.rows("edition-changes") if row["newer"] in statements],
            "workflow": _once(self.rows("workflow", about=name), "item"),
            "claims": _once(self.rows("claims", about=name), "claim"),
        }

    def criterion(self, row: Row) -> Item:
        """A criterion with what makes it met and not met, in the words of the axioms."""
        name = str(row["criterion"])
        node = dvt(name)
        met, failed = self._conditions(name)
        sources = sorted(map(local_name, self.ontology.objects(node, ox.NamedNode(DCTERMS + "source"))))
        comments = self.ontology.objects(node, _COMMENT)
        return {
            **row,
            "met": met,
            "failed": failed,
            "sources": sources,
            "comments": [c.value for c in comments],
        }

    def _conditions(self, name: str) -> tuple[list[str], list[str]]:
        """What makes a criterion met, and what makes it fail, by the compiled rules."""
        rules = compile_rules(self.ontology).rules
        of_groups = _bodies(rules, lambda head: head.property in ("hasPresentation", "inPopulation"))

        def conditions(property_: str) -> list[str]:
            classes = _bodies(rules, lambda head: head == Value(property_, name))
            found = (rule.body for rule in rules if rule.head in classes and not rule.body & of_groups)
            return sorted(" and ".join(sorted(map(self.words, body))) for body in found)

        return conditions("meetsCriterion"), conditions("failsCriterion")

    def words(self, atom: Atom) -> str:
        """A premise of a rule by the labels of its terms."""
        label = self.ontology.label
        if isinstance(atom, Type):
            return label(atom.name)
        if isinstance(atom, Value):
            return f"{label(atom.property)} {label(atom.value)}"
        measured = next(m for m in self.ontology.measurements.values() if m.property == atom.property)
        unit = "" if measured.unit == "1" else f" {measured.unit}"
        bounds = (f"{FACETS[facet]} {limit.normalize():f}{unit}" for facet, limit in atom.bounds)
        return f"{measured.label} {' and '.join(bounds)}"

    def ratings(self, rows: list[Row]) -> Iterator[Item]:
        """A presentation's ratings, most appropriate first, each with its evidence."""
        place = {label: number for number, label in enumerate(self.categories, 1)}
        score = dvt("score")
        ordered = sorted(
            rows, key=lambda r: (place[str(r["rating"])], str(r["intervention"]), str(r["statement"]))
        )
        for statement, group in groupby(ordered, key=lambda r: r["statement"]):
            first, *more = list(group)
            yield {
                **first,
                "rank": place[str(first["rating"])],
                "label": self.ontology.label(str(first["intervention"])),
                "score": self.ontology.text(dvt(str(statement)), score),
                "evidence": sorted({str(r["evidence"]) for r in (first, *more) if r["evidence"]}),
            }

    def conflicts(self, name: str) -> Iterator[Item]:
        """Statements of other guidelines that point another way for patients who can be of a presentation."""
        for row in self.rows("guideline-disagreements"):
            one = {key: row[key] for key in _SIDE}
            other = {key: row[f"other{key.capitalize()}"] for key in _SIDE}
            for ours, theirs in ((one, other), (other, one)):
                if ours["group"] == name:
                    label = self.ontology.label(str(row["intervention"]))
                    yield {"intervention": label, "kind": row["kind"], "ours": ours, "theirs": theirs}

    def stages(self) -> list[Stage]:
        """The pathway: which presentation, what must not be missed, what comes next."""
        cards = []
        for name in self.presentations:
            criteria = [str(row["label"]) for row in self.rows("presentation-criteria", presentation=name)]
            rated = self.rows("rating-matrix", presentation=name)
            lines = [f"if {', '.join(criteria)}"]
            if rated:
                best = min(int(str(row["rank"])) for row in rated)
                first = [str(row["interventionLabel"]) for row in rated if row["rank"] == str(best)]
                lines.append(f"{self.categories[best - 1]}: {', '.join(first)}")
            cards.append(Card(self.ontology.label(name), tuple(lines)))
        alerts, steps = [], []
        findings, flags = self.ontology.findings, red_flags(self.ontology)
        next_steps = set(self.ontology.individuals("NextStep"))
        for row in _once(self.rows("workflow"), "item"):
            about = [
                self.ontology.label(str(r["about"]))
                for r in self.rows("workflow")
                if r["item"] == row["item"] and r["about"] in findings
            ]
            said = (str(row["text"]), *((f"concerns: {', '.join(dict.fromkeys(about))}",) if about else ()))
            if row["item"] in next_steps:
                steps.append(Card(str(row["label"]), said))
            else:
                rank = 4 if row["item"] in flags else 2
                alerts.append(Card(f"{row['kind']}: {row['label']}", said, rank))
        alerts.sort(key=lambda card: -card.rank)
        return [
            Stage("1  Which presentation does the record fit?", tuple(cards)),
            Stage("2  What must not be missed?", tuple(alerts)),
            Stage("3  What comes next?", tuple(steps)),
        ]

    def codes(self) -> list[Item]:
        """The code systems that are mapped to, each with its notice and its codes' matches."""
        rows = self.rows("mappings")
        found = []
        for system in code_systems(self.ontology):
            mine = sorted(
                (row for row in rows if row["system"] == system.name),
                key=lambda r: (str(r["code"]), str(r["term"])),
            )
            if mine:
                found.append(
                    {"name": system.name, "label": system.label, "notice": system.notice, "rows": mine}
                )
        return found

    def sources(self) -> list[Item]:
        """Guidelines, works and studies, each with what is said of it and what rests on it."""
        found = []
        for row in _once(self.rows("sources"), "source"):
            node = dvt(str(row["source"]))
            using = {
                local_name(quad.subject)
                for predicate in (
                    ox.NamedNode(DCTERMS + "source"),
                    dvt("evidence"),
                    dvt("guideline"),
                    dvt("study"),
                )
                for quad in self.ontology.match(None, predicate, node)
                if isinstance(quad.subject, ox.NamedNode)
            }
            found.append({**row, "using": sorted(using & set(self.ontology.labels))})
        return found


def questions() -> list[Item]:
    """The competency questions: each with its number, question, kind, query and expected answer."""
    files = sorted((data_dir("queries") / "competency").glob("*.yaml"))
    return [{"id": f.stem, **yaml.safe_load(f.read_text(encoding="utf-8"))} for f in files]


def _bodies(rules: Iterable[Rule], chosen: Callable[[Value], bool]) -> set[Atom]:
    """The classes from which values that are chosen follow."""
    return {
        atom
        for rule in rules
        if isinstance(rule.head, Value) and chosen(rule.head)
        for atom in rule.body
        if isinstance(atom, Type)
    }


def _once(rows: Iterable[Row], key: str) -> list[Row]:
    """The first row of each value of a column."""
    found: dict[str | None, Row] = {}
    for row in rows:
        found.setdefault(row[key], row)
    return list(found.values())
