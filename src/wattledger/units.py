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
