"""The addresses around a page that shows a period of a site. The address holds the whole state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal
from urllib.parse import urlencode

from wattledger.web.pages.period import By, Period

View = Literal["stack", "heat", "table"]
Compare = Literal["", "previous", "year"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for besides the period."""

    view: View = "stack"
    compare: Compare = ""
    hide: tuple[str, ...] = ()
    """parts that the chart leaves out, by id"""
    what: str = ""
    """what the heat map shows: a part by id, `rest`, or the meter"""

    @property
    def query(self) -> dict[str, str]:
        """As an address has it, without what is usual."""
        said = {"compare": self.compare, "hide": ",".join(self.hide), "what": self.what}
        said |= {"view": self.view if self.view != "stack" else ""}
        return {name: value for name, value in said.items() if value}


def asked(view: View, compare: Compare, hide: str, what: str) -> Asked:
    """From an address; ids are hexadecimal words or `rest`, others are dropped."""
    return Asked(view, compare, tuple(dict.fromkeys(filter(str.isalnum, hide.split(","))))[:50], what)


@dataclass(frozen=True, slots=True)
class Turning:
    """`newest` is the newest day of the meter, `running` the site's present day."""

    section: str
    period: Period
    newest: date
    running: date
    asked: Asked = Asked()

    def to(self, by: By, start: date | str) -> str:
        """The page of another period."""
        if by == "day" and self.section == "today":
            return "/today?" + urlencode({"start": str(start), **self.asked.query})
        return "/explorer?" + urlencode({"by": by, "start": str(start), **self.asked.query})

    @property
    def here(self) -> str:
        """This page."""
        return self.to(self.period.by, self.period.start)

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

    def viewed(self, view: View) -> str:
        """The same as chart, heat map or table."""
        return replace(self, asked=replace(self.asked, view=view)).here

    def compared(self, compare: Compare) -> str:
        """The same beside another period; once more takes it away."""
        wanted: Compare = "" if compare == self.asked.compare else compare
        return replace(self, asked=replace(self.asked, compare=wanted)).here

    def toggled(self, id: str) -> str:
        """The same with a part drawn or left out."""
        hide = self.asked.hide
        hidden = tuple(h for h in hide if h != id) if id in hide else (*hide, id)
        return replace(self, asked=replace(self.asked, hide=hidden)).here

    def heat_of(self, what: str) -> str:
        """The heat map of the meter, the rest or a part."""
        return replace(self, asked=replace(self.asked, view="heat", what=what)).here

    @property
    def heat(self) -> str:
        """Where the heat map's data is."""
        query = {"by": self.period.by, "start": str(self.period.start), "what": self.asked.what}
        return "/explorer/heat?" + urlencode(query)

    @property
    def links(self) -> dict[str, str]:
        """For the keys of the page."""
        deeper: dict[By, By] = {"month": "day", "year": "month", "week": "day"}
        found = {by: self.same(by) for by in ("day", "week", "month", "year")}
        found |= {"previous": self.previous, "table": self.viewed("table"), "stack": self.viewed("stack")}
        if self.next:
            found["next"] = self.next
        if self.period.by in deeper:
            found["deeper"] = self.to(deeper[self.period.by], "DAY")
        return found
