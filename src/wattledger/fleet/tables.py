"""Parquet of a partition: days with their slots as lists, gaps, months. Hive-partitioned by local month."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from wattledger.errors import BadPayload
from wattledger.fleet.held import Held, Point
from wattledger.fleet.place import Place
from wattledger.fleet.plan import key_of
from wattledger.fleet.reports import Month, Run
from wattledger.localday import MOST_SLOTS
from wattledger.merge import Blocks
from wattledger.model import MISSING, NO_REVISION, Flag
from wattledger.store.archive.joining import Joined
from wattledger.store.ledger.blocks import Keys

_INSTANT = pa.timestamp("s", "UTC")
DAYS = pa.schema(
    [
        ("usage_point", pa.string()),
        ("kind", pa.string()),
        ("timezone", pa.string()),
        ("flow", pa.int16()),
        ("day", pa.date32()),
        ("total_wh", pa.int64()),
        ("found", pa.int16()),
        ("estimated", pa.int16()),
        ("derived", pa.int16()),
        ("revision", _INSTANT),
        ("wh", pa.list_(pa.int32())),
        ("flags", pa.list_(pa.uint8())),
    ]
)
GAPS = pa.schema(
    [
        ("usage_point", pa.string()),
        ("flow", pa.int16()),
        ("start", _INSTANT),
        ("end", _INSTANT),
        ("quarter_hours", pa.int32()),
    ]
)
MONTHS = pa.schema(
    [
        ("usage_point", pa.string()),
        ("flow", pa.int16()),
        ("first_day", pa.date32()),
        ("wh", pa.int64()),
        ("found", pa.int32()),
        ("expected", pa.int32()),
        ("quality", pa.string()),
    ]
)


def write(place: Place, part: int, months: Iterable[tuple[date, pa.Table]]) -> int:
    """Write a partition's months. Returns the bytes."""
    size = 0
    for month, table in months:
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="zstd", compression_level=3)
        place.put(key_of(month.year, month.month, part), sink.getvalue())
        size += len(sink.getvalue())
    return size


def days(points: Sequence[Point], keys: Keys, blocks: Blocks) -> Iterator[tuple[date, pa.Table]]:
    """Days by month; `keys.point` indexes `points`. Sorted by usage point, flow, day."""
    order = np.lexsort((keys.day, keys.flow, keys.point))
    order = order[(blocks.values[order] != MISSING).any(axis=1)]
    month = keys.day[order].astype("datetime64[D]").astype("datetime64[M]")
    for one in np.unique(month):
        rows = order[month == one]
        first: date = one.astype("datetime64[D]").item()
        yield first, _days(points, keys.take(rows), blocks.take(rows))


def _days(points: Sequence[Point], keys: Keys, blocks: Blocks) -> pa.Table:
    known = blocks.values != MISSING
    inside = np.arange(MOST_SLOTS) < keys.slots[:, None]
    offsets = np.concatenate(([0], np.cumsum(keys.slots))).astype(np.int32)
    spread = np.broadcast_to(blocks.revision, known.shape)
    newest = np.where(known, spread, NO_REVISION).max(axis=1)
    flagged = [
        (blocks.flags & np.uint8(flag)).astype(bool).sum(axis=1) for flag in (Flag.ESTIMATED, Flag.DERIVED)
    ]
    wh = pa.array(blocks.values[inside], mask=~known[inside])
    columns: list[Any] = [
        *(
            _named([getattr(p, name) for p in points], keys.point)
            for name in ("external_id", "kind", "timezone")
        ),
        keys.flow,
        keys.day.astype("datetime64[D]"),
        np.where(known, blocks.values, 0).sum(axis=1, dtype=np.int64),
        known.sum(axis=1),
        *flagged,
        pa.array(np.where(newest == NO_REVISION, 0, newest), mask=newest == NO_REVISION),
        pa.ListArray.from_arrays(offsets, wh),
        pa.ListArray.from_arrays(offsets, pa.array(blocks.flags[inside])),
    ]
    made = [pa.array(c) if isinstance(c, np.ndarray) else c for c in columns]
    return pa.table([c.cast(f.type) for c, f in zip(made, DAYS, strict=True)], schema=DAYS)


