"""Every block of a file knows where it begins, so that a refusal decided later can name the line."""

from tests.connectors.reading import first_lines, parse
from tests.payloads import smt, smt_other
from wattledger.connectors.smart_meter_texas.interval import layout
from wattledger.model import EnergyDays

DAYS = smt.days(smt.NORMAL, 3)
SOLAR = smt.days(smt.NORMAL, 1, seed=2, flow="Surplus Generation")[0]


def lines(body: bytes, **more: str) -> list[int]:
    return sorted(first_lines(parse(body, **more)).values())


def test_blocks_of_both_readers_of_csv_know_their_first_line() -> None:
    body = smt.csv(*DAYS, SOLAR)
    assert layout.applies(body)
    assert lines(body) == [2, 98, 194, 290]
    other = body.replace(smt.HEADER.encode(), smt.HEADER.lower().encode(), 1)
    assert not layout.applies(other)
    assert lines(other) == [2, 98, 194, 290]


def test_a_day_that_is_not_whole_begins_with_its_first_row() -> None:
    rows = smt.csv(*DAYS).split(b"\n")
    del rows[1:4], rows[60]
    assert lines(b"\n".join(rows)) == [2, 94, 190]
    assert lines(b"\n".join([rows[0], b"", *rows[1:]])) == [3, 95, 191]


def test_records_are_numbered_where_there_are_no_lines() -> None:
    assert lines(smt_other.rd(*DAYS)) == [1, 2, 3]
    assert lines(smt_other.portal(DAYS[0]), esiid=smt.ONCOR) == [1]
    assert lines(smt_other.green_button(*DAYS)) == [1, 97, 193]


def test_lines_follow_their_blocks() -> None:
    days = parse(smt.csv(*DAYS)).days
    both = EnergyDays.concat([days, EnergyDays.empty(1), days.take(days.line > 2)])
    assert both.line.tolist() == [2, 98, 194, 0, 98, 194]
    assert both.day[3:].tolist() == [0, *days.day[1:].tolist()]
