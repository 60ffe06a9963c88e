"""Slots: the places of a record, each with the values that it lets in and the fact that they make.

They are made from the ontology; nothing here knows a finding, a vein, a unit or a limit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Protocol

from dvt_kg.ontology import Measurement, nearest
from dvt_kg.patients import STATES, Fact

UNKNOWN = "unknown"
LONGEST_VALUE = 200  # of what an error repeats
LONGEST_NAME = 80  # that is compared with the known names
DECIMALS = 18  # that triple stores keep

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,18})?"
    r"(?:(Z)|([+-])([0-9]{2}):([0-9]{2}))?"
)
_KINDS: tuple[tuple[type | UnionType, str], ...] = (
    (NoneType, "null"),
    (bool, "true or false"),
    (int | float | Decimal, "a number"),
    (str, "a text"),
    (list | tuple, "a list"),
    (dict, "an object"),
)


class Refused(Exception):
    """A value that is not let in, with the reason and the remedy.

    :param nearest: the nearest known name, where a name was unknown
    """

    def __init__(self, message: str, nearest: str | None = None) -> None:
        self.nearest = nearest
        super().__init__(message)


class UnknownName(Refused):
    """A name that is not known where it stands.

    :param what: what the name should have been
    :param name: the name
    :param known: the names that are known there
    """

    def __init__(self, what: str, name: str, known: frozenset[str]) -> None:
        self.what = what
        self.name = name
        self.known = known
        close = _nearest(name, known)
        if close:
            remedy = f"did you mean {close!r}?"
        elif len(known) <= 8:
            remedy = f"write {choice(sorted(known))}"
        else:
            remedy = "dvt-kg template json lists all names"
        super().__init__(f"no {what} is called {shown(name)!r}; {remedy}", close)


class Written(str):
    """A number that its format can only write as text, such as the cell of a table."""


class Slot(Protocol):
    """A place of a record.

    ``single`` says that a record has one value at most of the fact's property, ``many`` that
    it has a list of values there.
    """

    single: bool
    many: bool

    def fact(self, value: object) -> Fact | None:
        """The fact that a value makes, or None where it says unknown.

        :raises Refused: where the slot does not let the value in
        """


class State:
    """The slot of one finding, whose value is a state.

    >>> State("tense-edema").fact("absent")
    Fact(property='lacksFinding', value='tense-edema')
    """

    single = False
    many = False

    def __init__(self, finding: str) -> None:
        self.facts: dict[str, Fact | None] = {
            state: Fact(name, finding) for name, (_, state) in STATES.items()
        }
        self.facts[UNKNOWN] = None

    def fact(self, value: object) -> Fact | None:
        """The fact that a state makes."""
        if value is None:
            return None
        if isinstance(value, str) and value in self.facts:
            return self.facts[value]
        states = list(self.facts)
        if isinstance(value, bool):
            raise Refused(f"true and false are no states of a finding; write {states[not value]!r}")
        if isinstance(value, str):
            raise Refused(
                f"{shown(value)!r} is no state of a finding; write {choice(states)}",
                _nearest(value, frozenset(states)),
            )
        raise Refused(f"{kind(value)} is no state of a finding; write {choice(states)}")


class Name:
    """A slot whose value is one of the ontology's names.

    :param property: the property of the fact
    :param names: the names that it takes
    :param what: what such a name is called
    :param many: whether a record has a list of them
    :param unknown: whether the value may be ``unknown``

    >>> Name("side", {"left", "right"}, what="side").fact("left")
    Fact(property='side', value='left')
    """

    def __init__(
        self, property: str, names: Collection[str], *, what: str, many: bool = False, unknown: bool = False
    ) -> None:
        self.property = property
        self.names = frozenset(names)
        self.facts = {name: Fact(property, name) for name in self.names}
        self.what = what
        self.many = many
        self.single = not many
        self.unknown = unknown

    def fact(self, value: object) -> Fact | None:
        """The fact that a name makes."""
        if value is None and self.single:
            return None
        if not isinstance(value, str):
            raise Refused(f"{kind(value)} is no {self.what}; write its name as text")
        if value in self.facts:
            return self.facts[value]
        if value != UNKNOWN:
            raise UnknownName(self.what, value, self.names)
        if not self.unknown:
            raise Refused(f"no {self.what} is called 'unknown'; leave out what is not known")
        return None


class Number:
    """The slot of a measurement."""

    single = True
    many = False

    def __init__(self, measurement: Measurement) -> None:
        self.measurement = measurement
        self.facts: dict[Decimal, Fact] = {}

    def fact(self, value: object) -> Fact | None:
        """The fact that a number makes, in the measurement's unit."""
        if value is None:
            return None
        if isinstance(value, Written):
            number = number_from_text(value)
        elif isinstance(value, Decimal):
            number = value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            number = _decimal(value)
        elif isinstance(value, str):
            raise Refused("text is no number; write the number without quotes")
        else:
            raise Refused(f"{kind(value)} is no number; write a number or leave it out")
        if not number.is_finite():
            raise Refused(f"{number} is not a finite number; write a number or leave it out")
        if number not in self.facts:
            self.facts[number] = Fact(self.measurement.property, self._plausible(number))
        return self.facts[number]

    def _plausible(self, number: Decimal) -> Decimal:
        known = self.measurement
        if number == 0:
            return Decimal(0)
        unit = "" if known.unit == "1" else f" {known.unit}"
        limits = f"{known.minimum} to {known.maximum}{unit}"
        if number < 0 <= known.minimum:
            raise Refused(f"{shown(number)} is negative; {known.label} goes from {limits}")
        if not known.minimum <= number <= known.maximum:
            raise Refused(
                f"{shown(number)} is outside {limits}, the plausible range of {known.label};"
                " is it in another unit?"
            )
        text = "" if Decimal(repr(float(number))) != number else format(number.normalize(), "f")
        if not text or len(text.partition(".")[2]) > DECIMALS:
            raise Refused("the number has more digits than can be kept exactly; round it")
        return Decimal(text)


