"""What the page of the equation says around its numbers: the split bar, remarks, cautions, the ribbon."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

import numpy as np

from wattledger.insight.equation import Equation
from wattledger.localday import QUARTER
from wattledger.web.pages import words
from wattledger.web.pages.balance.sheet import BalanceSheet, Line
from wattledger.web.pages.balance.turning import Turning

MOST_SHOWN = 5
"""terms of the headline before the smaller units fold into one"""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the split bar, in per cent of its width; guessed ones are hatched."""

    colour: str
    left: float
    width: float
    guessed: bool
    says: str


@dataclass(frozen=True, slots=True)
class Folded:
    """The headline's terms: those that are shown, and those that are folded into one."""

    shown: list[Line]
    hidden: list[Line]


def folded(lines: Sequence[Line]) -> Folded:
    """Many units fold: the greatest stay, in their order; the rest of the equation always shows."""
    parts = [line for line in lines if line.id != "rest"]
    if len(parts) <= MOST_SHOWN:
        return Folded(list(lines), [])
    greatest = sorted(parts, key=lambda line: line.wh, reverse=True)[: MOST_SHOWN - 1]
    kept = [line for line in lines if line.id == "rest" or line in greatest]
    return Folded(kept, [line for line in parts if line not in greatest])


def split(lines: Sequence[Line]) -> list[Segment]:
    """The bar under the headline; a negative rest has no width, and parts then fill the whole of it."""
    total = sum(max(line.wh, 0) for line in lines)
    found, left = [], 0.0
    for line in lines if total else ():
        says = f"{line.name} {words.kwh(line.wh)} kWh"
        for wh, guessed in ((max(line.wh - line.guessed, 0), False), (min(line.guessed, line.wh), True)):
            if wh > 0:
                width = 100 * wh / total
                found.append(Segment(line.colour, left, width, guessed, says))
                left += width
    return found


def remarks(sheet: BalanceSheet) -> list[str]:
    """How much is explained, against what is usual, and what it costs."""
    said = [f"{sheet.share} explained"] if sheet.share and sheet.whole.parts else []
    if sheet.change is not None and sheet.usual:
        said.append(_against(sheet))
    if sheet.cost is not None and sheet.price is not None:
        whole = sheet.metered == sheet.whole.size
        said.append(money(sheet, sheet.cost) + ("" if whole else " so far"))
    return said


def _against(sheet: BalanceSheet) -> str:
    change, usual = sheet.change or 0, sheet.usual or 1
    percent = round(100 * change / usual)
    word = "above" if percent > 0 else "below"
    like = (
        f"a typical {sheet.period.start:%A}" if sheet.period.by == "day" else f"the {sheet.period.by} before"
    )
    return f"{abs(percent)} % {word} {like}" if percent else f"as {like}"


def cautions(sheet: BalanceSheet, turn: Turning) -> list[str]:
    """What the numbers do not say by themselves."""
    whole, said = sheet.whole, []
    if not sheet.metered:
        said.append("The meter has not sent this yet, so there is no rest")
    elif whole.outside:
        missing = whole.size - sheet.metered
        said.append(
            f"{words.kwh(whole.outside)} kWh of the parts fell in {words.plural(missing, 'quarter-hour')} "
            "that the meter has not sent; they stand outside"
        )
    if whole.over:
        said.append(f"Explained beyond the meter by {words.kwh(whole.over)} kWh in some quarter-hours")
    if whole.sent is not None and whole.sent.total:
        said.append(f"Sent to the grid: {words.kwh(whole.sent.total)} kWh; the rest is a lower bound")
    guessed = [line for line in sheet.lines if line.guessed and line.id != "rest"]
    if guessed:
        names = ", ".join(line.name for line in guessed[:3]) + (" and others" if len(guessed) > 3 else "")
        said.append(f"Hatched: estimated or derived ({names})")
    return said


def money(sheet: BalanceSheet, amount: Decimal) -> str:
    """An amount in the site's currency."""
    assert sheet.price is not None
    shown = amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{words.MINUS if shown < 0 else ''}{sheet.price.sign}{abs(shown):,.2f}"


def quality(sheet: BalanceSheet) -> dict[str, Any]:
    """The ribbon under the chart: stretches of one quality, as shares of its width."""
    whole = sheet.whole
    metered, guessed = int(whole.metered.sum()), int(whole.rest.guessed.sum())
    says = f"{metered - guessed} quarter-hours actual, {guessed} guessed, {whole.size - metered} not metered"
    return {"says": says, "runs": list(_runs(whole, [bar.one for bar in sheet.bars]))}


def _runs(whole: Equation, bars: Sequence[Equation]) -> Iterator[tuple[float, float, str]]:
    if not bars or not whole.size:
        return
    state = np.where(whole.metered, np.where(whole.rest.guessed, 2, 1), 0)
    if whole.meter is None:
        state[:] = 3
    cuts = np.array([(bar.start - whole.start) // QUARTER for bar in bars] + [whole.size])
    changes = np.concatenate([[0], np.flatnonzero(np.diff(state)) + 1, [whole.size]])
    places = np.interp(changes, cuts, np.linspace(0, 1, len(cuts)))
    names = ("missing", "actual", "estimated", "none")
    for (first, _), (left, right) in zip(pairwise(changes), pairwise(places), strict=True):
        yield float(left), float(right), names[int(state[first])]
