"""DuckDB in this process: a table with a key, filled from Arrow columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.peers.protocol import Peer, Values, size_of
from benchmarks.peers.readings import Batch, Span

_INSERT = (
    'INSERT INTO reading SELECT meter, to_timestamp("at"), wh FROM batch'
    " ON CONFLICT (meter, ts) DO UPDATE SET wh = EXCLUDED.wh"
)
_WITHIN = "ts >= to_timestamp(?) AND ts < to_timestamp(?)"


class Duck(Peer):
    """One row a reading, key meter and time; whoever comes last wins."""

    name = "DuckDB"
    how = (
        "In process, one file; `reading(meter, ts, wh)`, key (meter, ts); INSERT ... ON CONFLICT DO UPDATE"
        " from Arrow columns, one a file. Its own defaults: on disk (its log) before the answer."
        " Most of its bytes are its key's index."
    )

    def start(self, folder: Path) -> str:
        self._folder = folder
        self._database = duckdb.connect(str(folder / "readings.duckdb"))
        self._database.execute(
            "CREATE TABLE reading (meter BIGINT, ts TIMESTAMPTZ, wh INTEGER, PRIMARY KEY (meter, ts))"
        )
        return str(duckdb.__version__)

    def stop(self) -> None:
        self._database.close()

    def prepare(self, batch: Batch) -> Any:
        return pa.table({"meter": batch.meter, "at": batch.at, "wh": batch.wh.astype(np.int32)})

    def ingest(self, prepared: Any) -> None:
        self._database.register("batch", prepared)
        self._database.execute(_INSERT)

    def readings(self, meter: int, span: Span) -> Values:
        query = f"SELECT wh FROM reading WHERE meter = ? AND {_WITHIN} ORDER BY ts"
        found = self._database.execute(query, [meter, span.start, span.end]).fetchnumpy()
        return np.asarray(found["wh"], np.int64)

    def sums(self, span: Span) -> dict[int, int]:
        query = f"SELECT meter, sum(wh) FROM reading WHERE {_WITHIN} GROUP BY meter"
        rows = self._database.execute(query, [span.start, span.end]).fetchall()
        return {int(meter): int(wh) for meter, wh in rows}

    def weigh(self) -> int:
        self._database.execute("CHECKPOINT")
        return size_of(self._folder)
