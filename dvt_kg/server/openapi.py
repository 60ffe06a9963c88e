"""The description of all addresses, in OpenAPI."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.metadata import version as package_version
from typing import Any

from dvt_kg.ontology import data_dir
from dvt_kg.server.negotiation import ROWS, SPARQL, TRIPLES
from dvt_kg.server.requests import RECORDS


def _as(*media_types: str) -> dict[str, Any]:
    """Content of several media types."""
    return {media_type: {} for media_type in media_types}


_ROWS = _as(*(media_type for media_type in ROWS if "sparql" in media_type or media_type.startswith("text")))
_TRIPLES = _as(*TRIPLES)
_TEXT = {"type": "string"}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["kind", "message", "field"],
            "properties": {
                "kind": {**_TEXT, "description": "what kind of refusal it is"},
                "message": {**_TEXT, "description": "what was wrong, and the remedy"},
                "field": {"type": ["string", "null"], "description": "what is at fault in the request"},
            },
        }
    },
}


@lru_cache(maxsize=1)
def openapi() -> dict[str, Any]:
    """The description, with the schemas of record, answer and explanation that the package ships."""
    schemas = {
        name: _nested(json.loads((data_dir("ontology") / f"{name}.schema.json").read_text("utf-8")), name)
        for name in ("record", "answer", "explanation")
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dvt-kg",
            "version": package_version("dvt-kg"),
            "description": "Rated management for deep vein thrombosis, as a graph and as answers. For"
            " research and information, for review by a professional; not medical advice.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {
            "schemas": {**schemas, "error": _ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _paths() -> dict[str, Any]:
    dataset = [
        _parameter("default-graph-uri", "a graph to ask; several are asked as one", many=True),
        _parameter("named-graph-uri", "a graph that GRAPH reaches", many=True),
    ]
    results = {**_ROWS, **_TRIPLES}
    query = {"type": "object", "required": ["query"], "properties": {"query": _TEXT}}
    bodies = {
        "application/sparql-query": {"schema": _TEXT},
        "application/x-www-form-urlencoded": {"schema": query},
    }
    records = {
        media_type: {"schema": {"$ref": "#/components/schemas/record"} if form == "json" else _TEXT}
        for media_type, form in RECORDS.items()
    }
    answers = {"application/json": {"schema": {"$ref": "#/components/schemas/answer"}}}
    explained = {"application/json": {"schema": {"$ref": "#/components/schemas/explanation"}}}
    return {
        "/sparql": {
            "get": _operation(
                "Ask by SPARQL 1.1; without a query, the service description",
                results,
                parameters=[_parameter("query", "a SPARQL 1.1 query"), *dataset],
            ),
            "post": _operation("Ask by SPARQL 1.1", results, parameters=dataset, body=bodies),
        },
        "/recommend": {
            "post": _operation(
                "The answer to records, which are forgotten again",
                {**answers, **_as("text/plain", "text/csv")},
                parameters=[_parameter("guidelines", "whose statements: acr, or all")],
                body=records,
            )
        },
        "/explain": {
            "post": _operation(
                "Why records are answered so, what is missing and what would change it",
                {
                    **explained,
                    **_as("text/plain", "text/html", "image/svg+xml", "text/turtle"),
                },
                parameters=[
                    _parameter("presentation", "only this presentation", many=True),
                    _parameter("conclusion", "what is concluded about this term", many=True),
                ],
                body=records,
            )
        },
        "/queries": {"get": _operation("The queries of the catalogue with their questions")},
        "/queries/{name}": {
            "get": _operation(
                "The rows of a query of the catalogue, or as application/sparql-query its text;"
                " its parameters are those that /queries names",
                _as(*_ROWS, SPARQL),
                parameters=[_parameter("name", "the query's name", where="path")],
            )
        },
        "/terms": {
            "get": _operation(
                "The terms that hold some words, or of which a code speaks",
                parameters=[
                    _parameter("text", "words of the name, label or definition"),
                    _parameter("system", "a code system, as SNOMED CT"),
                    _parameter("code", "a code of that system"),
                ],
            )
        },
        "/terms/{name}": {
            "get": _operation(
                "All that is stated of a term",
                _as("application/json", *_TRIPLES),
                parameters=[_parameter("name", "the term's local name", where="path")],
            )
        },
        "/form": {"get": _operation("What can be recorded of a patient, in groups")},
        "/examples": {"get": _operation("Example records")},
        "/.well-known/void": {"get": _operation("What is served, in VoID", _TRIPLES)},
        "/health": {"get": _operation("Whether the server works")},
        "/metrics": {"get": _operation("Numbers for Prometheus", _as("text/plain"))},
        "/openapi.json": {"get": _operation("This description")},
    }


def _operation(
    summary: str,
    content: dict[str, Any] | None = None,
    *,
    parameters: list[dict[str, Any]] | None = None,
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": summary,
        "responses": {
            "200": {"description": "the answer", "content": content or {"application/json": {}}},
            "default": {
                "description": "refused, and why",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/error"}}},
            },
        },
    }
    if parameters:
        operation["parameters"] = parameters
    if body:
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _parameter(name: str, description: str, *, many: bool = False, where: str = "query") -> dict[str, Any]:
    schema = {"type": "array", "items": _TEXT} if many else _TEXT
    required = {"required": True} if where == "path" else {}
    return {"name": name, "in": where, "description": description, "schema": schema, **required}


def _nested(schema: Any, name: str) -> Any:
    """A schema whose references to itself hold inside the description."""
    if isinstance(schema, dict):
        return {
            key: f"#/components/schemas/{name}{value[1:]}"
            if key == "$ref" and isinstance(value, str) and value.startswith("#")
            else _nested(value, name)
            for key, value in schema.items()
        }
    return [_nested(item, name) for item in schema] if isinstance(schema, list) else schema
