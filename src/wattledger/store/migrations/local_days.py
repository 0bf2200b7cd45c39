"""Gives observations from before they had one their local day, in the zone of their usage point."""

from __future__ import annotations

import sqlalchemy as sa

from wattledger import localday
from wattledger.store.columns import Instant

BATCH = 5000
_point = sa.table("usage_point", sa.column("n"), sa.column("timezone"))
_seen = sa.table(
    "observation",
    sa.column("usage_point", sa.Integer),
    sa.column("at", Instant()),
    sa.column("payload", sa.BigInteger),
    sa.column("day", sa.Integer),
)


def fill_days(connection: sa.Connection) -> int:
    """Only rows without a day are touched. Returns how many there were."""
    mine = _seen.c.usage_point == _point.c.n
    query = sa.select(_seen.c.usage_point, _seen.c.at, _seen.c.payload, _point.c.timezone)
    rows = connection.execute(query.where(mine, _seen.c.day.is_(None))).all()
    key = (_seen.c.usage_point == sa.bindparam("n")) & (_seen.c.at == sa.bindparam("when"))
    change = (
        _seen.update().where(key, _seen.c.payload == sa.bindparam("of")).values(day=sa.bindparam("local"))
    )
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        told = [{"n": r[0], "when": r[1], "of": r[2], "local": localday.today(r[1], r[3])} for r in part]
        connection.execute(change, told)
    return len(rows)
