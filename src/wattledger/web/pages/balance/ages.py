"""How old what each source says is: one line a source, for the first page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from wattledger.model import Flow, PointKind
from wattledger.web.hub import Hub
from wattledger.web.pages.attention import judge_freshness
from wattledger.web.pages.car_words import car_sources
from wattledger.web.pages.connected import sources


@dataclass(frozen=True, slots=True)
class Age:
    """A source: good, caution or bad, and how new it is in words."""

    name: str
    level: str
    sentence: str
    link: str


async def ages(found: Hub, site: str, now: datetime) -> list[Age]:
    """Every meter, then cars and units by connection."""
    listed = []
    points = await found.store.points.list(site)
    for point in points:
        if point.kind == PointKind.METER:
            known = await found.store.energy.coverage(point, Flow.DELIVERED)
            fresh = judge_freshness(point, known.newest, now)
            listed.append(Age(point.name, fresh.level, fresh.sentence, f"/meter?point={point.id}"))
    for source in (await car_sources(found, site)).sources:
        name = ", ".join(line.car.row.name for line in source.lines) or "Smartcar"
        said = " ".join(line.sentence for line in source.lines)
        listed.append(Age(name, source.level, f"{source.sentence} {said}".strip(), "/car"))
    for units in await sources(found, site):
        listed.append(Age("SmartThings", units.level, f"{units.sentence} {units.countdown}", "/sources"))
    return listed
