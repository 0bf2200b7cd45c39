"""The addresses around a page that shows a period of a site: earlier, later, wider, narrower."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from wattledger.web.pages.period import By, Period


@dataclass(frozen=True, slots=True)
class Turning:
    """`newest` is the newest day of the meter, `running` the site's present day."""

    section: str
    period: Period
    newest: date
    running: date

    def to(self, by: By, start: date) -> str:
        """The page of another period."""
        if by == "day" and self.section == "today":
            return "/today?" + urlencode({"start": str(start)})
        return "/explorer?" + urlencode({"by": by, "start": str(start)})

    @property
    def previous(self) -> str:
        """The period before."""
        return self.to(self.period.by, self.period.previous().start)

    @property
    def next(self) -> str | None:
        """The period after, None in the future."""
        return self.to(self.period.by, self.period.end) if self.period.end <= self.running else None

    def same(self, by: By) -> str:
        """A period of another kind around this one's newest day."""
        inside = min(self.newest, self.period.days[-1])
        return self.to(by, max(inside, self.period.start))

    @property
    def links(self) -> dict[str, str]:
        """For the keys of the page."""
        deeper: dict[By, By] = {"month": "day", "year": "month", "week": "day"}
        found = {by: self.same(by) for by in ("day", "week", "month", "year")}
        found["previous"] = self.previous
        if self.next:
            found["next"] = self.next
        if self.period.by in deeper:
            query = urlencode({"by": deeper[self.period.by]})
            found["deeper"] = f"/explorer?{query}&start=DAY"
        return found
