"""Smartcar: state of charge, charging and whereabouts of electric cars, both generations of its API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import ClassVar

from wattledger.connectors.base import Account, Connector, NextPoll
from wattledger.connectors.smartcar.parse import parse
from wattledger.model import Parsed, Payload

NAME = "smartcar"


class Smartcar(Connector):
    """Looked at every half hour; each car has a schedule and an allowance of calls of its own."""

    name: ClassVar[str] = NAME
    title: ClassVar[str] = "Smartcar"
    every: ClassVar[timedelta | None] = timedelta(minutes=30)
    pointwise: ClassVar[bool] = True

    async def fetch(self, account: Account) -> AsyncIterator[Payload | NextPoll]:
        """What the account's cars say. Raises our errors."""
        from wattledger.connectors.smartcar.fetch import fetch

        async for said in fetch(account):
            yield said

    def parse(self, payload: Payload) -> Parsed:
        """Usage points and observations of one answer. Pure."""
        return parse(payload)


CONNECTOR = Smartcar()
