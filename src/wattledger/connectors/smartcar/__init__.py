"""Smartcar: state of charge, charging and whereabouts of electric cars, both generations of its API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import ClassVar

from wattledger.connectors.base import Account, Connector, Grant, NextPoll, Token
from wattledger.connectors.smartcar import accounts, webhook
from wattledger.connectors.smartcar.auth import V2, Grants
from wattledger.connectors.smartcar.fetch import Memory, fetch
from wattledger.connectors.smartcar.parse import parse
from wattledger.connectors.webhooks import Call, Response
from wattledger.errors import LoginRequired, TryLater
from wattledger.model import Parsed, Payload

NAME = "smartcar"


class Smartcar(Connector):
    """Each car has a schedule and an allowance of calls of its own; an account is looked at when one is due.

    A saved answer is not recognised: nothing in it proves whose car it speaks of.
    """

    name: ClassVar[str] = NAME
    title: ClassVar[str] = "Smartcar"
    every: ClassVar[timedelta | None] = timedelta(hours=6)
    pointwise: ClassVar[bool] = True
    grant: ClassVar[Grant | None] = Grants()
    memory: ClassVar[Memory] = Memory()
    """of this process; losing it costs some calls"""

    async def fetch(self, account: Account) -> AsyncIterator[Payload | NextPoll]:
        """What the cars say, and when each is asked again. Raises our errors, after all that came."""
        async with aclosing(fetch(account, self.memory)) as said:
            async for item in said:
                yield item

    async def end(self, account: Account, token: Token, external_ids: Sequence[str]) -> None:
        """End our access to cars. Raises LoginRequired and Refused where that is hopeless, else TryLater."""
        if account.options.get("api") != "v3":
            await V2("", "").revoke(token, account.http, external_ids)
            return
        user, mode = str(account.options.get("user_id", "")), str(account.options.get("mode", "live"))
        try:
            for id in external_ids:
                await accounts.end_vehicle(account.http, user, mode, id, account.now)
        except LoginRequired as error:  # of our application, which no owner can cure
            if "renewed_at" not in account.grant:
                raise
            raise TryLater(str(error)) from None

    def parse(self, payload: Payload) -> Parsed:
        """Usage points and observations of one answer. Pure."""
        return parse(payload)

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> None:
        """Raises Refused 401 for a call that was not signed with one of the management tokens."""
        webhook.verify(headers, body, secrets)

    def reply(self, body: bytes, secrets: Sequence[str]) -> Response | None:
        """The answer to a challenge, which comes unsigned; None for every other call. Raises BadPayload."""
        return webhook.reply(body, secrets)

    def call(self, body: bytes) -> Call:
        """What a verified call is about. Raises BadPayload."""
        return webhook.call(body)


CONNECTOR = Smartcar()
