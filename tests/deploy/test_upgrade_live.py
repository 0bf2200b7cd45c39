"""An installation made by the code of an earlier schema, taken over by today's hub; files go on coming."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import httpx2
import psycopg
import pytest

from tests.cli.test_serve import Running
from tests.deploy.older import FOLLOWED_BY, environment, older_code, run
from tests.deploy.test_hosts import HEADERS, message
from wattledger.simulators.home import Home
from wattledger.simulators.smt_files import interval_csv

Record = Callable[[str, object], None]
ENGINES = [pytest.param("sqlite"), pytest.param("postgres", marks=pytest.mark.postgres)]
ENERGY = (
    'SELECT u.external_id, e.flow, e.day, e."values", e.flags FROM energy_day e'
    " JOIN usage_point u ON u.n = e.usage_point ORDER BY 1, 2, 3"
)
pytestmark = pytest.mark.soak


@pytest.fixture(params=FOLLOWED_BY)
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    with older_code(request.param, tmp_path) as folder:
        yield folder


@pytest.fixture(params=ENGINES)
def environ(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    url = f"sqlite:///{tmp_path / 'data/wattledger.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("empty_postgres_url")
    return environment(tmp_path, url)


def energy(url: str) -> tuple[int, str]:
    """How many days are stored of the meters that were there before, and a word over them."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as raw:
            rows = raw.execute(ENERGY).fetchall()
    else:
        with psycopg.connect(url) as connection:
            rows = connection.execute(ENERGY).fetchall()
    rows = [row for row in rows if int(row[0][-7:]) < 100]
    return len(rows), hashlib.sha256(repr(rows).encode()).hexdigest()


def test_an_older_installation_is_taken_over(
    older: Path, environ: dict[str, str], tmp_path: Path, record_property: Record
) -> None:
    before = {**environ, "PYTHONPATH": str(older / "src")}
    paths: list[Path] = []
    for number in range(4):
        home = Home(esiid=f"1044372000{number:07d}", seed=number, solar=number == 0)
        for revised in (False, True):
            path = tmp_path / f"{number}-{revised}.csv"
            path.write_bytes(interval_csv(home, home.days(date(2025, 1, 1), 90 - 60 * revised), revised))
            paths.append(path)
    run("ingest", *paths, env=before)
    run("user", "add", "me@example.org", env=before)
    stored = energy(environ["DATABASE_URL"])
    assert stored[0] == 5 * 90
    sent, slowest = _served(environ)
    again = run("db", "scrub", env=environ)
    assert "me@example.org" in run("user", "list", env=environ)
    assert again == f"{8 + sent} bodies and {450 + 3 * sent} days were checked.\n"
    record_property("days_kept", stored[0])
    record_property("files_sent_meanwhile", sent)
    record_property("slowest_s", round(slowest, 2))
    digest = run("db", "digest", env=environ)
    assert run("replay", env=environ).count(digest.strip()) == 2


def _served(environ: dict[str, str]) -> tuple[int, float]:
    """Today's hub on the older data; meters of before keep every day. How many new files were taken."""
    before = energy(environ["DATABASE_URL"])
    hub = Running("serve", "--port", 0, env=environ)
    try:
        base = hub.line(r"Wattledger is at (\S+) ")[1]
        took: list[float] = []
        senders = [threading.Thread(target=_send, args=(base, first, took)) for first in (100, 200)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert energy(environ["DATABASE_URL"]) == before
        assert hub.stop() == 0
    finally:
        hub.process.kill()
        hub.process.wait()
    return len(took), max(took)


def _send(base: str, first: int, took: list[float]) -> None:
    with httpx2.Client(headers=HEADERS, timeout=30) as client:
        for number in range(first, first + 20):
            home = Home(esiid=f"1044372000{number:07d}", seed=number)
            answer = client.post(f"{base}/api/admin/smt/pull", json=message(home, number))
            assert answer.status_code == 200, answer.text
            took.append(answer.elapsed.total_seconds())
