"""Machines' secrets: `x-intelliwatt-secret` and `x-admin-token`.

Writes need both, `x-admin-token` alone reads. Compared in constant time over bytes, all at once, against
the current and the next values. A doubled header is 400, a wrong one 401, an unset secret 503 naming its
variable, many wrong ones from one address 429. The right secrets always pass, so that nobody behind
the same proxy can lock the relay out. `x-proxy-secret` is never looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from fastapi import Request
from pydantic import SecretStr

from wattledger.faults import sabotaged
from wattledger.secrets import same
from wattledger.web.answers import Denied
from wattledger.web.guards import guards
from wattledger.web.hub import Hub, hub

ADMIN = "x-admin-token"
WEBHOOK = "x-intelliwatt-secret"
VARIABLES = {ADMIN: "ADMIN_TOKEN", WEBHOOK: "INTELLIWATT_WEBHOOK_SECRET"}
UNAUTHORIZED: Mapping[str, Any] = {"error": "Unauthorized"}


def check(request: Request, *headers: str, denied: Mapping[str, Any] = UNAUTHORIZED) -> None:
    """Let the request through when every named header holds its secret. Raises Denied."""
    found = hub(request)
    if sabotaged("machine_auth"):
        return
    for name in headers:
        if not any(_accepted(found, name)):
            raise Denied(503, {"error": f"{VARIABLES[name]} not configured"})
    given = {name: _given(request, name) for name in headers}
    sets = product(*(filter(None, _accepted(found, name)) for name in headers))
    if not same(_together(given.values()), *map(_together, sets)):
        _refuse(request, found, denied)


def _together(secrets: Iterable[bytes]) -> bytes:
    """One word for all headers: no time tells which of them was right, since none is looked at alone."""
    return b"".join(hashlib.sha256(one).digest() for one in secrets)


def _accepted(found: Hub, header: str) -> tuple[bytes | None, bytes | None]:
    settings = found.settings
    if header == ADMIN:
        return _bytes(settings.admin_token), _bytes(settings.admin_token_next)
    return _bytes(settings.webhook_secret), _bytes(settings.webhook_secret_next)


def _bytes(secret: SecretStr | None) -> bytes | None:
    return secret.get_secret_value().encode() if secret else None


def _given(request: Request, name: str) -> bytes:
    values = [v for k, v in request.scope["headers"] if k == name.encode()]
    if len(values) > 1:
        raise Denied(400, {"ok": False, "error": "DUPLICATE_HEADER", "message": f"Send {name} once."})
    return bytes(values[0]) if values else b""


def _refuse(request: Request, found: Hub, denied: Mapping[str, Any]) -> None:
    found.metrics.refused_secret()
    address = request.client.host if request.client else "unknown"
    found.failures.check(address)
    raise Denied(401, denied)


@guards("machine")
async def require_machine(request: Request) -> None:
    """Both secrets. Raises Denied."""
    check(request, WEBHOOK, ADMIN)


@guards("admin")
async def require_admin_read(request: Request) -> None:
    """The admin token. Raises Denied."""
    check(request, ADMIN)
