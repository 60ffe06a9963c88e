"""Replies are kept: what is served does not change while it is served."""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping

from cachetools import LRUCache
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_Key = tuple[str, ...]
Kept = tuple[list[tuple[bytes, bytes]], bytes]
_SHARE = 8  # of the room, which one reply may take at most


class ReplyCache:
    """Answers a GET again from memory, and with 304 where the client has it already.

    Kept is what is whole, went well and may be stored; a reply to a POST never is.

    :param app: what answers
    :param size: bytes to keep; 0 keeps none
    """

    def __init__(self, app: ASGIApp, size: int) -> None:
        self._app = app
        self._longest = size // _SHARE
        self._kept: MutableMapping[_Key, Kept] = LRUCache(max(size, 1), lambda kept: len(kept[1]) + 500)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        key = (
            scope["path"],
            scope["query_string"].decode("latin-1"),
            *(headers.get(name, "") for name in ("host", "accept", "accept-encoding")),
        )
        kept = self._kept.get(key)
        if kept is None:
            messages: list[Message] = []

            async def collect(message: Message) -> None:
                messages.append(message)

            await self._app({**scope, "method": "GET"}, receive, collect)
            start, *parts = messages
            body = b"".join(part.get("body", b"") for part in parts)
            if not _may_be_kept(start):
                await send(start)
                await send({"type": "http.response.body", "body": body})
                return
            fresh = MutableHeaders(raw=list(start["headers"]))
            fresh["ETag"] = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
            fresh["Cache-Control"] = "no-cache"  # to be had again only after asking whether it is the same
            kept = (fresh.raw, body)
            if len(body) <= self._longest:
                self._kept[key] = kept
        raw, body = kept
        if _has_it(headers.get("if-none-match"), dict(raw)[b"etag"]):
            same = [(name, value) for name, value in raw if name in (b"etag", b"cache-control", b"vary")]
            await send({"type": "http.response.start", "status": 304, "headers": same})
            await send({"type": "http.response.body", "body": b""})
            return
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        await send({"type": "http.response.body", "body": body})


def _may_be_kept(start: Message) -> bool:
    stored = Headers(raw=start["headers"]).get("cache-control", "")
    return bool(start["status"] == 200 and "no-store" not in stored)


def _has_it(header: str | None, tag: bytes) -> bool:
    """Whether a client's If-None-Match names a tag."""
    if header is None:
        return False
    wanted = tag.decode("ascii").removeprefix("W/")
    return any(one.strip().removeprefix("W/") in (wanted, "*") for one in header.split(","))
