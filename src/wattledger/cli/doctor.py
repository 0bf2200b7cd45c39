"""`wattledger doctor`: is everything set, and does every road lead where it should."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattledger.cli.lazy import EXIT_ERROR, new_app
from wattledger.cli.options import AsJson, Data

if TYPE_CHECKING:
    from wattledger.cli.checks import Check
    from wattledger.config import Settings

app = new_app()
COLOURS = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": "bright_black"}


class Part(StrEnum):
    """What `--part` takes."""

    AUTO = "auto"
    HUB = "hub"
    RELAY = "relay"
    ALL = "all"


@app.command()
def doctor(
    part: Annotated[Part, typer.Option(help="auto: relay where SMT_SFTP_USER is set.")] = Part.AUTO,
    deployment: Annotated[
        str | None, typer.Option(help="Try a running hub from outside instead.", metavar="URL")
    ] = None,
    relay: Annotated[
        str | None,
        typer.Option(help="With --deployment: its relay. Default: of DROPLET_WEBHOOK_URL.", metavar="URL"),
    ] = None,
    json: AsJson = False,
    data: Data = None,
) -> None:
    """Check configuration and reachability, with a plain verdict each. Exit code 1 when one failed.

    On a hub: folder, secrets, TLS, the way to the relay, database, vault, heartbeat. On a relay: SFTP
    sign-in and both folders, one decryption, the API token, one call with and one without it, and the
    delivery of a canary file to the hub. With --deployment, and the two secrets set here: health, what
    the secrets open together and alone, the token stub, the inspector, and a canary through hub and relay
    that is seen, downloaded, compared and removed.

    \b
    Example:
      wattledger doctor
      wattledger doctor --part relay
      wattledger doctor --deployment https://energy.example.org --relay https://relay.example.org:8787
    """
    found = asyncio.run(_doctor(part, data, json, deployment, relay))
    if any(check.verdict == "failed" for check in found):
        raise typer.Exit(EXIT_ERROR)


async def _doctor(
    part: Part, data: Path | None, as_json: bool, deployment: str | None, relay: str | None
) -> list[Check]:
    from wattledger.config import load_settings

    found, settings = [], load_settings(data)
    chosen = _outside(settings, deployment, relay) if deployment else _checks(part, settings)
    async for check in chosen:
        found.append(check)
        if not as_json:
            verdict = typer.style(f"{check.verdict:8}", fg=COLOURS[check.verdict])
            typer.echo(f"{verdict} {check.name:17} {check.text}")
    if as_json:
        rows = [{"check": c.name, "verdict": c.verdict, "text": c.text} for c in found]
        typer.echo(json.dumps(rows, indent=2))
    return found


def _outside(settings: Settings, url: str, relay: str | None) -> AsyncIterator[Check]:
    from wattledger.cli.checks_deployment import deployment_checks

    return deployment_checks(settings, url, relay)


async def _checks(part: Part, settings: Settings) -> AsyncIterator[Check]:
    on_relay = bool(settings.smt_sftp_user)
    if part in {Part.HUB, Part.ALL} or (part is Part.AUTO and not on_relay):
        from wattledger.cli.checks_hub import hub_checks

        async for check in hub_checks(settings):
            yield check
    if part in {Part.RELAY, Part.ALL} or (part is Part.AUTO and on_relay):
        from wattledger.cli.checks_relay import relay_checks

        async for check in relay_checks(settings):
            yield check
