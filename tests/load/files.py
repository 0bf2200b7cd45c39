"""A vendor's daily files without end, the same for the same number, and what they come to."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from wattledger.localday import number
from wattledger.simulators.home import Home
from wattledger.simulators.smt_files import interval_csv

FIRST = date(2015, 1, 1)
TURN = 10
"""deliveries of a meter, of which the last is the day before with corrected values"""


@dataclass(frozen=True)
class Files:
    """One meter and day each. `meters` take turns."""

    meters: int
    seed: int = 0

    @cached_property
    def homes(self) -> list[Home]:
        return [Home(f"1044372{self.seed % 1000:03d}{n:07d}", seed=self.seed + n) for n in range(self.meters)]

    def body(self, n: int) -> bytes:
        """The n-th file."""
        turn, meter = divmod(n, self.meters)
        revised = turn % TURN == TURN - 1
        home = self.homes[meter]
        day = home.day(number(FIRST) + turn - turn // TURN - revised)
        return interval_csv(home, [day], revised)

    def message(self, n: int) -> tuple[str, bytes]:
        """Its digest, and the body of a request that delivers it."""
        body = self.body(n)
        inline = {
            "filename": f"IntervalMeterUsage{n:08d}.CSV",
            "mime": "text/csv",
            "encoding": "base64",
            "content_b64": base64.b64encode(body).decode(),
            "sizeBytes": len(body),
        }
        return hashlib.sha256(body).hexdigest(), json.dumps(inline).encode()

    def joined(self, count: int, at_once: int = 500) -> Iterator[bytes]:
        """The first `count` as few large files: the same rows, for a store that nothing disturbs."""
        for start in range(0, count, at_once):
            bodies = [self.body(n) for n in range(start, min(start + at_once, count))]
            yield bodies[0] + b"".join(body.partition(b"\n")[2] for body in bodies[1:])


def recounted(bodies: Iterable[bytes]) -> dict[tuple[str, date], int]:
    """Wh by ESIID and local day of files that hold whole days: of each day the latest revision."""
    found: dict[tuple[str, date], tuple[str, int]] = {}
    for body in bodies:
        rows = list(csv.reader(io.StringIO(body.decode())))[1:]
        esiid, day, revision = rows[0][:3]
        month, of_month, year = map(int, day.split("/"))
        wh = sum(int(Decimal(row[5]) * 1000) for row in rows if row[5])
        key = esiid.removeprefix("'"), date(year, month, of_month)
        stamp = revision[6:10] + revision[0:5] + revision[10:]
        found[key] = max(found.get(key, ("", 0)), (stamp, wh))
    return {key: wh for key, (_, wh) in found.items()}
