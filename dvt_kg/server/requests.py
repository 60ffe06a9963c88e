"""What a request asks for: the SPARQL 1.1 Protocol, and records in each of their formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request

from dvt_kg.server.negotiation import SPARQL
from dvt_kg.server.refusals import Refused, read_only

_FORM = "application/x-www-form-urlencoded"
_UPDATE = "application/sparql-update"
# The format of records, by the media type of the body.
RECORDS: Mapping[str, str] = {
    "application/json": "json",
    "application/ld+json": "jsonld",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "text/turtle": "ttl",
    "application/n-triples": "nt",
}
_DATASET = ("default-graph-uri", "named-graph-uri")
_UPDATE_DATASET = ("using-graph-uri", "using-named-graph-uri")
Parameters = list[tuple[str, str]]


@dataclass(frozen=True)
class SparqlRequest:
    """A query as the protocol carries it; no text where the service description is asked for."""

    text: str | None
    default: tuple[str, ...]
    named: tuple[str, ...]


async def sparql_request(request: Request, longest: int) -> SparqlRequest:
    """The query of a request by GET, POST form or direct POST.

    :param longest: the bytes that a query may have
    :raises Refused: for what the protocol does not allow, and for every update
    """
    given = _decoded(request.scope["query_string"], "the query string")
    if request.method in ("GET", "HEAD"):
        if "update" in dict(given):
            raise Refused(400, "protocol", "an update may not be sent by GET", field="update")
        return _asked(given, longest, needed=False)
    media_type, charset = _media_type(request)
    if media_type == _FORM:
        body = await body_of(request, 3 * longest)  # percent-encoding triples what it encodes
        form = _decoded(body, "the form")
        if "update" in dict(form):
            _check_update(form)
            raise read_only("update")
        return _asked(form + given, longest)
    if media_type == _UPDATE:
        _text(await body_of(request, longest), charset)
        raise read_only("body")
    if media_type == SPARQL:
        if "query" in dict(given):
            message = "the query is the body; leave it out of the address"
            raise Refused(400, "protocol", message, field="query")
        body = await body_of(request, longest)
        return _asked([("query", _text(body, charset)), *given], longest)
    message = f"send a query as {SPARQL}, or as the field query of {_FORM}"
    raise Refused(415, "content-type", message, field="Content-Type")


def _check_update(form: Parameters) -> None:
    if len([name for name, _ in form if name == "update"]) > 1:
        raise Refused(400, "protocol", "there is more than one update", field="update")


def _asked(given: Parameters, longest: int, *, needed: bool = True) -> SparqlRequest:
    texts = [value for name, value in given if name == "query"]
    if len(texts) > 1:
        raise Refused(400, "protocol", "there is more than one query", field="query")
    for name, _ in given:
        if name in _UPDATE_DATASET:
            raise Refused(400, "protocol", f"{name} is for updates; a query takes {_DATASET[0]}", field=name)
    default, named = (tuple(value for name, value in given if name == which) for which in _DATASET)
    if not texts:
        if needed or default or named:
            raise Refused(400, "protocol", "there is no query", field="query")
        return SparqlRequest(None, (), ())
    if len(texts[0].encode()) > longest:
        raise Refused(413, "too-long", f"a query may have {longest} bytes; shorten it", field="query")
    return SparqlRequest(texts[0], default, named)


async def body_of(request: Request, longest: int) -> bytes:
    """The body of a request, as far as it may go.

    :raises Refused: 413 where it is longer
    """
    too_long = Refused(413, "too-long", f"the body may have {longest} bytes; send less", field="body")
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > longest:
        raise too_long
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > longest:
            raise too_long
    return bytes(found)


async def records_of(request: Request, longest: int) -> tuple[bytes, str]:
    """The records of a request and their format.

    :raises Refused: 415 for a media type that is no format of records
    """
    media_type, charset = _media_type(request)
    if media_type not in RECORDS:
        message = f"records are sent as {', '.join(RECORDS)}; name one of them"
        raise Refused(415, "content-type", message, field="Content-Type")
    body = await body_of(request, longest)
    if charset not in ("utf-8", "utf8"):
        body = _text(body, charset).encode()
    return body, RECORDS[media_type]


def _media_type(request: Request) -> tuple[str, str]:
    """The media type of the body and its charset."""
    header = request.headers.get("content-type", "")
    media_type, *parameters = (part.strip() for part in header.split(";"))
    charset = "utf-8"
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
    return media_type.lower(), charset


def _text(body: bytes, charset: str) -> str:
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise Refused(415, "charset", "the body has to be in UTF-8", field="Content-Type")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Refused(400, "charset", "the body is not UTF-8", field="body") from None


def _decoded(data: bytes, what: str) -> Parameters:
    """Names and values of a query string or form."""
    try:
        return parse_qsl(
            data.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=100,
        )
    except UnicodeDecodeError:
        raise Refused(400, "charset", f"{what} is not percent-encoded UTF-8", field=what) from None
    except ValueError:
        raise Refused(400, "protocol", f"{what} has more than 100 fields", field=what) from None


def parameters(request: Request, known: Sequence[str] | None) -> Parameters:
    """The parameters of an address.

    :param known: those that the address takes; None where a query says which
    :raises Refused: 400 for one that is not known
    """
    given = _decoded(request.scope["query_string"], "the query string")
    for name, _ in given:
        if known is not None and name not in known:
            message = f"this address takes {', '.join(known) or 'no parameters'}"
            raise Refused(400, "unknown-parameter", message, field=name)
    return given


def once(given: Parameters) -> dict[str, str]:
    """Parameters of which each may be given once.

    :raises Refused: 400 where one is given twice
    """
    found: dict[str, str] = {}
    for name, value in given:
        if name in found:
            raise Refused(400, "repeated-parameter", "the parameter is given twice", field=name)
        found[name] = value
    return found
