"""What a way back from Smartcar gives us: tokens or an account, and the cars that its owner chose.

Nothing is written here. v2 exchanges the code once and lists the grant's vehicles; v3 believes the vendor's
own list alone, and only where it shows the external id that was made up for this sign-in.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import structlog
from httpx2 import AsyncClient

from wattledger import connectors
from wattledger.connectors.base import Token
from wattledger.connectors.http import HttpAnswer, check, exchange, open_client
from wattledger.connectors.reading import mapping, number
from wattledger.connectors.smartcar import accounts
from wattledger.connectors.smartcar.auth import V2, Grants
from wattledger.connectors.smartcar.lists import vehicles_of
from wattledger.connectors.smartcar.parse import CONNECTIONS, VEHICLE, VEHICLES
from wattledger.connectors.smartcar.reading import load
from wattledger.errors import BadPayload, NotFound, TryLater, WattledgerError
from wattledger.logs import REDACTOR
from wattledger.model import Payload, Source
from wattledger.web.contracts.ev.app import CarApp
from wattledger.web.contracts.ev.cars import NAME
from wattledger.web.contracts.ev.failures import Failed
from wattledger.web.hub import Hub

log = structlog.get_logger("wattledger.web")
SIGNED = "signed_at"
"""the option that says when the owner last signed in"""
PAGE, MOST_PAGES = 50, 20
AGAIN = (0.5, 2.0)
"""seconds before the list is asked for once more: the code is used up, so a lost answer would end it all"""
PATIENCE = 10.0
"""seconds for which a new v3 sign-in may be missing from the vendor's list"""
MOST_NAMES = 10
"""cars whose names are asked for while somebody waits"""


@dataclass(frozen=True, slots=True)
class Grant:
    """What was granted: cars by the vendor's ids, in its order, and the answers that say so."""

    options: Mapping[str, Any]
    external_ids: tuple[str, ...]
    payloads: tuple[Payload, ...] = field(repr=False)
    token: Token | None = field(default=None, repr=False)


async def by_code(found: Hub, app: CarApp, code: str, zone: str) -> Grant:
    """The grant of a v2 code, which is posted once. Raises our errors, Failed for one without cars."""
    assert isinstance(app.client, V2)
    async with open_client(found.settings.smartcar_auth_url) as http:
        token = await app.client.exchange(code, http)
    REDACTOR.register(token.access, token.refresh)
    async with open_client(found.settings.smartcar_base_url) as http:
        http.headers["authorization"] = f"Bearer {token.access}"
        pages = await _list(found, http)
        ids = tuple(dict.fromkeys(id for page in pages for id in vehicles_of(page.body)))
        if not ids:
            raise Failed("no_vehicles")
        named = await _names(found, http, await _nameless(found, ids))
    headers = {"timezone": zone, "names": json.dumps({id: load(said.body) for id, said in named.items()})}
    payloads = [_payload(found, VEHICLE, a, {"timezone": zone, "vehicle": id}) for id, a in named.items()]
    payloads += [_payload(found, VEHICLES, page, headers) for page in pages]
    options = {"api": "v2", "mode": app.mode, "timezone": zone, SIGNED: found.clock.now().isoformat()}
    return Grant(options, ids, tuple(payloads), token)


async def by_user(found: Hub, app: CarApp, user: str, external_id: str, zone: str) -> Grant:
    """The grant of a v3 account that proves to be this sign-in's. Raises our errors; Refused `unverified`."""
    token = await application_token(found, app.secrets)
    async with open_client(found.settings.smartcar_vehicle_url) as http:
        http.headers["authorization"] = f"Bearer {token.access}"
        reaches = await accounts.verified(http, user, app.mode, external_id, clock=found.clock, wait=PATIENCE)
        listed = [p async for p in accounts.pages(http, found.clock.now(), userId=user, mode=app.mode)]
    about = {"user": user, "external_id": external_id, "mode": app.mode}
    headers = {**about, "timezone": zone}
    payloads = tuple(_payload(found, CONNECTIONS, page.answer, headers) for page in listed)
    options = {"api": "v3", "mode": app.mode, "timezone": zone, SIGNED: found.clock.now().isoformat()}
    options |= {"user_id": user, "external_id": external_id}
    return Grant(options, tuple(dict.fromkeys(reach.vehicle for reach in reaches)), payloads)


async def application_token(found: Hub, secrets: Mapping[str, str]) -> Token:
    """The token of our v3 application, shared with the collector of this process."""
    grant = connectors.connector(NAME).grant
    holder = (grant if isinstance(grant, Grants) else Grants(found.clock)).holder(
        secrets, found.settings.smartcar_iam_url
    )
    token = await holder.get()
    REDACTOR.register(token.access)
    return token


async def _list(found: Hub, http: AsyncClient) -> list[HttpAnswer]:
    """The pages of the grant's vehicles, until all that the vendor counts have come."""
    pages: list[HttpAnswer] = []
    ids: set[str] = set()
    for _ in range(MOST_PAGES):
        query = f"limit={PAGE}" + (f"&offset={len(ids)}" if ids else "")
        page = await _surely(found, http, f"/v2.0/vehicles?{query}")
        fresh = set(vehicles_of(page.body)) - ids
        if pages and not fresh:
            break
        pages.append(page)
        ids |= fresh
        count = number(mapping(load(page.body).get("paging")).get("count"))
        if not fresh or (len(fresh) < PAGE if count is None else len(ids) >= count):
            break
    return pages


async def _surely(found: Hub, http: AsyncClient, path: str) -> HttpAnswer:
    """A good answer, asked for again after passing faults."""
    for pause in (*AGAIN, None):
        try:
            answer = await exchange(http, "GET", path)
            check(answer, "Smartcar", found.clock.now())
            vehicles_of(answer.body)
        except (TryLater, BadPayload) as error:
            if pause is None or getattr(error, "after", None) is not None:
                raise
            await asyncio.sleep(pause)
        else:
            return answer
    raise AssertionError("the last try returns or raises")


async def _nameless(found: Hub, ids: Collection[str]) -> list[str]:
    """Those whose make is not known here yet."""
    unknown = []
    for id in ids:
        try:
            point = await found.store.points.by_external(id)
        except NotFound:
            unknown.append(id)
        else:
            unknown += [] if point.details.get("make") else [id]
    return unknown[:MOST_NAMES]


async def _names(found: Hub, http: AsyncClient, ids: Collection[str]) -> dict[str, HttpAnswer]:
    """Make, model and year of cars; of one that can't be asked nothing, and it is connected all the same."""
    named: dict[str, HttpAnswer] = {}
    for id in ids:
        try:
            answer = await exchange(http, "GET", f"/v2.0/vehicles/{quote(id, safe='')}")
            check(answer, "Smartcar", found.clock.now())
            if load(answer.body).get("id") == id:
                named[id] = answer
        except WattledgerError as error:
            log.info("a new car's name is not known", reason=str(error))
    return named


def _payload(found: Hub, kind: str, answer: HttpAnswer, headers: Mapping[str, str]) -> Payload:
    now = found.clock.now()
    return Payload(NAME, Source.POLL, answer.body, now, kind, "application/json", dict(headers))
