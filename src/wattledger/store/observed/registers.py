"""The account of a usage point with a register: its reports in the order of receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from wattledger.accounting import State, account, report_of
from wattledger.faults import sabotaged
from wattledger.store.observed.booked_days import Entry, Kept
from wattledger.store.observed.register_state import dump, load
from wattledger.store.observed.rows import Row


@dataclass(slots=True)
class RegisterAccount:
    """See `accounts.Account`."""

    by_receipt: ClassVar[bool] = True

    payload: int = 0
    """the newest that reported"""
    state: State = field(default_factory=State)

    @classmethod
    def opened(cls, payload: int, stored: Mapping[str, Any]) -> RegisterAccount:
        """The account that goes on from what is stored."""
        return cls(payload, load(stored))

    @property
    def carried(self) -> Decimal:
        return self.state.booked

    def dump(self) -> dict[str, Any]:
        return dump(self.state)

    def owns(self) -> bool:
        return self.payload > 0

    def late(self, rows: Sequence[Row]) -> bool:
        late = any(self.payload > row["payload"] for row in rows)
        late = late and any(report_of(row["at"], row["values"]) for row in rows)
        return late and not sabotaged("register_recompute")

    def mark_of(self, rows: Sequence[Row]) -> None:
        return None

    def mark_due(self, at: datetime, zone: str) -> int | None:
        return None

    def mark(self, kept: Kept) -> None:
        raise ValueError("A register's account has no marks.")

    def advance(self, rows: Sequence[Row]) -> list[Entry]:
        told = [(row, report) for row in rows if (report := report_of(row["at"], row["values"]))]
        judged, self.state = account([report for _, report in told], self.state)
        entries = []
        for (row, _), one in zip(told, judged, strict=True):
            row["verdict"], row["booked_wh"] = one.verdict.value, str(one.wh)
            self.payload = max(self.payload, row["payload"])
            if one.booking:
                entries.append((one.booking, row["payload"]))
        return entries
