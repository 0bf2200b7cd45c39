"""From what a file says to blocks that can be merged: one block per usage point, flow and day. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from wattledger import localday
from wattledger.faults import sabotaged
from wattledger.merge import Blocks, Losers, merge
from wattledger.model import (
    MISSING,
    EnergyDays,
    Flag,
    Flow,
    Parsed,
    Payload,
    Rejected,
    Source,
    UsagePoint,
)
from wattledger.store.ledger.blocks import Keys
from wattledger.store.ledger.rezone import rezone
from wattledger.store.rows import Summary

LATEST = timedelta(days=1)
"""how far after its receipt a revision may be dated"""
_LISTED = 100


@dataclass(slots=True)
class Prepared:
    """A file's blocks, each key once, sorted by (day, usage point, flow); `keys.point` indexes `points`."""

    points: list[UsagePoint]
    keys: Keys
    blocks: Blocks
    losers: list[tuple[Keys, Losers]]
    """what lost within the file, with the keys its `block` points to"""
    readings: int
    summary: Summary


def known_at(payload: Payload) -> datetime:
    """By when a file was there: our clock at its receipt or, if later, that of the drop a relay found it in.

    So a hub whose clock was behind refuses no reading for good.
    """
    told = payload.headers.get("captured_at") if payload.source is Source.RELAY else None
    try:
        captured = datetime.fromisoformat(told) if told else payload.received_at
        return payload.received_at if sabotaged("clock_back") else max(payload.received_at, captured)
    except (ValueError, TypeError):  # no instant, or one without a zone
        return payload.received_at


def prepare(
    parsed: Parsed,
    payload: int,
    received_at: datetime,
    *,
    zones: Mapping[str, str],
    refused: Collection[str] = (),
) -> Prepared:
    """Blocks and the account of one file.

    `zones` are the zones of usage points that are stored already: days mean those. `refused` are the
    external ids that this file may not write into.
    """
    rejections = list(parsed.rejected)
    days = _within(parsed, refused, rejections)
    days = _dated(days, received_at, rejections)
    days, names = rezone(days, [p.timezone for p in parsed.points], [_zone(p, zones) for p in parsed.points])
    readings = int((days.values != MISSING).sum())
    keys, blocks, losers = _single(days, names, payload)
    summary = _account(parsed, keys, blocks, names)
    summary.rejections = rejections
    summary.rejected = sum(r.count for r in rejections)
    known = np.asarray((blocks.values != MISSING).any(axis=1), bool)
    if not known.all():
        keys, blocks = keys.take(known), blocks.take(known)
    return Prepared(parsed.points, keys, blocks, losers, readings, summary)


def _zone(point: UsagePoint, zones: Mapping[str, str]) -> str:
    return zones.get(point.external_id, point.timezone)


def _within(parsed: Parsed, refused: Collection[str], rejections: list[Rejected]) -> EnergyDays:
    """Without the blocks of usage points that this file may not write into."""
    if not refused:
        return parsed.days
    keep = np.ones(len(parsed.days), bool)
    for index, point in enumerate(parsed.points):
        if point.external_id in refused:
            rows = parsed.days.point == index
            rejections.append(_rejected(parsed.days, rows, not_held(point.external_id)))
            keep &= ~rows
    return parsed.days.take(keep)


def not_held(external_id: str) -> str:
    """Why readings of another site's usage point are refused."""
    return f"{external_id} is not held by this site."


def _rejected(days: EnergyDays, rows: NDArray[np.bool_], reason: str) -> Rejected:
    """The readings of these blocks as one refusal, by the blocks' first lines."""
    refused = days.take(rows)
    lines = np.unique(refused.line[refused.line > 0])[:_LISTED].tolist()
    return Rejected(min(lines, default=0), reason, int((refused.values != MISSING).sum()), tuple(lines))


