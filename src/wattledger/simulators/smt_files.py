"""The vendor's file forms of a home's days: interval CSV as delivered by SFTP, the RD JSON, names, ZIP."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from wattledger.localday import day as calendar
from wattledger.model import Flow
from wattledger.simulators.home import Day, Home

HEADER = (
    "ESIID,USAGE_DATE,REVISION_DATE,USAGE_START_TIME,USAGE_END_TIME,USAGE_KWH,"
    "ESTIMATED_ACTUAL,CONSUMPTION_SURPLUSGENERATION"
)
CHANNEL = {Flow.DELIVERED: "Consumption", Flow.RECEIVED: "Surplus Generation"}
SKIPPED = range(8, 12)
"""rows of a spring day that name an hour which does not exist"""


def interval_csv(home: Home, days: Iterable[Day], revised: bool = False) -> bytes:
    """The 8-column interval CSV: apostrophe before the ESIID, no leading zero, LF, flows in day blocks.

    An autumn day has 100 rows whose ninth starts at `02:00` and ends at `01:15`; a spring day has 96 with
    four blank ones. `revised` gives the corrected values under a later revision date.
    """
    lines = [HEADER]
    for one in days:
        for flow in home.flows:
            lines.extend(_rows(home.esiid, one, flow, revised))
    return ("\n".join(lines) + "\n").encode()


def _rows(esiid: str, one: Day, flow: Flow, revised: bool) -> Iterator[str]:
    values = one.wh(flow, revised).tolist()
    flags = one.estimated.tolist()
    head = f"'{esiid},{calendar(one.number):%m/%d/%Y},{revision(one.number, revised):%m/%d/%Y %H:%M:%S}"
    slot = 0
    for row, (start, end) in enumerate(labels(len(values))):
        if len(values) == 92 and row in SKIPPED:
            yield f"{head},{start},{end},,,{CHANNEL[flow]}"
            continue
        quality = "E" if flags[slot] and not revised else "A"
        yield f"{head},{start},{end},{kwh(values[slot])},{quality},{CHANNEL[flow]}"
        slot += 1


def revision(n: int, revised: bool = False) -> datetime:
    """When the vendor revised that day: the next morning, corrections two days later (Central wall clock)."""
    morning = datetime.combine(calendar(n + (3 if revised else 1)), datetime.min.time())
    return morning + timedelta(hours=6, minutes=n * 7919 % 240, seconds=n * 104729 % 60)


@lru_cache(maxsize=3)
def labels(size: int) -> tuple[tuple[str, str], ...]:
    """Start and end label of each row. A start repeats the end before it, right or wrong."""
    minutes = [15 * i for i in range(1, 97)]
    if size == 100:
        minutes[8:8] = [75, 90, 105, 120]
    ends = [f"{m // 60 % 24:02d}:{m % 60:02d}" for m in minutes]
    return tuple(zip(["00:00", *ends[:-1]], ends, strict=True))


@lru_cache(maxsize=8192)
def kwh(wh: int) -> str:
    """kWh as exported: `.145`, `.1`, `1.204`, `0`."""
    text = f"{wh // 1000}.{wh % 1000:03d}".rstrip("0").rstrip(".")
    return text.removeprefix("0") if text.startswith("0.") else text


def energy_data(home: Home, days: Iterable[Day], trans_id: str, flows: Iterable[Flow]) -> dict[str, Any]:
    """The RD JSON: always 100 places, places 8-11 empty on a normal day, 8-15 empty on a spring day."""
    wanted = tuple(flows)
    data = [
        {
            "DT": f"{calendar(one.number):%m/%d/%Y}",
            "RevTS": f"{revision(one.number):%m/%d/%Y %H:%M:%S}",
            "RT": "C" if flow is Flow.DELIVERED else "G",
            "RD": ",".join(_places(one, flow)),
        }
        for one in days
        for flow in home.flows
        if flow in wanted
    ]
    return {"trans_id": trans_id, "esiid": home.esiid, "energyData": data}


def _places(one: Day, flow: Flow) -> list[str]:
    values, flags = one.first[flow].tolist(), one.estimated.tolist()
    tokens = [f"{kwh(v)}-{'E' if e else 'A'}" for v, e in zip(values, flags, strict=True)]
    empty = {92: 8, 96: 4, 100: 0}[len(tokens)]
    return tokens[:8] + [""] * empty + tokens[8:]


def daily_csv(home: Home, days: Iterable[Day]) -> bytes:
    """A daily-read file that rides along in the same ZIP; its columns are a guess, nothing parses them."""
    lines = ["ESIID,READ_DATE,REVISION_DATE,START_READING,END_READING,USAGE_KWH"]
    total = 0
    for one in days:
        wh = int(one.first[Flow.DELIVERED].sum())
        when = f"{calendar(one.number):%m/%d/%Y},{revision(one.number):%m/%d/%Y %H:%M:%S}"
        lines.append(f"'{home.esiid},{when},{total / 1000:.3f},{(total + wh) / 1000:.3f},{kwh(wh)}")
        total += wh
    return ("\n".join(lines) + "\n").encode()


def file_name(when: datetime, nonce: str, kind: str = "IntervalMeterUsage") -> str:
    """`IntervalMeterUsage<yyyyMMddHHmmssSSS><32 hex>.CSV`; the SFTP adds `.<DUNS>.asc`."""
    return f"{kind}{when:%Y%m%d%H%M%S}{when.microsecond // 1000:03d}{nonce.upper()}.CSV"


def zipped(members: dict[str, bytes]) -> bytes:
    """A ZIP of the members, in their order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def usage_date(text: str) -> date:
    """A date of a request, MM/DD/YYYY."""
    return datetime.strptime(text, "%m/%d/%Y").date()  # noqa: DTZ007 - a calendar date
