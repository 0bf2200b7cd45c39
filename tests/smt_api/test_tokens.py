"""The token is asked for once, kept by its `expiresIn`, renewed at 80 % of its life and on a 401."""

import asyncio
import gc
from datetime import timedelta
from typing import Any

import pytest

from tests.smt_api.conftest import SetClock
from wattledger.connectors.base import Token
from wattledger.connectors.http import open_client
from wattledger.connectors.smart_meter_texas.auth import SmtGrant
from wattledger.connectors.tokens import TokenHolder, lifetime
from wattledger.errors import LoginRequired, Misconfigured, TryLater
from wattledger.faults import sabotage
from wattledger.simulators.smart_meter_texas import SmtSimulator


def holder(vendor: SmtSimulator, clock: SetClock, password: str | None = None) -> TokenHolder:
    async def ask() -> Token:
        async with open_client(vendor.api_url) as http:
            word = vendor.password if password is None else password
            return await SmtGrant(clock).token({"username": vendor.username, "password": word}, None, http)

    return TokenHolder(ask, clock)


LIVES: list[tuple[Any, timedelta]] = [
    ("3600", timedelta(hours=1)),
    (3600, timedelta(hours=1)),
    (" 1800 ", timedelta(minutes=30)),
    (3600.5, timedelta(seconds=3600.5)),
    (0, timedelta(seconds=60)),
    (-1, timedelta(seconds=60)),
    ("-1", timedelta(seconds=60)),
    (10**12, timedelta(days=30)),
    ("1e400", timedelta(days=30)),
    (10**400, timedelta(minutes=30)),
    (float("nan"), timedelta(minutes=30)),
    (None, timedelta(minutes=30)),
    ("soon", timedelta(minutes=30)),
    ([], timedelta(minutes=30)),
]


@pytest.mark.parametrize(("said", "life"), LIVES)
def test_a_life_is_kept_within_bounds(said: Any, life: timedelta) -> None:
    assert lifetime(said) == life


@pytest.mark.parametrize("expires_in", ["3600", 3600])
@pytest.mark.parametrize("status_code", ["200", 200])
@pytest.mark.parametrize("zoneless", [True, False])
async def test_texts_and_numbers_alike_and_expires_at_is_ignored(
    vendor: SmtSimulator, clock: SetClock, expires_in: Any, status_code: Any, zoneless: bool
) -> None:
    vendor.script.expires_in, vendor.script.status_code = expires_in, status_code
    vendor.script.zoneless = zoneless
    got = await holder(vendor, clock).get()
    assert got.expires_at == clock.now() + timedelta(hours=1)


async def _requests_of_fifty(vendor: SmtSimulator, clock: SetClock) -> int:
    vendor.script.delay = 0.1
    held = holder(vendor, clock)
    got = await asyncio.gather(*(held.get() for _ in range(50)))
    assert len({token.access for token in got}) in {1, vendor.token_calls()}
    return vendor.token_calls()


async def test_fifty_callers_make_one_request(vendor: SmtSimulator, clock: SetClock) -> None:
    assert await _requests_of_fifty(vendor, clock) == 1


async def test_sabotage_single_flight_is_noticed(vendor: SmtSimulator, clock: SetClock) -> None:
    with sabotage("single_flight"):
        assert await _requests_of_fifty(vendor, clock) > 1


async def test_renewed_at_80_percent_of_its_life(vendor: SmtSimulator, clock: SetClock) -> None:
    held = holder(vendor, clock)
    first = await held.get()
    clock.forward(2879)
    assert await held.get() is first
    clock.forward(1)
    assert (await held.get()).access != first.access
    assert vendor.token_calls() == 2


async def test_fifty_refusals_of_one_token_renew_it_once(vendor: SmtSimulator, clock: SetClock) -> None:
    held = holder(vendor, clock)
    old = await held.get()
    vendor.script.delay = 0.05
    got = await asyncio.gather(*(held.renew(old) for _ in range(50)))
    assert len({token.access for token in got}) == 1
    assert await held.renew(old) is got[0]
    assert vendor.token_calls() == 2


async def test_a_cancelled_caller_takes_no_other_with_it(vendor: SmtSimulator, clock: SetClock) -> None:
    vendor.script.delay = 0.2
    held = holder(vendor, clock)
    first, second = asyncio.create_task(held.get()), asyncio.create_task(held.get())
    await asyncio.sleep(0.05)
    first.cancel()
    assert (await second).access
    assert vendor.token_calls() == 1


async def test_a_failure_that_nobody_waits_for_makes_no_noise(clock: SetClock) -> None:
    noise: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: noise.append(about))
    answer = asyncio.get_running_loop().create_future()
    caller = asyncio.create_task(TokenHolder(lambda: answer, clock).get())
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait([caller])
    answer.set_exception(TryLater("Busy."))
    await asyncio.sleep(0.01)
    gc.collect()
    assert noise == []


async def test_a_wrong_password_is_not_tried_by_every_caller(vendor: SmtSimulator, clock: SetClock) -> None:
    held = holder(vendor, clock, password="wrong")
    said = await asyncio.gather(*(held.get() for _ in range(50)), return_exceptions=True)
    assert all(isinstance(error, LoginRequired) for error in said)
    with pytest.raises(LoginRequired):
        await held.get()
    clock.forward(59)
    with pytest.raises(LoginRequired):
        await held.get()
    assert vendor.token_calls() == 1
    clock.forward(1)
    with pytest.raises(LoginRequired):
        await held.get()
    assert vendor.token_calls() == 2


async def test_a_passing_fault_is_asked_again(vendor: SmtSimulator, clock: SetClock) -> None:
    held = holder(vendor, clock)
    vendor.script.answer(500, {"error": "Something went wrong."}, "/v2/token/")
    with pytest.raises(TryLater):
        await held.get()
    assert (await held.get()).access


FAULTS: list[tuple[int, Any, str, type[Exception]]] = [
    (400, {"error": "Please provide username."}, "application/json", Misconfigured),
    (401, {"error": "Incorrect username or password."}, "application/json", LoginRequired),
    (403, {"error": "Basic authentication header is missing."}, "application/json", Misconfigured),
    (429, {"error": "slow down"}, "application/json", TryLater),
    (500, {"error": "Something went wrong."}, "application/json", TryLater),
    (503, "maintenance", "text/plain", TryLater),
    (200, "<html>", "text/html", TryLater),
    (200, {"statusCode": "500"}, "application/json", TryLater),
    (200, {"statusCode": 200, "accessToken": "a b\r\nx: y"}, "application/json", TryLater),
    (200, {"statusCode": 200, "accessToken": 7}, "application/json", TryLater),
    (200, [], "application/json", TryLater),
]


@pytest.mark.parametrize(("status", "body", "mime", "kind"), FAULTS)
async def test_each_fault_of_the_token_call(
    vendor: SmtSimulator, clock: SetClock, status: int, body: Any, mime: str, kind: type[Exception]
) -> None:
    vendor.script.answer(status, body, "/v2/token/", mime=mime)
    with pytest.raises(kind):
        await holder(vendor, clock).get()


async def test_an_empty_password_is_never_sent(vendor: SmtSimulator, clock: SetClock) -> None:
    with pytest.raises(Misconfigured, match="SMT_PASSWORD"):
        await holder(vendor, clock, password="").get()
    assert vendor.calls == []


async def test_a_password_is_never_sent_in_clear_text(clock: SetClock) -> None:
    async with open_client("http://192.0.2.1") as http:
        with pytest.raises(Misconfigured, match="https"):
            await SmtGrant(clock).token({"username": "u", "password": "p"}, None, http)
