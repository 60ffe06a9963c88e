"""The catalogue of questions: SPARQL files with a header, run here or on a remote endpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyoxigraph as ox
import yaml

from dvt_kg.errors import QueryError
from dvt_kg.graph import INFERRED, KnowledgeGraph
from dvt_kg.ontology import XSD, Ontology, RdfTerm, data_dir, dvt, local_name, nearest
from dvt_kg.patients import PATIENT_IRI

Row = dict[str, RdfTerm | None]
_HEADER = re.compile(r"^#\+ ?(.*)$", re.MULTILINE)
# Braces, and what may hold braces that are none.
_TOKEN = re.compile(
    r"""[{}]|\#.*|<[^<>"{}|^`\\\s]*>"""
    r'''|"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"'''
    r"""|'''(?:[^'\\]|\\.|'(?!''))*'''|'(?:[^'\\\n]|\\.)*'""",
)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, but for the speed


@dataclass(frozen=True)
class Parameter:
    """A variable of a query that a caller may bind.

    :param kind: ``patient`` (a record's id), ``term`` (a local name of the ontology) or ``text``
    """

    name: str
    kind: str
    description: str
    required: bool = False


@dataclass(frozen=True)
class Query:
    """One question of the catalogue.

    :param name: the file's name without its ending
    :param summary: the question in plain words
    :param parameters: what may be bound, by variable
    :param columns: what each column of the answer holds
    :param level: of a check: how grave a violation is, ERROR, WARN or INFO
    :param standards: of a check: the items of others' catalogues that it covers, as ``ROBOT missing_label``
    """

    name: str
    text: str
    summary: str = ""
    description: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    level: str = ""
    standards: tuple[str, ...] = ()

    def bind(
        self, values: Mapping[str, str], ontology: Ontology | None = None
    ) -> dict[str, ox.NamedNode | ox.Literal]:
        """Parameters given as text, as the terms that the query's variables are bound to.

        :param ontology: where given, a parameter that names a term must name one of it
        :raises QueryError: for an unknown parameter, a missing one, or a value that is no such term
        """
        for name in values:
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "none"
                hint = nearest(name, self.parameters)
                raise QueryError(
                    f"no parameter {name!r}"
                    + (f", did you mean {hint!r}?" if hint else "")
                    + f" It takes: {known}",
                    query=self.name,
                    parameter=name,
                )
        for name, parameter in self.parameters.items():
            if parameter.required and name not in values:
                raise QueryError(
                    f"needs the parameter {name!r} ({parameter.description}): --param {name}=...",
                    query=self.name,
                    parameter=name,
                )
        bound = {name: self._term(self.parameters[name], value) for name, value in values.items()}
        terms = ontology.labels if ontology else {}
        for name, term in bound.items():
            if terms and self.parameters[name].kind == "term" and local_name(term) not in terms:
                hint = nearest(values[name], terms)
                meant = f"; did you mean {hint!r}?" if hint else ""
                raise QueryError(
                    f"no term {values[name]!r} in the ontology{meant}", query=self.name, parameter=name
                )
        return bound

    def _term(self, parameter: Parameter, value: str) -> ox.NamedNode | ox.Literal:
        if parameter.kind == "text":
            return ox.Literal(value)
        try:
            if parameter.kind == "patient":
                whole = value.startswith(PATIENT_IRI)
                return ox.NamedNode(value if whole else PATIENT_IRI + quote(value, safe=""))
            return dvt(value.removeprefix("dvt:"))
        except ValueError:
            raise QueryError(
                f"{value!r} is no name of a term for the parameter {parameter.name!r}",
                query=self.name,
                parameter=parameter.name,
            ) from None


def parse(text: str, name: str) -> Query:
    """A query from the text of a file, with its ``#+`` header where it has one.

    :raises QueryError: for a header that is no YAML
    """
    header_text = "\n".join(_HEADER.findall(text))
    try:
        header = yaml.load(header_text, _LOADER) or {}
        if not isinstance(header, dict):
            raise QueryError("the #+ header is no YAML mapping", query=name)
    except yaml.YAMLError as error:
        raise QueryError(f"the #+ header is no valid YAML: {error}", query=name) from None
    parameters = {
        key: Parameter(
            key, value.get("kind", "text"), value.get("description", ""), value.get("required", False)
        )
        for key, value in (header.get("parameters") or {}).items()
    }
    return Query(
        name,
        text,
        str(header.get("summary", "")),
        str(header.get("description", "")).strip(),
        parameters,
        dict(header.get("columns") or {}),
        tuple(header.get("tags") or ()),
        str(header.get("level", "")),
        tuple(header.get("standards") or ()),
    )


@lru_cache(maxsize=8)
def folder(path: Path) -> dict[str, Query]:
    """The queries of a folder by name, in the order of their names."""
    return {f.stem: _read(f) for f in sorted(path.glob("*.rq"))}


@lru_cache(maxsize=512)
def _read(file: Path) -> Query:
    return parse(file.read_text(encoding="utf-8"), file.stem)


def catalogue() -> dict[str, Query]:
    """The queries of the catalogue by name."""
    return dict(folder(data_dir("queries")))


