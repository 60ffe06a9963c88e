"""What the server says no to, in one form: a status, and a body with the field at fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dvt_kg.errors import DvtKgError, EndpointError, MappingError, QueryError, ReasonerError, RecordError


class Refused(Exception):
    """A request that is not carried out.

    :param status: the HTTP status
    :param kind: what kind of refusal it is, in kebab-case
    :param message: what was wrong and the remedy
    :param field: the parameter, header or part of the body at fault
    :param headers: headers of the response
    :param more: what the body says besides the error
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self.status = status
        self.kind = kind
        self.message = message
        self.field = field
        self.headers = dict(headers or {})
        self.more = dict(more or {})
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        # It passes from a worker to the process that answers.
        return _again, (self.status, self.kind, self.message, self.field, self.headers, self.more)

    def body(self) -> dict[str, Any]:
        """The JSON body of the response."""
        return {"error": {"kind": self.kind, "message": self.message, "field": self.field}, **self.more}


def _again(
    status: int, kind: str, message: str, field: str | None, headers: dict[str, str], more: dict[str, Any]
) -> Refused:
    return Refused(status, kind, message, field=field, headers=headers, more=more)


def read_only(field: str) -> Refused:
    """The refusal of an update, which came in a field."""
    return Refused(403, "read-only", "updates are refused: the graphs are read-only", field=field)


def refusal(error: DvtKgError) -> Refused:
    """What the package itself refuses, as the server says it."""
    if isinstance(error, QueryError):
        return Refused(400, "query", error.message, field=error.parameter or "query")
    if isinstance(error, MappingError):
        return Refused(404, "mapping", str(error), field="code")
    if isinstance(error, RecordError):
        return Refused(422, "record", error.message, field=error.field)
    if isinstance(error, ReasonerError | EndpointError):
        return Refused(500, "reasoner", "no answer that can be trusted came about; please report it")
    return Refused(400, "usage", str(error))
