"""The API of our own, version 1: /v1/... for people by session or API token."""

from __future__ import annotations

from fastapi import APIRouter

from wattledger.web.v1 import backfill, balance, connections, energy, me, payloads, points, uploads

router = APIRouter()
for part in (points, energy, balance, backfill, payloads, uploads, connections, me):
    router.include_router(part.router)
