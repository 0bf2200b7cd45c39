"""`wattledger work`: one more collector and reader beside a hub, on a shared PostgreSQL."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from wattledger.cli.lazy import new_app
from wattledger.cli.loading import loading
from wattledger.cli.options import Data

app = new_app()


@app.command()
def work(data: Data = None) -> None:
    """Collect due connections and read waiting payloads until told to stop. Run as many as you like.

    Needs PostgreSQL: SQLite has one writer, which is the hub's.

    \b
    Example:
      DATABASE_URL=postgresql://wattledger@db/wattledger wattledger work
    """
    asyncio.run(_work(data))


async def _work(data: Path | None) -> None:
    with loading():
        from wattledger import logs
        from wattledger.cli.collector import collecting
        from wattledger.cli.runtime import opened
        from wattledger.cli.stopping import stop_event
        from wattledger.config import database_url, load_settings
        from wattledger.errors import Misconfigured

    settings = load_settings(data)
    if database_url(settings).startswith("sqlite"):
        raise Misconfigured(
            "DATABASE_URL must name a PostgreSQL for `wattledger work`: on SQLite the hub collects by itself."
        )
    logs.configure(settings.log_format, sys.stderr)
    logs.REDACTOR.register_settings(settings)
    stop = stop_event()
    async with opened(data, settings=settings) as runtime, collecting(runtime, stop):
        await stop.wait()
