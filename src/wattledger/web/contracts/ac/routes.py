"""The routes of the air conditioners' contract, together."""

from __future__ import annotations

from fastapi import APIRouter

from wattledger.web.contracts.ac import dashboard, export, history, oauth, status, token

router = APIRouter()
for part in (dashboard, history, export, status, token, oauth):
    router.routes.extend(part.router.routes)