def _dated(days: EnergyDays, received_at: datetime, rejections: list[Rejected]) -> EnergyDays:
    """Without the blocks whose revision is dated more than a day after the receipt."""
    late = days.revision > int((received_at + LATEST).timestamp())
    if not late.any():
        return days
    dates = sorted({localday.day(int(seconds) // 86400).isoformat() for seconds in days.revision[late]})
    shown = ", ".join(dates[:5]) + (" ..." if len(dates) > 5 else "")
    reason = f"The revision date ({shown}) is more than a day after the file was received."
    rejections.append(_rejected(days, late, reason))
    return days.take(~late)


def _single(
    days: EnergyDays, zones: list[str], payload: int
) -> tuple[Keys, Blocks, list[tuple[Keys, Losers]]]:
    """Merge the blocks of one key into one, round by round."""
    order = np.lexsort((days.flow, days.point, days.day))
    first = np.zeros(len(order), bool)
    first[:1] = True
    for column in (days.day, days.point, days.flow):
        first[1:] |= np.diff(column[order]) != 0
    group = np.cumsum(first) - 1
    heads = order[first]
    keys = Keys(
        days.point[heads].astype(np.int32),
        days.flow[heads].astype(np.int16),
        days.day[heads],
        _slots(days.day[heads], days.point[heads], zones),
    )
    blocks = _blocks(days, heads, payload)
    if len(heads) == len(order):
        return keys, blocks, []
    return keys, *_rounds(days, order, group, keys, blocks, payload)


def _rounds(
    days: EnergyDays,
    order: NDArray[np.intp],
    group: NDArray[np.intp],
    keys: Keys,
    blocks: Blocks,
    payload: int,
) -> tuple[Blocks, list[tuple[Keys, Losers]]]:
    """Merge the second, third, ... block of each key into its first."""
    starts = np.searchsorted(group, np.arange(len(keys)))
    rank = np.arange(len(order)) - starts[group]
    out, losers = blocks.by_slot(), []
    for level in range(1, int(rank.max()) + 1):
        rows = np.nonzero(rank == level)[0]
        won, lost = merge(out.take(group[rows]), _blocks(days, order[rows], payload))
        out.put(group[rows], won)
        if len(lost):
            losers.append((keys.take(group[rows]), lost))
    return out, losers


def _blocks(days: EnergyDays, rows: NDArray[np.intp], payload: int) -> Blocks:
    return Blocks(
        days.values[rows],
        days.flags[rows],
        days.revision[rows, None],
        np.full((len(rows), 1), payload, np.int64),
    )


def _slots(days: NDArray[np.int32], points: NDArray[np.int32], zones: list[str]) -> NDArray[np.int32]:
    out = np.zeros(len(days), np.int32)
    for zone in sorted(set(zones)):
        of_zone = np.isin(points, [i for i, z in enumerate(zones) if z == zone])
        out[of_zone] = localday.slot_counts(days[of_zone], zone)
    return out


def _account(parsed: Parsed, keys: Keys, blocks: Blocks, zones: list[str]) -> Summary:
    """The figures of a file that do not depend on what was stored before."""
    known = blocks.values != MISSING
    wh = np.where(known, blocks.values, 0).sum(axis=1, dtype=np.int64)
    summary = Summary(rows=parsed.rows, blank=parsed.blank, notes=list(parsed.notes))
    if not len(keys):
        return summary
    summary.wh = {Flow(f).name.lower(): int(wh[keys.flow == f].sum()) for f in np.unique(keys.flow)}
    summary.days = len(np.unique(keys.point.astype(np.int64) << 32 | keys.day.astype(np.int64)))
    summary.first_day = localday.day(int(keys.day.min()))
    summary.last_day = localday.day(int(keys.day.max()))
    summary.estimated = int((blocks.flags & np.uint8(Flag.ESTIMATED)).astype(bool).sum())
    summary.gaps = _gaps(keys, known.sum(axis=1, dtype=np.int64), zones)
    return summary


def _gaps(keys: Keys, found: NDArray[np.int64], zones: list[str]) -> int:
    """Quarter-hours without a reading between the first and last day of each usage point and flow."""
    series = keys.point.astype(np.int64) * 256 + keys.flow
    order = np.lexsort((keys.day, series))
    bounds = np.nonzero(np.diff(series[order], prepend=-1))[0]
    ends = np.append(bounds[1:], len(order)) - 1
    missing = -int(found.sum())
    for first, last in zip(order[bounds], order[ends], strict=True):
        zone = zones[keys.point[first]]
        span = localday.start(int(keys.day[last]) + 1, zone) - localday.start(int(keys.day[first]), zone)
        missing += span // localday.QUARTER
    return missing
