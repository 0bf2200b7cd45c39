"""Taking everything away and deleting it, by an owner over HTTP."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select

from tests.payloads import smt
from tests.web.helpers import BASE, FakeClock
from tests.web.judging import judge
from wattledger.faults import sabotage
from wattledger.model import Flow, Payload, Source
from wattledger.store import Store
from wattledger.store.people.sites import DEFAULT_SITE
from wattledger.store.tables import audit, observation, usage_point
from wattledger.web.everything.export import export
from wattledger.web.everything.zipped import PIECE, safe

VISITED = {("GET", "/v1/export"), ("DELETE", "/v1/site")}
"""routes of /v1 whose answers are held against their description here"""
EVIL = "=cmd|' /C calc'!A0.csv"


async def furnish(store: Store, owner: AsyncClient) -> bytes:
    """A week of a meter under a dangerous name, a connection with a secret; the file's bytes."""
    body = smt.csv(*smt.days(smt.FALL, 7))
    answer = await owner.post("/v1/uploads", params={"filename": EVIL}, content=body)
    assert answer.status_code == 200
    point = await store.points.by_external(smt.ONCOR)
    await store.points.rename(point.id, "=HYPERLINK(1)", DEFAULT_SITE)
    await store.connections.create(DEFAULT_SITE, "smartthings", {}, {"token": "very-secret-token"})
    return body


def table(archive: ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(name).decode(), newline="")))


async def take(owner: AsyncClient) -> ZipFile:
    answer = await owner.get("/v1/export")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip"
    archive = ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return archive


async def test_the_export_holds_everything_as_it_was_received(store: Store, owner: AsyncClient) -> None:
    body = await furnish(store, owner)
    archive = await take(owner)
    (row,) = table(archive, "payloads.csv")
    assert archive.read(row["place"]) == body
    assert row["sha256"] == hashlib.sha256(body).hexdigest() and row["received_at"].endswith("Z")
    assert row["place"].startswith("payloads/000001_C_calc") and row["filename"] == f"'{EVIL}"
    (name,) = [n for n in archive.namelist() if n.startswith("energy/")]
    slots = table(archive, name)
    point = await store.points.by_external(smt.ONCOR)
    known = await store.energy.coverage(point, Flow.DELIVERED)
    assert len(slots) == known.expected
    assert sum(round(float(s["kwh"] or 0) * 1000) for s in slots) == known.total_wh
    assert {s["name"] for s in slots} == {"'=HYPERLINK(1)"}
    assert [p["role"] for p in table(archive, "people.csv")] == ["owner"]
    assert table(archive, "audit.csv")[0]["action"] == "site.exported"


async def test_the_export_holds_no_secret(store: Store, owner: AsyncClient) -> None:
    await furnish(store, owner)
    archive = await take(owner)
    word = owner.headers["authorization"].removeprefix("Bearer ")
    for name in archive.namelist():
        text = archive.read(name).decode("latin-1")
        assert "very-secret" not in text and word not in text and "v1|" not in text


async def test_what_cars_said_and_their_sessions_are_exported_without_their_places(
    store: Store, owner: AsyncClient
) -> None:
    point = await a_car(store)
    archive = await take(owner)
    said = table(archive, f"observations/car-1_{point[:6]}.csv")
    assert [row["value"] for row in said if row["name"] == "soc_pct"] == [str(40 + n) for n in range(4)]
    assert {row["name"] for row in said}.isdisjoint({"latitude", "longitude"})
    assert f"sessions/car-1_{point[:6]}.csv" in archive.namelist()


async def a_car(store: Store) -> str:
    """A car that was seen four times, with its place; the id of its usage point."""
    now = store.database.clock.now()
    async with store.begin() as c:
        values = {"site": DEFAULT_SITE, "connector": "smartcar", "kind": "vehicle", "external_id": "car-1"}
        more = {"id": "c" * 32, "name": "Car", "timezone": "America/Chicago", "created_at": now}
        n = await c.scalar(usage_point.insert().values(**values, **more).returning(usage_point.c.n))
    seen = Payload("toy", Source.POLL, b"{}", now, "seen.json")
    id = (await store.payloads.deliver(DEFAULT_SITE, seen)).id
    rows = [
        {"usage_point": n, "at": now - timedelta(hours=h), "payload": id, "values": {"soc_pct": 43 - h}}
        | {"day": 20000, "sealed": "v1|x|y|z"}
        for h in range(4)
    ]
    async with store.begin() as c:
        await c.execute(observation.insert(), rows)
    return "c" * 32


