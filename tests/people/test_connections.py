"""Connections: leased to one, fenced, paused by outcome, with secrets sealed to their row."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.turning import TurningClock
from wattledger.errors import BadPayload, LoginRequired, Misconfigured, NotFound, TryLater, WattledgerError
from wattledger.faults import sabotage
from wattledger.secrets import Vault
from wattledger.store.database import Database
from wattledger.store.people.sites import Sites
from wattledger.store.sources.connections import ConnectionRow, Connections
from wattledger.store.sources.outcome import pause

VENDOR = "fake_vendor"


def vault() -> Vault:
    return Vault({"a": b"k" * 32})


@pytest.fixture
def connections(database: Database) -> Connections:
    return Connections(database, vault(), random=lambda: 0.5)


async def made(connections: Connections, database: Database, connector: str = VENDOR) -> ConnectionRow:
    site = await Sites(database).default()
    return await connections.create(site.id, connector, {"zone": "north"}, {"password": "canary-p"})


async def test_created_listed_and_scoped_to_its_site(connections: Connections, database: Database) -> None:
    row = await made(connections, database)
    assert (row.state, row.failures, row.options) == ("never", 0, {"zone": "north"})
    assert list(await connections.list(row.site)) == list(await connections.list(None)) == [row]
    assert list(await connections.list("other")) == []
    with pytest.raises(NotFound):
        await connections.get(row.id, "other")


async def test_secrets_are_sealed_at_rest_and_opened_for_the_claimer(
    connections: Connections, database: Database
) -> None:
    await made(connections, database)
    async with database.connect() as connection:
        stored = await connection.scalar(text("SELECT secrets FROM connection"))
    assert "canary" not in str(stored)
    (claimed,) = await connections.claim(5, [VENDOR])
    assert claimed.secrets == {"password": "canary-p"}
    assert "canary" not in repr(claimed)


async def test_only_the_given_connectors_are_handed_out(connections: Connections, database: Database) -> None:
    await made(connections, database, "smart_meter_texas")
    assert list(await connections.claim(5, [VENDOR])) == []
    assert list(await connections.claim(5, [])) == []
    assert len(await connections.claim(5, ["smart_meter_texas"])) == 1


async def test_a_connection_has_one_holder_until_the_lease_runs_out(
    connections: Connections, database: Database, clock: TurningClock
) -> None:
    await made(connections, database)
    (mine,) = await connections.claim(5, [VENDOR])
    assert list(await connections.claim(5, [VENDOR])) == []
    clock.turn(seconds=40)
    assert await connections.renew(mine.id, mine.lease)
    clock.turn(seconds=40)
    assert list(await connections.claim(5, [VENDOR])) == []
    clock.turn(seconds=60)
    (theirs,) = await connections.claim(5, [VENDOR])
    assert theirs.id == mine.id
    assert not await connections.renew(mine.id, mine.lease)


async def test_claimers_at_once_share_the_work_without_overlap(
    connections: Connections, database: Database
) -> None:
    for _ in range(20):
        await made(connections, database)
    batches = await asyncio.gather(*(connections.claim(3, [VENDOR]) for _ in range(8)))
    ids = [one.id for batch in batches for one in batch]
    assert len(ids) == len(set(ids))
    assert max(map(len, batches)) <= 3
    left = await connections.claim(50, [VENDOR])
    assert len(ids) + len(left) == 20


async def late_settlement_counts(connections: Connections, database: Database, clock: TurningClock) -> bool:
    """Whether a holder whose lease ran out still changes what its successor wrote."""
    row = await made(connections, database)
    (late,) = await connections.claim(1, [VENDOR])
    clock.turn(seconds=61)
    (now,) = await connections.claim(1, [VENDOR])
    await connections.settle(now.id, now.lease, None, clock.now() + timedelta(hours=1))
    await connections.settle(late.id, late.lease, LoginRequired("Too late."))
    return (await connections.get(row.id, None)).state != "ok"


async def test_who_lost_the_lease_writes_nothing(
    connections: Connections, database: Database, clock: TurningClock
) -> None:
    assert not await late_settlement_counts(connections, database, clock)


async def test_sabotage_lease_fence_is_noticed(
    connections: Connections, database: Database, clock: TurningClock
) -> None:
    with sabotage("lease_fence"):
        assert await late_settlement_counts(connections, database, clock)


OUTCOMES: list[tuple[WattledgerError | None, str, timedelta | None]] = [
    (None, "ok", timedelta(minutes=5)),
    (LoginRequired("Sign in."), "needs_login", None),
    (Misconfigured("No key."), "misconfigured", None),
    (TryLater("Busy."), "late", timedelta(seconds=22.5)),
    (TryLater("Busy.", timedelta(minutes=3)), "late", timedelta(minutes=3)),
    (TryLater("Busy.", timedelta(days=-1)), "late", timedelta(seconds=1)),
    (TryLater("Busy.", timedelta(days=400)), "late", timedelta(hours=1)),
    (BadPayload("Odd."), "late", timedelta(seconds=22.5)),
]


@pytest.mark.parametrize(("error", "state", "after"), OUTCOMES)
async def test_outcomes(
    connections: Connections, database: Database, clock: TurningClock,
    error: WattledgerError | None, state: str, after: timedelta | None,
) -> None:  # fmt: skip
    row = await made(connections, database)
    (mine,) = await connections.claim(1, [VENDOR])
    assert await connections.settle(mine.id, mine.lease, error, clock.now() + timedelta(minutes=5))
    row = await connections.get(row.id, None)
    assert row.state == state
    assert row.next_poll_at == (None if after is None else clock.now() + after)
    assert row.last_error == (None if error is None else str(error))
    assert row.failures == (0 if error is None else 1)
    assert row.last_success == (clock.now() if error is None else None)
    assert list(await connections.claim(1, [VENDOR])) == []


async def test_a_stopped_connection_waits_for_a_person(
    connections: Connections, database: Database, clock: TurningClock
) -> None:
    row = await made(connections, database)
    (mine,) = await connections.claim(1, [VENDOR])
    await connections.settle(mine.id, mine.lease, LoginRequired("Sign in."))
    clock.turn(days=30)
    assert list(await connections.claim(1, [VENDOR])) == []
    await connections.resume(row.id, row.site, {"password": "newer"})
    (again,) = await connections.claim(1, [VENDOR])
    assert again.secrets == {"password": "newer"}
    with pytest.raises(NotFound):
        await connections.resume(row.id, "other")


async def test_a_connection_nobody_asks_shows_as_late(
    connections: Connections, database: Database, clock: TurningClock
) -> None:
    row = await made(connections, database)
    (mine,) = await connections.claim(1, [VENDOR])
    await connections.settle(mine.id, mine.lease, None, clock.now() + timedelta(hours=1))
    assert (await connections.get(row.id, None)).state == "ok"
    clock.turn(hours=2)
    assert (await connections.get(row.id, None)).state == "late"


async def test_unreadable_secrets_stop_that_connection_alone(
    connections: Connections, database: Database
) -> None:
    lost = await made(connections, database)
    stranger = Connections(database, Vault({"b": b"z" * 32}))
    kept = await stranger.create(lost.site, VENDOR, {}, {"password": "x"})
    claimed = await stranger.claim(5, [VENDOR])
    assert [one.id for one in claimed] == [kept.id]
    row = await stranger.get(lost.id, None)
    assert row.state == "misconfigured"
    assert row.last_error is not None
    assert "'a'" in row.last_error


def test_pauses_grow_to_an_hour_and_scatter() -> None:
    longest = [pause(None, n, lambda: 1.0).total_seconds() for n in range(12)]
    assert longest[:4] == [30, 60, 120, 240]
    assert longest[-1] == 3600
    assert pause(None, 0, lambda: 0.0) == timedelta(seconds=15)


async def test_heartbeats_keep_the_newest_line(connections: Connections, clock: TurningClock) -> None:
    await connections.heartbeat("edge", {"status": "ok", "sent": 3})
    await connections.heartbeat("attic", {"status": "failed"})
    await connections.heartbeat("edge", {"status": "partial", "sent": 1}, clock.turn(minutes=1))
    found = [(beat.name, beat.line["status"], beat.at) for beat in await connections.heartbeats()]
    start = clock.now() - timedelta(minutes=1)
    assert found == [("attic", "failed", start), ("edge", "partial", clock.now())]
