"""/v1/alerts: what needs a person at the site."""

from __future__ import annotations

from enum import StrEnum

from fastapi import APIRouter, Request

from wattledger.web.alerts.letters import alert_json
from wattledger.web.alerts.wishes import wishes_of
from wattledger.web.answers import Json
from wattledger.web.auth import User
from wattledger.web.hub import hub
from wattledger.web.v1.alert_shapes import Alerts
from wattledger.web.v1.answered import answers

router = APIRouter(prefix="/v1/alerts", tags=["Alerts"])


class State(StrEnum):
    """Which alerts."""

    OPEN = "open"
    CLOSED = "closed"


@router.get("", responses=answers(Alerts))
async def alerts(request: Request, person: User, state: State = State.OPEN) -> Json:
    """List what needs a person now, or the fifty alerts that closed last."""
    store = hub(request).store
    wishes = wishes_of((await store.sites.get(person.site)).choices)
    book = store.alerts
    rows = await (book.open(person.site) if state is State.OPEN else book.closed(person.site))
    return Json({"alerts": [{**alert_json(row), "muted": wishes.mutes(row)} for row in rows]})
