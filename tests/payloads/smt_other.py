"""Makers of SMT's other forms: REST and portal JSON, Green Button XML, and archives, bombs included."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from calendar import timegm
from datetime import date, datetime

from tests.payloads.smt import ONCOR, Day, slots

DAILY = (
    b"ESIID,READ_DATE,REVISION_DATE,START_READING,END_READING,USAGE_KWH\n"
    b"'10443720000000001,07/04/2025,07/05/2025 07:41:22,24002.915,24038.915,36.492\n"
)


def rd(*days: Day, esiid: str = ONCOR) -> bytes:
    """REST energy data: 100 positions a day."""
    records = []
    for day in days:
        assert day.revision
        cells = [
            f"{wh / 1000:.3f}-{a}" if wh is not None else ""
            for wh, a in zip(day.wh, day.letters, strict=True)
        ]
        empty = {96: 4, 92: 8, 100: 0}[slots(day.day)]
        records.append(
            {
                "DT": f"{day.day:%m/%d/%Y}",
                "RevTS": f"{day.revision:%m/%d/%Y %H:%M:%S}",
                "RT": "C" if day.flow == "Consumption" else "G",
                "RD": ",".join(cells[:8] + [""] * empty + cells[8:]),
            }
        )
    return json.dumps({"trans_id": "t1", "esiid": esiid, "energyData": records}).encode()


def portal(day: Day, generation: list[int] | None = None) -> bytes:
    """The customer portal's JSON of a day on which the clock does not move."""
    entries = []
    for q, wh in enumerate(day.wh):
        sent = generation[q] / 1000 if generation else 0
        entries.append(
            {
                "date": f"{day.day:%Y-%m-%d}",
                "starttime": f" {_ampm(q)}",
                "endtime": f" {_ampm(q + 1)}",
                "consumption": None if wh is None else wh / 1000,
                "consumption_est_act": None if wh is None else day.letters[q],
                "generation": sent,
                "generation_est_act": "A" if generation else None,
            }
        )
    return json.dumps({"intervaldata": entries, "generationFlag": bool(generation)}).encode()


def _ampm(quarter: int) -> str:
    hour, rest = divmod(quarter % 96, 4)
    return f"{hour % 12 or 12:02}:{rest * 15:02} {'am' if hour < 12 else 'pm'}"


ATOM = 'xmlns="http://www.w3.org/2005/Atom"'
ESPI = 'xmlns="http://naesb.org/espi"'


def reading_type(href: str = "", flow: int = 1, power: int = 0, uom: int = 72, length: int = 900) -> str:
    """An entry that says what numbers mean."""
    link = f'<link rel="self" href="{href}"/>' if href else ""
    return (
        f"<entry>{link}<content><ReadingType {ESPI}><flowDirection>{flow}</flowDirection>"
        f"<intervalLength>{length}</intervalLength><powerOfTenMultiplier>{power}</powerOfTenMultiplier>"
        f"<uom>{uom}</uom></ReadingType></content></entry>"
    )


def block(
    values: list[int], start: int, href: str = "", length: int = 900, quality: int | None = None
) -> str:
    """An entry with one IntervalBlock."""
    link = f'<link rel="self" href="{href}"/>' if href else ""
    mark = f"<ReadingQuality><quality>{quality}</quality></ReadingQuality>" if quality is not None else ""
    readings = "".join(
        f"<IntervalReading>{mark}<timePeriod><duration>{length}</duration><start>{start + length * k}</start>"
        f"</timePeriod><value>{value}</value></IntervalReading>"
        for k, value in enumerate(values)
    )
    return (
        f"<entry>{link}<content><IntervalBlock {ESPI}><interval><duration>{length * len(values)}</duration>"
        f"<start>{start}</start></interval>{readings}</IntervalBlock></content></entry>"
    )


def feed(*entries: str, title: str = "SMT Green Button Report: Interval") -> bytes:
    """An Atom feed."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><feed {ATOM}><title>{title}</title>{"".join(entries)}</feed>'
    ).encode()


def as_if_utc(day: date) -> int:
    """SMT's way to write a local date."""
    return timegm(datetime(day.year, day.month, day.day).timetuple())


def green_button(*days: Day, esiid: str | None = ONCOR) -> bytes:
    """SMT's report: blocks first, the unit last."""
    name = f'<entry><link rel="self" href="/UsagePoint/{esiid}"/></entry>' if esiid else ""
    blocks = [block([wh or 0 for wh in day.wh], as_if_utc(day.day)) for day in days]
    return feed(name, *blocks, reading_type())


def zipped(**members: bytes) -> bytes:
    """A ZIP of members by name (`__` stands for `/`, `_dot_` for `.`)."""
    return zip_of({n.replace("__", "/").replace("_dot_", "."): body for n, body in members.items()})


def zip_of(members: dict[str, bytes]) -> bytes:
    """A deflated ZIP."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return out.getvalue()


def gzipped(body: bytes) -> bytes:
    """A gzip without a time in it."""
    return gzip.compress(body, mtime=0)
