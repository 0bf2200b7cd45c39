"""What `wattledger doctor` checks on a hub: folder, secrets, transport, mail, relay, database, vault."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import httpx2

from wattledger.cli.checks import Check, NotAsked, Worth, check
from wattledger.cli.runtime import Runtime, make_folder, opened
from wattledger.cli.serve import plain_http_warnings
from wattledger.config import Settings, database_url
from wattledger.errors import Misconfigured, TryLater
from wattledger.transport import is_loopback
from wattledger.web.mail import greet, problem

LOW_DISK_BYTES = 2 * 1024**3
SILENT_AFTER = timedelta(hours=2)


async def hub_checks(settings: Settings) -> AsyncIterator[Check]:
    """Every check of a hub, cheapest first. The database's come last and only where it opens."""
    yield await check("data folder", _folder(settings))
    yield await check("machine secrets", _secrets(settings))
    yield await check("transport", _transport(settings))
    yield await check("mail", _mail(settings))
    yield await check("relay trigger", _relay(settings))
    opening = await check("database", _database(settings))
    yield opening
    if opening.verdict == "ok":
        async with opened(settings.data, settings=settings) as runtime:
            yield await check("durability", _durability(runtime))
            yield await check("vault", _vault(runtime))
            yield await check("relay heartbeat", _heartbeat(runtime))
            yield await check("people", _people(runtime))


async def _folder(settings: Settings) -> str:
    make_folder(settings.data)
    if not os.access(settings.data, os.W_OK):
        raise Misconfigured(f"WATTLEDGER_DATA: {settings.data} cannot be written by this user.")
    free = shutil.disk_usage(settings.data).free
    text = f"{settings.data} can be written; {free / 1024**3:.1f} GiB are free."
    if free < LOW_DISK_BYTES:
        raise Worth(f"{text} Below 2 GiB the hub stops taking files.")
    return text


async def _secrets(settings: Settings) -> str:
    wanted = {"ADMIN_TOKEN": settings.admin_token, "INTELLIWATT_WEBHOOK_SECRET": settings.webhook_secret}
    missing = [name for name, value in wanted.items() if value is None]
    if missing:
        raise Worth(f"{' and '.join(missing)} not set: machine routes answer 503, no relay can deliver.")
    return "ADMIN_TOKEN and INTELLIWATT_WEBHOOK_SECRET are set and differ."


async def _transport(settings: Settings) -> str:
    warnings = plain_http_warnings(settings, "127.0.0.1")
    if warnings:
        raise Worth(" ".join(warnings))
    return "No configured road leaves this machine without TLS."


async def _mail(settings: Settings) -> str:
    wrong = problem(settings)
    if wrong and settings.smtp_host is None and loopback(settings):
        raise NotAsked("WATTLEDGER_SMTP_HOST is not set; sign-in links are printed in the terminal.")
    if wrong:
        raise (Worth if settings.smtp_host is None else Misconfigured)(wrong)
    await greet(settings)
    return f"The mail server {settings.smtp_host} answers and lets us in."


async def _relay(settings: Settings) -> str:
    if not settings.droplet_url:
        raise NotAsked("DROPLET_WEBHOOK_URL is not set: this hub asks no relay for work.")
    parts = urlsplit(settings.droplet_url)
    health = urlunsplit((parts.scheme, parts.netloc, "/health", "", ""))
    try:
        async with httpx2.AsyncClient(timeout=10, follow_redirects=False, trust_env=False) as client:
            answer = await client.get(health)
    except httpx2.HTTPError as error:
        raise TryLater(f"The relay at {parts.netloc} cannot be reached ({type(error).__name__}).") from None
    if answer.status_code != httpx2.codes.OK:
        raise TryLater(f"The relay at {parts.netloc} answered {answer.status_code}.")
    return f"The relay at {parts.netloc} answers."


def loopback(settings: Settings) -> bool:
    """Whether links lead to this machine, so that its terminal may show them."""
    return settings.base_url is None or is_loopback(urlsplit(settings.base_url).hostname or "")


async def _database(settings: Settings) -> str:
    async with opened(settings.data, settings=settings) as runtime:
        await runtime.store.ping()
    kind = "SQLite" if database_url(settings).startswith("sqlite") else "PostgreSQL"
    return f"{kind} answers and its schema is up to date."


async def _durability(runtime: Runtime) -> str:
    wrong = await runtime.store.database.not_durable()
    if wrong:
        raise Worth(f"PostgreSQL has {' and '.join(wrong)}: a power cut may take what the hub acknowledged.")
    return "Every commit is on the disk before it is acknowledged."


async def _vault(runtime: Runtime) -> str:
    where = runtime.vault.key_file or "WATTLEDGER_KEYS"
    sealed = runtime.vault.seal(b"canary", table="doctor", row="1", column="canary")
    runtime.vault.open(sealed, table="doctor", row="1", column="canary")
    return f"Seals and opens; {len(runtime.vault.key_ids)} key(s) from {where}."


async def _heartbeat(runtime: Runtime) -> str:
    beats = await runtime.store.connections.heartbeats()
    if not beats:
        raise NotAsked("No relay has reported to this hub yet.")
    newest = max(beats, key=lambda beat: beat.at)
    age = runtime.clock.now() - newest.at
    text = f"Relay {newest.name!r} last reported {int(age.total_seconds() // 60)} minutes ago."
    if age > SILENT_AFTER:
        raise Worth(f"{text} It reports every 30 minutes unless set otherwise; look at its journal.")
    return text


async def _people(runtime: Runtime) -> str:
    if await runtime.store.people.setup_needed():
        raise Worth("Nobody owns this hub yet: use the link that `wattledger serve` prints, or `user add`.")
    return f"{len(await runtime.store.people.list())} account(s)."
