"""What became of a file that `wattledger ingest` was given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wattledger.store.rows import Delivered


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: delivered, or the sentence that says why it was not."""

    path: Path
    delivered: Delivered | None = None
    error: str | None = None

    @property
    def read(self) -> bool:
        """Whether the file was read, whatever it held."""
        return self.delivered is not None and self.delivered.state == "read"
