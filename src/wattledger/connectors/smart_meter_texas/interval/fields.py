"""Columns of raw text -> arrays: each distinct text is decoded once, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattledger.connectors.smart_meter_texas.interval import labels
from wattledger.connectors.smart_meter_texas.interval.intake import BLANK, FIRST_REFUSAL, READING, Refusals
from wattledger.faults import sabotaged
from wattledger.model import MISSING

Codes = NDArray[np.int32]
Column = tuple[Codes, list[bytes]]
"""n codes, and the distinct texts they stand for"""

_MOST_KNOWN = 200_000


@dataclass(slots=True)
class Field:
    """A decoder with a memory: text -> (value, refusal code or -1)."""

    decode: Callable[[str], int]
    refusals: Refusals
    known: dict[bytes, tuple[int, int]] = field(default_factory=dict)

    def one(self, raw: bytes) -> tuple[int, int]:
        """The value of one text, and the code of its refusal or -1."""
        found = self.known.get(raw)
        if found is None:
            if len(self.known) >= _MOST_KNOWN:
                self.known.clear()
            found = self.known[raw] = self._decoded(raw)
        return found

    def _decoded(self, raw: bytes) -> tuple[int, int]:
        try:
            if b"\0" in raw:
                raise ValueError("the row contains NUL bytes")
            return self.decode(labels.clean(raw)), -1
        except ValueError as error:
            return 0, self.refusals.code(str(error), labels.clean(raw))

    def column(self, column: Column, dtype: Any) -> tuple[NDArray[Any], NDArray[np.int16]]:
        """Values and refusal codes of a whole column."""
        codes, texts = column
        pairs = [self.one(text) for text in texts]
        values = np.array([value for value, _ in pairs], dtype)
        wrong = np.array([code for _, code in pairs], np.int16)
        return values[codes], wrong[codes]


class EnergyField:
    """kWh texts -> Wh, row state, and whether the value was finer than a watt-hour."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._known: dict[bytes, tuple[int, int, bool]] = {}

    def _one(self, raw: bytes) -> tuple[int, int, bool]:
        text = labels.clean(raw)
        if not text and b"\0" not in raw:
            return (0, READING, False) if sabotaged("blank_is_missing") else (MISSING, BLANK, False)
        try:
            if b"\0" in raw:
                raise ValueError("the row contains NUL bytes")
            wh, finer = labels.energy(text)
        except ValueError as error:
            return MISSING, FIRST_REFUSAL + self._refusals.code(str(error), text), False
        return wh, READING, finer

    def column(self, column: Column) -> tuple[NDArray[np.int32], NDArray[np.int16], NDArray[np.bool_]]:
        """Wh, state and fineness of a whole column."""
        codes, texts = column
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        found = []
        for text in texts:
            if text not in self._known:
                self._known[text] = self._one(text)
            found.append(self._known[text])
        wh = np.array([f[0] for f in found], np.int32)
        state = np.array([f[1] for f in found], np.int16)
        finer = np.array([f[2] for f in found], bool)
        return wh[codes], state[codes], finer[codes]
