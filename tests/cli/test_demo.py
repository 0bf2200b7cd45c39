"""The demo from end to end, as a newcomer starts it: every watt-hour of 13 months."""

from __future__ import annotations

import os
import signal
import time
from datetime import date
from pathlib import Path

import httpx2

from tests.cli.test_serve import running
from wattledger.demo import HISTORY_DAYS, HOME
from wattledger.model import Flow
from wattledger.simulators.smart_meter_texas import SmtSimulator
from wattledger.units import kwh_text


def test_demo_brings_thirteen_months_home_exactly(tmp_path: Path) -> None:
    # A database of the caller's must never be touched: this address would fail at once.
    env = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "DATABASE_URL": "postgresql://nobody@192.0.2.1/x",
    }
    began = time.monotonic()
    with running("demo", "--no-browser", "--data", tmp_path / "demo", env=env) as demo:
        ledger = demo.line(r"holds (\S+) kWh from (\S+) to (\S+)\.")
        address = demo.line(r"Open (http://127\.0\.0\.1:\d+/demo/\S+)")[1]
        assert time.monotonic() - began < 60
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
        assert len(units) == len(listed) - 1 == 3
        assert browser.get(f"{base}/fetch_status").json()["ok"]
        query = {"start": start, "end": end, "by": "day"}
        answer = browser.get(f"{base}/v1/usage-points/{point['id']}/energy", params=query).json()
    assert {p["quality"] for p in answer["points"]} <= {"actual", "mixed", "estimated"}
    return sum(round(p["kwh"] * 1000) for p in answer["points"]), len(answer["points"])


def test_the_demo_door_opens_for_its_word_only(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    with running("demo", "--no-browser", "--data", tmp_path / "demo", env=env) as demo:
        address = demo.line(r"Open (\S+)")[1]
        assert httpx2.get(f"{address}x").status_code == 404
