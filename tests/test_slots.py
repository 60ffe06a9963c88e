"""The values that the places of a record let in."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from dvt_kg.slots import Refused, instant, number_from_text, shown


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2026-05-26T09:00:00Z", "2026-05-26T09:00:00Z"),
        ("2026-05-26T11:00:00+02:00", "2026-05-26T09:00:00Z"),
        ("2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00Z"),
        ("2026-12-31T23:00:00-05:30", "2027-01-01T04:30:00Z"),
        ("2026-05-26T09:00:00", "2026-05-26T09:00:00"),
        ("2026-05-26T09:00:00.500Z", "2026-05-26T09:00:00.5Z"),
        ("2026-05-26T09:00:00.000", "2026-05-26T09:00:00"),
        ("2026-05-26T24:00:00Z", "2026-05-27T00:00:00Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
    ],
)
def test_a_time_becomes_canonical(text: str, canonical: str) -> None:
    assert instant(text) == canonical
    assert instant(canonical) == canonical


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("2026-05-26", "add the time, as in 2026-05-26T00:00:00Z"),
        ("26.05.2026", "write it as in 2026-05-26T09:00:00Z"),
        ("2026-05-26 09:00:00", "write it as in"),
        ("2026-05-26T09:00", "write it as in"),
        ("2026-05-26T09:00:00z", "write it as in"),
        ("", "write it as in"),
        ("2026-02-30T00:00:00Z", "check its date"),
        ("2026-13-01T00:00:00Z", "check its date"),
        ("2026-05-26T25:00:00Z", "check its date"),
        ("2026-05-26T24:00:01Z", "check its date"),
        ("2026-05-26T09:00:60Z", "check its date"),
        ("2026-05-26T09:00:00+15:00", "check its date"),
        ("2026-05-26T09:00:00+02:75", "check its date"),
        ("0000-01-01T00:00:00Z", "check its date"),
        ("0001-01-01T00:00:00+14:00", "check its date"),
        ("9999-12-31T23:59:59-01:00", "check its date"),
    ],
)
def test_what_is_no_time_is_refused_with_the_remedy(text: str, remedy: str) -> None:
    with pytest.raises(Refused, match=remedy.replace("+", r"\+")):
        instant(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", "7"),
        ("7.0", "7"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e2", "100"),
        ("+3", "3"),
        (" 7 ", "7"),
        ("-0", "0"),
    ],
)
def test_a_numeral_is_a_number(text: str, number: str) -> None:
    assert number_from_text(text) == Decimal(number)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("7,5", "comma"),
        ("1,000", "comma"),
        ("1,234.5", "comma"),
        ("1 000", "no number"),
        ("1'000", "no number"),
        ("1_000", "no number"),
        ("1.000.000", "no number"),
        ("nan", "not a finite number"),
        ("-INF", "not a finite number"),
        ("< 5", "bound"),
        (">100", "bound"),
        ("≥25", "bound"),
        ("~7", "bound"),
        ("seven", "no number"),
        ("7 days", "no number"),
        ("70%", "no number"),
        ("٧", "no number"),
        ("0x1F", "no number"),
        ("--7", "no number"),
    ],
)
def test_what_is_no_numeral_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        number_from_text(text)


@pytest.mark.parametrize(
    ("value", "as_shown"),
    [
        (None, None),
        (True, True),
        ("text", "text"),
        (Decimal("18000"), 18000),
        (Decimal("0.55"), 0.55),
        (Decimal("1E+999999999"), "1E+999999999"),
        (Decimal("1E-999999999"), "1E-999999999"),
        (Decimal("NaN"), "NaN"),
        (Decimal("sNaN"), "sNaN"),
        (float("inf"), "Infinity"),
        pytest.param(10**5000, "1" + "0" * 199 + "…", id="a huge number"),
        ([Decimal(7), "x"], '[7.0, "x"]'),
        ({1: {2, 3}}, '{"1": "{2, 3}"}'),
        ({(1, 2): 3}, "an object"),
        pytest.param("\ud800", "\\ud800", id="half a character"),
        ("x" * 201, "x" * 200 + "…"),
    ],
)
def test_an_error_repeats_any_value_as_something_that_json_can_hold(value: object, as_shown: object) -> None:
    assert shown(value) == as_shown
    assert json.dumps(shown(value), allow_nan=False).encode()
