"""The routes of the Smart Meter Texas contract, together."""

from __future__ import annotations

from fastapi import APIRouter

from wattledger.web.contracts.smt import analysis, canary, heartbeat, inspector, meters, pull, status, stream

router = APIRouter()
for part in (
    pull,
    stream,
    canary,
    heartbeat,
    status,
    inspector,
    analysis,
    meters,
):
    router.routes.extend(part.router.routes)
