"""The addresses of the pages around one sheet, and its chart's data. The address holds the whole state."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

from wattledger.web.pages.chart import document
from wattledger.web.pages.meter.compare import beside
from wattledger.web.pages.meter.sheet import Sheet
from wattledger.web.pages.period import WAYS, By


class View:
    """Addresses of the pages around this one, and the chart's data."""

    def __init__(self, sheet: Sheet, flow: str, compare: bool) -> None:
        self._sheet, self._flow, self.compare = sheet, flow, compare

    def link(
        self,
        by: str | None = None,
        start: date | str | None = None,
        flow: str | None = None,
        compare: bool | None = None,
    ) -> str:
        """The address of this page with another period, start, flow or comparison."""
        query = {"point": self._sheet.point.id, "by": by or self._sheet.period.by}
        query["start"] = str(start or self._sheet.period.start)
        if (flow or self._flow) != "delivered":
            query["flow"] = flow or self._flow
        if self.compare if compare is None else compare:
            query["compare"] = "1"
        return "/meter?" + urlencode(query)

    def to(self, target: str) -> str:
        """The address of `day:2026-07-14`."""
        by, _, start = target.partition(":")
        return self.link(by, start)

    @property
    def previous(self) -> str | None:
        """The period before, None where nothing is known any more."""
        first = self._sheet.coverage.first_day
        return (
            self.link(start=self._sheet.period.previous().start)
            if first and first < self._sheet.period.start
            else None
        )

    @property
    def next(self) -> str | None:
        """The period after, None after the newest reading."""
        last = self._sheet.coverage.last_day
        return self.link(start=self._sheet.period.end) if last and last >= self._sheet.period.end else None

    @property
    def newest(self) -> str | None:
        """The newest period."""
        last = self._sheet.coverage.last_day
        return self.link(start=last) if last else None

    def same_day(self, by: By) -> str:
        """The period of another kind around the last known day of this one."""
        last, period = self._sheet.coverage.last_day, self._sheet.period
        inside = period.start if by in {"month", "year"} or last is None else min(last, period.days[-1])
        return self.link(by, inside)

    @property
    def heat(self) -> str:
        """Where the heat map's data is."""
        return self.link().replace("/meter?", "/meter/heat?", 1)

    @property
    def chart(self) -> dict[str, object]:
        """The chart's data."""
        sheet = self._sheet
        deeper = {"month": "day", "year": "month", "week": "day"}.get(sheet.period.by)
        links = {"previous": self.previous, "next": self.next, "newest": self.newest}
        links |= {by: self.same_day(by) for by in WAYS}
        links["deeper"] = self.link(deeper, "DAY") if deeper else None
        before = (
            beside(sheet.period, sheet.point.timezone, sheet.bars, sheet.before) if self.compare else None
        )
        return document(
            sheet.period, sheet.bars, sheet.point.name, {k: v for k, v in links.items() if v}, before
        )
