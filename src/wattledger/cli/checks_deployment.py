"""What `wattledger doctor --deployment URL` checks from outside: secrets, token stub, inspector, canaries.

A canary is a small file without a reading. It goes the way of a vendor's file, is looked for, downloaded,
compared and taken away again; the ledger never hears of it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import httpx2
import orjson

from wattledger.cli.checks import Check, NotAsked, Verdict, Worth, check
from wattledger.clock import SystemClock, token
from wattledger.config import Settings
from wattledger.errors import BadPayload, LoginRequired, Misconfigured, NotFound, TryLater
from wattledger.faults import sabotaged
from wattledger.transport import is_plain
from wattledger.web.contracts.smt.status import TOKEN_BODY

ADMIN, WEBHOOK = "x-admin-token", "x-intelliwatt-secret"
PATIENCE = httpx2.Timeout(180, connect=10)
PULL = "/api/admin/smt/pull"
INSPECTOR = "/api/admin/debug/smt/raw-files"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A running hub and, where one is named, its relay: addresses without a slash at their end."""

    hub: str
    relay: str | None
    headers: dict[str, str] = field(repr=False)
    relay_headers: dict[str, str] = field(repr=False)
    http: httpx2.AsyncClient

    async def ask(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, json: object = None
    ) -> httpx2.Response:
        """One request to the hub, with both secrets where nothing else is said. Raises TryLater."""
        return await _send(
            self.http, method, self.hub + path, self.headers if headers is None else headers, json
        )


async def deployment_checks(settings: Settings, url: str, relay: str | None) -> AsyncIterator[Check]:
    """Every check of a deployment, in the order in which things depend on each other."""
    opened = httpx2.AsyncClient(timeout=PATIENCE, follow_redirects=False, trust_env=False)
    async with opened as http:
        yield await check("transport", _transport(url, relay))
        missing = _missing(settings)
        found = Deployment(url.rstrip("/"), _port_of(settings, relay), *_headers(settings), http)
        health = await check("health", _health(found))
        yield health
        if health.verdict is Verdict.FAILED or missing:
            if missing:
                yield Check("both secrets", Verdict.FAILED, missing)
            return
        yield await check("both secrets", _both(found))
        yield await check("one secret alone", _alone(found))
        yield await check("token stub", _stub(found))
        yield await check("inspector", _inspector(found))
        yield await check("canary to hub", _through_hub(found))
        yield await check("canary by relay", _through_relay(found))


def _missing(settings: Settings) -> str | None:
    wanted = {"ADMIN_TOKEN": settings.admin_token, "INTELLIWATT_WEBHOOK_SECRET": settings.webhook_secret}
    names = [name for name, value in wanted.items() if value is None]
    return f"Set {' and '.join(names)} here as on the hub; nothing more can be tried." if names else None


def _headers(settings: Settings) -> tuple[dict[str, str], dict[str, str]]:
    admin, secret = settings.admin_token, settings.webhook_secret
    to_relay = settings.droplet_secret or secret
    both = {ADMIN: admin, WEBHOOK: secret}
    hub = {name: value.get_secret_value() for name, value in both.items() if value}
    return hub, {WEBHOOK: to_relay.get_secret_value()} if to_relay else {}


def _port_of(settings: Settings, relay: str | None) -> str | None:
    """The relay's address: the one that is named, else that of DROPLET_WEBHOOK_URL."""
    if relay or not settings.droplet_url:
        return relay.rstrip("/") if relay else None
    parts = urlsplit(settings.droplet_url)
    return urlunsplit((parts.scheme, parts.netloc, "", "", ""))


async def _transport(url: str, relay: str | None) -> str:
    for address in filter(None, (url, relay)):
        if urlsplit(address).scheme not in {"http", "https"} or not urlsplit(address).hostname:
            raise Misconfigured(f"{address} is no address: it must begin with http:// or https://.")
    plain = [address for address in (url, relay) if address and is_plain(address)]
    if plain:
        raise Worth(f"{' and '.join(plain)}: plain http to another machine; secrets travel in clear.")
    return "Secrets leave this machine by TLS alone, or not at all."


async def _health(found: Deployment) -> str:
    for path in ("/healthz", "/api/admin/smt/health", "/readyz"):
        answer = await found.ask("GET", path, headers={})
        if answer.status_code != httpx2.codes.OK:
            raise TryLater(f"{path} answered {answer.status_code}: {answer.text[:200]}")
    return f"{found.hub} answers, and its database and disk take files."


async def _both(found: Deployment) -> str:
    answer = await found.ask("POST", PULL, json={})
    if answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE:
        raise Misconfigured(f"The hub lacks a secret: {answer.text[:200]}")
    if answer.status_code in {401, 403, 429}:
        raise LoginRequired(
            "The hub refuses ADMIN_TOKEN with INTELLIWATT_WEBHOOK_SECRET as they are set here."
        )
    if answer.status_code != httpx2.codes.BAD_REQUEST:
        raise BadPayload(f"An empty message was answered {answer.status_code} instead of 400.")
    return "ADMIN_TOKEN and INTELLIWATT_WEBHOOK_SECRET together are let in."


