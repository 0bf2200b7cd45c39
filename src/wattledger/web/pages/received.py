"""What one file brought, in words, with its year as a drawing: a piece of a page, for whoever dropped it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from wattledger.model import Flow
from wattledger.store import Store
from wattledger.store.rows import PayloadRow, SeriesPoint, Summary, UsagePointRow
from wattledger.web.auth import User
from wattledger.web.hub import hub
from wattledger.web.pages import words
from wattledger.web.pages.render import PageRoute, html
from wattledger.web.parameters import payload_id

router = APIRouter(route_class=PageRoute, include_in_schema=False)
YEAR = timedelta(days=366)
HIGH = 60


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the drawing."""

    x: int
    y: float
    height: float
    look: str
    says: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """The newest year of one meter; energy of its days in Wh."""

    point: UsagePointRow
    bars: Sequence[Bar]
    first: date
    last: date
    wh: int

    @property
    def width(self) -> int:
        """Of the drawing."""
        return 3 * len(self.bars)


@router.get("/welcome/received/{id}", summary="What a dropped file brought, with its year")
async def received(request: Request, person: User, id: str) -> Response:
    """Accepted, estimated, missing, rejected, and the days of the newest year."""
    store = hub(request).store
    row = await store.payloads.get(payload_id(id), person.site)
    summary = Summary.from_json(row.summary)
    drawn = await _drawn(store, person.site, summary)
    return html("received.html", row=row, summary=summary, said=sentences(row, summary), drawn=drawn)


def sentences(row: PayloadRow, found: Summary) -> list[str]:
    """What reading did, a sentence each."""
    if row.state == "rejected":
        return [f"This file was set aside: {row.reason or 'it could not be read.'} Its bytes are kept."]
    if not found.rows:
        return [f"This file holds no interval readings; it is kept as {row.kind or 'received'}."]
    accepted = f"{words.plural(found.accepted, 'reading')} accepted"
    told = [f"{accepted} of {words.plural(found.rows, 'row')}, over {words.plural(found.days, 'day')}."]
    told.append(
        f"{words.plural(found.estimated, 'quarter-hour')} estimated by the utility; drawn as estimates."
        if found.estimated
        else "Nothing is estimated: every value was measured."
    )
    told.append(
        f"{words.plural(found.gaps, 'quarter-hour')} missing between its first and last day; kept as missing."
        if found.gaps
        else "Nothing is missing between its first and last day."
    )
    if found.superseded:
        known = words.plural(found.superseded, "value was", "values were")
        told.append(f"{known} known already, by as good or newer ones.")
    reasons = "; ".join(dict.fromkeys(r.reason.rstrip(".") for r in found.rejections[:3]))
    rejected = f"{words.plural(found.rejected, 'row')} rejected: {reasons}."
    return [*told, rejected if found.rejected else "Nothing is rejected."]


async def _drawn(store: Store, site: str, found: Summary) -> Drawn | None:
    """The year up to the file's last day, of its first meter. None where there is nothing to draw."""
    if not found.points or found.first_day is None or found.last_day is None:
        return None
    point = await store.points.get(found.points[0].id, site)
    first = max(found.first_day, found.last_day - YEAR + timedelta(days=1))
    after = found.last_day + timedelta(days=1)
    days = await store.energy.series(point, Flow.DELIVERED, first, after, "day")
    most = max((d.wh or 0 for d in days), default=0) or 1
    bars = [_bar(n, first + timedelta(days=n), day, most) for n, day in enumerate(days)]
    return Drawn(point, bars, first, found.last_day, sum(d.wh or 0 for d in days))


def _bar(n: int, day: date, said: SeriesPoint, most: int) -> Bar:
    look = "actual" if said.quality == "actual" else "estimated"
    if said.wh is None or not said.found:
        return Bar(3 * n, 0, HIGH, "missing", f"{words.short_day(day)}: missing")
    height = round(HIGH * said.wh / most, 1)
    return Bar(3 * n, HIGH - height, height, look, f"{words.short_day(day)}: {words.kwh(said.wh)} kWh")