class Time:
    """The slot of a date with its time.

    >>> Time("assessedAt").fact("2026-05-26T09:00:00Z")
    Fact(property='assessedAt', value='2026-05-26T09:00:00Z')
    """

    single = True
    many = False

    def __init__(self, property: str) -> None:
        self.property = property
        self.facts: dict[str, Fact] = {}

    def fact(self, value: object) -> Fact | None:
        """The fact that a time makes."""
        if value is None:
            return None
        if not isinstance(value, str):
            raise Refused(f"{kind(value)} is no time; write it as text, as in 2026-05-26T09:00:00Z")
        if value not in self.facts:
            self.facts[value] = Fact(self.property, instant(value))
        return self.facts[value]


def instant(text: str) -> str:
    """The canonical text of an ``xsd:dateTime``: in UTC where it has a zone.

    :param text: the time
    :returns: its canonical text
    :raises Refused: where the text is no time

    >>> instant("2026-05-26T11:00:00.50+02:00")
    '2026-05-26T09:00:00.5Z'
    >>> instant("2026-05-26")
    Traceback (most recent call last):
    ...
    dvt_kg.slots.Refused: a date alone is no time; add the time, as in 2026-05-26T00:00:00Z
    """
    if _DATE.fullmatch(text):
        raise Refused(f"a date alone is no time; add the time, as in {text}T00:00:00Z")
    found = _TIME.fullmatch(text)
    if not found:
        raise Refused(f"{shown(text)!r} is no time; write it as in 2026-05-26T09:00:00Z")
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction, utc, sign, hours, minutes = found.groups(default="")[6:]
    fraction = fraction.rstrip("0").rstrip(".")
    midnight = (hour, minute, second, fraction) == (24, 0, 0, "")
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        time = datetime(year, month, day, 0 if midnight else hour, minute, second)
        time += timedelta(days=int(midnight)) + (offset if sign == "-" else -offset)
        possible = offset <= timedelta(hours=14) and int(minutes or 0) < 60
    except (ValueError, OverflowError):
        possible = False
    if not possible:
        raise Refused(f"there is no time {text!r}; check its date, hour and zone")
    return time.isoformat() + fraction + ("Z" if utc or sign else "")


def number_from_text(text: str) -> Decimal:
    """The number that a text writes with digits and a decimal point.

    :param text: the numeral
    :returns: its number
    :raises Refused: where the text is no number

    >>> number_from_text("7.50")
    Decimal('7.50')
    >>> number_from_text("7,5")
    Traceback (most recent call last):
    ...
    dvt_kg.slots.Refused: '7,5' has a comma; write a decimal point, and nothing between thousands
    """
    text = str(text).strip()
    if _NUMBER.fullmatch(text):
        return numeral(text)
    value = repr(shown(text))
    if _NOT_FINITE.fullmatch(text):
        raise Refused(f"{value} is not a finite number; write a number or leave it out")
    if "," in text:
        raise Refused(f"{value} has a comma; write a decimal point, and nothing between thousands")
    if text.startswith(("<", ">", "≤", "≥", "~")):
        raise Refused(f"{value} is a bound and no number; write the measured number or leave it out")
    raise Refused(f"{value} is no number; write digits with a decimal point and no unit, or leave it out")


def numeral(text: str) -> Decimal:
    """The number of a numeral, infinite where its exponent is out of reach.

    >>> numeral("1e2"), numeral("1e99999999999999999999")
    (Decimal('1E+2'), Decimal('Infinity'))
    """
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("Infinity")


def shown(value: object) -> Any:
    """A value as an error repeats it: something that JSON can hold, cut where it is long.

    >>> from decimal import Decimal
    >>> shown(Decimal("18000")), shown("x" * 1000)[-3:]
    (18000, 'xx…')
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        number = _decimal(value)
        if number.is_finite() and -15 < number.adjusted() < 15:
            if number == number.to_integral_value():
                return int(number)
            if Decimal(repr(float(number))) == number:
                return float(number)
        text = str(number)
    elif isinstance(value, str):
        text = str(value)
    else:
        try:
            text = json.dumps(value, ensure_ascii=False, default=_plain)
        except (RecursionError, TypeError, ValueError):
            text = kind(value)
    text = text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def kind(value: object) -> str:
    """What a value is, in words.

    >>> kind([]), kind("x"), kind(None)
    ('a list', 'a text', 'null')
    """
    return next((words for known, words in _KINDS if isinstance(value, known)), f"a {type(value).__name__}")


def choice(words: Iterable[str]) -> str:
    """Words to choose from.

    >>> choice(["present", "absent", "unknown"])
    "'present', 'absent' or 'unknown'"
    """
    *most, last = [repr(word) for word in words]
    return f"{', '.join(most)} or {last}" if most else last


def _decimal(value: int | float | Decimal) -> Decimal:
    return Decimal(float.__repr__(value)) if isinstance(value, float) else Decimal(value)


@lru_cache(maxsize=4096)
def _nearest(name: str, known: frozenset[str]) -> str | None:
    return nearest(name, known) if len(name) <= LONGEST_NAME else None


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else str(value)
