"""The routes of the Smart Meter Texas contract, together."""

from __future__ import annotations

from fastapi import APIRouter

from wattledger.web.contracts import (
    smt_analysis,
    smt_canary,
    smt_heartbeat,
    smt_inspector,
    smt_meters,
    smt_pull,
    smt_status,
    smt_stream,
)

router = APIRouter()
for part in (
    smt_pull,
    smt_stream,
    smt_canary,
    smt_heartbeat,
    smt_status,
    smt_inspector,
    smt_analysis,
    smt_meters,
):
    router.include_router(part.router)
