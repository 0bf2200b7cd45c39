"""What one cycle did: counts, failures with their reasons, and the line that tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wattledger.errors import WattledgerError

MOST_LISTED = 100
Line = dict[str, Any]


@dataclass
class Report:
    """Counted while a cycle runs. `fetched` new remote files copied, `decrypted` encrypted files opened,
    `processed_files` files turned into payloads, `sent` receipts received."""

    fetched: int = 0
    decrypted: int = 0
    processed_files: int = 0
    sent: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    more: bool = False
    """there was not enough time for all: the next cycle should follow at once"""

    def fail(self, name: str, code: str, reason: str) -> None:
        """One file that was not taken this time."""
        self.failed.append({"name": name, "code": code, "reason": reason})

    def stop(self, error: WattledgerError) -> None:
        """A whole stage that could not go on."""
        if str(error) not in self.errors:
            self.errors.append(str(error))

    @property
    def moved(self) -> int:
        return self.fetched + self.decrypted + self.processed_files + self.sent

    @property
    def status(self) -> str:
        """`failed`: a stage stopped and nothing moved. `partial`: some of it failed. Else `ok`."""
        if self.errors and not self.moved:
            return "failed"
        return "partial" if self.errors or self.failed else "ok"

    def line(self, **more: object) -> Line:
        """The cycle line: the contract's five keys first."""
        line: Line = {
            "status": self.status,
            "fetched": self.fetched,
            "decrypted": self.decrypted,
            "processed_files": self.processed_files,
            "sent": self.sent,
        }
        if self.status == "ok" and not self.moved:
            line["idle"] = True
        if self.failed:
            line["failed"] = self.failed[:MOST_LISTED]
            line["failed_files"] = len(self.failed)
        if self.errors:
            line["error"] = " ".join(self.errors)
        if self.more:
            line["more"] = True
        if self.warnings:
            line["warnings"] = self.warnings[:MOST_LISTED]
        return {**line, **more}