async def _alone(found: Deployment) -> str:
    for name in (ADMIN, WEBHOOK, None):
        headers = {name: found.headers[name]} if name else {}
        answer = await found.ask("POST", PULL, headers=headers, json={})
        if answer.status_code != httpx2.codes.UNAUTHORIZED:
            raise LoginRequired(
                f"With {name or 'no secret'} alone the hub answered {answer.status_code}, not 401."
            )
    return "Either secret alone, and none, are refused (401)."


async def _stub(found: Deployment) -> str:
    answer = await found.ask("GET", "/api/admin/smt/token", headers={ADMIN: found.headers[ADMIN]})
    if answer.status_code != httpx2.codes.NOT_IMPLEMENTED or answer.content != orjson.dumps(TOKEN_BODY):
        raise BadPayload(f"/api/admin/smt/token answered {answer.status_code}, or other words than agreed.")
    return "Answers 501 in the agreed words, letter for letter."


async def _inspector(found: Deployment) -> str:
    rows = await _files(found, {})
    return (
        f"Lists raw files; the newest is {rows[0]['filename']!r}." if rows else "Lists raw files; none yet."
    )


async def _through_hub(found: Deployment) -> str:
    body = _canary("hub")
    message = {
        "filename": "wattledger-canary.txt",
        "mime": "text/plain",
        "source": "canary",
        "encoding": "base64",
        "content_b64": base64.b64encode(body).decode(),
        "sizeBytes": len(body),
    }
    answer = await found.ask("POST", PULL, json=message)
    if answer.status_code != httpx2.codes.OK or answer.json().get("sha256") != _sha256(body):
        raise BadPayload(f"The hub did not take the canary ({answer.status_code}): {answer.text[:200]}")
    return await _follow(found, body)


async def _through_relay(found: Deployment) -> str:
    if found.relay is None:
        raise NotAsked("No relay is named: give --relay URL, or set DROPLET_WEBHOOK_URL.")
    body = _canary("relay")
    words = {"text": body.decode()}
    answer = await _send(found.http, "POST", f"{found.relay}/canary", found.relay_headers, words)
    if answer.status_code == httpx2.codes.UNAUTHORIZED:
        raise LoginRequired("The relay refuses DROPLET_WEBHOOK_SECRET (or INTELLIWATT_WEBHOOK_SECRET).")
    line = answer.json() if answer.status_code in {200, 502} else {}
    if not line.get("sent"):
        raise TryLater(f"The relay did not deliver it ({answer.status_code}): {answer.text[:300]}")
    return await _follow(found, body)


async def _follow(found: Deployment, body: bytes) -> str:
    """See the canary, download it, compare, take it away, and see it no more."""
    sha256 = _sha256(body)
    try:
        row = next((r for r in await _files(found, {"source": "canary"}) if r["sha256"] == sha256), None)
        if row is None:
            raise NotFound("It was taken, but the inspector does not list it.")
        answer = await found.ask("GET", f"{INSPECTOR}/{row['id']}/download")
        if answer.content != body and not sabotaged("canary_compare"):
            raise BadPayload("What the inspector gives back differs from what was sent.")
    finally:
        gone = await found.ask("DELETE", f"/api/admin/smt/canary/{sha256}")
    if gone.status_code in {404, 405} and row:
        raise Worth(
            f"It came back byte for byte; this hub cannot remove it: it stays as raw file {row['id']}."
        )
    left = [r["id"] for r in await _files(found, {"source": "canary"}) if r["sha256"] == sha256]
    if gone.status_code != httpx2.codes.OK or left:
        raise BadPayload(f"The canary could not be removed ({gone.status_code}): {gone.text[:200]}")
    return f"Raw file {row['id']} was listed, came back byte for byte, and was removed."


async def _files(found: Deployment, query: dict[str, str]) -> list[dict[str, str]]:
    words = "".join(f"&{name}={value}" for name, value in query.items())
    headers = {ADMIN: found.headers[ADMIN]}
    answer = await found.ask("GET", f"{INSPECTOR}?limit=50{words}", headers=headers)
    if answer.status_code != httpx2.codes.OK:
        raise BadPayload(f"The inspector answered {answer.status_code}: {answer.text[:200]}")
    rows: list[dict[str, str]] = answer.json()["rows"]
    return rows


def _canary(way: str) -> bytes:
    now = SystemClock().now().isoformat(timespec="seconds")
    return f"Wattledger canary by {way}, {now}, {token(9)}: no reading, may be removed.".encode()


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


async def _send(
    http: httpx2.AsyncClient, method: str, url: str, headers: dict[str, str], json: object
) -> httpx2.Response:
    try:
        return await http.request(method, url, headers=headers, json=json)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        where = urlsplit(url).netloc
        raise TryLater(f"{where} cannot be reached ({type(error).__name__}).") from None
