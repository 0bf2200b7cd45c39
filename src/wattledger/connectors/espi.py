"""Green Button files (NAESB ESPI in an Atom feed): intervals and what their numbers mean.

The unit stands in a ReadingType, which may come after the data, so nothing is converted before the end.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from wattledger.errors import BadPayload
from wattledger.model import Flow

WATT_HOURS = 72
"""uom of ESPI"""
_ESTIMATES = ("8", "9")
"""qualities of ESPI that mean estimated: by a reference day, by interpolation"""
_DEEPEST = 64


@dataclass(slots=True)
class ReadingType:
    """Unit and direction of a series; -1 where the file is silent."""

    uom: int = -1
    power: int = 0
    flow: int = Flow.DELIVERED
    length: int = -1


@dataclass(slots=True)
class Reading:
    """One value as printed; `start` in the file's epoch seconds, `duration` in seconds (-1: by type)."""

    start: int
    duration: int
    value: int
    estimated: bool = False


@dataclass(slots=True)
class Block:
    """One IntervalBlock; `readings` None where one of its numbers was none."""

    start: int
    href: str
    readings: list[Reading | None] = field(default_factory=list)
    type: ReadingType | None = None


@dataclass(slots=True)
class Feed:
    """A whole file: its title, every text in which an identifier may stand, and its blocks."""

    title: str = ""
    hints: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    offset: int | None = None
    """tzOffset of LocalTimeParameters, seconds"""


@dataclass(slots=True)
class _Links:
    """What connects blocks to their types: a MeterReading is related to a ReadingType by address."""

    types: dict[str, ReadingType] = field(default_factory=dict)
    related: dict[str, list[str]] = field(default_factory=dict)


def read(body: bytes) -> Feed:
    """Decode a feed. Raises BadPayload where it isn't well-formed XML, or tries entity tricks."""
    feed, links = Feed(), _Links()
    try:
        for entry in _entries(body, feed):
            _entry(entry, feed, links)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise BadPayload(
            f"The XML file cannot be read ({type(error).__name__}): it is cut short or damaged.",
            "xml_damaged",
        ) from None
    _resolve(feed, links)
    return feed


def _entries(body: bytes, feed: Feed) -> Iterator[Element]:
    """Each Atom entry (or bare block outside one) as it closes; memory is freed behind it."""
    depth = 0
    inside = 0
    for event, element in iterparse(io.BytesIO(body.lstrip()), events=("start", "end"), forbid_dtd=True):
        name = _local(element)
        if event == "start":
            depth += 1
            inside += name == "entry"
            if depth > _DEEPEST:
                raise ValueError("too deep")
            continue
        depth -= 1
        if name == "entry":
            inside -= 1
            yield element
            element.clear()
        elif not inside and name == "title":
            feed.title = feed.title or (element.text or "").strip()
        elif not inside and name in ("IntervalBlock", "ReadingType", "LocalTimeParameters"):
            yield element
            element.clear()


def _entry(entry: Element, feed: Feed, links: _Links) -> None:
    itself = up = ""
    related: list[str] = []
    for link in _all(entry, "link"):
        rel, href = link.get("rel", ""), link.get("href", "").rstrip("/")
        feed.hints.append(href)
        if rel == "self":
            itself = href
        elif rel == "related":
            related.append(href)
        elif rel == "up":
            up = href
    feed.hints += [e.text for name in ("title", "id", "name") for e in _all(entry, name) if e.text]
    links.related[itself] = related
    for found in _all(entry, "ReadingType"):
        links.types[itself or f"#{len(links.types)}"] = _type(found)
    for found in _all(entry, "IntervalBlock"):
        feed.blocks.append(_block(found, itself or up))
    for found in _all(entry, "tzOffset"):
        feed.offset = _integer(found.text, 0)


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _all(parent: Element, name: str) -> list[Element]:
    return [e for e in parent.iter() if _local(e) == name]


def _texts(parent: Element) -> dict[str, str]:
    return {_local(e): (e.text or "").strip() for e in parent.iter() if e is not parent}


def _integer(text: str | None, missing: int) -> int:
    try:
        return int((text or "").strip())
    except ValueError:
        return missing


def _type(element: Element) -> ReadingType:
    texts = _texts(element)
    return ReadingType(
        _integer(texts.get("uom"), -1),
        _integer(texts.get("powerOfTenMultiplier"), 0),
        _integer(texts.get("flowDirection"), Flow.DELIVERED),
        _integer(texts.get("intervalLength"), -1),
    )


def _block(element: Element, href: str) -> Block:
    start = -1
    readings: list[Reading | None] = []
    for child in element:
        name = _local(child)
        if name == "interval":
            start = _integer(_texts(child).get("start"), -1)
        elif name == "IntervalReading":
            readings.append(_reading(child))
    return Block(start, href, readings)


def _reading(element: Element) -> Reading | None:
    texts = _texts(element)
    try:
        value = int(texts["value"])
    except (KeyError, ValueError):
        return None
    return Reading(
        _integer(texts.get("start"), -1),
        _integer(texts.get("duration"), -1),
        value,
        texts.get("quality") in _ESTIMATES,
    )


def _resolve(feed: Feed, links: _Links) -> None:
    """Give each block its type: by its MeterReading's link, else the only type there is."""
    only = next(iter(links.types.values())) if len(links.types) == 1 else None
    for block in feed.blocks:
        meter = block.href.partition("/IntervalBlock")[0]
        for address in links.related.get(meter, ()):
            block.type = links.types.get(address, block.type)
        block.type = block.type or only


def watt_hours(value: int, power: int) -> tuple[int, bool]:
    """`value` x 10^`power` in whole Wh (half to even), and whether it was finer."""
    if power >= 0:
        return value * 10**power, False
    unit = 10**-power
    whole, rest = divmod(value, unit)
    up = 2 * rest > unit or (2 * rest == unit and whole % 2 == 1)
    return whole + up, rest != 0