def _named(names: list[str], index: NDArray[np.int32]) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(index))


def gap_rows(found: Sequence[Run]) -> Iterator[tuple[date, pa.Table]]:
    """Gaps by the local month in which they begin."""
    for month, rows in _by_month((run.gap.first_day, run) for run in found):
        gaps = [(r.point.external_id, r.flow, r.gap.start, r.gap.end, r.gap.slots) for r in rows]
        yield month, _table(gaps, GAPS)


def month_rows(found: Sequence[Month]) -> Iterator[tuple[date, pa.Table]]:
    """Months by themselves."""
    for month, rows in _by_month((one.month, one) for one in found):
        told = [
            (
                m.point.external_id,
                m.flow,
                m.month,
                m.value.wh,
                m.value.found,
                m.value.expected,
                m.value.quality,
            )
            for m in rows
        ]
        yield month, _table(told, MONTHS)


def _by_month(dated: Iterable[tuple[date, Any]]) -> list[tuple[date, list[Any]]]:
    out: dict[date, list[Any]] = {}
    for day, row in dated:
        out.setdefault(day.replace(day=1), []).append(row)
    return sorted(out.items(), key=lambda one: one[0])


def _table(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), schema, strict=True)],
        schema=schema,
    )


def read(place: Place, keys: Sequence[str]) -> tuple[Held, Blocks]:
    """A partition's days of all months. Raises BadPayload for what is no such Parquet."""
    tables = [_read(place, key) for key in keys]
    table = pa.concat_tables(tables).combine_chunks() if tables else DAYS.empty_table()
    rows = list(zip(*(table[name].to_pylist() for name in ("usage_point", "kind", "timezone")), strict=True))
    points = sorted({Point(*row) for row in rows}, key=lambda p: p.external_id)
    at = {(p.external_id, p.kind, p.timezone): i for i, p in enumerate(points)}
    index = np.array([at[row] for row in rows], np.int64)
    names = ("flow", "day", "total_wh", "found", "estimated", "derived")
    columns = [
        np.asarray(
            table[name].cast(pa.int32()).to_numpy() if name == "day" else table[name].to_numpy()
        ).astype(np.int64)
        for name in names
    ]
    order = np.lexsort((columns[1], columns[0], index))
    held = Held(points, index[order], *(column[order] for column in columns))
    return held, _slots(table.take(pa.array(order)))


def _read(place: Place, key: str) -> pa.Table:
    try:
        return pq.read_table(io.BytesIO(place.get(key)), schema=DAYS, partitioning=None)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise BadPayload(f"{key} cannot be read as days of usage points ({type(error).__name__}).") from error


def _slots(table: pa.Table) -> Blocks:
    n = len(table)
    out = Blocks(
        np.full((n, MOST_SLOTS), MISSING, np.int32),
        np.zeros((n, MOST_SLOTS), np.uint8),
        np.zeros((n, 1), np.int64),
        np.zeros((n, 1), np.int64),
    )
    for name, into in (("wh", out.values), ("flags", out.flags)):
        lists = table[name].combine_chunks()
        sizes = lists.value_lengths().to_numpy()
        if len(sizes) and int(sizes.max()) > MOST_SLOTS:
            raise BadPayload("A day has more quarter-hours than a day can have.")
        flat = lists.flatten().fill_null(MISSING) if name == "wh" else lists.flatten()
        into[np.arange(MOST_SLOTS) < sizes[:, None]] = flat.to_numpy()
    return out


def together(parts: Sequence[tuple[Keys, Blocks]]) -> tuple[Keys, Blocks]:
    """Blocks of several readings under each other; of revisions the newest, who said what is left out."""
    return Joined(parts[0], list(parts[1:]), None).whole()
