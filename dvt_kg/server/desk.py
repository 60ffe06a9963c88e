"""What a worker holds and what a job gives back."""

from __future__ import annotations

import contextlib
import io
import json
import resource
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from dvt_kg import ontology as ontologies
from dvt_kg.graph import KnowledgeGraph
from dvt_kg.reasoner import RuleReasoner
from dvt_kg.server.limits import Limits
from dvt_kg.server.negotiation import JSON
from dvt_kg.server.refusals import Refused


@dataclass(frozen=True)
class Job:
    """One piece of work.

    :param name: a name of :data:`dvt_kg.server.jobs.JOBS`
    :param arguments: what that function takes
    """

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    """What a job gives back."""

    body: bytes
    media_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Contents:
    """What a server holds, in a form that passes to another process.

    :param ontology: where the ontology is, None for the shipped one
    :param quads: patients and what is inferred of them, as N-Quads
    :param patients: how many records that are
    """

    ontology: Path | None = None
    quads: bytes = b""
    patients: int = 0


class Desk:
    """The graphs that are served, the rules, and the limits within which they are used."""

    def __init__(self, contents: Contents, limits: Limits) -> None:
        self.ontology = ontologies.load(contents.ontology)
        self.reasoner = RuleReasoner(self.ontology)
        self.graph = KnowledgeGraph(self.ontology)
        self.graph.store.bulk_load(contents.quads, format=ox.RdfFormat.N_QUADS)
        self.limits = limits

    def about(self) -> dict[str, str]:
        """What is served, for those who look after the server."""
        return {"ontology_version": self.ontology.version, "reasoner": self.reasoner.version}

    def output(self) -> Output:
        """Where an answer is written, up to the limit."""
        return Output(self.limits.answer)


class Output(io.BytesIO):
    """Bytes up to a limit."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def write(self, data: Any) -> int:
        """Take some more bytes.

        :raises Refused: where they are more than allowed
        """
        if self.tell() + len(data) > self._limit:
            raise too_much(f"{self._limit} bytes")
        return super().write(data)


def too_much(limit: str) -> Refused:
    """The refusal of an answer that is larger than allowed."""
    return Refused(422, "answer-too-large", f"the answer is larger than {limit}; add LIMIT or ask for less")


def as_json(value: Any, *, status: int = 200) -> Reply:
    """An object as a reply."""
    return Reply(json.dumps(value, ensure_ascii=False).encode(), JSON, status)


@contextlib.contextmanager
def sealed() -> Iterator[None]:
    """A time in which this process can open no file and no connection, whatever a query says."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
