"""Home Assistant's recorder pattern in SQLite: states as they come, hourly statistics with a running sum.

Tables, indexes and pragmas are those of its recorder; the code is ours. Deliveries go the way of its import
of statistics: hours are replaced, and the sums of all later hours are shifted by what changed.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from benchmarks.peers.protocol import Peer, Values, size_of
from benchmarks.peers.readings import QUARTER, Batch, Numbers, Span

_HOUR = 3600
_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -16384;
CREATE TABLE states_meta (metadata_id INTEGER PRIMARY KEY, entity_id VARCHAR(255) UNIQUE);
CREATE TABLE states (
  state_id INTEGER PRIMARY KEY, entity_id CHAR(0), state VARCHAR(255), attributes CHAR(0), event_id SMALLINT,
  last_changed CHAR(0), last_changed_ts FLOAT, last_reported_ts FLOAT, last_updated CHAR(0),
  last_updated_ts FLOAT, old_state_id INTEGER REFERENCES states, attributes_id INTEGER, context_id CHAR(0),
  context_user_id CHAR(0), context_parent_id CHAR(0), origin_idx SMALLINT, context_id_bin BLOB,
  context_user_id_bin BLOB, context_parent_id_bin BLOB, metadata_id INTEGER REFERENCES states_meta);
CREATE INDEX ix_states_metadata_id_last_updated_ts ON states (metadata_id, last_updated_ts);
CREATE INDEX ix_states_last_updated_ts ON states (last_updated_ts);
CREATE INDEX ix_states_old_state_id ON states (old_state_id);
CREATE INDEX ix_states_attributes_id ON states (attributes_id);
CREATE INDEX ix_states_context_id_bin ON states (context_id_bin);
CREATE TABLE statistics_meta (
  id INTEGER PRIMARY KEY, statistic_id VARCHAR(255) UNIQUE, source VARCHAR(32),
  unit_of_measurement VARCHAR(255), has_mean BOOLEAN, has_sum BOOLEAN, name VARCHAR(255));
CREATE TABLE statistics (
  id INTEGER PRIMARY KEY, created CHAR(0), created_ts FLOAT, metadata_id INTEGER REFERENCES statistics_meta,
  start CHAR(0), start_ts FLOAT, mean FLOAT, min FLOAT, max FLOAT, last_reset CHAR(0), last_reset_ts FLOAT,
  state FLOAT, sum FLOAT);
CREATE UNIQUE INDEX ix_statistics_statistic_id_start_ts ON statistics (metadata_id, start_ts);
CREATE INDEX ix_statistics_start_ts ON statistics (start_ts);
"""
_STATE = (
    "INSERT INTO states (state, last_updated_ts, old_state_id, attributes_id, origin_idx, context_id_bin,"
    " metadata_id) VALUES (?, ?, ?, 1, 0, ?, ?)"
)
_HOURS = (
    "INSERT INTO statistics (created_ts, metadata_id, start_ts, state, sum) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (metadata_id, start_ts) DO UPDATE SET state = EXCLUDED.state, sum = EXCLUDED.sum"
)
_SHIFT = "UPDATE statistics SET sum = sum + ? WHERE metadata_id = ? AND start_ts >= ?"
_ADD = (
    "INSERT INTO statistics_meta (statistic_id, source, unit_of_measurement, has_mean, has_sum, name)"
    " VALUES (?, 'recorder', 'kWh', 0, 1, ?)"
)
_UNTIL = (
    "(SELECT sum FROM statistics WHERE metadata_id = {0} AND start_ts < {1} ORDER BY start_ts DESC LIMIT 1)"
)


