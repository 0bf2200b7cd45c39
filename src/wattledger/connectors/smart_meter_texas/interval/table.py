"""The general reader of interval CSV: any column order and known spelling; lines are refused singly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattledger.connectors.smart_meter_texas.interval import header, labels, one_label
from wattledger.connectors.smart_meter_texas.interval.fields import EnergyField, Field
from wattledger.connectors.smart_meter_texas.interval.header import Header
from wattledger.connectors.smart_meter_texas.interval.intake import FIRST_REFUSAL, READING, Intake, Rows
from wattledger.connectors.smart_meter_texas.interval.lines import Split, split, split_span
from wattledger.connectors.smart_meter_texas.interval.pieces import LONGEST, MOST_IDLE, Piece, pieces, tedious
from wattledger.faults import sabotaged
from wattledger.model import NO_REVISION, Flow

MOST_PARTS = 1000
_WRONG_WIDTH = "the row has not as many fields as the header"
Codes = NDArray[np.int16]


class Reader:
    """Decodes lines under one header into an intake; remembers what each text meant."""

    def __init__(self, intake: Intake, columns: Header, esiid: str | None = None) -> None:
        refusals = intake.refusals
        self.intake, self.header = intake, columns
        self.fixed = "" if "esiid" in columns.roles else labels.given_esiid(esiid, "The file")
        self.energy = EnergyField(refusals)
        decoders = {
            "esiid": lambda text: intake.point(labels.esiid(text)),
            "flow": labels.flow,
            "date": labels.day,
            "revision": labels.revision,
            "start": _start if "end" in columns.roles else _end,
            "end": _end,
            "quality": labels.quality,
        }
        self.fields = {role: Field(decode, refusals) for role, decode in decoders.items()}
        self.one_label = not {"start", "end"} <= columns.roles.keys()
        self.rows: list[Rows] = []

    def feed(self, lines: list[bytes], numbers: NDArray[np.int64]) -> None:
        """Decode these lines; each becomes a row or a refusal."""
        if lines:
            self._take(split(lines, numbers, self.header.width))

    def span(self, piece: Piece, begin: int, end: int) -> None:
        """Decode some lines of a piece; blank ones are passed over."""
        self._take(split_span(piece, begin, end, self.header.width))

    def _take(self, found: Split) -> None:
        intake = self.intake
        intake.total += len(found.wrong)
        if len(found.wrong):
            intake.refusals.add(intake.refusals.code(_WRONG_WIDTH), found.wrong)
        if len(found.line):
            self._decode(found)

    def _decode(self, found: Split) -> None:
        n = len(found.line)
        self.intake.total += n
        wrong = np.full(n, -1, np.int16)
        point = self._column("esiid", found, np.int32, wrong)
        if point is None:
            point = np.full(n, self.intake.point(self.fixed), np.int32)
        flow = self._column("flow", found, np.int8, wrong)
        day = self._column("date", found, np.int32, wrong)
        revision = self._column("revision", found, np.int64, wrong)
        start, end = self._labels(found, wrong)
        keep = wrong < 0
        self.intake.refusals.add_coded(wrong[~keep], found.line[~keep])
        wh, state, finer, flag = self._readings(found)
        self.intake.finer += int(np.count_nonzero(finer & keep & (state == READING)))
        rows = Rows(
            found.line,
            point,
            np.full(n, Flow.DELIVERED, np.int8) if flow is None else flow,
            day if day is not None else np.zeros(n, np.int32),
            np.full(n, NO_REVISION, np.int64) if revision is None else revision,
            start,
            end,
            wh,
            flag,
            state,
        )
        if keep.any():
            self.rows.append(rows if keep.all() else rows.where(keep))

    def finish(self) -> None:
        """Hand all rows to the intake."""
        if self.one_label:
            told = one_label.settle(self.rows, "end" in self.header.roles)
            self.intake.notes += [told] if told else []
        self.intake.rows += self.rows
        self.rows = []

    def _labels(self, found: Split, wrong: Codes) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        """START and END labels; where there is one column, it stands in END until `finish`."""
        start = self._column("start", found, np.int16, wrong)
        end = self._column("end", found, np.int16, wrong)
        blank = np.full(len(found.line), -1, np.int16)
        if end is None:
            return blank, blank if start is None else start
        return blank if start is None else start, end

    def _column(self, role: str, found: Split, dtype: type, wrong: Codes) -> NDArray[Any] | None:
        """A role's values; refusals go into `wrong` where nothing was wrong before. None: no such column."""
        at = self.header.roles.get(role)
        if at is None:
            return None
        values, codes = self.fields[role].column(found.columns[at], dtype)
        np.copyto(wrong, codes, where=(wrong < 0) & (codes >= 0))
        return values

    def _readings(
        self, found: Split
    ) -> tuple[NDArray[np.int32], Codes, NDArray[np.bool_], NDArray[np.uint8]]:
        wh, state, finer = self.energy.column(found.columns[self.header.roles["kwh"]])
        at = self.header.roles.get("quality")
        if at is None:
            return wh, state, finer, np.zeros(len(wh), np.uint8)
        flag, codes = self.fields["quality"].column(found.columns[at], np.uint8)
        unknown = (codes >= 0) & (state == READING)
        state[unknown] = codes[unknown] + FIRST_REFUSAL
        return wh, state, finer, flag


def _start(text: str) -> int:
    return labels.quarter(text) % 96 if text else -1


def _end(text: str) -> int:
    return labels.quarter(text) or 96


def read(body: bytes, intake: Intake, esiid: str | None = None) -> None:
    """Decode a whole interval CSV, its header first. Raises BadPayload where no ESIID is to be had.

    A header within the file, as in files that were joined, begins a part of its own.
    """
    reader: Reader | None = None
    short = parts = 0
    for piece in pieces(body):
        short += piece.short()
        _bear(short, parts)
        begin = 0
        for at, columns in [*_headers(piece), (len(piece), None)]:
            if reader and at > begin:
                reader.span(piece, begin, at)
            if columns and (reader is None or reader.header != columns):
                if reader:
                    reader.finish()
                reader, parts = Reader(intake, columns, esiid), parts + 1
            begin = at + 1
        _bear(intake.refusals.count(), parts)
    if reader:
        reader.finish()


def _bear(idle: int, parts: int) -> None:
    """Raises BadPayload for a file that is made to cost time: each such line is looked at alone."""
    if (idle > MOST_IDLE or parts > MOST_PARTS) and not sabotaged("idle_lines"):
        raise tedious()


def _headers(piece: Piece) -> list[tuple[int, Header]]:
    """The lines of a piece that are headers of interval data."""
    found = []
    for at in piece.wordy():
        line = piece.at(at)
        if len(line) <= LONGEST and header.mentioned(line):
            columns = header.read(line)
            if columns.interval:
                found.append((at, columns))
    return found
