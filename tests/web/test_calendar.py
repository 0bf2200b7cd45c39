"""A car's finished sessions as an iCalendar feed, at an address that is good for nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from tests.payloads.cars import week
from tests.payloads.smartcar import CAR, HOME
from tests.web.helpers import BASE, FakeClock, sign_in
from tests.web.judging import judge
from wattledger.charging import Method
from wattledger.faults import sabotage
from wattledger.insight.session import Place, Session
from wattledger.store import Store
from wattledger.store.people.sites import Home
from wattledger.store.tables import api_token
from wattledger.web import ics

VISITED = {
    ("GET", "/v1/usage-points/{id}/sessions.ics"),
    ("POST", "/v1/usage-points/{id}/calendar"),
}
"""routes of /v1 whose answers are held against their description here"""
START = datetime(2026, 6, 1, 3, 15, tzinfo=UTC)
NASTY = 'Mark\'s; \\ car, "big"\nDTSTART:20200101T000000Z\r\nEND:VEVENT\x07 Ü🚗'


def session(start: datetime = START, wh: int | None = 15000, hours: int | None = 3, *why: str) -> Session:
    end = None if hours is None else start + timedelta(hours=hours)
    known = None if wh is None else Decimal(wh)
    return Session(
        start, end, start, end, (), known, Method.COUNTER, Place.HOME, Decimal(0), Decimal(50), Decimal(74),
        Decimal("7.5"), why,
    )  # fmt: skip


def read(body: bytes) -> list[dict[str, str]]:
    """Events by a reader of our own: lines unfolded, values unescaped."""
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))
    assert b"\n" not in body.replace(b"\r\n", b"")
    events: list[dict[str, str]] = []
    for line in body.replace(b"\r\n ", b"").decode().split("\r\n"):
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            events.append({})
        elif events and name not in ("END", "BEGIN"):
            assert name not in events[-1], line
            events[-1][name] = _plain(value)
    return events


def _plain(value: str) -> str:
    out, rest = "", iter(value)
    for c in rest:
        out += c if c != "\\" else {"n": "\n"}.get(n := next(rest), n)
    return out


def test_an_event_has_its_instants_energy_and_reasons() -> None:
    (event,) = read(ics.calendar("ab", "Car", [session(START, 15000, 3, "By the car's own counter.")]))
    assert event["UID"] == "ab-20260601T031500Z@wattledger"
    assert (event["DTSTART"], event["DTEND"]) == ("20260601T031500Z", "20260601T061500Z")
    assert (event["SUMMARY"], event["LOCATION"]) == ("Car: 15.000 kWh", "Home")
    wanted = ["Level 50 % to 74 %.", "At most 7.5 kW.", "By the car's own counter."]
    assert event["DESCRIPTION"].split("\n") == wanted


def test_what_goes_on_is_left_out_and_what_is_unknown_is_said() -> None:
    (event,) = read(ics.calendar("ab", "Car", [session(hours=None), session(wh=None)]))
    assert event["SUMMARY"] == "Car: energy not known"


def forged() -> bool:
    """Whether a name can write lines of its own."""
    body = ics.calendar("ab", NASTY, [session()])
    return b"\nDTSTART:20200101T000000Z" in body.replace(b"\r\n ", b"")


def test_a_name_cannot_write_lines_of_its_own() -> None:
    assert not forged()
    (event,) = read(ics.calendar("ab", NASTY, [session()]))
    assert event["SUMMARY"].startswith('Mark\'s; \\ car, "big"\nDTSTART:2020')
    assert event["DTSTART"] == "20260601T031500Z"


def test_sabotage_ics_escaping_is_noticed() -> None:
    with sabotage("ics_escaping"):
        assert forged()


@given(st.text(max_size=300))
def test_every_text_comes_back(said: str) -> None:
    (event,) = read(ics.calendar("ab", said, [session()]))
    kept = "".join(c for c in said.replace("\r\n", "\n") if c == "\n" or c.isprintable())
    assert event["SUMMARY"] == f"{kept}: 15.000 kWh"


@pytest.fixture
async def car(store: Store, clock: FakeClock) -> str:
    site = (await store.sites.default()).id
    await store.sites.set_home(site, Home(**HOME))
    for payload in week(clock.now()):
        await store.payloads.deliver(site, payload)
    return (await store.points.by_external(CAR)).id


async def address(owner: AsyncClient, car: str) -> str:
    answer = await owner.post(f"/v1/usage-points/{car}/calendar")
    assert answer.status_code == 201, answer.text
    whole = urlsplit(answer.json()["address"])
    return f"{whole.path}?{whole.query}"


@pytest.fixture
async def phone(app: FastAPI) -> AsyncClient:
    """A calendar: no cookie, no header."""
    return AsyncClient(transport=ASGITransport(app), base_url=BASE)


async def test_a_calendar_reads_the_same_sessions_as_the_api(
    app: FastAPI, owner: AsyncClient, phone: AsyncClient, car: str
) -> None:
    path = await address(owner, car)
    answer = await phone.get(path)
    judge(app, "GET", "/v1/usage-points/{id}/sessions.ics", answer)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    listed = (await owner.get(f"/v1/usage-points/{car}/sessions?start=2025-07-01")).json()["sessions"]
    finished = [f"Car: {one['kwh']:.3f} kWh" for one in listed if one["end"]]
    assert [e["SUMMARY"].partition(": ")[2] for e in read(answer.content)] == [
        one.partition(": ")[2] for one in finished
    ]
    assert (await phone.get(path)).content == answer.content


async def test_bad_addresses_read_nothing(
    app: FastAPI, owner: AsyncClient, phone: AsyncClient, car: str
) -> None:
    made = await owner.post(f"/v1/usage-points/{car}/calendar")
    judge(app, "POST", "/v1/usage-points/{id}/calendar", made)
    path = await address(owner, car)
    for wrong in (path.partition("?")[0], path[:-1] + ("a" if path[-1] != "a" else "b"), f"{path}x"):
        assert (await phone.get(wrong)).status_code == 401
    tokens = (await owner.get("/v1/tokens")).json()["tokens"]
    for calendar in tokens:
        if calendar["name"].startswith("Calendar of"):
            assert (await owner.delete(f"/v1/tokens/{calendar['id']}")).status_code == 200
    assert (await phone.get(path)).status_code == 401


async def used_elsewhere(owner: AsyncClient, phone: AsyncClient, car: str) -> bool:
    """Whether a calendar's word opens anything besides its feed."""
    word = (await address(owner, car)).partition("key=")[2]
    header = {"authorization": f"Bearer {word}"}
    paths = ("/v1/me", f"/v1/usage-points/{car}/sessions.ics", "/v1/usage-points")
    return any([(await phone.get(path, headers=header)).status_code == 200 for path in paths])


