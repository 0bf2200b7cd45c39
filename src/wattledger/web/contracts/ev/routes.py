"""The routes of the cars' contract, together."""

from __future__ import annotations

from fastapi import APIRouter

from wattledger.web.contracts.ev import connect, disconnect, history, latest, status, vehicles, webhook

router = APIRouter()
for part in (
    webhook,  # called far more often than the others, and routes are tried in order
    connect,
    status,
    vehicles,
    disconnect,
    latest,
    history,
):
    router.routes.extend(part.router.routes)
