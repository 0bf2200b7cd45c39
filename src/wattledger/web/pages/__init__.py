"""The pages: rendered on the server, whole without scripts, from the same queries as the API."""

from __future__ import annotations

from fastapi import APIRouter

from wattledger.web.pages import (
    ac,
    account,
    alerts,
    audit,
    balance,
    car,
    choices,
    everything,
    files,
    gaps,
    installation,
    meter,
    people,
    received,
    smartcar,
    smartthings,
    sources,
    welcome,
)
from wattledger.web.pages.static import static

router = APIRouter()
for part in (
    balance,
    meter,
    ac,
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
    router.include_router(part.router)

__all__ = ["router", "static"]
