"""The routes of our own API, version 1, together: /v1/... for people by session or API token."""

from __future__ import annotations

from fastapi import APIRouter

from wattledger.web.v1 import (
    alerts,
    audit,
    backfill,
    balance,
    calendar,
    connections,
    energy,
    everything,
    me,
    payloads,
    people,
    points,
    sessions,
    sites,
    uploads,
)

router = APIRouter()
for part in (
    points,
    energy,
    sessions,
    calendar,
    balance,
    alerts,
    backfill,
    payloads,
    uploads,
    connections,
    me,
    people,
    sites,
    everything,
    audit,
):
    router.routes.extend(part.router.routes)
