"""Every error that dvt-kg raises on purpose.

    DvtKgError
    ├── UsageError            a call that cannot be carried out as it was made
    ├── RecordError           one part of one patient record is refused
    ├── OntologyError         the ontology cannot be used
    │   └── UnsupportedAxiom  an axiom that cannot be carried exactly
    ├── QueryError            a query, its name or its parameters are wrong
    ├── MappingError          no such code or code system is on file
    ├── EndpointError         a remote SPARQL endpoint did not give an answer
    ├── CohortError           a cohort run cannot go on
    └── ReasonerError         the reasoner gave no answer that can be trusted
        ├── JavaError         no working Java runtime
        ├── ReasonerTimeout   the reasoner took longer than allowed
        └── AuditError        HermiT judges a record otherwise than the rules did

Each error carries its facts as attributes; its text is one sentence that names what was
wrong, where, and the remedy.
"""

from __future__ import annotations

from typing import Any


class DvtKgError(Exception):
    """The base of all errors of this package."""


class UsageError(DvtKgError):
    """A call that cannot be carried out as it was made."""


class RecordError(DvtKgError):
    """One part of one patient record is refused, and with it the record.

    :param message: what is wrong and how to mend it
    :param file: the file's name as it was given
    :param line: the line in the file, where the format has lines
    :param record: the record's id, else its place, counted from 0
    :param field: the column, key or property at fault
    :param value: the value at fault, as it was written
    :param nearest: the nearest known name, where a name was unknown
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        record: str | int | None = None,
        field: str | None = None,
        value: Any = None,
        nearest: str | None = None,
    ) -> None:
        self.message = message
        self.file = file
        self.line = line
        self.record = record
        self.field = field
        self.value = value
        self.nearest = nearest
        super().__init__(message)

    def __str__(self) -> str:
        where = self.file or "record"
        if self.line is not None:
            where += f", line {self.line}"
        if self.record is not None:
            where += f", record {self.record!r}"
        if self.field is not None:
            where += f", {self.field}"
        return f"{where}: {self.message}"

    def as_json(self) -> dict[str, Any]:
        """The error as an entry of an answer's ``errors``."""
        keys = ("file", "line", "record", "field", "value", "nearest", "message")
        return {key: getattr(self, key) for key in keys}


class OntologyError(DvtKgError):
    """The ontology cannot be used.

    :param message: what is wrong and how to mend it
    :param source: the file or IRI at fault
    """

    def __init__(self, message: str, *, source: str | None = None) -> None:
        self.source = source
        super().__init__(f"{source}: {message}" if source else message)


class UnsupportedAxiom(OntologyError):
    """An axiom that cannot be carried exactly, so nothing is concluded from the ontology.

    :param axiom: the axiom in words
    """

    def __init__(self, axiom: str, reason: str) -> None:
        self.axiom = axiom
        super().__init__(f"axiom outside the supported fragment: {axiom} ({reason})")


class QueryError(DvtKgError):
    """A query, its name or its parameters are wrong.

    :param query: the query's name or file
    :param parameter: the parameter at fault
    """

    def __init__(self, message: str, *, query: str | None = None, parameter: str | None = None) -> None:
        self.message = message
        self.query = query
        self.parameter = parameter
        super().__init__(f"query {query}: {message}" if query else message)


class MappingError(DvtKgError):
    """A code or code system of which no mapping is on file.

    :param system: the code system that was asked for
    :param code: the code, where the system is known
    :param nearest: the nearest that is on file
    """

    def __init__(
        self, message: str, *, system: str, code: str | None = None, nearest: str | None = None
    ) -> None:
        self.system = system
        self.code = code
        self.nearest = nearest
        super().__init__(message)


class EndpointError(DvtKgError):
    """A remote SPARQL endpoint did not give an answer.

    :param endpoint: the endpoint's address
    """

    def __init__(self, message: str, *, endpoint: str) -> None:
        self.endpoint = endpoint
        super().__init__(f"endpoint {endpoint}: {message}")


class CohortError(DvtKgError):
    """A cohort run cannot go on; what it has done is kept.

    :param message: what is wrong and how to mend it
    :param source: the input, output or package at fault
    """

    def __init__(self, message: str, *, source: str | None = None) -> None:
        self.source = source
        super().__init__(f"{source}: {message}" if source else message)


class ReasonerError(DvtKgError):
    """The reasoner gave no answer that can be trusted."""


class JavaError(ReasonerError):
    """No working Java runtime was found.

    :param java_home: the folder that was tried
    """

    def __init__(self, message: str, *, java_home: str | None = None) -> None:
        self.java_home = java_home
        super().__init__(message)


class ReasonerTimeout(ReasonerError):
    """The reasoner took longer than allowed.

    :param seconds: the limit
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(
            f"the reasoner did not finish within {seconds:g} s; allow more with --timeout"
            " (timeout= in the library) or give fewer records at a time"
        )


class AuditError(ReasonerError):
    """HermiT judges a record otherwise than the rules did, so that nothing is published.

    :param record: the record's id
    :param profile: the key of its profile
    :param differing: the columns that differ, each with what HermiT and what the rules say
    """

    def __init__(self, record: str, profile: str, differing: dict[str, tuple[Any, Any]]) -> None:
        self.record = record
        self.profile = profile
        self.differing = differing
        super().__init__(
            f"HermiT and the rules disagree about record {record!r} (profile {profile}) on"
            f" {', '.join(differing)}; nothing was published; please report the findings"
        )
