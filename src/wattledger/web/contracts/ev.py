"""The routes of the cars' contract, together."""

from __future__ import annotations

from fastapi import APIRouter

from wattledger.web.contracts import (
    ev_connect,
    ev_disconnect,
    ev_history,
    ev_latest,
    ev_status,
    ev_vehicles,
    smartcar_webhook,
)

router = APIRouter()
for part in (
    smartcar_webhook,  # called far more often than the others, and routes are tried in order
    ev_connect,
    ev_status,
    ev_vehicles,
    ev_disconnect,
    ev_latest,
    ev_history,
):
    router.include_router(part.router)
