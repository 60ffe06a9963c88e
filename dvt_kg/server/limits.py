"""How much one request may take."""

from __future__ import annotations

from dataclasses import dataclass

_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """What a request may take before it is refused or stopped.

    :param seconds: of work; the process that works longer is ended
    :param rows: rows or triples of an answer
    :param answer: bytes of an answer
    :param text: bytes of a query
    :param body: bytes of posted records
    :param memory: bytes of memory of a process that works, beyond what it needs to start
    :param waiting: seconds that a request waits for a process to be free
    """

    seconds: float = 10.0
    rows: int = 100_000
    answer: int = 50 * _MEGABYTE
    text: int = 100_000
    body: int = 5 * _MEGABYTE
    memory: int = 1_000 * _MEGABYTE
    waiting: float = 10.0