class HomeAssistant(Peer):
    """A state a reading and a statistic an hour; whoever comes last wins."""

    name = "Home Assistant's recorder pattern"
    how = (
        "SQLite, WAL, `synchronous=NORMAL` as its recorder sets it: the last commits may be lost with the"
        " power. A row of `states` a reading, hourly `statistics` with running sums, later sums shifted after"
        " a revision. It answers from the statistics, in hours. Its recorder throws states away after ten"
        " days; here they stay, and in brackets are the bytes without them."
    )
    share: ClassVar[float] = 0.2
    hourly = True

    def start(self, folder: Path) -> str:
        self._folder = folder
        self._database = sqlite3.connect(folder / "home-assistant_v2.db")
        self._database.executescript(_TABLES)
        self._ids: dict[int, int] = {}
        return f"SQLite {sqlite3.sqlite_version}"

    def stop(self) -> None:
        self._database.close()

    def prepare(self, batch: Batch) -> Batch:
        return batch

    def ingest(self, prepared: Any) -> None:
        for meter, where in prepared.meters():
            with self._database:
                self._take(self._id(meter), prepared.at[where], prepared.wh[where])

    def readings(self, meter: int, span: Span) -> Values:
        n = self._id(meter)
        query = "SELECT sum FROM statistics WHERE metadata_id = ? AND start_ts >= ? AND start_ts < ?"
        rows = self._database.execute(f"{query} ORDER BY start_ts", (n, span.start, span.end)).fetchall()
        sums = [self._before(n, span.start), *(row[0] for row in rows)]
        hours: Values = np.rint(np.diff(np.array(sums)) * 1000).astype(np.int64)
        return hours

    def sums(self, span: Span) -> dict[int, int]:
        end, start = (f"coalesce({_UNTIL.format('m.id', '?')}, 0)" for _ in range(2))
        query = f"SELECT m.name, {end} - {start} FROM statistics_meta AS m"
        rows = self._database.execute(query, (span.end, span.start))
        return {int(name): round(1000 * kwh) for name, kwh in rows}

    def weigh(self) -> int:
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return size_of(self._folder)

    def core(self) -> int:
        """A copy without the states."""
        copy = self._folder / "copy.db"
        with sqlite3.connect(copy) as target:
            self._database.backup(target)
            target.executescript("DROP TABLE states; VACUUM")
        target.close()
        size = copy.stat().st_size
        copy.unlink()
        return size

    def _take(self, n: int, at: Numbers, wh: Numbers) -> None:
        """One meter's readings, whole hours: each run of hours without a hole is one import."""
        for run in np.split(np.arange(len(at)), np.flatnonzero(np.diff(at) != QUARTER) + 1):
            before = self._before(n, int(at[run[0]]))
            self._states(n, at[run], before + np.cumsum(wh[run]) / 1000)
            self._statistics(n, at[run][::4], before + np.cumsum(wh[run].reshape(-1, 4).sum(axis=1)) / 1000)

    def _states(self, n: int, at: Numbers, register: Any) -> None:
        last = self._database.execute("SELECT max(state_id) FROM states").fetchone()[0] or 0
        context = [number.to_bytes(16, "big") for number in range(last + 1, last + 1 + len(at))]
        old = [None, *range(last + 1, last + len(at))]
        ends = (at + QUARTER).astype(float).tolist()
        texts = [f"{kwh:.3f}" for kwh in register.tolist()]
        rows = zip(texts, ends, old, context, [n] * len(at), strict=True)
        self._database.executemany(_STATE, rows)

    def _statistics(self, n: int, hours: Numbers, sums: Any) -> None:
        end = int(hours[-1]) + _HOUR
        was = self._before(n, end)
        now = float(end)
        rows = zip(hours.astype(float).tolist(), sums.tolist(), strict=True)
        self._database.executemany(_HOURS, [(now, n, hour, kwh, kwh) for hour, kwh in rows])
        self._database.execute(_SHIFT, (float(sums[-1]) - was, n, end))

    def _before(self, n: int, instant: int) -> float:
        row = self._database.execute(f"SELECT {_UNTIL.format('?', '?')}", (n, instant)).fetchone()
        return float(row[0] or 0)

    def _id(self, meter: int) -> int:
        if meter not in self._ids:
            name = f"sensor.meter_{meter}_energy"
            made = self._database.execute(_ADD, (name, str(meter)))
            self._ids[meter] = int(made.lastrowid or 0)
            self._database.execute("INSERT INTO states_meta VALUES (?, ?)", (self._ids[meter], name))
        return self._ids[meter]
