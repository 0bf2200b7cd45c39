"""The demo from end to end, as a newcomer starts it: every watt-hour of 13 months."""

from __future__ import annotations

import os
import signal
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.cli.test_serve import running
from wattledger import localday
from wattledger.demo import HISTORY_DAYS, HOME
from wattledger.model import Flow
from wattledger.simulators.smart_meter_texas import SmtSimulator
from wattledger.units import kwh_text

SLOWEST = 180.0


def test_demo_brings_thirteen_months_home_exactly(tmp_path: Path) -> None:
    # A database of the caller's must never be touched: this address would fail at once.
    env = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "DATABASE_URL": "postgresql://nobody@192.0.2.1/x",
    }
    with running("demo", "--no-browser", "--data", tmp_path / "demo", env=env) as demo:
        ledger = demo.line(r"holds (\S+) kWh from (\S+) to (\S+)\.", SLOWEST)
        address = demo.line(r"Open (http://127\.0\.0\.1:\d+/demo/\S+)")[1]
        assert httpx2.get(f"{address}x").status_code == 404  # the door opens for its word only
        wh, points = _expected(tmp_path, date.fromisoformat(ledger[3]))
        assert ledger[1] == kwh_text(wh)
        assert _by_day(address, ledger[2], ledger[3]) == (wh - points[1], points[0] - 1)
        assert demo.stop(signal.SIGINT) == 0
    assert "Traceback" not in "".join(demo.seen)


def _expected(folder: Path, until: date) -> tuple[int, tuple[int, int]]:
    """The simulator's own sum; how many days; the last day's Wh."""
    vendor = SmtSimulator(folder / "recount", [HOME])
    for name in ("adhocusage", "EnrollmentReports"):
        vendor.sftp.folder(name).mkdir(parents=True)
    vendor.drop_history(HISTORY_DAYS, until=until)
    days = sorted(day for _, _, day in vendor.truth)
    last = vendor.truth[HOME.esiid, Flow.DELIVERED, days[-1]][1]
    return vendor.expected_wh(HOME.esiid), (len(days), last)


def _by_day(address: str, start: str, end: str) -> tuple[int, int]:
    """Wh and days in [start, end) by the API, signed in with nothing but the printed address."""
    base = address.partition("/demo/")[0]
    with httpx2.Client(follow_redirects=True) as browser:
        page = browser.get(address)
        assert page.status_code == 200
        assert HOME.esiid[-4:] in page.text
        listed = browser.get(f"{base}/v1/usage-points").json()["usage_points"]
        (point,) = [p for p in listed if p["kind"] == "meter"]
        units = browser.get(f"{base}/dashboard").json()
        assert len(units) == len(listed) - 2 == 3
        _the_car(browser, base, listed, point["id"])
        assert browser.get(f"{base}/fetch_status").json()["ok"]
        query = {"start": start, "end": end, "by": "day"}
        answer = browser.get(f"{base}/v1/usage-points/{point['id']}/energy", params=query).json()
    assert {p["quality"] for p in answer["points"]} <= {"actual", "mixed", "estimated"}
    return sum(round(p["kwh"] * 1000) for p in answer["points"]), len(answer["points"])


def _the_car(browser: httpx2.Client, base: str, listed: list[dict[str, Any]], meter: str) -> None:
    """Connected, with a year of charging that agrees with the simulator's and fits below the meter's."""
    (mine,) = browser.get(f"{base}/v1/ev/me/vehicles").json()["vehicles"]
    assert (mine["active"], mine["trouble"], mine["calls"]["used"] < 20) == (True, None, True)
    (car,) = [p for p in listed if p["kind"] == "vehicle"]
    last = date.fromisoformat(car["coverage"]["last_day"])
    first, until = last - timedelta(days=300), last - timedelta(days=40)
    query = {"start": str(first), "end": str(until), "by": "day"}
    days = browser.get(f"{base}/v1/usage-points/{car['id']}/energy", params=query).json()["points"]
    truth = [HOME.car.home_slots(localday.number(first) + n).sum() / 1000 for n in range(len(days))]
    assert sum(d["kwh"] or 0 for d in days) == pytest.approx(sum(truth), rel=0.01)
    assert max(abs((d["kwh"] or 0) - kwh) for d, kwh in zip(days, truth, strict=True)) < 0.5
    metered = browser.get(f"{base}/v1/usage-points/{meter}/energy", params=query).json()["points"]
    assert all(m["kwh"] > (d["kwh"] or 0) for m, d in zip(metered, days, strict=True))
    found = browser.get(f"{base}/v1/usage-points/{car['id']}/sessions", params=query).json()["sessions"]
    places = Counter(session["place"] for session in found)
    assert places["home"] > 100 and places["away"] > 5
