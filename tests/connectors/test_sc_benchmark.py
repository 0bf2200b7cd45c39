"""The benchmark of reading measures answers that say something."""

from __future__ import annotations

import pytest
from benchmarks import smartcar

from tests.connectors.smartcar_said import read
from tests.payloads.smartcar import payload
from wattledger.connectors.smartcar.parse import BATCH, SIGNALS, WEBHOOK


def test_what_is_measured_is_read() -> None:
    assert set(read(payload(smartcar.batch(), BATCH)).observations[0].values) >= {"soc_pct", "odometer_km"}
    for body, kind in ((smartcar.signals(), SIGNALS), (smartcar.webhook(), WEBHOOK)):
        assert "soc_pct" in read(payload(body, kind)).observations[0].values


def test_every_figure_has_a_goal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smartcar, "TIMES", 3)
    assert [figure.unit for figure in smartcar.measure()] == ["/s"] * 4
