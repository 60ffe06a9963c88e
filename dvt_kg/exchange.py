"""One request and its whole answer over HTTP: within a time limit, again while the other side is busy."""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlsplit, urlunsplit

import tenacity

from dvt_kg.errors import EndpointError

LONGEST_WAIT = 60.0  # seconds between two attempts, also where the other side asks for more
PASSWORD, TOKEN = "DVT_KG_ENDPOINT_PASSWORD", "DVT_KG_ENDPOINT_TOKEN"
_BUSY = {429: "too many requests", 502: "bad gateway", 503: "overloaded"}
_PIECE = 1 << 16
_SHOWN = 200  # characters of what comes in place of an answer


class _Busy(Exception):
    """The endpoint asks to come again later, after so many seconds where it says how many."""

    def __init__(self, said: str, wait: float | None) -> None:
        self.wait = wait
        super().__init__(said)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect with the same request, and nowhere else with what it carries."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        same = (old.scheme, old.netloc) == (new.scheme, new.netloc)
        if not same and (old.scheme, new.scheme, old.hostname) != ("http", "https", new.hostname):
            raise _Elsewhere(shown(newurl))
        if code == 303:
            return super().redirect_request(req, fp, code, msg, headers, newurl)
        again = urllib.request.Request(newurl, req.data, dict(req.headers), method=req.get_method())
        if let_in := req.unredirected_hdrs.get("Authorization"):
            again.add_unredirected_header("Authorization", let_in)
        return again


class _Elsewhere(Exception):
    """A redirect to another server."""


@dataclass(frozen=True)
class Answer:
    """A whole answer: its media type and its bytes."""

    media_type: str
    body: bytes
    headers: http.client.HTTPMessage


class Exchange:
    """What sends requests to an endpoint, with the credentials, and reads the answers.

    :param addresses: where a user and password are sent to
    :param user: with ``password``, sent where it is asked for, in the way that is asked for: Basic or Digest
    :param token: a bearer token
    :param timeout: the seconds in which an answer must be whole
    :param attempts: how often at most a request is sent
    """

    def __init__(
        self,
        addresses: Iterable[str],
        *,
        user: str | None,
        password: str | None,
        token: str | None,
        timeout: float,
        attempts: int,
    ) -> None:
        self.timeout = timeout
        self.attempts = attempts
        self._credentials = token is not None or user is not None
        self._authorization = None if token is None else f"Bearer {token}"
        handlers: list[urllib.request.BaseHandler] = [_Redirects()]
        if user is not None:
            known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
            for address in addresses:
                known.add_password(None, address, user, password or "")
            ways = (urllib.request.HTTPDigestAuthHandler, urllib.request.HTTPBasicAuthHandler)
            handlers += [way(known) for way in ways]
        self._opener = urllib.request.build_opener(*handlers)

    def send(self, request: urllib.request.Request) -> Answer:
        """Send a request, again while the endpoint is busy.

        :raises EndpointError: where no whole answer comes
        """
        growing = tenacity.wait_exponential(0.5, LONGEST_WAIT / 2) + tenacity.wait_random(0, 0.5)

        def wait(state: tenacity.RetryCallState) -> float:
            busy = state.outcome.exception() if state.outcome else None
            asked = busy.wait if isinstance(busy, _Busy) else None
            return growing(state) if asked is None else asked

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Busy),
            stop=tenacity.stop_after_attempt(self.attempts),
            wait=wait,
            reraise=True,
        )
        try:
            return retrying(self._once, request)
        except _Busy as busy:
            said = f"{busy}, also at attempt {self.attempts}; try again later"
            raise EndpointError(said, endpoint=shown(request.full_url)) from None

    def _once(self, request: urllib.request.Request) -> Answer:
        """Send a request and read the whole answer."""
        if self._authorization:
            request.add_unredirected_header("Authorization", self._authorization)
        until = time.monotonic() + self.timeout
        late = f"no whole answer within {self.timeout:g} s; allow more with --timeout"
        try:
            with self._opener.open(request, timeout=self.timeout) as response:
                headers: http.client.HTTPMessage = response.headers
                let_in = request.unredirected_hdrs.get("Authorization", "")
                # Sent unasked from now on. Not at first, for Virtuoso then never asks for Digest.
                self._authorization = let_in if let_in.startswith("Basic ") else self._authorization
                return Answer(headers.get_content_type(), _whole(response, until), headers)
        except urllib.error.HTTPError as error:
            with error:
                came = self._refusal(error)
        except _Elsewhere as other:
            came = f"it sends on to {other}; if that is to be trusted, ask there"
        except TimeoutError:
            came = late
        except http.client.RemoteDisconnected:
            came = "it closed the connection without an answer"
        except (http.client.HTTPException, ConnectionError):
            came = "only half an answer came: the connection was closed"
        except urllib.error.URLError as error:
            came = late if isinstance(error.reason, TimeoutError) else f"cannot be reached: {error.reason}"
        except OSError as error:
            came = f"cannot be reached: {error}"
        except ValueError:  # urllib's word for a challenge that it does not know
            came = "it asks for credentials in a way that is not supported"
        raise EndpointError(came, endpoint=shown(request.full_url))

    def _refusal(self, error: urllib.error.HTTPError) -> str:
        """What an answer that is none comes to."""
        code, said = error.code, ""
        if code in _BUSY:
            busy = _Busy(f"it is busy ({code}, {_BUSY[code]})", _seconds(error.headers.get("Retry-After")))
            if busy.wait is None or busy.wait <= LONGEST_WAIT:
                raise busy
            return f"{busy} and asks to wait {busy.wait:,.0f} s; try again then"
        with contextlib.suppress(OSError, http.client.HTTPException):
            lines = error.read(_PIECE).decode("utf-8", "replace").strip().splitlines()
            page = "html" in error.headers.get_content_type()
            said = "" if page or not lines else f": {lines[0][:_SHOWN]}"
        wanted = f"a token in {TOKEN}, or --user and a password in {PASSWORD}"
        known = {
            400: f"the query was refused{said or ' without a reason'}",
            401: f"it asks for credentials (401): {wanted}",
            403: f"it forbids this (403){said}; where it wants credentials: {wanted}",
            404: "there is nothing at this address (404); is this its SPARQL address?",
        }
        if self._credentials:
            known |= {code: f"it refused the credentials ({code}){said}" for code in (401, 403)}
        known |= {code: f"it redirects in a circle, or to nowhere ({code})" for code in range(300, 400)}
        return known.get(code, f"it answered {code} {error.reason}{said}")


def shown(url: str) -> str:
    """An address without what may be secret in it: a user, a password, a key in the query."""
    address = urlsplit(url)
    return urlunsplit((address.scheme, address.netloc.rpartition("@")[2], address.path, "", ""))


def _whole(response: http.client.HTTPResponse, until: float) -> bytes:
    """The whole body, if it comes in time: a limit on each read alone would bear a trickle for ever."""
    pieces = []
    while piece := response.read1(_PIECE):
        pieces.append(piece)
        if time.monotonic() > until:
            raise TimeoutError
    body = b"".join(pieces)
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and len(body) < int(announced):
        raise http.client.IncompleteRead(b"")
    return body


def _seconds(said: str | None) -> float | None:
    """How long a Retry-After says to wait: in seconds, or until a date."""
    if said is None:
        return None
    if said.strip().isdecimal():
        return float(said)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return None
