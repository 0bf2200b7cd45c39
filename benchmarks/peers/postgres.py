"""Plain rows in PostgreSQL: by COPY and ON CONFLICT, without and with a look at the revision; row by row."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import psycopg
from tests import postgres_server
from tests.postgres_server import Server, Unavailable

from benchmarks.ledger import DURABLE
from benchmarks.peers.protocol import Absent, Peer, Values
from benchmarks.peers.readings import Batch, Span
from benchmarks.store import ONE_INSERT, ORIGINALS_TABLE, RECEIVED

WEIGHT = (
    "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
)
_STAGED = "(meter bigint, at bigint, wh integer, revision bigint)"


def server() -> Server:
    """A server with PostgreSQL's own defaults. Raises Absent."""
    try:
        return postgres_server.start(DURABLE)
    except Unavailable as reason:
        raise Absent(f"postgres not found (Debian: apt install postgresql): {reason}") from None


def version(url: str) -> str:
    """`PostgreSQL 15.14`."""
    with psycopg.connect(url) as connection:
        return f"PostgreSQL {connection.info.parameter_status('server_version')}".partition(" (")[0]


class Rows(Peer):
    """One row a reading, key meter and time; whoever comes last wins."""

    name = "PostgreSQL rows, COPY"
    how = (
        "`reading(meter, ts, wh)`, key (meter, ts); COPY into a temporary table, then one"
        " INSERT ... ON CONFLICT DO UPDATE a file. The server's own defaults: on disk before the answer."
    )
    share: ClassVar[float] = 0.2
    columns, chosen, update = "", "", "wh = EXCLUDED.wh"

    def start(self, folder: Path) -> str:
        self._server: Server | None = None
        self._server = server()
        self._connection = psycopg.connect(self._server.url)
        self._cursor = self._connection.cursor(binary=True)
        self._create()
        self._connection.commit()
        return version(self._server.url).removeprefix("PostgreSQL ")

    def stop(self) -> None:
        if self._server:
            self._connection.close()
            self._server.stop()

    def prepare(self, batch: Batch) -> Any:
        text = io.StringIO()
        columns = (batch.meter.tolist(), batch.at.tolist(), batch.wh.tolist(), batch.revision.tolist())
        text.writelines(f"{m}\t{at}\t{wh}\t{r}\n" for m, at, wh, r in zip(*columns, strict=True))
        return text.getvalue().encode()

    def ingest(self, prepared: Any) -> None:
        self._cursor.execute(f"CREATE TEMPORARY TABLE staged {_STAGED} ON COMMIT DROP")
        with self._cursor.copy("COPY staged FROM STDIN") as copy:
            copy.write(prepared)
        self._cursor.execute(self._statement())
        self._connection.commit()

    def readings(self, meter: int, span: Span) -> Values:
        return self._values("SELECT wh FROM reading WHERE meter = %s AND", [meter], span)

    def sums(self, span: Span) -> dict[int, int]:
        return self._grouped("SELECT meter, sum(wh) FROM reading WHERE", "meter", span)

    def weigh(self) -> int:
        row: Any = self._cursor.execute(WEIGHT).fetchone()
        return int(row[0])

    def _create(self) -> None:
        columns = f"meter bigint, ts timestamptz, wh integer{self.columns}"
        self._cursor.execute(f"CREATE TABLE reading ({columns}, PRIMARY KEY (meter, ts))")

    def _statement(self) -> str:
        into = f"INSERT INTO reading SELECT meter, to_timestamp(at), wh{', revision' if self.columns else ''}"
        return f"{into} FROM staged ON CONFLICT (meter, ts) DO UPDATE SET {self.update}{self.chosen}"

    def _values(self, query: str, more: list[Any], span: Span) -> Values:
        asked = f"{query} ts >= to_timestamp(%s) AND ts < to_timestamp(%s) ORDER BY ts"
        rows = self._cursor.execute(asked, [*more, span.start, span.end]).fetchall()
        return np.array([int(row[0]) for row in rows], np.int64)

    def _grouped(self, query: str, by: str, span: Span) -> dict[int, int]:
        asked = f"{query} ts >= to_timestamp(%s) AND ts < to_timestamp(%s) GROUP BY {by}"
        rows = self._cursor.execute(asked, [span.start, span.end]).fetchall()
        return {int(meter): int(wh) for meter, wh in rows}


class RevisedRows(Rows):
    """The same, with the one column and comparison that make it right."""

    name = "PostgreSQL rows, COPY, revision compared"
    how = (
        "The same with a column `revision` and `WHERE EXCLUDED.revision > reading.revision` at the update:"
        " what somebody who knows about revisions writes. The value that lost is gone."
    )
    columns = ", revision bigint"
    update = "wh = EXCLUDED.wh, revision = EXCLUDED.revision"
    chosen = " WHERE EXCLUDED.revision > reading.revision"


class RowByRow(Rows):
    """The originals' way: one INSERT a reading, what is there stays."""

    name = "the originals' way"
    how = (
        "PostgreSQL, one INSERT and commit a reading, key (esiid, meter, ts); what is there stays"
        " (`ON CONFLICT DO NOTHING`, as their inline path has it). The server's own defaults."
    )
    share = 0.01

    def prepare(self, batch: Batch) -> Any:
        meters, instants, wh = batch.meter.tolist(), batch.at.tolist(), batch.wh.tolist()
        return [
            (str(meter), "M1", datetime.fromtimestamp(at, UTC), f"{value / 1000:.3f}", "smt", RECEIVED)
            for meter, at, value in zip(meters, instants, wh, strict=True)
        ]

    def ingest(self, prepared: Any) -> None:
        for row in prepared:
            self._connection.execute(f"{ONE_INSERT} ON CONFLICT DO NOTHING", row)
            self._connection.commit()

    def readings(self, meter: int, span: Span) -> Values:
        query = "SELECT (kwh * 1000)::integer FROM \"SmtInterval\" WHERE esiid = %s AND meter = 'M1' AND"
        return self._values(query, [str(meter)], span)

    def sums(self, span: Span) -> dict[int, int]:
        return self._grouped('SELECT esiid, sum(kwh) * 1000 FROM "SmtInterval" WHERE', "esiid", span)

    def _create(self) -> None:
        self._cursor.execute(ORIGINALS_TABLE)