async def test_the_export_is_sent_piece_by_piece(store: Store, clock: FakeClock) -> None:
    noise = bytes(hashlib.shake_256(b"noise").digest(5 * PIECE))
    await store.payloads.deliver(DEFAULT_SITE, Payload("toy", Source.UPLOAD, noise, clock.now(), "noise"))
    site = await store.sites.default()
    sizes = [len(piece) async for piece in export(store, site, clock.now())]
    assert max(sizes) <= 2 * PIECE and sum(sizes) > len(noise)


async def test_what_cannot_be_read_is_told_and_stops_nothing(store: Store, owner: AsyncClient) -> None:
    await furnish(store, owner)
    bad = Payload("toy", Source.UPLOAD, b"other", owner_clock(store), "other.txt")
    await store.payloads.deliver(DEFAULT_SITE, bad)
    from wattledger.store.tables import body

    async with store.begin() as c:
        await c.execute(body.update().where(body.c.sha256 == bad.sha256).values(data=b"x"))
    archive = await take(owner)
    assert "other.txt" in archive.read("missing.txt").decode() and len(table(archive, "payloads.csv")) == 2


def owner_clock(store: Store) -> Any:
    return store.database.clock.now()


async def test_nothing_of_another_site_is_exported(store: Store, owner: AsyncClient) -> None:
    other = await store.sites.add("Other", "America/Denver", None, "tests")
    theirs = smt.csv(smt.Day(smt.FALL, esiid=smt.CENTERPOINT))
    payload = Payload("smart_meter_texas", Source.UPLOAD, theirs, owner_clock(store), "x.csv")
    await store.payloads.deliver(other.id, payload)
    archive = await take(owner)
    assert table(archive, "payloads.csv") == []
    assert all(smt.CENTERPOINT not in archive.read(n).decode("latin-1") for n in archive.namelist())


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\\b\\..", "..", "", "/abs", "x\x00y", "é" * 300])
def test_names_in_the_zip_stay_in_its_folder(name: str) -> None:
    found = safe(name)
    assert found and "/" not in found and "\\" not in found and not found.startswith(".")


async def test_deleting_asks_for_the_name_first(store: Store, owner: AsyncClient) -> None:
    await furnish(store, owner)
    for typed in ("", "Else", "home"):
        answer = await owner.delete("/v1/site", params={"confirm": typed})
        assert (answer.status_code, answer.json()["error"]) == (400, "NOT_CONFIRMED")
    assert len(await store.payloads.list(DEFAULT_SITE)) == 1


async def test_everything_is_deleted_and_the_owner_stays(
    app: FastAPI, store: Store, owner: AsyncClient
) -> None:
    await furnish(store, owner)
    answer = await owner.delete("/v1/site", params={"confirm": "Home"})
    said = answer.json()
    assert (said["payloads"], said["points"], said["connections"], said["kept"]) == (1, 1, 1, 0)
    assert "SmartThings" in said["told"][0]
    assert await store.payloads.list(None) == [] == await store.points.list(None)
    assert (await owner.get("/v1/me")).status_code == 401, "the token that asked is gone too"
    people = await store.people.members(DEFAULT_SITE)
    assert [p.role for p in people] == ["owner"]
    async with store.connect() as c:
        rows = (await c.execute(select(audit.c.action, audit.c.actor).order_by(audit.c.id))).all()
    assert [r.action for r in rows][-2:] == ["site.erasing", "site.erased"]
    assert rows[-1].actor == f"person {people[0].id}"


async def test_the_answers_are_as_described(app: FastAPI, store: Store, owner: AsyncClient) -> None:
    await furnish(store, owner)
    judge(app, "GET", "/v1/export", await owner.get("/v1/export"))
    for typed in ("Else", "Home"):
        judge(app, "DELETE", "/v1/site", await owner.delete("/v1/site", params={"confirm": typed}))


async def test_an_admin_neither_takes_nor_deletes(app: FastAPI, store: Store) -> None:
    word = await store.people.invite(DEFAULT_SITE, "admin@example.org", "admin", "tests")
    assert await store.people.accept(word, app.state.hub.clock.now())
    token = await store.people.api_token("admin@example.org", "tests")
    headers = {"authorization": f"Bearer {token}"}
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=headers) as admin:
        assert (await admin.get("/v1/export")).status_code == 403
        assert (await admin.delete("/v1/site", params={"confirm": "Home"})).status_code == 403


async def test_sabotage_zip_names_is_noticed(store: Store, owner: AsyncClient) -> None:
    with sabotage("zip_names"), pytest.raises(AssertionError):
        await test_the_export_holds_everything_as_it_was_received(store, owner)
