"""A command group that imports a command on use, and turns errors into exit codes."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from wattledger.errors import Misconfigured, WattledgerError

COMMANDS = {
    "serve": "Run the hub: pages, API and collector in one process.",
    "work": "Run one more collector and reader on a shared PostgreSQL.",
    "relay": "Run the edge host: fetch, decrypt, deliver, answer triggers.",
    "ingest": "Read files into the ledger and show what was accepted.",
    "poll": "Collect now, once, and show what came.",
    "export": "Write energy as CSV, JSON, Parquet or Green Button.",
    "replay": "Re-read the archive with today's parser.",
    "fleet": "Replay, digest, gaps and totals of all usage points, side by side.",
    "doctor": "Check configuration and reachability, with a verdict each.",
    "smt": "Ask the Smart Meter Texas API from the whitelisted host.",
    "keys": "List, add and rotate the keys that seal secrets.",
    "token": "Set the SmartThings token, for instance from a timer.",
    "user": "Add and invite people, make sign-in links and API tokens.",
    "site": "Make sites, and say who belongs to them.",
    "meter": "Say which site a meter belongs to.",
    "db": "Digest, scrub and upgrade the ledger's database.",
    "backup": "Write one consistent archive of a SQLite home.",
    "restore": "Bring a backup back into an empty data folder.",
    "demo": "Show everything with a simulated utility and 13 months of data.",
}
"""name -> the line that `wattledger --help` shows; module `wattledger.cli.<name>` has the `app`"""

EXIT_ERROR = 1
EXIT_CONFIGURATION = 78
EXIT_INTERRUPTED = 130


def new_app(**settings: Any) -> typer.Typer:
    """A Typer for one command module, plain help, no shell completion."""
    return typer.Typer(
        rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False, **settings
    )


class LazyGroup(TyperGroup):
    """The root group: knows names and help lines, imports on use."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"wattledger.cli.{cmd_name}")
        module.app.rich_markup_mode = None
        command = get_command(module.app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Our errors become one line on stderr; Ctrl-C ends quietly."""
        try:
            return super().invoke(ctx)
        except WattledgerError as error:
            typer.echo(f"wattledger: {error}", err=True)
            raise typer.Exit(exit_code(error)) from None
        except KeyboardInterrupt:
            raise typer.Exit(EXIT_INTERRUPTED) from None


def exit_code(error: WattledgerError) -> int:
    """78 where an operator must change a setting, else 1."""
    return EXIT_CONFIGURATION if isinstance(error, Misconfigured) else EXIT_ERROR
