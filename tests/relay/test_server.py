"""The relay's port: who may ask, what may be said, and what a storm becomes."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.relay.hub_double import Scripted
from tests.relay.world import ADMIN, SECRET, TurnedClock, World, csv
from wattledger.config import Settings
from wattledger.errors import Refused
from wattledger.relay import triggers
from wattledger.relay.gate import MOST_FAILURES, Gate
from wattledger.relay.service import Relay, warnings

NAME = "x-intelliwatt-secret"
GOOD = {NAME: SECRET}


def only(**fields: Any) -> Settings:
    """Settings with these fields and defaults."""
    return Settings(**fields)


def relay_of(world: World, **settings: Any) -> Relay:
    return Relay(world.settings(**settings), world.clock, timer=False, say=world.lines.append)


async def ask(relay: Relay, method: str, path: str, body: Any = None, **more: Any) -> httpx2.Response:
    content = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
    headers = more.pop("headers", GOOD)
    async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
        return await client.request(method, relay.url + path, content=content, headers=headers)


async def test_a_trigger_starts_a_cycle_that_can_be_looked_up(world: World) -> None:
    world.put("a.asc", csv(1))
    async with relay_of(world) as relay:
        answer = await ask(relay, "POST", "/trigger/smt-now", {"reason": "admin_triggered"})
        assert answer.status_code == 202 and answer.json()["ok"] is True
        path = f"/runs/{answer.json()['run']}"
        while (found := (await ask(relay, "GET", path)).json())["state"] != "done":
            await asyncio.sleep(0.02)
    assert found["result"]["sent"] == 1 and found["result"]["reason"] == "admin_triggered"


@pytest.mark.parametrize("body", [b"", b"{}", b'{"esiid": "10443720000000001"}', b'{"reason": null}'])
async def test_an_empty_body_or_no_reason_is_a_full_cycle(world: World, body: bytes) -> None:
    async with relay_of(world) as relay:
        assert (await ask(relay, "POST", "/trigger/smt-now", body)).status_code == 202


async def test_run_once_answers_with_the_line(world: World) -> None:
    world.put("a.asc", csv(1))
    async with relay_of(world) as relay:
        answer = await ask(relay, "POST", "/run-once")
        assert (answer.status_code, answer.json()["sent"]) == (200, 1)
        world.drop.faults.refuse_login = True
        assert (await ask(relay, "POST", "/run-once")).status_code == 502


async def test_health_says_no_names_and_needs_no_secret(world: World) -> None:
    world.drop.put("private-name.asc", b"-----BEGIN PGP MESSAGE-----\n\nxxxx")
    async with relay_of(world) as relay:
        await relay.run_once()
        found = await ask(relay, "GET", "/health", headers={})
    assert found.json()["ok"] is True and found.json()["set_aside"] == 1
    assert b"private-name" not in found.content


HEADERS: list[tuple[list[tuple[str, bytes]], int]] = [
    ([], 401),
    ([(NAME, b"")], 401),
    ([(NAME, b"wrong")], 401),
    ([(NAME, SECRET.encode() + b"x")], 401),
    ([(NAME, ADMIN.encode())], 401),
    ([(NAME, "S\u00e9cret\u00ff".encode("latin-1"))], 401),
    ([(NAME, b"\x80\xff")], 401),
    ([("x-proxy-secret", SECRET.encode())], 401),
    ([("x-droplet-webhook-secret", SECRET.encode())], 401),
    ([(NAME, SECRET.encode()), (NAME, SECRET.encode())], 400),
    ([(NAME, SECRET.encode()), (NAME.upper(), b"other")], 400),
    ([(NAME, SECRET.encode()), ("x-proxy-secret", b"anything")], 202),
]


@pytest.mark.parametrize(("headers", "status"), HEADERS)
async def test_only_the_one_header_opens(world: World, headers: list[tuple[str, bytes]], status: int) -> None:
    async with relay_of(world) as relay:
        raw = [(name.encode(), value) for name, value in headers]
        answer = await ask(relay, "POST", "/trigger/smt-now", headers=raw)
    assert answer.status_code == status and SECRET not in answer.text


@pytest.mark.parametrize(
    "field", ["webhook_secret", "webhook_secret_next", "droplet_secret", "droplet_secret_next"]
)
def test_each_configured_secret_opens_and_an_unset_one_never(field: str) -> None:
    gate = Gate(only(**{field: SECRET}), TurnedClock())
    gate.check([(NAME.encode(), SECRET.encode())])
    for value in (b"", b"None", b"null"):
        with pytest.raises(Refused) as caught:
            gate.check([(NAME.encode(), value)])
        assert caught.value.status == 401


def test_without_any_secret_the_variable_is_named() -> None:
    with pytest.raises(Refused, match="INTELLIWATT_WEBHOOK_SECRET or DROPLET_WEBHOOK_SECRET") as caught:
        Gate(only(), TurnedClock()).check([(NAME.encode(), b"")])
    assert caught.value.status == 503


def test_guessing_is_slowed_down_and_the_right_secret_still_opens() -> None:
    clock = TurnedClock()
    gate, statuses = Gate(only(webhook_secret=SECRET), clock), []
    for _ in range(MOST_FAILURES + 1):
        with pytest.raises(Refused) as caught:
            gate.check([(NAME.encode(), b"guess")])
        statuses.append(caught.value.status)
    assert statuses[-1] == 429 and set(statuses[:-1]) == {401}
    gate.check([(NAME.encode(), SECRET.encode())])


BAD = [
    (b"{", "BAD_JSON"),
    (b"[]", "BAD_JSON"),
    (b'"x"', "BAD_JSON"),
    (b"\xff", "BAD_JSON"),
    (b'{"a": NaN}', "BAD_JSON"),
    (b"[" * 100_000, "BAD_JSON"),
    (b'{"a":' * 100_000, "BAD_JSON"),
    (b'{"reason": "because"}', "UNKNOWN_REASON"),
    (b'{"reason": 5}', "UNKNOWN_REASON"),
    (b'{"reason": ["admin_triggered"]}', "UNKNOWN_REASON"),
    (b'{"reason": "gapfill_compare"}', "UNKNOWN_REASON"),
    (b'{"reason": "past_sim_recalc"}', "UNKNOWN_REASON"),
    (b'{"esiid": "1044372000000000"}', "BAD_ESIID"),
    (b'{"esiid": 10443720000000001}', "BAD_ESIID"),
    (b'{"esiid": "10443720000000001; rm -rf /"}', "BAD_ESIID"),
    (b'{"esiid": "10443720000000001\\u0000"}', "BAD_ESIID"),
    ('{"esiid": "1044372000000000\u0661"}'.encode(), "BAD_ESIID"),
    (b'{"reason": "smt_request"}', "BAD_REQUEST"),
    (b'{"reason": "smt_request", "request": {"kind": 1}}', "BAD_REQUEST"),
    (b'{"reason": "smt_request", "request": {"kind": "x", "esiids": ["1"]}}', "BAD_ESIID"),
]


@pytest.mark.parametrize(("body", "code"), BAD)
def test_a_bad_trigger_is_refused_in_words(body: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        triggers.read(body)
    assert (caught.value.code, caught.value.status) == (code, 400) and str(caught.value).endswith(".")


async def test_a_refusal_is_a_4xx_with_its_reason(world: World) -> None:
    async with relay_of(world) as relay:
        answer = await ask(relay, "POST", "/trigger/smt-now", {"reason": "because"})
        assert answer.status_code == 400 and answer.json()["field"] == "reason"
        assert (await ask(relay, "POST", "/trigger/smt-now", b"x" * (2 << 20))).status_code == 413
        assert (
            await ask(relay, "POST", "/run-once", {"reason": "smt_request", "request": {"kind": "x"}})
        ).status_code == 400
        for request in ({"kind": "x"}, {"kind": "backfill", "esiids": ["10443720000000001"], "start": "x"}):
            said = await ask(relay, "POST", "/trigger/smt-now", {"reason": "smt_request", "request": request})
            assert said.status_code == 400 and said.json()["field"] in ("kind", "start")
        assert (await ask(relay, "GET", "/runs/nope")).status_code == 404
        assert (await ask(relay, "GET", "/trigger/smt-now")).status_code == 405
        assert (await ask(relay, "GET", "/nowhere")).status_code == 404
    assert world.lines == []


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_no_body_is_more_than_refused(body: bytes) -> None:
    try:
        triggers.read(body)
    except Refused as error:
        assert error.status == 400


@given(
    st.dictionaries(
        st.sampled_from(["reason", "esiid", "request", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
    )
)
def test_no_object_is_more_than_refused(said: dict[str, Any]) -> None:
    try:
        triggers.read(orjson.dumps(said, option=orjson.OPT_NON_STR_KEYS))
    except (Refused, orjson.JSONEncodeError) as error:
        assert not isinstance(error, Refused) or error.status == 400


async def test_a_storm_of_triggers_becomes_two_cycles(world: World) -> None:
    world.put("a.asc", csv(1))
    world.hub.always = Scripted()
    world.hub.delay = 0.5
    async with relay_of(world) as relay, httpx2.AsyncClient(timeout=60, trust_env=False) as client:
        url = relay.url + "/trigger/smt-now"
        await client.post(url, headers=GOOD)
        while relay.runner.running is None:
            await asyncio.sleep(0.01)
        storm = await asyncio.gather(*(client.post(url, headers=GOOD) for _ in range(200)))
        await asyncio.wait_for(_quiet(relay), 20)
    assert {answer.status_code for answer in storm} == {202}
    assert len({answer.json()["run"] for answer in storm}) == 1 and len(world.lines) == 2


async def _quiet(relay: Relay) -> None:
    while relay.runner.running is not None or relay.runner._waiting is not None:
        await asyncio.sleep(0.02)


def test_risky_settings_are_warned_of() -> None:
    assert warnings(only(webhook_secret=SECRET)) == []
    found = warnings(only(hub_url="http://hub.example", relay_host="0.0.0.0"))
    assert [text.split()[0] for text in found] == [
        "INTELLIWATT_BASE_URL",
        "The",
        "INTELLIWATT_WEBHOOK_SECRET",
    ]
