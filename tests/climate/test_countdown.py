"""A pasted token's end is announced six hours and one hour ahead, to the instant."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.climate.conftest import NOW
from wattledger.store.sources.connections import ConnectionRow
from wattledger.web.contracts.ac.pasted import Window
from wattledger.web.pages.connected import judge

TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
ROW = ConnectionRow("c", "s", "smartthings", {}, "ok", NOW, 0, NOW, None, NOW)


@pytest.mark.parametrize(
    ("rest", "level", "asks"),
    [
        (6 * HOUR + TICK, "good", False),
        (6 * HOUR, "caution", True),
        (HOUR + TICK, "caution", True),
        (HOUR, "bad", True),
        (TICK, "bad", True),
        (timedelta(), "bad", True),
    ],
)
def test_from_when_it_is_announced(rest: timedelta, level: str, asks: bool) -> None:
    window = Window("abcd...wxyz", NOW)
    found = judge(ROW, window, window.expires - rest)
    assert (found.level, found.todo is not None) == (level, asks)
    assert ("has ended" in found.countdown) == (not rest)
