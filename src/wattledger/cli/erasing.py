"""A deletion that a crash interrupted is finished when a process starts, beside everything else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from wattledger.cli.runtime import Runtime
from wattledger.errors import WattledgerError

log = structlog.get_logger(__name__)


@asynccontextmanager
async def finishing(runtime: Runtime) -> AsyncIterator[None]:
    """Finish it while the block runs; what stays undone is left to the next start."""
    task = asyncio.create_task(_finish(runtime))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _finish(runtime: Runtime) -> None:
    try:
        if count := await runtime.store.erase.resume():
            log.info("an interrupted deletion was finished", sites=count)
    except WattledgerError as error:
        log.warning("an interrupted deletion was not finished", reason=str(error))
