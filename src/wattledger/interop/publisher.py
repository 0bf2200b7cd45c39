"""Keeps a broker's retained messages as the ledger has them. Of all processes one publishes at a time.

What is told once is told again only where it changed; after a lost connection all of it is told anew,
since a broker may have forgotten. What the broker still holds of a thing that is gone is taken away.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import structlog

from wattledger.errors import Misconfigured, WattledgerError
from wattledger.faults import sabotaged
from wattledger.interop.broker import Broker
from wattledger.interop.discovery import OFFLINE, ONLINE, messages, nothing, state_topic, status_topic
from wattledger.interop.things import Thing
from wattledger.store.database import Database

if TYPE_CHECKING:
    from aiomqtt import Client, Will

LOCK = "mqtt"
AT_LEAST_ONCE = 1
EVERY_SECONDS, AGAIN_SECONDS = 60.0, 15.0
log = structlog.get_logger(__name__)
Look = Callable[[], Awaitable[list[Thing]]]


class Publisher:
    """One process's publishing. `look` finds what there is to tell. Raises Misconfigured without aiomqtt."""

    def __init__(
        self,
        database: Database,
        broker: Broker,
        look: Look,
        every: float = EVERY_SECONDS,
        again: float = AGAIN_SECONDS,
    ) -> None:
        try:
            import aiomqtt
        except ImportError:
            raise Misconfigured(
                "WATTLEDGER_MQTT_URL is set, but aiomqtt is not installed: install `wattledger[mqtt]`."
            ) from None
        self._mqtt, self._database, self._broker, self._look = aiomqtt, database, broker, look
        self._every, self._again = every, again
        self._told: dict[str, bytes] = {}
        self._here: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set, whenever nobody else does."""
        while not stop.is_set():
            try:
                async with self._turn() as mine:
                    if mine:
                        await self._session(stop)
            except self._mqtt.MqttError as error:
                log.warning("the MQTT broker is not reached", reason=str(error))
            except WattledgerError as error:
                log.warning("nothing is published by MQTT", reason=str(error))
            except Exception as error:
                log.exception("a fault of ours in publishing by MQTT", kind=type(error).__name__)
            await _pause(stop, self._again)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[bool]:
        if sabotaged("one_publisher"):
            yield True
            return
        async with self._database.attempt(LOCK) as mine:
            yield mine

    async def _session(self, stop: asyncio.Event) -> None:
        """One connection, from its begin to its loss or to `stop`."""
        if not sabotaged("announce_again"):
            self._told = {}
        broker, status = self._broker, status_topic(self._broker)
        async with self._client() as client:
            await self._round(client)
            await client.publish(status, ONLINE, AT_LEAST_ONCE, retain=True)
            log.info("publishing by MQTT", host=broker.host, things=len(self._here))
            await client.subscribe(state_topic("+", broker), AT_LEAST_ONCE)
            async with _beside(self._forget(client)) as forgetting:
                while not stop.is_set():
                    await _pause(stop, self._every, forgetting)
                    if forgetting.done():
                        await forgetting
                    if not stop.is_set():
                        await self._round(client)
            await client.publish(status, OFFLINE, AT_LEAST_ONCE, retain=True)

    def _client(self) -> Client:
        broker = self._broker
        will: Will = self._mqtt.Will(status_topic(broker), OFFLINE, AT_LEAST_ONCE, retain=True)
        return self._mqtt.Client(
            broker.host,
            broker.port,
            username=broker.user,
            password=broker.password,
            tls_context=broker.tls,
            will=will,
            identifier=identifier(broker),
            timeout=10,
        )

    async def _round(self, client: Client) -> None:
        """Tell what changed, and take away what is no more."""
        things = await self._look()
        self._here = {thing.id for thing in things}
        wanted = messages(things, self._broker)
        gone = {topic: b"" for topic in self._told if topic not in wanted}
        for topic, body in (wanted | gone).items():
            if self._told.get(topic) != body:
                await client.publish(topic, body, AT_LEAST_ONCE, retain=True)
        self._told = wanted

    async def _forget(self, client: Client) -> None:
        """Take away what an earlier connection told of things that are no more; ends with the connection."""
        async for message in client.messages:
            id = str(message.topic).split("/")[-2]
            if message.retain and message.payload and id not in self._here and not sabotaged("forget_gone"):
                for topic in nothing(id, self._broker):
                    await client.publish(topic, b"", AT_LEAST_ONCE, retain=True)


def identifier(broker: Broker) -> str:
    """By which a broker knows us: the same for all processes, so that of two it drops one."""
    return f"wattledger_{hashlib.sha256(broker.topic.encode()).hexdigest()[:11]}"


@asynccontextmanager
async def _beside(work: Any) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _pause(stop: asyncio.Event, seconds: float, also: asyncio.Task[None] | None = None) -> None:
    """Until `stop` is set, `also` ends or the time is over."""
    bell = asyncio.create_task(stop.wait())
    try:
        waits = {bell, also} if also else {bell}
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        bell.cancel()