async def test_a_bad_use_elsewhere_is_refused(owner: AsyncClient, phone: AsyncClient, car: str) -> None:
    assert not await used_elsewhere(owner, phone, car)
    made = await owner.post("/v1/tokens", json={"name": "all"})
    feed = f"/v1/usage-points/{car}/sessions.ics?key={made.json()['token']}"
    assert (await phone.get(feed)).status_code == 401


async def test_sabotage_feed_purpose_is_noticed_by_bad_use(
    owner: AsyncClient, phone: AsyncClient, car: str
) -> None:
    with sabotage("feed_purpose"):
        assert await used_elsewhere(owner, phone, car)


async def test_it_is_kept_as_a_digest_alone(store: Store, owner: AsyncClient, car: str) -> None:
    word = (await address(owner, car)).partition("key=")[2]
    async with store.connect() as c:
        rows = (await c.execute(select(api_token).where(api_token.c.purpose.is_not(None)))).all()
    assert len(rows) == 1 and word not in repr(rows)


async def test_the_page_makes_one(app: FastAPI, store: Store, clock: FakeClock, car: str) -> None:
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as browser:
        await sign_in(browser, store, "owner@example.org", clock.now())
        answer = await browser.post(f"/car/{car}/calendar")
        assert answer.status_code == 200
        assert f"{BASE}/v1/usage-points/{car}/sessions.ics?key=wlf_" in answer.text
        assert "sessions.ics?key=" not in (await browser.get("/car")).text
