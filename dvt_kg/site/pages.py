"""Writes the site: every page from its template and the ontology's content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import pyoxigraph as ox
import yaml
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import SparqlLexer

from dvt_kg import queries
from dvt_kg.errors import UsageError
from dvt_kg.mappings import MEANINGS
from dvt_kg.ontology import DCTERMS, IRI, Ontology, data_dir
from dvt_kg.site.drawings import matrix, pathway
from dvt_kg.site.knowledge import Item, Knowledge, questions
from dvt_kg.site.terms import Kind, address, kinds

NAVIGATION = (
    ("presentations/index.html", "Presentations"),
    ("matrix.html", "Matrix"),
    ("pathway.html", "Pathway"),
    ("terms/index.html", "Terms"),
    ("queries/index.html", "Queries"),
    ("questions.html", "Competency questions"),
    ("sources.html", "Sources"),
    ("codes.html", "Codes"),
)
_SCRIPTS = ("style.css", "filter.js")


def docs(folder: Path | str, ontology: Ontology) -> list[Path]:
    """Write an ontology as a site that works from disk, without a network.

    :param folder: where to write; made if it is not there
    :returns: the files
    :raises UsageError: where the folder cannot be written
    """
    target = Path(folder)
    written = []
    try:
        for name, data in _Site(ontology).files().items():
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            written.append(path)
    except OSError as error:
        raise UsageError(f"cannot write to {str(target)!r}: {error.strerror}") from None
    return written


class _Site:
    """The pages of an ontology, by their path."""

    def __init__(self, ontology: Ontology) -> None:
        self.ontology = ontology
        self.knowledge = Knowledge(ontology)
        self.kinds = kinds(ontology)
        self.presentations = [self.knowledge.presentation(name) for name in self.knowledge.presentations]
        self.own_pages = {p["name"]: f"presentations/{p['name']}.html" for p in self.presentations}
        self.term_pages = {
            entry.term.name: address(kind, entry) for kind in self.kinds for entry in kind.entries
        }
        self.formatter = HtmlFormatter(style="friendly")
        self.environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parents[1] / "templates"),
            autoescape=lambda name: name is not None and name.endswith(".html"),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
        )
        licence = ontology.objects(ox.NamedNode(IRI), ox.NamedNode(DCTERMS + "license"))
        self.environment.globals |= {
            "navigation": NAVIGATION,
            "version": ontology.version,
            "licence": licence[0].value if licence else "",
            "labels": ontology.labels,
            "pages": {**self.term_pages, **self.own_pages},
        }

    def page(self, path: str, template: str, **content: Any) -> tuple[str, bytes]:
        """A page at a path below the root, from a template."""
        root = "../" * path.count("/")
        text = self.environment.get_template(f"site/{template}").render(here=path, root=root, **content)
        return path, text.encode()

    def files(self) -> dict[str, bytes]:
        """Every file of the site by its path."""
        return dict(
            (*self.assets(), *self.overview(), *self.of_presentations(), *self.of_terms(), *self.of_queries())
        )

    def assets(self) -> list[tuple[str, bytes]]:
        """Style, script and pictures."""
        colours = self.formatter.get_style_defs(".highlight")  # type: ignore[no-untyped-call]
        scripts = [self.page(name, name, pygments=colours) for name in _SCRIPTS]
        cells, categories = self.knowledge.cells(), self.knowledge.categories
        stages = self.knowledge.stages()
        pictures = []
        for ending, narrow in (("", False), ("-narrow", True)):
            drawn = matrix(cells, categories, title="Presentations by interventions", narrow=narrow)
            pictures.append((f"matrix{ending}.svg", drawn))
            pictures.append((f"pathway{ending}.svg", pathway(stages, title="The pathway", narrow=narrow)))
        return scripts + pictures

    def overview(self) -> list[tuple[str, bytes]]:
        """The front page and the pages below it that stand alone."""
        knowledge, header = self.knowledge, ox.NamedNode(IRI)
        sources, asked = knowledge.sources(), questions()
        numbers = (
            (len(self.presentations), "presentations", "presentations/index.html"),
            (len(self.ontology.individuals("Rating")), "ratings", "terms/Rating.html"),
            (len(self.term_pages), "terms", "terms/index.html"),
            (len(sources), "sources", "sources.html"),
            (len(queries.catalogue()), "queries", "queries/index.html"),
            (len(asked), "competency questions", "questions.html"),
        )
        return [
            self.page(
                "index.html",
                "index.html",
                heading=self.ontology.text(header, ox.NamedNode(DCTERMS + "title")),
                description=self.ontology.text(header, ox.NamedNode(DCTERMS + "description")),
                numbers=numbers,
                presentations=self.presentations,
            ),
            self.page("matrix.html", "matrix.html", matrix=self.matrix(), categories=knowledge.categories),
            self.page("pathway.html", "pathway.html", stages=knowledge.stages()),
            self.page("questions.html", "questions.html", questions=[self.question(q) for q in asked]),
            self.page("sources.html", "sources.html", sources=sources),
            self.page(
                "codes.html",
                "codes.html",
                systems=knowledge.codes(),
                unmapped=knowledge.rows("unmapped-terms"),
                meanings=MEANINGS,
            ),
        ]

    def matrix(self) -> list[Item]:
        """For each presentation the interventions in each category."""
        rows = self.knowledge.rows("rating-matrix")
        ranks = [str(rank) for rank in range(1, len(self.knowledge.categories) + 1)]
        return [
            {
                "name": p["name"],
                "rated": [
                    [r["intervention"] for r in rows if r["presentation"] == p["name"] and r["rank"] == rank]
                    for rank in ranks
                ],
            }
            for p in self.presentations
        ]

    def question(self, question: Item) -> Item:
        """A competency question with what its place on the page needs."""
        query, records = str(question.get("query", "")), question.get("records")
        own = self.sparql(query) if "\n" in query else ""
        text = yaml.safe_dump(records, sort_keys=False, allow_unicode=True, width=100) if records else ""
        empty: Item = dict.fromkeys(("parameters", "columns", "rows", "refused", "contradiction", "insert"))
        return {
            **empty,
            **question,
            "query": query,
            "own": own,
            "records_text": text,
            "catalogued": query in queries.catalogue(),
        }

    def of_presentations(self) -> list[tuple[str, bytes]]:
        """The presentations' pages."""
        index = self.page("presentations/index.html", "presentations.html", presentations=self.presentations)
        return [index] + [
            self.page(
                self.own_pages[p["name"]], "presentation.html", p=p, term_page=self.term_pages[p["name"]]
            )
            for p in self.presentations
        ]

    def of_terms(self) -> list[tuple[str, bytes]]:
        """The terms' pages, one a kind, and their index."""
        shown = [{"page": f"{_slug(k)}.html", "label": k.label, "entries": k.entries} for k in self.kinds]
        every = sorted(
            ((e.term.name, e.term.label) for k in self.kinds for e in k.entries),
            key=lambda t: (t[1].lower(), t),
        )
        index = self.page("terms/index.html", "terms.html", kinds=shown, all=every)
        return [index] + [
            self.page(f"terms/{_slug(k)}.html", "kind.html", kind=k, presentation_pages=self.own_pages)
            for k in self.kinds
        ]

    def of_queries(self) -> list[tuple[str, bytes]]:
        """The queries' pages and their index."""
        derive = queries.folder(data_dir("queries") / "derive").values()
        every = queries.catalogue().values()
        groups = [
            ("About the knowledge", [q for q in every if "knowledge" in q.tags]),
            ("About patients", [q for q in every if "knowledge" not in q.tags]),
            ("What is derived after the reasoner, from what is not known", list(derive)),
        ]
        index = self.page("queries/index.html", "queries.html", groups=groups)
        return [index] + [
            self.page(f"queries/{q.name}.html", "query.html", query=q, text=self.sparql(_body(q.text)))
            for _, group in groups
            for q in group
        ]

    def sparql(self, text: str) -> Markup:
        """A query with its syntax coloured."""
        return Markup(highlight(text.strip(), SparqlLexer(), self.formatter))


def _slug(kind: Kind) -> str:
    return kind.name.rsplit("#", 1)[-1]


def _body(text: str) -> str:
    """A query without its header."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("#+"))
