"""No answer's time tells how much of a secret was right, which of two was, or whether an address is known."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from statistics import median
from time import perf_counter_ns
from typing import TypeVar

import pytest
from fastapi import FastAPI, Request
from httpx2 import ASGITransport, AsyncClient

from tests.web.helpers import ADMIN, BASE, SECRET, FakeClock
from tests.web.timing import LIMIT, Pair, Series, compared, compared_later, judged
from wattledger.clock import token
from wattledger.config import load_settings
from wattledger.connectors.smartcar import webhook
from wattledger.errors import Refused
from wattledger.relay.gate import HEADER, Gate
from wattledger.secrets import same
from wattledger.store import Store
from wattledger.web import machine
from wattledger.web.answers import Denied

T = TypeVar("T")
Record = Callable[[str, object], None]
QUICK, LONG = 20_000, 1_000_000
LINKS, MANY_LINKS = 200, 10_000
BODY, KEY = b'{"eventId":"1"}' * 20, "the-management-token-of-the-tests"
COUNTS = [QUICK, pytest.param(LONG, marks=pytest.mark.soak)]
LINK_COUNTS = [LINKS, pytest.param(MANY_LINKS, marks=pytest.mark.soak)]


def given(secret: str, wrong: int | None = None) -> Callable[[], bytes]:
    """The secret, or with one byte changed, in memory of its own each time."""
    changed = bytearray(secret.encode())
    if wrong is not None:
        changed[wrong] ^= 1
    return lambda: bytes(changed)


def early_or_late(secret: str) -> Pair[bytes]:
    return given(secret, 0), given(secret, -1)


def leaving_early(word: bytes, *allowed: bytes) -> bool:
    """How not to do it."""
    for one in allowed:
        if len(one) == len(word) and all(a == b for a, b in zip(word, one, strict=True)):
            return True
    return False


async def in_process(make: Pair[T], act: Callable[[T], object], count: int, seed: int) -> Series:
    return compared(make, act, count, seed)


async def judge(what: str, series: Callable[[int], Awaitable[Series]], count: int, record: Record) -> None:
    found = await judged(series)
    t = abs(median(one.t for one in found))
    record(f"largest_t_of_{what}", round(max(abs(one.t) for one in found), 2))
    record("samples", min(one.samples for one in found))
    if len(found) > 1:
        record(f"median_of_{len(found)}_series", round(t, 2))
    assert t < LIMIT


def test_a_comparison_that_leaves_early_is_found(record_property: Record) -> None:
    def act(word: bytes) -> bool:
        return leaving_early(word, SECRET.encode())

    t = abs(compared(early_or_late(SECRET), act, QUICK, seed=0).t)
    record_property("t_of_a_byte_loop", round(t, 1))
    assert t > 10 * LIMIT


@pytest.mark.parametrize("count", COUNTS)
async def test_comparing_tells_nothing(count: int, record_property: Record) -> None:
    def act(word: bytes) -> bool:
        return same(word, SECRET.encode(), ADMIN.encode())

    await judge(
        "same", lambda seed: in_process(early_or_late(SECRET), act, count, seed), count, record_property
    )


def asking(app: FastAPI, webhook_secret: bytes, admin: bytes) -> Request:
    """A request by somebody who has not tried before."""
    headers = [(machine.WEBHOOK.encode(), webhook_secret), (machine.ADMIN.encode(), admin)]
    return Request({"type": "http", "app": app, "headers": headers, "client": (token(), 1)})


def checked(request: Request) -> None:
    with suppress(Denied):
        machine.check(request, machine.WEBHOOK, machine.ADMIN)


def machines(app: FastAPI) -> dict[str, Pair[Request]]:
    """Two kinds of wrong requests each."""
    first, last = early_or_late(SECRET)
    bad, later = early_or_late(ADMIN)
    good, right = given(SECRET), given(ADMIN)
    return {
        "secret": (lambda: asking(app, first(), bad()), lambda: asking(app, last(), bad())),
        "admin_token": (lambda: asking(app, good(), bad()), lambda: asking(app, good(), later())),
        "which_is_right": (lambda: asking(app, good(), bad()), lambda: asking(app, first(), right())),
        "whether_one_is_right": (lambda: asking(app, first(), bad()), lambda: asking(app, good(), bad())),
    }


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("what", ["secret", "admin_token", "which_is_right", "whether_one_is_right"])
async def test_the_machines_secrets_tell_nothing(
    app: FastAPI, what: str, count: int, record_property: Record
) -> None:
    kinds = machines(app)[what]
    await judge(what, lambda seed: in_process(kinds, checked, count, seed), count, record_property)


def test_the_check_with_a_byte_loop_is_found(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, record_property: Record
) -> None:
    monkeypatch.setattr(machine, "same", leaving_early)
    monkeypatch.setattr(machine, "_together", b"".join)
    for what in ("secret", "admin_token"):
        t = abs(compared(machines(app)[what], checked, QUICK // 4, seed=0).t)
        record_property(f"t_of_{what}_by_a_byte_loop", round(t, 1))
        assert t > 2 * LIMIT


@pytest.mark.parametrize("count", COUNTS)
async def test_the_relays_gate_tells_nothing(count: int, clock: FakeClock, record_property: Record) -> None:
    settings = load_settings(None, {}, webhook_secret=SECRET, droplet_secret=ADMIN)
    gate = Gate(settings, clock)

    def act(word: bytes) -> None:
        with suppress(Refused):
            gate.check([(HEADER, word)])

    await judge(
        "relay", lambda seed: in_process(early_or_late(SECRET), act, count, seed), count, record_property
    )


@pytest.mark.parametrize("count", COUNTS)
async def test_a_webhooks_signature_tells_nothing(count: int, record_property: Record) -> None:
    right = hmac.new(KEY.encode(), BODY, "sha256").hexdigest()

    def signed(at: int) -> Callable[[], dict[str, str]]:
        digits = [*right]
        digits[at] = "1" if digits[at] == "0" else "0"
        return lambda: {"SC-Signature": "".join(digits)}

    def act(headers: dict[str, str]) -> None:
        with suppress(Refused):
            webhook.verify(headers, BODY, [KEY, "another-management-token"])

    kinds = signed(0), signed(-1)
    await judge("signature", lambda seed: in_process(kinds, act, count, seed), count, record_property)


@pytest.mark.parametrize("count", LINK_COUNTS)
async def test_asking_for_a_link_tells_nothing(
    app: FastAPI, store: Store, clock: FakeClock, count: int, record_property: Record
) -> None:
    addresses = ("known@example.org", "other@example.org")
    await store.people.add_user(addresses[0])
    app.state.hub.address = BASE

    async def act(kind: int, n: int) -> int:
        clock.move(timedelta(minutes=30))
        async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as client:
            begun = perf_counter_ns()
            answer = await client.post("/v1/auth/link", json={"email": addresses[kind]})
            took = perf_counter_ns() - begun
        assert answer.status_code == 202
        await app.state.hub.post.idle()
        return took

    await judge("magic_link", lambda seed: compared_later(act, count, seed), count, record_property)