def load(name_or_file: str) -> Query:
    """A query of the catalogue by name, or one from a file.

    :raises QueryError: where there is no such query or file
    """
    shipped = data_dir("queries") / f"{name_or_file}.rq"
    if re.fullmatch(r"[a-z0-9-]+", name_or_file) and shipped.is_file():
        return _read(shipped)
    path = Path(name_or_file)
    if path.suffix in (".rq", ".sparql") or path.is_file():
        try:
            return parse(path.read_text(encoding="utf-8"), name_or_file)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise QueryError(f"the file cannot be read: {reason}", query=name_or_file) from None
    hint = nearest(name_or_file, catalogue())
    raise QueryError(
        "not in the catalogue and no file"
        + (f"; did you mean {hint!r}?" if hint else "")
        + " 'dvt-kg queries' lists the catalogue",
        query=name_or_file,
    )


@dataclass(frozen=True)
class Rows:
    """The answer to a SELECT: its variables, and for each row a term or None for each."""

    variables: tuple[str, ...]
    rows: tuple[tuple[RdfTerm | None, ...], ...]

    def __iter__(self) -> Iterator[Row]:
        return (dict(zip(self.variables, row, strict=True)) for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def plain(self) -> list[dict[str, str | None]]:
        """The rows with local names for the ontology's terms and the text of literals."""
        return [{k: None if v is None else local_name(v) for k, v in row.items()} for row in self]


def ask(graph: KnowledgeGraph, query: Query | str, /, **parameters: str) -> Rows:
    """The rows of a SELECT over the union of the graphs.

    :param query: a query, or the name of one of the catalogue
    :param parameters: the query's parameters as text
    :raises QueryError: for a wrong parameter or a query that cannot be parsed
    """
    result = run(graph, query, **parameters)
    names = [v.value for v in result.variables]
    return Rows(tuple(names), tuple(tuple(solution) for solution in result))


def run(graph: KnowledgeGraph, query: Query | str, /, **parameters: str) -> ox.QuerySolutions:
    """Run a SELECT as :func:`ask` does, for rows that are wanted one by one or written at once."""
    chosen = load(query) if isinstance(query, str) else query
    text = bound_text(chosen, parameters, graph.ontology)
    try:
        result = graph.store.query(text, use_default_graph_as_union=True)
    except (SyntaxError, ValueError) as error:
        raise QueryError(f"not valid SPARQL: {error}", query=chosen.name) from None
    if not isinstance(result, ox.QuerySolutions):
        raise QueryError("only SELECT queries are run", query=chosen.name)
    return result


def bound_text(query: Query, values: Mapping[str, str], ontology: Ontology | None = None) -> str:
    """A query with its parameters bound, each to a term that is written by the library.

    By a filter at the end of what the query matches, and by a VALUES clause after it, which is quicker on
    Oxigraph. VALUES alone would join what leaves the variable open, as if it were about the parameter, and
    Virtuoso reads it otherwise.

    :param values: the parameters as text
    :param ontology: where given, a parameter that names a term must name one of it
    :raises QueryError: for a wrong parameter
    """
    bound = query.bind(values, ontology)
    if not bound:
        return query.text
    tests = " && ".join(f"?{name} = {term}" for name, term in bound.items())
    names = " ".join(f"?{name}" for name in bound)
    terms = " ".join(str(term) for term in bound.values())
    depth = 0
    for token in _TOKEN.finditer(query.text):
        depth += {"{": 1, "}": -1}.get(token[0], 0)
        if token[0] == "}" and depth == 0:
            end = token.start()
            matched, rest = query.text[:end], query.text[end:]
            return f"{matched}  FILTER({tests})\n{rest}\nVALUES ({names}) {{ ({terms}) }}\n"
    raise QueryError("not valid SPARQL: what it matches has no end", query=query.name)


def derivations(graph: KnowledgeGraph) -> list[ox.Triple]:
    """Run the derivation queries in the order of their names, each seeing what the earlier found.

    They conclude what rests on something not being known, as that a presentation is open.

    :returns: the triples that were added to the inferred graph
    """
    found: list[ox.Triple] = []
    for query in folder(data_dir("queries") / "derive").values():
        result = graph.store.query(query.text, use_default_graph_as_union=True)
        assert isinstance(result, ox.QueryTriples)
        triples = list(result)
        graph.add(INFERRED, triples)
        found += triples
    return found


def as_json(rows: Rows) -> dict[str, Any]:
    """Rows in the SPARQL 1.1 JSON results format."""
    bindings = [{k: _binding(v) for k, v in row.items() if v is not None} for row in rows]
    return {"head": {"vars": list(rows.variables)}, "results": {"bindings": bindings}}


def _binding(found: RdfTerm) -> dict[str, str]:
    if isinstance(found, ox.NamedNode):
        return {"type": "uri", "value": found.value}
    if isinstance(found, ox.BlankNode):
        return {"type": "bnode", "value": found.value}
    assert isinstance(found, ox.Literal)
    binding = {"type": "literal", "value": found.value}
    if found.language:
        return binding | {"xml:lang": found.language}
    plain = found.datatype.value == XSD + "string"
    return binding if plain else binding | {"datatype": found.datatype.value}
