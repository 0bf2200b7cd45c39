"""The smallest connector there can be: a token, one request, one day of energy."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta

from httpx2 import AsyncClient

from wattledger.connectors.base import Account, Connector, NextPoll, Token
from wattledger.errors import BadPayload, LoginRequired, NotFound, TryLater
from wattledger.model import EnergyDays, Parsed, Payload, PointKind, Source, UsagePoint

NAME = "small_vendor"
DAY = 20500


class SmallGrant:
    """Asks `/token` with the refresh word of the old token."""

    async def token(self, secrets: Mapping[str, str], old: Token | None, http: AsyncClient) -> Token:
        """Raises LoginRequired for 400, TryLater for 5xx."""
        refresh = old.refresh if old else None
        answer = await http.post("/token", json={"account": secrets["account"], "refresh": refresh})
        if answer.status_code >= 500:
            raise TryLater("The vendor is down.")
        if answer.status_code != 200:
            raise LoginRequired("The vendor refused the sign-in.")
        said = answer.json()
        return Token(said["access"], datetime.fromisoformat(said["expires_at"]), said["refresh"])


class SmallVendor(Connector):
    """`options`: account; `fault` makes it break, `again` asks for another time."""

    name = NAME
    title = "Small Vendor"
    grant = SmallGrant()
    every = timedelta(minutes=30)
    overlap = timedelta(hours=1)

    async def fetch(self, account: Account) -> AsyncIterator[Payload | NextPoll]:
        """One payload."""
        if account.options.get("fault"):
            raise ZeroDivisionError
        answer = await account.http.get(f"/readings/{account.options['account']}")
        if answer.status_code == 401:
            raise LoginRequired("The vendor refused the token.")
        if answer.status_code == 429:
            raise TryLater("Too many calls.", timedelta(seconds=float(answer.headers["retry-after"])))
        yield Payload(NAME, Source.POLL, answer.content, account.now)
        if minutes := account.options.get("again"):
            yield NextPoll(str(account.options["account"]), account.now + timedelta(minutes=minutes))

    def parse(self, payload: Payload) -> Parsed:
        """One quarter-hour of one day."""
        try:
            said = json.loads(payload.body)
        except ValueError:
            raise BadPayload("This is no JSON.") from None
        days = EnergyDays.empty(1)
        days.day[0], days.values[0, 0] = DAY, said["wh"]
        point = UsagePoint(PointKind.METER, said["account"], said["account"], "America/Chicago")
        return Parsed([point], days, rows=1)


CONNECTOR = SmallVendor()


def registry(name: str) -> Connector:
    """The one connector there is."""
    if name != NAME:
        raise NotFound(f"There is no connector {name!r}.")
    return CONNECTOR
