"""The routes of the air conditioners' contract, together."""

from __future__ import annotations

from fastapi import APIRouter

from wattledger.web.contracts import ac_dashboard, ac_export, ac_history, ac_oauth, ac_status, ac_token

router = APIRouter()
for part in (ac_dashboard, ac_history, ac_export, ac_status, ac_token, ac_oauth):
    router.include_router(part.router)
