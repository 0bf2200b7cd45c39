"""The fixed-layout reader and the general reader are one reader: the same bytes, the same outcome."""

import re
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.connectors.reading import check, first_lines, readings
from tests.payloads import smt
from wattledger.connectors.smart_meter_texas.interval import layout, slots, table
from wattledger.connectors.smart_meter_texas.interval.intake import Intake
from wattledger.model import Parsed

ESIIDS = [smt.ONCOR, smt.CENTERPOINT, "10032780000000009", "123"]
DATES = [smt.NORMAL, smt.FALL, smt.SPRING, date(2025, 12, 31), date(2024, 2, 29)]
ODD = ["", "total", "\0", "'", ",,,,,,,", " ", smt.HEADER, smt.HEADER.lower(), "x" * 5000]


def read(body: bytes, fast: bool) -> Parsed:
    intake = Intake()
    if not fast or not layout.read(body, intake):
        table.read(body, intake)
    slots.place(intake)
    parsed = intake.parsed()
    check(parsed)
    return parsed


def same(body: bytes) -> None:
    fast, general = read(body, True), read(body, False)
    assert readings(fast) == readings(general)
    assert first_lines(fast) == first_lines(general)
    assert (fast.rows, fast.blank, fast.notes) == (general.rows, general.blank, general.notes)
    assert {_reason(r.reason): (r.count, r.lines) for r in fast.rejected} == {
        _reason(r.reason): (r.count, r.lines) for r in general.rejected
    }


def _reason(text: str) -> str:
    return text.partition(" (for example")[0]


kwh = st.one_of(
    st.integers(0, 10**7).map(smt.short),
    st.integers(0, 10**7).map(smt.padded),
    st.sampled_from(
        [".", "", "0", "-1", "1e3", "1.2345", "99999999", "2147483.647", "2147483.648", "..1", "0x1"]
    ),
    st.text("0123456789.", max_size=9),
)
days = st.builds(
    lambda day, esiid, flow, letters: smt.Day(day, [], letters * smt.slots(day), esiid, flow),
    st.sampled_from(DATES),
    st.sampled_from(ESIIDS),
    st.sampled_from(["Consumption", "Surplus Generation"]),
    st.sampled_from(["A", "E"]),
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    made = draw(st.lists(days, min_size=1, max_size=4))
    rows = [row for day in made for row in smt.rows(day)]
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(rows) - 1))
        cells = rows[at].split(",")
        change = draw(st.sampled_from(["kwh", "drop", "again", "odd", "cell", "move"]))
        if change == "kwh" and len(cells) == 8:
            rows[at] = ",".join([*cells[:5], draw(kwh), *cells[6:]])
        elif change == "drop" and len(rows) > 1:
            del rows[at]
        elif change == "again":
            rows.insert(draw(st.integers(0, len(rows))), rows[at])
        elif change == "odd":
            rows.insert(at, draw(st.sampled_from(ODD)))
        elif change == "cell":
            cells[draw(st.integers(0, len(cells) - 1))] = draw(
                st.text(max_size=6).filter(lambda t: "\r" not in t)
            )
            rows[at] = ",".join(cells)
        elif change == "move":
            rows.insert(draw(st.integers(0, len(rows) - 1)), rows.pop(at))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    body = smt.text(rows, end=end)
    return body if draw(st.booleans()) else body.rstrip(b"\r\n")


@settings(max_examples=120, deadline=None)
@given(files())
@example(smt.csv(*smt.days(date(2025, 11, 1), 3)))
def test_both_readers_agree(body: bytes) -> None:
    same(body)


@pytest.mark.parametrize("piece", [700, 8192, 9000, 20_000])
def test_both_readers_agree_wherever_pieces_end(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "PIECE", piece)
    made = [*smt.days(date(2025, 10, 31), 4), *smt.days(smt.SPRING, 2, esiid=smt.CENTERPOINT)]
    same(smt.csv(*made))
    same(smt.csv(*made, end="\r\n")[:-2])
    same(smt.interleaved(*smt.days(smt.NORMAL, 2)))
    same(smt.text([*smt.rows(made[0]), "x" * 30_000, *smt.rows(made[1])]))


@settings(max_examples=200, deadline=None)
@given(kwh, kwh)
def test_both_readers_agree_on_every_kwh(one: str, two: str) -> None:
    head = f"'{smt.ONCOR},07/04/2025,07/05/2025 06:18:33"
    same(
        smt.text(
            [f"{head},00:00,00:15,{one},A,Consumption", f"{head},00:15,00:30,{two},E,Surplus Generation"]
        )
    )


@settings(max_examples=60, deadline=None)
@given(files())
def test_blanks_before_times_change_nothing(body: bytes) -> None:
    head, _, rows = body.partition(b"\n")
    spaced = head + b"\n" + re.sub(rb",(\d\d:)", rb", \1", rows)
    tight = layout.tightened(spaced)
    assert (spaced == tight) == (b", 0" not in spaced)
    if layout.applies(tight):
        fast, general = read(tight, True), read(spaced, False)
        assert readings(fast) == readings(general)
        assert (fast.rows, fast.blank) == (general.rows, general.blank)


def test_the_fixed_layout_is_used_where_it_applies() -> None:
    made = smt.days(smt.NORMAL, 1)
    assert layout.applies(smt.csv(*made))
    assert layout.applies(smt.csv(*made, end="\r\n"))
    assert layout.applies(smt.csv(*smt.days(smt.NORMAL, 1, esiid=smt.CENTERPOINT)))
    for other in (
        smt.excel(*made),
        smt.older(*made),
        smt.text([]),
        smt.csv(*made).replace(b"ESIID", b"EsiId"),
    ):
        assert not layout.applies(other)
