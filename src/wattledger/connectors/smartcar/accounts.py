"""v3: which cars an owner has let this application reach, and how that is proved and ended.

The application's token opens every car, and the `user_id` of a redirect is a word that anybody can put
into an address. So a car is believed to be the person's only where the vendor's own list shows the
external id that was made up for this one sign-in.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from httpx2 import AsyncClient

from wattledger.clock import Clock, SystemClock
from wattledger.connectors.http import HttpAnswer, exchange
from wattledger.connectors.reading import mapping, number, rows
from wattledger.connectors.smartcar.errors import WHO, Then, trouble_of
from wattledger.connectors.smartcar.lists import Granted, granted
from wattledger.connectors.smartcar.reading import load
from wattledger.errors import BadPayload, LoginRequired, Refused, TryLater
from wattledger.faults import sabotaged

PAGE = 50
MOST_PAGES = 100
WAIT = 30.0
"""seconds for which a new sign-in may still be missing from the vendor's list"""
WAIT_UNPROVED = 3.0
"""seconds for which a list may still show an earlier sign-in of the same owner"""
PAUSES = (0.5, 1.0, 2.0, 4.0)
CONNECTIONS = "/v3/connections"


@dataclass(frozen=True, slots=True)
class Page:
    """One answer, and its rows that can be read."""

    answer: HttpAnswer
    cars: tuple[Granted, ...]
    count: int
    """all of its rows"""


async def pages(http: AsyncClient, now: datetime, **filters: str) -> AsyncGenerator[Page]:
    """The list, page by page: `userId`, `vehicleId`, `mode` (`vehicle.mode`) narrow it.

    Raises LoginRequired (401), TryLater, also for a list that contradicts itself.
    """
    seen, total = 0, 0
    named = {f"filter[{'vehicle.mode' if k == 'mode' else k}]": v for k, v in filters.items()}
    for page_number in range(1, MOST_PAGES + 1):
        query = urlencode({**named, "page[number]": page_number, "page[size]": PAGE})
        answer = await exchange(http, "GET", f"{CONNECTIONS}?{query}")
        page, total = _page(answer, now)
        yield page
        seen += page.count
        if seen >= total or not page.count:
            break
    if seen < total:
        raise TryLater(f"{WHO} listed {seen} of {total} connections; the list is asked for again later.")


async def listed(http: AsyncClient, now: datetime, **filters: str) -> list[Granted]:
    """All rows of the list. Raises as `pages`."""
    async with aclosing(pages(http, now, **filters)) as found:
        return [car async for page in found for car in page.cars]


async def verified(
    http: AsyncClient,
    user: str,
    mode: str,
    external_id: str,
    *,
    clock: Clock | None = None,
    wait: float = WAIT,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> list[Granted]:
    """The cars of a sign-in that is proved to be ours. `http`: the vehicles' host, signed in.

    A new sign-in may take some seconds to be listed. Raises Refused where nothing proves it, TryLater.
    """
    clock = clock or SystemClock()
    waited = 0.0
    while True:
        cars = await listed(http, clock.now(), userId=user, mode=mode)
        proved = [car for car in cars if _proves(car, user, mode, external_id)]
        if proved:
            return proved
        pause = next((p for p in PAUSES if waited < 4 * p), PAUSES[-1])
        if waited + pause > (min(wait, WAIT_UNPROVED) if cars else wait):
            break
        await sleep(pause)
        waited += pause
    raise Refused(f"{WHO} does not list the car for this sign-in; connect it again.", "unverified")


async def end_vehicle(http: AsyncClient, user: str, mode: str, vehicle: str, now: datetime) -> None:
    """End our access to one car of an owner; one that is gone already is fine.

    Raises LoginRequired (of our application), TryLater; Refused where the vendor will not do it.
    """
    for car in await listed(http, now, userId=user, vehicleId=vehicle, mode=mode):
        if (car.user, car.vehicle) == (user, vehicle) and car.id:
            await _delete(http, f"{CONNECTIONS}/{quote(car.id, safe='')}", now)


async def end_user(http: AsyncClient, user: str, now: datetime) -> None:
    """End our access to all cars of an owner, and what the vendor keeps of them for us. Raises TryLater."""
    await _delete(http, f"/v3/users/{quote(user, safe='')}", now)


async def _delete(http: AsyncClient, path: str, now: datetime) -> None:
    answer = await exchange(http, "DELETE", path)
    if 200 <= answer.status < 300 or answer.status == 404:
        return
    trouble = trouble_of(answer, now)
    if trouble.then in {Then.FAULT, Then.PERMISSION}:
        raise Refused(trouble.message, "REFUSED", status=answer.status)
    raise failure(answer, now)


def failure(answer: HttpAnswer, now: datetime) -> LoginRequired | TryLater:
    """What an answer in place of a list means for the one who asked."""
    trouble = trouble_of(answer, now)
    if trouble.then is Then.SIGN_IN:
        return LoginRequired(trouble.message)
    return trouble.later


def _page(answer: HttpAnswer, now: datetime) -> tuple[Page, int]:
    """A page and how many rows there are in all. Raises as `pages`."""
    if not 200 <= answer.status < 300:
        raise failure(answer, now)
    try:
        cars = tuple(granted(answer.body))
        said = load(answer.body)
    except BadPayload as error:
        raise TryLater(f"{error} It is asked again later.") from None
    count = len(rows(said.get("data")))
    total = number(mapping(said.get("meta")).get("totalCount"))
    return Page(answer, cars, count), count if total is None else int(total)


def _proves(car: Granted, user: str, mode: str, external_id: str) -> bool:
    if sabotaged("v3_foreign_user"):
        return True
    return bool(external_id) and (car.user, car.mode, car.external_id) == (user, mode, external_id)
