"""Rows of `observation` and its kin, as the engines read and write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from wattledger.store.documents import text_of

Row = dict[str, Any]
"""a row of `observation`"""
Key = tuple[int, datetime]
"""usage point (`n`) and instant"""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A row of `point_state`."""

    usage_point: int
    payload: int
    register: Mapping[str, Any]
    latest: Mapping[str, Any]


class Told(NamedTuple):
    """What one payload said at one moment."""

    payload: int
    values: dict[str, Any]
    sealed: str | None


COLUMNS = ("usage_point", "at", "payload", "values", "day", "verdict", "booked_wh", "sealed")
"""of `observation`, in the order in which rows are written"""


def cells(row: Row, at: object) -> tuple[object, ...]:
    """The columns of a row; `at` is its instant as the engine's driver takes it."""
    return (
        row["usage_point"],
        at,
        row["payload"],
        text_of(row["values"]),
        row["day"],
        row.get("verdict"),
        row.get("booked_wh"),
        row.get("sealed"),
    )
