"""Several hosts over one PostgreSQL: killed, stopped, cut off and restarted, and the ledger is the same."""

from __future__ import annotations

import base64
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest

from tests.deploy import watched
from tests.deploy.hosts import Host, Network, RoundRobin, missing
from wattledger import connectors
from wattledger.clock import SystemClock
from wattledger.keyfile import make_key
from wattledger.model import Payload, Source
from wattledger.secrets import Vault
from wattledger.simulators.home import Home
from wattledger.simulators.smt_files import interval_csv
from wattledger.store import Store, open_store

Record = Callable[[str, object], None]
LEASE = 6
"""seconds, instead of fifteen"""
POLL = 10
"""seconds between two looks of a worker for what waits"""
ADMIN, SECRET = "an-admin-token-of-tests", "a-webhook-secret-of-tests"
HEADERS = {"x-admin-token": ADMIN, "x-intelliwatt-secret": SECRET}
pytestmark = [pytest.mark.postgres, pytest.mark.soak]


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    if reason := missing():
        pytest.skip(reason)
    secrets = {"WATTLEDGER_KEYS": make_key(), "ADMIN_TOKEN": ADMIN, "INTELLIWATT_WEBHOOK_SECRET": SECRET}
    with Network(tmp_path, LEASE, secrets) as found:
        yield found


def files(meters: int, days: int) -> list[bytes]:
    """A file a meter, and a second one with corrected values."""
    homes = [Home(esiid=f"1044372000{n:07d}", seed=n) for n in range(meters)]
    return [
        interval_csv(home, home.days(date(2025, 1, 1), days), revised)
        for revised in (False, True)
        for home in homes
    ]


async def opened(url: str, data: Path) -> Store:
    data.mkdir(exist_ok=True)
    return await open_store(url, data=data, parse=connectors.parse, vault=Vault({}))


def payload(body: bytes, number: int) -> Payload:
    now = SystemClock().now()
    return Payload("smart_meter_texas", Source.RELAY, body, now, filename=f"{number}.csv", mime="text/csv")


async def undisturbed(bodies: list[bytes], folder: Path) -> str:
    store = await opened(f"sqlite:///{folder / 'calm.db'}", folder)
    site = (await store.sites.default()).id
    for number, body in enumerate(bodies):
        await store.payloads.deliver(site, payload(body, number))
    word = await store.digest()
    await store.close()
    return word


def wait_for(rows: psycopg.Connection, at_most: int, seconds: float) -> None:
    """Until so few payloads wait."""
    deadline = time.monotonic() + seconds
    while (left := watched.one(rows, "SELECT count(*) FROM payload WHERE state = 'stored'")[0]) > at_most:
        assert time.monotonic() < deadline, f"{left} payloads still wait"
        time.sleep(0.05)


async def test_hosts_that_die_stop_or_are_cut_off(
    network: Network, tmp_path: Path, record_property: Record
) -> None:
    bodies = files(120, 60)
    calm = await undisturbed(bodies, tmp_path / "calm")
    store = await opened(network.server.url, tmp_path / "feeder")
    site = (await store.sites.default()).id
    with network.rows() as rows:
        watched.watch(rows)
        workers = [network.host() for _ in range(4)]
        for host in workers:
            host.launch("work")
        for start in range(0, len(bodies), 20):
            for number, body in enumerate(bodies[start : start + 20], start):
                await store.payloads.receive(site, payload(body, number))
        wait_for(rows, len(bodies) - 10, 60)
        killed, stopped, cut, _ = workers
        killed.signal(signal.SIGKILL)
        stopped.signal(signal.SIGSTOP)
        cut.cut()
        begun = time.monotonic()
        wait_for(rows, 0, 120)
        record_property("all_read_after_s", round(time.monotonic() - begun, 1))
        stopped.signal(signal.SIGCONT)
        cut.join()
        time.sleep(LEASE + POLL)
        _judge(rows, len(bodies), record_property)
        assert await store.digest() == calm
        for gone in (workers[3], stopped):
            gone.signal(signal.SIGKILL)
        await store.payloads.receive(site, payload(files(121, 1)[120], 999))
        begun = time.monotonic()
        wait_for(rows, 0, 90)
        record_property("the_one_that_was_cut_off_works_again_after_s", round(time.monotonic() - begun, 1))
    await store.close()


def _judge(rows: psycopg.Connection, count: int, record: Record) -> None:
    assert watched.one(rows, watched.DOUBLE) == (0,)
    taken, late = watched.one(rows, watched.TAKEN)
    assert watched.one(rows, watched.SETTLED) == (count, count)
    assert watched.one(rows, watched.AFTER) == (0,)
    record("payloads", count)
    record("taken_over", int(taken))
    record("latest_after_its_lease_s", round(late, 1))
    assert late < 30 + POLL + LEASE


def test_a_rolling_restart_loses_no_request(network: Network, record_property: Record) -> None:
    hubs = [network.host() for _ in range(2)]
    for host in hubs:
        _serve(host)
    client = RoundRobin([f"http://{host.address}:8400" for host in hubs], HEADERS)
    taken: list[str] = []
    slowest = 0.0
    stop = threading.Event()

    def send() -> None:
        nonlocal slowest
        chance = random.Random(6)
        while not stop.is_set():
            home = Home(esiid=f"1044372000{len(taken):07d}", seed=chance.randrange(100))
            begun = time.monotonic()
            answer = client.post("/api/admin/smt/pull", message(home, len(taken)))
            assert answer.status_code == 200, answer.text
            taken.append(answer.json()["sha256"])
            slowest = max(slowest, time.monotonic() - begun)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        for _ in range(3):
            for host in hubs:
                time.sleep(2)
                assert host.stop() == 0
                _serve(host)
        time.sleep(2)
    finally:
        stop.set()
        sender.join()
    with network.rows() as rows:
        stored = {sha for (sha,) in rows.execute("SELECT sha256 FROM payload WHERE state = 'read'")}
        assert stored == set(taken) and len(taken) == len(stored)
    record_property("requests", len(taken))
    record_property("sent_again", client.again)
    record_property("slowest_s", round(slowest, 2))


def message(home: Home, number: int) -> dict[str, object]:
    body = interval_csv(home, home.days(date(2025, 1, 1), 3))
    text = base64.b64encode(body).decode()
    return {"filename": f"{number}.csv", "encoding": "base64", "content_b64": text}


def _serve(host: Host) -> None:
    host.start("serve", "--host", host.address, "--port", 8400, ready="Wattledger is at")
