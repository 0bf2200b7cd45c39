"""Push: events of the devices that polling knows, each a payload. What they leave out, polling brings.

A stream that is silent for two minutes is dead, one that says goodbye has ended well.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from wattledger.connectors.base import Account
from wattledger.connectors.http import HttpAnswer, open_client
from wattledger.connectors.reading import mapping, rows
from wattledger.connectors.smartthings.answers import WHO, opened
from wattledger.connectors.smartthings.devices import Device, device_of, from_header, to_header
from wattledger.connectors.smartthings.events import Event, event_of
from wattledger.connectors.smartthings.fetch import NAME, Memory, Pace, Round
from wattledger.connectors.smartthings.parse import DEVICES, EVENT, STATUS
from wattledger.connectors.smartthings.reading import load
from wattledger.connectors.smartthings.status import MAIN, components, inline
from wattledger.connectors.smartthings.subscription import subscribed
from wattledger.connectors.smartthings.telemetry import disabled
from wattledger.connectors.sse import Frame, frames
from wattledger.errors import BadPayload, TryLater
from wattledger.model import Payload, Source

SILENCE = 120.0
"""seconds without a byte after which a stream is dead"""
GOODBYES = (b"goodbye", b"goobye")


@dataclass(frozen=True, slots=True)
class Known:
    """A device that polling reads: which capabilities of its usage points are not real."""

    device: Device
    places: str
    disabled: Mapping[str, frozenset[str] | None]
    """by component that is a usage point; None: all of it"""

    def hears(self, event: Event) -> bool:
        """Whether an event is of a usage point and real; energy counts also where it is disabled."""
        if event.component not in self.disabled:
            return False
        off = self.disabled[event.component]
        return event.energy or (off is not None and event.capability not in off)


async def listen(account: Account, memory: Memory, pace: Pace, silence: float) -> AsyncGenerator[Payload]:
    """Events until the stream ends well. Raises our errors otherwise."""
    known = await _known(account, memory, pace)
    locations = sorted({one.device.location for one in known.values()} - {""})
    if not locations:
        raise TryLater(f"{WHO} has no location with a device that measures.")
    async with (
        subscribed(account, locations, memory.subscriptions) as subscription,
        _opened(account, subscription.stream, silence) as response,
        aclosing(frames(response.aiter_bytes())) as said,
    ):
        async for frame in said:
            if frame.event == "CONTROL_EVENT" and any(word in frame.data for word in GOODBYES):
                return
            told = (account.connection, frame.data)
            if told not in memory.heard and (payload := _payload(account, known, frame)):
                yield payload
                memory.heard.add(told)  # not before it was delivered
    raise TryLater(f"{WHO}'s event stream was cut; it is opened again.")


@asynccontextmanager
async def _opened(account: Account, url: httpx2.URL, silence: float) -> AsyncGenerator[httpx2.Response]:
    """The stream, on its own host with the account's sign-in."""
    phases = httpx2.Timeout(connect=5, read=silence, write=30, pool=10)
    headers = {
        "Accept": "text/event-stream",
        "Accept-Encoding": "identity",
        "Authorization": account.http.headers["authorization"],
    }
    try:
        async with (
            open_client(f"{url.scheme}://{url.netloc.decode('ascii')}", timeout=phases) as http,
            http.stream("GET", url, headers=headers) as response,
        ):
            await _check(account, response)
            yield response
    except httpx2.TimeoutException:
        raise TryLater(f"{WHO}'s event stream was silent for too long; it is opened again.") from None
    except httpx2.RequestError as error:
        raise TryLater(f"{WHO}'s event stream broke ({type(error).__name__}).") from None


async def _check(account: Account, response: httpx2.Response) -> None:
    """Raises what an answer means that is no event stream."""
    names = {name.lower(): value for name, value in response.headers.items()}
    answer = HttpAnswer(response.status_code, names, b"")
    if answer.status in {409, 422}:
        raise TryLater(f"{WHO} allows no more event streams now ({answer.status}).")
    if answer.status != 200:
        opened(answer, account.now)
    if answer.mime != "text/event-stream" or names.get("content-encoding", "identity") != "identity":
        raise TryLater(f"{WHO} answered with what is no event stream; it is opened again later.")


async def _known(account: Account, memory: Memory, pace: Pace) -> dict[str, Known]:
    """The devices as a collection finds them now."""
    found: dict[str, Known] = {}
    async with aclosing(Round(account, memory, pace).payloads()) as said:
        async for payload in said:
            if payload.filename == DEVICES:
                for item in rows(load(payload.body).get("items")):
                    if device := device_of(item):
                        _learn(found, device, payload, inline(item))
            elif payload.filename == STATUS:
                status = mapping(load(payload.body).get("components"))
                _learn(found, from_header(payload.headers.get("device")), payload, status)
    return found


def _learn(found: dict[str, Known], device: Device, payload: Payload, status: Mapping[str, Any]) -> None:
    off = disabled(mapping(status.get(MAIN)), "Components")
    points = {
        name: None if name in off else disabled(mapping(status.get(name)), "Capabilities")
        for name, component in components(status, payload.received_at).items()
        if component.measured or (name == MAIN and component.measuring)
    }
    if points:
        found[device.id] = Known(device, payload.headers["places"], points)


def _payload(account: Account, known: Mapping[str, Known], frame: Frame) -> Payload | None:
    """A frame as a payload; None where it says nothing that is read."""
    try:
        event = event_of(load(frame.data))
    except BadPayload:
        return None
    one = known.get(event.device) if event else None
    if event is None or one is None or not one.hears(event):
        return None
    headers = {"places": one.places, "device": to_header(one.device), "connection": account.connection}
    return Payload(NAME, Source.WEBHOOK, frame.data, account.now, EVENT, "application/json", headers)
