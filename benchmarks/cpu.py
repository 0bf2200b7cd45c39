"""Seconds of processor that this process, and a PostgreSQL server at work for it, have used."""

from __future__ import annotations

import os
import time
from pathlib import Path

from sqlalchemy import text

from wattledger.store import Store

TICKS = os.sysconf("SC_CLK_TCK")


async def used(store: Store) -> float:
    """So far; a difference of two is what lay between them. Connections to the server must stay open."""
    return time.process_time() + await _server(store)


async def _server(store: Store) -> float:
    if not store.database.is_postgres:
        return 0.0
    async with store.connect() as connection:
        pids = (await connection.execute(text("SELECT pid FROM pg_stat_activity"))).scalars()
        return sum(map(of, pids))


def of(pid: int) -> float:
    """User and system seconds of a process; 0 where it is gone or on another machine."""
    return _seconds(pid, 2)


def family(pid: int) -> float:
    """The same of a process, of its children, and of those that it had."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    return _seconds(pid, 4) + sum(family(int(child)) for child in children)


def _seconds(pid: int, count: int) -> float:
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, after_name[11 : 11 + count])) / TICKS
