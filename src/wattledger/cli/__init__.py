"""The command line: one file a command, loaded only when it is called."""

from __future__ import annotations

import typer

from wattledger.cli.lazy import LazyGroup

app = typer.Typer(
    cls=LazyGroup,
    name="wattledger",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root() -> None:
    """One exact ledger for a site's electricity.

    \b
    Example:
      wattledger serve
      wattledger ingest IntervalData.csv
    """


def main() -> None:
    """The console script. Exit codes: 0, 1 our errors, 2 usage, 78 settings, 130 Ctrl-C."""
    app()
