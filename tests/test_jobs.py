"""How a worker does its jobs: what goes wrong is refused, and none of a patient's facts leave."""

from __future__ import annotations

import io

import pytest

from dvt_kg import Ontology, UsageError
from dvt_kg.server import jobs
from dvt_kg.server.desk import Contents, Desk, Job, Output, Reply, sealed
from dvt_kg.server.limits import Limits
from dvt_kg.server.refusals import Refused


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk(Contents(), Limits(rows=5))


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (ValueError("secret"), 500, "fault"),
        (KeyError("secret"), 500, "fault"),
        (RecursionError("secret"), 400, "too-deep"),
        (MemoryError("secret"), 422, "memory"),
        (UsageError("do it otherwise"), 400, "usage"),
        (Refused(418, "kind", "message"), 418, "kind"),
    ],
)
def test_what_goes_wrong_is_refused_without_its_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, kind: str
) -> None:
    def fail(desk: Desk) -> Reply:
        raise error

    monkeypatch.setattr(jobs, "JOBS", {"fail": fail})
    found = jobs.do(desk, Job("fail", {}))
    assert isinstance(found, Refused)
    assert (found.status, found.kind) == (status, kind)
    assert "secret" not in str(found.body())
    if kind == "fault":
        assert type(error).__name__ in found.message
        assert "tests.test_jobs:" in found.message


def test_an_answer_is_bounded_in_bytes_and_rows(desk: Desk) -> None:
    out = Output(10)
    assert out.write(b"12345") == 5
    with pytest.raises(Refused, match="larger than 10 bytes"):
        out.write(b"123456")
    assert isinstance(out, io.BytesIO)
    for rows, refused in ((5, False), (6, True)):
        text = f"SELECT * {{ ?s ?p ?o }} LIMIT {rows}"
        arguments = {"text": text, "base": "urn:x", "accept": "text/csv", "default": (), "named": ()}
        found = jobs.do(desk, Job("sparql", arguments))
        assert isinstance(found, Refused) == refused


def test_sealed_a_process_opens_nothing_and_afterwards_it_does_again(ontology: Ontology) -> None:
    file = ontology.path / "findings.ttl"
    with sealed(), pytest.raises(OSError, match="Too many open files"):
        file.open()
    assert file.read_bytes()
