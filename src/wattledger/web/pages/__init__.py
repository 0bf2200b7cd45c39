"""The pages: rendered on the server, whole without scripts, from the same queries as the API."""

from __future__ import annotations

from fastapi import APIRouter

from wattledger.web.pages import account, files, gaps, meter, sources
from wattledger.web.pages.static import static

router = APIRouter()
for part in (meter, gaps, files, sources, account):
    router.include_router(part.router)

__all__ = ["router", "static"]
