"""The table of peers: who is right is called right, and who is wrong is told so. Nothing is timed here."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks import pages
from benchmarks.peers import duck, home_assistant, influxdb, ours, postgres, table, victoria_metrics
from benchmarks.peers.measures import Plan, Result, Verdict, measured
from benchmarks.peers.protocol import Peer, Values
from benchmarks.peers.readings import AUTUMN, ZONE, Batch, Span, make

PLAN = Plan(meters=3, days=(date(2025, 10, 25), 12), runs=1)
RIGHT = {"25 h day": True, "re-ingest": True, "revision": True, "out of order": True}
LAST_WINS = {**RIGHT, "out of order": False}
ADDS_UP = {"25 h day": True, "re-ingest": False, "revision": False, "out of order": False}


class Book(Peer):
    """A dict of readings, right by the revision; the others below each have one thing wrong."""

    name, how = "a book", "In memory."

    def start(self, folder: Path) -> str:
        self.held: dict[tuple[int, int], tuple[int, int]] = {}
        return "1"

    def stop(self) -> None:
        self.held.clear()

    def prepare(self, batch: Batch) -> Any:
        columns = (batch.meter, batch.at, batch.wh, batch.revision)
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def ingest(self, prepared: Any) -> None:
        for meter, at, wh, revision in prepared:
            self.keep((meter, at), (revision, wh))

    def keep(self, key: tuple[int, int], value: tuple[int, int]) -> None:
        self.held[key] = max(self.held.get(key, value), value)

    def readings(self, meter: int, span: Span) -> Values:
        found = sorted((at, wh) for (m, at), (_, wh) in self.held.items() if m == meter)
        return np.array([wh for at, wh in found if span.start <= at < span.end], np.int64)

    def sums(self, span: Span) -> dict[int, int]:
        return {meter: int(self.readings(meter, span).sum()) for meter in {meter for meter, _ in self.held}}

    def weigh(self) -> int:
        return len(self.held)


class LastWins(Book):
    def keep(self, key: tuple[int, int], value: tuple[int, int]) -> None:
        self.held[key] = value


class FirstWins(Book):
    def keep(self, key: tuple[int, int], value: tuple[int, int]) -> None:
        self.held.setdefault(key, value)


class Doubles(Book):
    def keep(self, key: tuple[int, int], value: tuple[int, int]) -> None:
        self.held[key] = (0, self.held.get(key, (0, 0))[1] + value[1])


class Loses(Book):
    def keep(self, key: tuple[int, int], value: tuple[int, int]) -> None:
        if key[1] % 86400:
            super().keep(key, value)


class ByTheWallClock(Book):
    """The hour that autumn has twice is kept once, its energy added up."""

    def readings(self, meter: int, span: Span) -> Values:
        found: dict[str, int] = {}
        for (m, at), (_, wh) in sorted(self.held.items()):
            if m == meter and span.start <= at < span.end:
                wall = f"{datetime.fromtimestamp(at, ZONE):%Y-%m-%d %H:%M}"
                found[wall] = found.get(wall, 0) + wh
        return np.array(list(found.values()), np.int64)


def verdicts(result: Result) -> dict[str, bool]:
    return {name: verdict.right for name, verdict in result.verdicts.items()}


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        (ours.Ours, RIGHT),
        (duck.Duck, LAST_WINS),
        (home_assistant.HomeAssistant, LAST_WINS),
        (Book, RIGHT),
        (LastWins, LAST_WINS),
        (FirstWins, {**RIGHT, "revision": False}),
        (Doubles, ADDS_UP),
        (ByTheWallClock, {**RIGHT, "25 h day": False}),
    ],
)
def test_who_is_wrong_is_told_so(peer: type[Peer], expected: dict[str, bool]) -> None:
    assert verdicts(measured(peer(), PLAN)) == expected


@pytest.mark.soak
@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        (ours.OursOnPostgres, RIGHT),
        (influxdb.InfluxDB, LAST_WINS),
        (victoria_metrics.VictoriaMetrics, ADDS_UP),
        (postgres.Rows, LAST_WINS),
        (postgres.RevisedRows, RIGHT),
        (postgres.RowByRow, {**RIGHT, "revision": False}),
    ],
)
def test_servers_are_judged_alike(peer: type[Peer], expected: dict[str, bool]) -> None:
    result = measured(peer(), PLAN)
    if result.absent:
        pytest.skip(result.absent)
    assert verdicts(result) == expected


def test_who_loses_what_was_given_once_has_no_figures() -> None:
    with pytest.raises(ValueError, match="does not hold what it was given"):
        measured(Loses(), PLAN)


def test_a_verdict_says_by_how_much_the_whole_is_off() -> None:
    result = measured(Doubles(), PLAN)
    assert result.verdicts["re-ingest"].wrong == 6  # three meters, two months
    assert "| NO, +100 % |" in table.as_markdown([result], PLAN) and "a book" in table.as_text([result], PLAN)
    assert str(Verdict(0, 0.0)) == "yes" and str(Verdict(2, -0.001)) == "NO, -0.1 %"


def test_ours_stores_the_same_readings_of_other_bytes_once() -> None:
    result = measured(ours.Ours(), PLAN)
    assert result.merged is not None and result.verdicts["re-ingest"].right


def test_absent_peers_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    result = measured(victoria_metrics.VictoriaMetrics(), PLAN)
    said = "absent: victoria-metrics not found (Debian: apt install victoria-metrics)"
    assert table.cells(result, PLAN)[1] == said and said in table.as_markdown([result], PLAN)


def test_who_is_ahead_of_ours_is_said() -> None:
    mine = Result("wattledger, SQLite", "", per_second=100, again=1, merged=2, revise=1, bytes_per_reading=10)
    mine.reads = (1, 1, 1)
    fast = replace(mine, name="fast", per_second=50, merged=None, bytes_per_reading=5)
    said = table.ahead([mine, fast])
    assert "- bytes: fast (2 times)." in said and "- re-ingest: fast (2 times)." in said
    assert "- ingest: nobody." in said


def test_the_recount_has_every_quarter_hour() -> None:
    readings = make(2, *PLAN.days)
    autumn = Span(AUTUMN, AUTUMN)
    assert (autumn.end - autumn.start) // 900 == 100
    assert readings.count == 2 * (11 * 96 + 100)
    whole = readings.right(readings.whole(), corrected=True)
    batches = [*readings.originals(), readings.revision()]
    held = {(m, at): wh for b in batches for m, at, wh in zip(b.meter, b.at, b.wh, strict=True)}
    assert sum(whole.values()) == sum(held.values()) and readings.revision().wh.size < readings.count


def test_the_page_has_a_place_for_it() -> None:
    assert all(mark in (pages.DOCS / "performance.md").read_text() for mark in pages.marks("peers"))
