"""`wattledger demo`: the whole road, simulated utility included, and one address to open."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from wattledger.cli.lazy import new_app
from wattledger.cli.loading import loading
from wattledger.cli.options import Data, Host
from wattledger.units import kwh_text

if TYPE_CHECKING:
    from wattledger.demo import Demo

app = new_app()


@app.command()
def demo(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the pages; 0 takes a free one.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it by itself.")] = True,
    data: Data = None,
) -> None:
    """Start a simulated utility, a relay and a hub, bring 13 months of a home through them, show the chart.

    Nothing of this machine's settings is read, nothing leaves it. Without --data everything is gone at
    the end; with it the next demo goes on where this one stopped.

    \b
    Example:
      wattledger demo
      wattledger demo --no-browser --port 8400 --data ./demo
    """
    if data is not None:
        asyncio.run(_demo(data, host, port, browser))
        return
    with TemporaryDirectory(prefix="wattledger-demo-", ignore_cleanup_errors=True) as folder:
        asyncio.run(_demo(Path(folder), host, port, browser))


async def _demo(folder: Path, host: str, port: int, browser: bool) -> None:
    with loading():
        from rich.console import Console
        from rich.progress import Progress

        from wattledger import logs
        from wattledger.cli.runtime import make_folder
        from wattledger.cli.stopping import stop_event
        from wattledger.demo import running

    make_folder(folder)
    stop = stop_event()
    with (folder / "demo.log").open("a", encoding="utf-8") as log:
        logs.configure("console", log)
        with Progress(console=Console(stderr=True), transient=True) as bars:
            bar = bars.add_task("Bringing 13 months home", total=None)
            async with running(
                folder, host, port, lambda done, files: bars.update(bar, completed=done, total=files)
            ) as ready:
                bars.stop()
                _show(ready, browser)
                await stop.wait()
    typer.echo("Stopped.")


def _show(ready: Demo, browser: bool) -> None:
    if ready.files:
        typer.echo(f"{ready.files} encrypted files came by SFTP and were read.")
    typer.echo(f"The ledger holds {kwh_text(ready.wh)} kWh from {ready.first} to {ready.filled}.")
    typer.echo(f"Open {ready.url}")
    if browser:
        import webbrowser

        webbrowser.open(ready.url)
