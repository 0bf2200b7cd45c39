"""Energy units: integer watt-hours inside, decimal kilowatt-hours at the edges."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

MAX_WH = 2**31 - 1
"""Greatest energy of one quarter-hour that a block can hold, Wh."""


def kwh(wh: int) -> float:
    """Watt-hours as kWh with at most three decimals, exact for JSON."""
    return int(wh) / 1000


def kwh_text(wh: int) -> str:
    """Watt-hours as kWh with exactly three decimals, for ledgers and CSV."""
    sign, rest = ("-", -int(wh)) if wh < 0 else ("", int(wh))
    return f"{sign}{rest // 1000}.{rest % 1000:03d}"


def wh_from_kwh(text: str) -> int:
    """Watt-hours of a decimal kWh text, to the nearest Wh (half to even).

    Raises ValueError, with a reason for people, for what isn't a finite number in 0..MAX_WH Wh.
    """
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError("is not a decimal number") from None
    if not value.is_finite():
        raise ValueError("is not a finite number")
    if value < 0:
        raise ValueError("is negative")
    if value.adjusted() > 9:
        raise ValueError("is too large for a quarter-hour")
    wh = int((value * 1000).to_integral_value(rounding=ROUND_HALF_EVEN))
    if wh > MAX_WH:
        raise ValueError("is too large for a quarter-hour")
    return wh


MOST_REGISTER_WH = Decimal(10) ** 12
"""No register of a home or a site shows more than a terawatt-hour."""
_FINEST = -24


def register_wh(value: object) -> Decimal | None:
    """A register's number as reported, or None for what is no finite number in 0..MOST_REGISTER_WH.

    Numbers of JSON (int, Decimal, float) and the decimal text that was stored of one; never a bool.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    exponent = number.as_tuple().exponent
    if not number.is_finite() or not isinstance(exponent, int) or exponent < _FINEST:
        return None
    return number if 0 <= number <= MOST_REGISTER_WH else None
