"""Typed values in answers: a register reading on demand, and the state of agreements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from wattledger.connectors.smart_meter_texas.api.outcomes import Answer, Outcome
from wattledger.faults import sabotaged


@dataclass(frozen=True, slots=True)
class RegisterReading:
    """The meter's register, kWh exact, and the vendor's Central wall-clock text of when it was read."""

    kwh: Decimal
    read_at: str


def on_demand_reading(outcome: Outcome) -> RegisterReading | None:
    """The reading in an on-demand status answer; None while pending, whatever zero stands there."""
    ready = isinstance(outcome, Answer) and outcome.code in {"0", "0000", "200"}
    if not ready and not sabotaged("pending_zero"):
        return None
    found = outcome.data.get("odrRead")
    if not isinstance(found, Mapping):
        return None
    try:
        value = Decimal(str(found.get("registeredRead")))
    except InvalidOperation:
        return None
    if not value.is_finite() or value < 0:
        return None
    return RegisterReading(value, str(found.get("readDate", "")))


class AgreementState(StrEnum):
    """What an agreement's status text means."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"
    DECLINED = "declined"
    UNKNOWN = "unknown"


_DECLINED = ("not accepted", "declined", "rejected", "nacom")
_EXPIRED = ("non active", "non-active", "inactive", "completed", "terminated", "expire in last")
_SHORT = {"ACT": AgreementState.ACTIVE, "PEN": AgreementState.PENDING, "COM": AgreementState.EXPIRED}


def agreement_state(text: str) -> AgreementState:
    """The state of a status text; `non active` is tested before `active`."""
    short = text.strip().upper()
    words = text.lower()
    if short in _SHORT:
        return _SHORT[short]
    if any(word in words for word in _DECLINED):
        return AgreementState.DECLINED
    if any(word in words for word in _EXPIRED):
        return AgreementState.EXPIRED
    if "pending" in words:
        return AgreementState.PENDING
    return AgreementState.ACTIVE if "active" in words else AgreementState.UNKNOWN


@dataclass(frozen=True, slots=True)
class Agreement:
    """One agreement: number, state, the vendor's own words, its ESIID where the answer names it."""

    number: str
    state: AgreementState
    status: str
    esiid: str | None = None


def agreements(outcome: Outcome) -> list[Agreement]:
    """The agreements of a list answer; of several for one ESIID or number, an active one is preferred."""
    best: dict[str, Agreement] = {}
    for found in map(_agreement, _rows(outcome.data)):
        key = found.esiid or found.number
        held = best.get(key)
        if held is None or (held.state is not AgreementState.ACTIVE and found.state is AgreementState.ACTIVE):
            best[key] = found
    return list(best.values())


def esiids(outcome: Outcome) -> list[str]:
    """Every ESIID that an answer lists, in order, as text."""
    return [str(v) for row in _rows(outcome.data) if (v := _get(row, "esiid")) is not None]


def _agreement(row: Mapping[str, Any]) -> Agreement:
    status = str(_get(row, "status") or _get(row, "agreementStatus") or _get(row, "statusReason") or "")
    esiid = _get(row, "esiid")
    number = str(_get(row, "agreementNumber") or "")
    return Agreement(number, agreement_state(status), status, str(esiid) if esiid else None)


def _rows(data: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The objects of every list in an answer that isn't a list of faults."""
    for name, value in data.items():
        if isinstance(value, list) and not name.lower().endswith("faultlist"):
            yield from (item for item in value if isinstance(item, Mapping))


def _get(row: Mapping[str, Any], name: str) -> Any:
    return next((v for k, v in row.items() if k.lower() == name.lower()), None)
