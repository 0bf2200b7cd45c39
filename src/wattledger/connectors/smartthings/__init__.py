"""Samsung SmartThings: energy and telemetry of air conditioners and appliances, polled every five minutes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from datetime import timedelta
from typing import ClassVar

from wattledger.connectors.base import Account, Connector, Grant, NextPoll
from wattledger.connectors.smartthings.auth import Grants
from wattledger.connectors.smartthings.fetch import NAME, Memory, Pace, Round
from wattledger.connectors.smartthings.parse import parse
from wattledger.connectors.smartthings.stream import SILENCE, listen
from wattledger.model import Parsed, Payload

LIST_WORDS = (b'"items"', b'"deviceId"', b'"components"')


class SmartThings(Connector):
    """Polled on five-minute marks. It remembers names of places between polls, and nothing that matters."""

    name: ClassVar[str] = NAME
    title: ClassVar[str] = "SmartThings"
    grant: ClassVar[Grant | None] = Grants()
    every: ClassVar[timedelta | None] = timedelta(minutes=5)
    aligned: ClassVar[bool] = True
    pace: ClassVar[Pace] = Pace()
    silence: ClassVar[float] = SILENCE
    memory: ClassVar[Memory] = Memory()
    """of this process; losing it costs some calls"""

    async def fetch(self, account: Account) -> AsyncIterator[Payload | NextPoll]:
        """The devices and what they say. Raises our errors, after everything that could be had."""
        async with aclosing(Round(account, self.memory, self.pace).payloads()) as said:
            async for payload in said:
                yield payload

    def pushes(self, secrets: Mapping[str, str]) -> bool:
        """Only to an app: a pasted token names no installation to push to."""
        return "token" not in secrets

    async def listen(self, account: Account) -> AsyncIterator[Payload]:
        """Events of the account's devices until the stream ends. Raises our errors."""
        async with aclosing(listen(account, self.memory, self.pace, self.silence)) as said:
            async for payload in said:
                yield payload

    def parse(self, payload: Payload) -> Parsed:
        """Usage points and observations of one answer. Pure."""
        return parse(payload)

    def recognises(self, head: bytes) -> bool:
        """Whether a file is a saved device list; with statuses in it, its registers are read as well."""
        return head.lstrip().startswith(b"{") and all(word in head for word in LIST_WORDS)


CONNECTOR = SmartThings()
