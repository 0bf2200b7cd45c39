"""What every peer can be asked. One call is one answer in the caller's hands, as numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.readings import Batch, Span

Values = NDArray[np.int64]


class Absent(Exception):
    """This peer is not on this machine; says what to install."""


class Peer(ABC):
    """One product or way of keeping readings, in a folder of its own."""

    name: str
    how: str
    """its model and settings, one or two sentences for the page"""
    share: ClassVar[float] = 1.0
    """of the meters that it gets; a slow one gets fewer"""
    hourly: ClassVar[bool] = False
    """it answers in hours, not in quarter-hours"""

    @abstractmethod
    def start(self, folder: Path) -> str:
        """Be ready, empty; what it keeps is in `folder`. Gives its version. Raises Absent."""

    @abstractmethod
    def stop(self) -> None:
        """End what was started; called also where `start` failed."""

    @abstractmethod
    def prepare(self, batch: Batch) -> Any:
        """The delivery in the form that it takes. Not timed."""

    @abstractmethod
    def ingest(self, prepared: Any) -> None:
        """Take it in; at the return it can be read. Timed."""

    @abstractmethod
    def readings(self, meter: int, span: Span) -> Values:
        """Wh of one meter, one by one, in the order of time."""

    @abstractmethod
    def sums(self, span: Span) -> dict[int, int]:
        """Wh of every meter in a span."""

    @abstractmethod
    def weigh(self) -> int:
        """Bytes on disk of what it keeps, at rest."""

    def repacked(self, prepared: Any) -> Any | None:
        """The same readings as other bytes, where the peer knows a file again by its bytes; else None."""
        return None

    def core(self) -> int | None:
        """Bytes of the values alone, where it keeps more beside them; else None."""
        return None


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder, by the blocks they hold."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())
