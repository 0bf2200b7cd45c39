"""What energy costs by a flat price: an amount a kWh and a base fee a month. Pure, exact decimals."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from wattledger.errors import Refused

MOST = Decimal(1_000_000)
CURRENCIES = {"USD": "$", "EUR": "€", "GBP": "£"}


@dataclass(frozen=True, slots=True)
class Price:
    """Currency units a kWh, and a fee a month that is spread over its days."""

    per_kwh: Decimal
    base_fee: Decimal = Decimal(0)
    currency: str = "USD"

    @property
    def sign(self) -> str:
        """The currency as amounts begin with it."""
        return CURRENCIES.get(self.currency, f"{self.currency} ")

    def energy(self, wh: int) -> Decimal:
        """The cost of energy alone."""
        return self.per_kwh * wh / 1000

    def fee(self, days: Iterable[date]) -> Decimal:
        """The base fee's share of these days."""
        return sum((self.base_fee / monthrange(d.year, d.month)[1] for d in days), Decimal(0))


def price_of(choices: Mapping[str, Any]) -> Price | None:
    """A site's price among its choices; None where it has none."""
    said = choices.get("price")
    if not isinstance(said, Mapping) or "per_kwh" not in said:
        return None
    return Price(Decimal(said["per_kwh"]), Decimal(said.get("base_fee", "0")), said.get("currency", "USD"))


def stored(per_kwh: str, base_fee: str = "", currency: str = "USD") -> dict[str, str] | None:
    """What people typed as it is stored; None for an empty price. Raises Refused naming the field."""
    if not per_kwh.strip():
        return None
    if currency not in CURRENCIES:
        raise Refused(f"The currency is one of {', '.join(CURRENCIES)}.", "BAD_PRICE", "currency", 422)
    fee = _amount("base_fee", base_fee or "0")
    return {"per_kwh": str(_amount("per_kwh", per_kwh)), "base_fee": str(fee), "currency": currency}


def _amount(field: str, text: str) -> Decimal:
    try:
        found = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or not 0 <= found < MOST:
        raise Refused(f"{field} is an amount such as 0.14.", "BAD_PRICE", field, 422)
    return found
