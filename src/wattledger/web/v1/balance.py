"""/v1/balance: a site's equation, meter = parts + rest, by quarter-hour, hour, day or month."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from starlette.responses import Response

from wattledger.insight.equation import Equation, Part, Track
from wattledger.insight.steps import edges
from wattledger.localday import QUARTER
from wattledger.units import kwh, kwh_text
from wattledger.web.answers import Json
from wattledger.web.auth import User
from wattledger.web.balance import equation, placed
from wattledger.web.download import disposition
from wattledger.web.formats import cell
from wattledger.web.hub import hub
from wattledger.web.v1 import shapes
from wattledger.web.v1.answered import answers
from wattledger.web.v1.energy import Step
from wattledger.web.v1.period import Period, period

router = APIRouter(tags=["Energy"])


class Format(StrEnum):
    """What an answer is written in."""

    JSON = "json"
    CSV = "csv"


@router.get("/v1/balance", responses=answers(shapes.Balance, media=["text/csv"]))
async def balance(
    request: Request,
    person: User,
    start: str | None = None,
    end: str | None = None,
    by: Step = Step.HOUR,
    format: Format = Format.JSON,
) -> Response:
    """The site's equation in kWh: what the meter says, what each part of it took, and the rest."""
    store, now = hub(request).store, hub(request).clock.now()
    site = await store.sites.get(person.site)
    span = period(site, by.value, start, end, now)
    found = await equation(store, await placed(store, person.site), span.start, span.end)
    steps = await asyncio.to_thread(_steps, found, span, by)
    if format is Format.CSV:
        name = disposition(f"balance_{by.value}_{span.start:%Y-%m-%d}.csv")
        headers = {"content-disposition": name}
        return Response(_csv(found, steps), media_type="text/csv; charset=utf-8", headers=headers)
    head = {"unit": "kWh", "by": by.value, "timezone": span.timezone}
    listed = [part_json(part) for part in found.parts]
    return Json({**head, "parts": listed, "points": [_json(one) for one in steps]})


def _steps(found: Equation, span: Period, by: Step) -> list[Equation]:
    cuts = edges(span.start, found.size, span.timezone, by.value)
    return [found.cut(first, last) for first, last in pairwise(cuts)]


def part_json(part: Part) -> dict[str, Any]:
    """A part without its energy, with what is inside it."""
    inside = [part_json(one) for one in part.inside]
    return {"id": part.id, "name": part.name, "kind": part.kind, "inside": inside}


def flat(parts: tuple[Part, ...]) -> list[Part]:
    """Parts and, after each, what is inside it."""
    return [one for part in parts for one in (part, *flat(part.inside))]


def _known(track: Track | None) -> int | None:
    return track.total if track is not None and track.known.any() else None


def _kwh(wh: int | None) -> float | None:
    return None if wh is None else kwh(wh)


def _json(one: Equation) -> dict[str, Any]:
    rest = one.rest
    return {
        "start": one.start,
        "end": one.start + one.size * QUARTER,
        "meter": _kwh(_known(one.meter)),
        "sent": _kwh(_known(one.sent)),
        "used": {part.id: _kwh(_known(part.track)) for part in flat(one.parts)},
        "rest": _kwh(_known(rest)),
        "over": kwh(one.over),
        "outside": kwh(one.outside),
        "found": int(one.metered.sum()),
        "expected": one.size,
        "guessed": int(np.count_nonzero(rest.guessed)),
    }


def _csv(found: Equation, steps: list[Equation]) -> bytes:
    """One row a step; text cells are no formulas, kWh with three decimals, empty where nothing is known."""
    names = [cell(part.name) for part in flat(found.parts)]
    lines = [",".join(["start", "end", "meter", "sent", *names, "rest", "over", "outside"])]
    for one in steps:
        known = [_known(one.meter), _known(one.sent), *(_known(p.track) for p in flat(one.parts))]
        energies = [*known, _known(one.rest), one.over, one.outside]
        texts = ["" if wh is None else kwh_text(wh) for wh in energies]
        end = one.start + one.size * QUARTER
        lines.append(",".join([f"{one.start:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}", *texts]))
    return ("\r\n".join(lines) + "\r\n").encode()
