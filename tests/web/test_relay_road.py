"""The relay's own client against this hub over a socket, and the hub's wishes as the relay reads them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from tests.payloads import smt
from tests.web.helpers import ADMIN, PULL, SECRET, FakeClock, Relay
from tests.web.server import serving
from wattledger.config import load_settings
from wattledger.errors import LoginRequired
from wattledger.relay import triggers
from wattledger.relay.hub import Hub
from wattledger.relay.item import Item
from wattledger.relay.wire import Letter
from wattledger.store import Store

HEAD, _, ROWS = smt.csv(smt.Day()).partition(b"\n")
METERS = (b"1044372%010d" % n for n in range(1, 1300))
MANY = b"\n".join((HEAD, ROWS + b"".join(ROWS.replace(smt.Day().esiid.encode(), meter) for meter in METERS)))


def letter(body: bytes, name: str = "IntervalMeterUsage.CSV") -> Letter:
    digest = hashlib.sha256(body).hexdigest()
    layers = [{"kind": "pgp", "name": f"{name}.asc", "sha256": "ab" * 32}]
    return Letter(Item("i1", name, "/adhocusage", len(body), 0, sha256=digest, wrapped_in=layers), body)


@pytest.mark.parametrize(
    "body",
    [smt.csv(*smt.days(smt.FALL, 2)), b"", b"\0" * 20, b"what is this", MANY],
    ids=["file", "empty", "zeros", "foreign", "stream"],
)
async def test_the_relay_gets_its_receipt(
    app: FastAPI, store: Store, clock: FakeClock, tmp_path: Path, body: bytes
) -> None:
    async with serving(app) as (host, port):
        settings = load_settings(
            tmp_path, {}, hub_url=f"http://{host}:{port}", admin_token=ADMIN, webhook_secret=SECRET
        )
        async with Hub.of(settings, clock) as hub:
            first, again = await hub.deliver(letter(body)), await hub.deliver(letter(body, "again.csv"))
            await hub.heartbeat({"status": "ok", "fetched": 1, "sent": 1, "relay": "edge"})
    assert (first.duplicate, again.duplicate, first.id) == (False, True, again.id)
    row = await store.payloads.get(int(first.id))
    assert (row.size, row.wrapped_in[0]["kind"]) == (len(body), "pgp")
    assert [beat.name for beat in await store.connections.heartbeats()] == ["edge"]


async def test_a_relay_with_a_wrong_secret_knows_it(app: FastAPI, clock: FakeClock, tmp_path: Path) -> None:
    async with serving(app) as (host, port):
        wrong = {"admin_token": ADMIN, "webhook_secret": "another-secret-altogether"}
        settings = load_settings(tmp_path, {}, hub_url=f"http://{host}:{port}", **wrong)
        async with Hub.of(settings, clock) as hub:
            with pytest.raises(LoginRequired):
                await hub.deliver(letter(b"x"))


async def test_the_relay_understands_every_wish(
    robot: AsyncClient, owner: AsyncClient, point: str, relay: Relay
) -> None:
    assert (await robot.post(PULL, json={"esiid": smt.ONCOR})).status_code == 200
    assert (await robot.post(PULL, json={"reason": "user_refresh"})).status_code == 200
    assert (await owner.post(f"/v1/usage-points/{point}/backfill", json={})).status_code == 202
    read = [triggers.read(orjson.dumps(dict(wish))) for wish in relay.wishes]
    assert [(t.reason, t.kind) for t in read] == [
        ("admin_triggered", ""), ("user_refresh", ""), ("smt_request", "backfill"),
    ]  # fmt: skip
