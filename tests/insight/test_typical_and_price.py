"""A typical day, and what energy costs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from wattledger.errors import Refused
from wattledger.insight.price import Price, price_of, stored
from wattledger.insight.typical import typical


def test_a_typical_day_is_the_median_of_its_weekday() -> None:
    totals = {100 - 7 * week: 1000 * week for week in range(1, 6)}
    assert typical(totals, 100) == 3000
    assert typical({**totals, 99: 50, 98: 7}, 100) == 3000
    assert typical({93: 1, 86: 2}, 100) is None
    assert typical({day - 70: 5 for day in range(30)}, 1000) is None


def test_a_price_is_exact() -> None:
    price = Price(Decimal("0.1437"), Decimal("9.95"))
    assert price.energy(62_438) == Decimal("8.9723406")
    assert price.fee([date(2026, 2, day) for day in range(1, 29)]).quantize(Decimal("0.0001")) == Decimal(
        "9.95"
    )


def test_a_price_is_stored_as_typed() -> None:
    said = stored(" 0,14 ", "4.95")
    assert said == {"per_kwh": "0.14", "base_fee": "4.95", "currency": "USD"}
    assert price_of({"price": said}) == Price(Decimal("0.14"), Decimal("4.95"))
    assert stored("") is None and price_of({}) is None and price_of({"price": 3}) is None


@pytest.mark.parametrize(("per_kwh", "fee", "currency", "field"), [
    ("x", "", "USD", "per_kwh"), ("-1", "", "USD", "per_kwh"), ("0.1", "NaN", "USD", "base_fee"),
    ("1e9", "", "USD", "per_kwh"), ("0.1", "", "XXX", "currency"),
])  # fmt: skip
def test_a_bad_price_names_its_field(per_kwh: str, fee: str, currency: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        stored(per_kwh, fee, currency)
    assert refused.value.field == field
