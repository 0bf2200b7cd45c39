"""A line in the audit for what a person did that changes no row by itself: looked, asked, collected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from wattledger.store.people.principal import Principal
from wattledger.web.auth import actor
from wattledger.web.hub import hub


async def note(
    request: Request, person: Principal, action: str, subject: str, details: Mapping[str, Any] | None = None
) -> None:
    """Record it as the person's, at their site, with how they were let in."""
    about = {"via": person.via, **(details or {})}
    await hub(request).store.audit.record(None, actor(person), action, subject, about, person.site)
