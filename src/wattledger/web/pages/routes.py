"""The pages, together: rendered on the server, whole without scripts, from the same queries as the API."""

from __future__ import annotations

from fastapi import APIRouter

from wattledger.web.pages import (
    account,
    alerts,
    audit,
    choices,
    everything,
    files,
    installation,
    people,
    received,
    smartcar,
    smartthings,
    sources,
    welcome,
)
from wattledger.web.pages.air import page as air
from wattledger.web.pages.balance import page as balance
from wattledger.web.pages.car import page as car
from wattledger.web.pages.meter import gaps
from wattledger.web.pages.meter import page as meter

router = APIRouter()
for part in (
    balance,
    meter,
    air,
    car,
    gaps,
    files,
    alerts,
    sources,
    welcome,
    received,
    smartthings,
    smartcar,
    account,
    everything,
    choices,
    people,
    audit,
    installation,
):
    router.routes.extend(part.router.routes)
