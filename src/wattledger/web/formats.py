"""Energy series as JSON, CSV and Parquet: the same points, the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

import orjson

from wattledger import localday, units
from wattledger.model import Flow
from wattledger.store.rows import By, SeriesPoint, UsagePointRow

_FORMULA = frozenset("=+-@\t\r\n\0＝＋－＠")


@dataclass(frozen=True, slots=True)
class Question:
    """What a series answers: of which point and flow, in which steps; `now` dates the document."""

    point: UsagePointRow
    flow: Flow
    by: By
    now: datetime

    @property
    def flow_name(self) -> str:
        """`delivered` or `received`."""
        return self.flow.name.lower()

    def filename(self, start: datetime) -> str:
        """A download's name, without suffix."""
        day = localday.day(localday.locate(start, self.point.timezone)[0])
        return f"{self.point.external_id}_{self.flow_name}_{self.by}_{day}"


def as_json(question: Question, series: Sequence[SeriesPoint]) -> bytes:
    """`{unit, flow, by, timezone, points: [{start, end, kwh, quality, found, expected}]}`; null: unknown."""
    points = [
        {
            "start": p.start,
            "end": p.end,
            "kwh": None if p.wh is None else units.kwh(p.wh),
            "quality": p.quality,
            "found": p.found,
            "expected": p.expected,
        }
        for p in series
    ]
    head = {"unit": "kWh", "flow": question.flow_name, "by": question.by, "timezone": question.point.timezone}
    return orjson.dumps({**head, "points": points}, option=orjson.OPT_UTC_Z)


def as_csv(question: Question, series: Sequence[SeriesPoint]) -> bytes:
    """One row a value; instants UTC, kWh with three decimals, empty where nothing is known.

    Text that a spreadsheet could take for a formula begins with an apostrophe; numbers never do.
    """
    point = question.point
    label = ",".join(cell(text) for text in (point.external_id, point.name, question.flow_name))
    lines = ["external_id,name,flow,start,end,kwh,quality,found,expected"]
    lines += [
        f"{label},{_z(p.start)},{_z(p.end)},{'' if p.wh is None else units.kwh_text(p.wh)},"
        f"{p.quality},{p.found},{p.expected}"
        for p in series
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def cell(text: str) -> str:
    """A text cell: never a formula, quoted where it must be."""
    safe = f"'{text}" if text[:1] in _FORMULA or text.lstrip()[:1] in _FORMULA else text
    safe = safe.replace("\0", "")
    return '"' + safe.replace('"', '""') + '"' if any(c in safe for c in ',"\r\n') else safe


def as_parquet(question: Question, series: Sequence[SeriesPoint]) -> bytes:
    """Columns start, end (UTC), wh (int64), kwh (decimal 18,3), quality, found, expected.

    What is asked (external id, name, flow, step, zone) is in the file's metadata.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    instant = pa.timestamp("us", tz="UTC")
    wh = pa.array([p.wh for p in series], pa.int64())
    kwh = pa.array([None if p.wh is None else units.kwh_text(p.wh) for p in series], pa.string())
    columns = {
        "start": pa.array([p.start for p in series], instant),
        "end": pa.array([p.end for p in series], instant),
        "wh": wh,
        "kwh": kwh.cast(pa.decimal128(18, 3)),
        "quality": pa.array([p.quality for p in series], pa.string()),
        "found": pa.array([p.found for p in series], pa.int32()),
        "expected": pa.array([p.expected for p in series], pa.int32()),
    }
    point = question.point
    about = {"external_id": point.external_id, "name": point.name, "flow": question.flow_name}
    about |= {"by": question.by, "timezone": point.timezone, "unit": "Wh and kWh"}
    sink = BytesIO()
    pq.write_table(pa.table(columns).replace_schema_metadata(about), sink, compression="zstd")
    return sink.getvalue()


def _z(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"
