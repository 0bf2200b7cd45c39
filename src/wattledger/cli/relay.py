"""`wattledger relay`: the edge host fetches, decrypts, delivers and answers triggers; a look at its spool."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattledger.cli.lazy import EXIT_ERROR, new_app
from wattledger.cli.loading import loading
from wattledger.cli.options import AsJson, Data

if TYPE_CHECKING:
    from wattledger.config import Settings
    from wattledger.relay.item import Item
    from wattledger.relay.spool import Spool

LOCK_SECONDS = 60
EXIT_PARTIAL, EXIT_FAILED = 1, 2
app = new_app()


@app.callback(invoke_without_command=True)
def relay(
    context: typer.Context,
    timer: Annotated[
        bool, typer.Option(help="Fetch by itself, every WATTLEDGER_RELAY_EVERY_MINUTES.")
    ] = True,
    data: Data = None,
) -> None:
    """Run the edge host: fetch, decrypt, deliver, answer triggers on port 8787.

    Needs no database. Every cycle prints one JSON line. SIGTERM ends it.

    \b
    Example:
      wattledger relay
      wattledger relay run-once
    """
    if context.invoked_subcommand is None:
        with loading():
            from wattledger.relay import service

        asyncio.run(service.run(_settings(data), timer=timer))


@app.command("run-once")
def run_once(data: Data = None) -> None:
    """Run one cycle and print its line. Exit code 0 ok, 1 partial, 2 failed.

    \b
    Example:
      wattledger relay run-once
    """
    from wattledger.relay import service

    line = asyncio.run(service.run_once(_settings(data)))
    code = {"ok": 0, "partial": EXIT_PARTIAL}.get(str(line["status"]), EXIT_FAILED)
    if code:
        raise typer.Exit(code)


@app.command()
def pin(
    yes: Annotated[bool, typer.Option("--yes", help="Write it without asking.")] = False,
    data: Data = None,
) -> None:
    """Show the SFTP server's host key and, if you agree, pin it in SMT_SFTP_KNOWN_HOSTS.

    Compare the fingerprint with the one that the vendor tells you by another way.

    \b
    Example:
      wattledger relay pin
    """
    from wattledger.connectors.smart_meter_texas.drop import host_key

    settings = _settings(data)
    shown = asyncio.run(host_key.shown_by(settings.smt_sftp_host, settings.smt_sftp_port))
    path = settings.smt_sftp_known_hosts or settings.data / "known_hosts"
    typer.echo(f"{settings.smt_sftp_host}:{settings.smt_sftp_port} shows {shown.fingerprint}")
    if not yes and not typer.confirm(f"Pin this key in {path}?"):
        raise typer.Exit(EXIT_ERROR)
    new = host_key.pin(path, shown)
    typer.echo(f"Pinned in {path}." if new else f"It was pinned in {path} already.")
    if settings.smt_sftp_known_hosts is None:
        typer.echo(f"Now set SMT_SFTP_KNOWN_HOSTS={path}")


@app.command()
def requeue(
    names: Annotated[
        list[str] | None, typer.Argument(help="Ids or names of set-aside files. Default: all.")
    ] = None,
    data: Data = None,
) -> None:
    """Send set-aside files round again, for instance after a key was imported.

    \b
    Example:
      wattledger relay requeue
    """
    again = asyncio.run(_requeue(_spool(data), names or []))
    for item in again:
        typer.echo(f"{item.id}  {_shown(item)}")
    typer.echo(f"{len(again)} files go round again with the next cycle.")


@app.command("spool")
def spool_(as_json: AsJson = False, data: Data = None) -> None:
    """List what waits and what was set aside, with the reasons.

    \b
    Example:
      wattledger relay spool
    """
    found = _spool(data)
    rows = [(folder, item) for folder in ("enc", "out", "bad") for item in found.items(folder)]
    if as_json:
        _print_json(rows)
        return
    words = {"enc": "to open", "out": "to deliver", "bad": "set aside"}
    for folder, item in rows:
        reason = f"  {item.code}: {item.last_error}" if item.last_error else ""
        typer.echo(f"{words[folder]:10}  {item.id}  {_shown(item)}  {item.size} bytes{reason}")
    until, why = _pause(found)
    if until:
        typer.echo(f"Deliveries pause until {until}: {why}")
    typer.echo(f"{len(rows)} files in {found.root}")


async def _requeue(spool: Spool, names: list[str]) -> list[Item]:
    async with spool.held(LOCK_SECONDS):
        return spool.requeue(names)


def _print_json(rows: list[tuple[str, Item]]) -> None:
    import orjson

    for folder, item in rows:
        typer.echo(orjson.dumps({"folder": folder, **orjson.loads(item.dump())}).decode())


def _pause(spool: Spool) -> tuple[str, str]:
    from datetime import UTC, datetime

    from wattledger.clock import SystemClock
    from wattledger.relay.pause import Pause

    pause = Pause(spool.root / "pause", SystemClock())
    until, why = pause.read()
    return (
        (datetime.fromtimestamp(until, UTC).isoformat(timespec="seconds"), why)
        if pause.active()
        else ("", "")
    )


def _shown(item: Item) -> str:
    from wattledger.relay.wire import plain_name

    return plain_name(item.name)


def _settings(data: Path | None) -> Settings:
    import sys

    from wattledger.config import load_settings
    from wattledger.logs import REDACTOR, configure

    settings = load_settings(data)
    REDACTOR.register_settings(settings)
    configure(settings.log_format, sys.stderr)
    return settings


def _spool(data: Path | None) -> Spool:
    from wattledger.clock import SystemClock
    from wattledger.relay.cycle import inbox
    from wattledger.relay.spool import Spool

    return Spool(inbox(_settings(data)), SystemClock())
