"""InfluxDB 1.6 over HTTP: line protocol in, InfluxQL out."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.process import Server, free_port, program
from benchmarks.peers.protocol import Peer, Values, size_of
from benchmarks.peers.readings import Batch, Span

POINTS = 10_000
"""of one request, as its makers advise"""
_SECOND = 1_000_000_000
_LOOKS, _SETTLED = 60, 5
"""at its folder, a second apart: at most, and of one and the same size"""
_AT_REST = {
    "INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION": "1s",
    "INFLUXDB_DATA_COMPACT_FULL_WRITE_COLD_DURATION": "1s",
}
_CONFIG = """reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/data/meta"
[data]
  dir = "{folder}/data/data"
  wal-dir = "{folder}/data/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[monitor]
  store-enabled = false
"""


class InfluxDB(Peer):
    """One point a reading: a tag for the meter, an integer field; whoever comes last wins."""

    name = "InfluxDB"
    how = (
        "Measurement `energy`, tag `meter`, integer field `wh`; line protocol, 10,000 points a request. Its"
        " own defaults: every write is synced before the answer. Weighed after its own"
        " full compaction, without its log of writes."
    )

    def start(self, folder: Path) -> str:
        self._server: Server | None = None
        self._program, self._folder = program("influxd", "influxdb"), folder
        self._run({})
        self._ask("POST", q="CREATE DATABASE bench")
        return self._version()

    def stop(self) -> None:
        if self._server:
            self._server.stop()

    def prepare(self, batch: Batch) -> Any:
        columns = (batch.meter.tolist(), batch.wh.tolist(), batch.at.tolist())
        lines = [f"energy,meter={m} wh={wh}i {at}" for m, wh, at in zip(*columns, strict=True)]
        return ["\n".join(lines[i : i + POINTS]).encode() for i in range(0, len(lines), POINTS)]

    def ingest(self, prepared: Any) -> None:
        assert self._server
        for body in prepared:
            self._server.ask("POST", "/write", body, db="bench", precision="s")

    def readings(self, meter: int, span: Span) -> Values:
        series = self._select("wh", span, f" AND meter = '{meter}'")
        return np.array([wh for _, wh in series[0]["values"]], np.int64)

    def sums(self, span: Span) -> dict[int, int]:
        series = self._select("sum(wh)", span, " GROUP BY meter")
        return {int(one["tags"]["meter"]): int(one["values"][0][1]) for one in series}

    def weigh(self) -> int:
        self._again(_AT_REST)
        sizes: list[int] = []
        while len(sizes) < _LOOKS and (len(sizes) < _SETTLED or len(set(sizes[-_SETTLED:])) > 1):
            time.sleep(1)
            sizes.append(size_of(self._folder / "data" / "data"))
        self._again({})
        return sizes[-1]

    def _select(self, what: str, span: Span, more: str) -> Any:
        within = f"time >= {span.start * _SECOND} AND time < {span.end * _SECOND}"
        answer = json.loads(self._ask("GET", q=f"SELECT {what} FROM energy WHERE {within}{more}"))
        return answer["results"][0]["series"]

    def _ask(self, method: str, q: str) -> bytes:
        assert self._server
        return self._server.ask(method, "/query", db="bench", epoch="s", q=q)

    def _version(self) -> str:
        answer = json.loads(self._ask("GET", q="SHOW DIAGNOSTICS"))
        build = next(one for one in answer["results"][0]["series"] if one["name"] == "build")
        return str(dict(zip(build["columns"], build["values"][0], strict=True))["Version"])

    def _run(self, more: dict[str, str]) -> None:
        port, config = free_port(), self._folder / "influxdb.conf"
        config.write_text(_CONFIG.format(rpc=free_port(), port=port, folder=self._folder))
        words = [self._program, "-config", str(config)]
        self._server = Server(words, port, self._folder, {"HOME": str(self._folder), **more})
        self._server.wait("/ping")

    def _again(self, more: dict[str, str]) -> None:
        self.stop()
        self._run(more)
