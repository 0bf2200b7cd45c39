"""VictoriaMetrics over HTTP: JSON lines in, exports and MetricsQL out."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.process import Server, free_port, program
from benchmarks.peers.protocol import Peer, Values, size_of
from benchmarks.peers.readings import Batch, Span

_NAME = "victoria-metrics"


class VictoriaMetrics(Peer):
    """One sample a reading, with the meter as label; samples are never replaced."""

    name = "VictoriaMetrics"
    options: tuple[str, ...] = ()
    how = (
        "Metric `wh`, label `meter`, `/api/v1/import`; `-retentionPeriod=100y` (by default it keeps a month)."
        " Else its own defaults: it answers first, and syncs some seconds later; there is no log of writes. A"
        " file is in when `/internal/force_flush` has made it readable. Weighed after an orderly end."
    )

    def start(self, folder: Path) -> str:
        self._server: Server | None = None
        self._program, self._folder = program(_NAME, _NAME), folder
        self._run()
        return self._version()

    def stop(self) -> None:
        if self._server:
            self._server.stop()

    def prepare(self, batch: Batch) -> Any:
        lines = []
        for meter, where in batch.meters():
            metric = {"__name__": "wh", "meter": str(meter)}
            values, instants = batch.wh[where].tolist(), (batch.at[where] * 1000).tolist()
            lines.append(json.dumps({"metric": metric, "values": values, "timestamps": instants}))
        return "\n".join(lines).encode()

    def ingest(self, prepared: Any) -> None:
        self._ask("POST", "/api/v1/import", prepared)
        self._ask("GET", "/internal/force_flush")

    def readings(self, meter: int, span: Span) -> Values:
        asked: dict[str, Any] = {
            "match[]": f'wh{{meter="{meter}"}}',
            "start": span.start,
            "end": span.end - 1,
        }
        lines = self._ask("GET", "/api/v1/export", **asked).splitlines()
        return np.array([wh for line in lines for wh in json.loads(line)["values"]], np.int64)

    def sums(self, span: Span) -> dict[int, int]:
        query = f"sum_over_time(wh[{span.end - span.start}s])"
        answer = self._ask("GET", "/api/v1/query", query=query, time=span.end - 1, nocache=1)
        found = json.loads(answer)["data"]["result"]
        return {int(one["metric"]["meter"]): round(float(one["value"][1])) for one in found}

    def weigh(self) -> int:
        self.stop()
        size = size_of(self._folder / "data")
        self._run()
        return size

    def _run(self) -> None:
        port = free_port()
        words = [self._program, f"-storageDataPath={self._folder / 'data'}", "-retentionPeriod=100y"]
        listen = [f"-httpListenAddr=127.0.0.1:{port}", "-loggerLevel=WARN"]
        self._server = Server([*words, *listen, *self.options], port, self._folder, {})
        self._server.wait("/health")

    def _ask(self, method: str, path: str, body: bytes | None = None, **query: str | int) -> bytes:
        assert self._server
        return self._server.ask(method, path, body, **query)

    def _version(self) -> str:
        said = self._ask("GET", "/metrics").decode()
        line = next((line for line in said.splitlines() if line.startswith("vm_app_version")), "")
        return line.partition('short_version="')[2].partition('"')[0] or _of_package()


class Deduplicated(VictoriaMetrics):
    """The same, told to keep one sample a millisecond."""

    name = "VictoriaMetrics, -dedup"
    options = ("-dedup.minScrapeInterval=1ms",)
    how = "The same with `-dedup.minScrapeInterval=1ms`: of samples of one instant, one is answered with."


def _of_package() -> str:
    """What Debian calls it; its own build leaves the version out."""
    words = ["dpkg-query", "-W", "-f", "${Version}", _NAME]
    try:
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "of unknown version"
