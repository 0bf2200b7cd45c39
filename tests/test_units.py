"""Watt-hours from decimal text, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattledger.units import MAX_WH, kwh, kwh_text, wh_from_kwh


@pytest.mark.parametrize(
    ("text", "wh"),
    [
        (".145", 145),
        (".1", 100),
        ("1.204", 1204),
        ("0", 0),
        (" 0.859 ", 859),
        ("000000000000007.980", 7980),
        ("0.14100000000000001", 141),
        ("1E-3", 1),
        (".0005", 0),
        (".0015", 2),
    ],
)
def test_wh_of_a_decimal_text(text: str, wh: int) -> None:
    assert wh_from_kwh(text) == wh


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("NaN", "finite"),
        ("inf", "finite"),
        ("1e400", "too large"),
        ("2147483.648", "too large"),
        ("-0.1", "negative"),
        ("1,204", "decimal"),
        ("", "decimal"),
        ("abc", "decimal"),
        ("9" * 5000, "too large"),
    ],
)
def test_what_is_no_energy_says_why(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        wh_from_kwh(text)


@given(st.integers(0, MAX_WH))
def test_text_round_trip(wh: int) -> None:
    assert wh_from_kwh(kwh_text(wh)) == wh
    assert wh_from_kwh(repr(kwh(wh))) == wh


def test_negative_text() -> None:
    assert kwh_text(-1) == "-0.001"
