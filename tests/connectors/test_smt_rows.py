"""Rows that cannot be read: each is refused with its line and a reason, and costs no other row."""

import pytest

from tests.connectors.reading import parse, readings
from tests.payloads import smt
from wattledger.connectors.smart_meter_texas.interval import slots
from wattledger.errors import BadPayload
from wattledger.faults import sabotage
from wattledger.model import MISSING, NO_REVISION

DAY = smt.days(smt.NORMAL, 1)[0]
GOOD = f"'{smt.ONCOR},07/04/2025,07/05/2025 06:18:33,00:15,00:30,.145,A,Consumption"


def changed(column: int, text: str) -> str:
    cells = GOOD.split(",")
    cells[column] = text
    return ",".join(cells)


BAD = {
    "short ESIID": (changed(0, "'1044372000000001"), "17 or 22 digits"),
    "ESIID of 18": (changed(0, "'104437200000000012"), "17 or 22 digits"),
    "ESIID of another state": (changed(0, "'20443720000000001"), "17 or 22 digits"),
    "arabic digits": (changed(0, "'1044372000000000١"), "17 or 22 digits"),
    "number from a spreadsheet": (changed(0, "1.04437E+16"), "spreadsheet"),
    "no such date": (changed(1, "02/30/2025"), "does not exist"),
    "month and day swapped": (changed(1, "25/12/2025"), "does not exist"),
    "date of nobody": (changed(1, "0/0/0000"), "years"),
    "year 9999": (changed(1, "12/31/9999"), "years"),
    "no date": (changed(1, ""), "MM/DD/YYYY"),
    "revision": (changed(2, "07/05/2025 25:00:00"), "revision date"),
    "revision in words": (changed(2, "yesterday"), "revision date"),
    "not a quarter": (changed(4, "00:31"), "quarter-hour"),
    "no such time": (changed(4, "24:30"), "does not exist"),
    "minute 75": (changed(4, "00:75"), "does not exist"),
    "no end": (changed(4, ""), "HH:MM"),
    "half an hour": (changed(4, "00:45"), "does not cover a quarter-hour"),
    "whole day": (changed(4, "00:15"), "does not cover a quarter-hour"),
    "bad start": (changed(3, "0x15"), "HH:MM"),
    "NaN": (changed(5, "NaN"), "finite"),
    "infinity": (changed(5, "Infinity"), "finite"),
    "1e400": (changed(5, "1e400"), "too large"),
    "too large": (changed(5, "2147483.648"), "too large"),
    "negative": (changed(5, "-0.145"), "negative"),
    "words": (changed(5, "n/a"), "decimal"),
    "underscore": (changed(5, "1_000"), "decimal"),
    "other digits": (changed(5, "١"), "decimal"),
    "two points": (changed(5, "1.2.3"), "decimal"),
    "point alone": (changed(5, "."), "decimal"),
    "letter": (changed(6, "X"), "neither A"),
    "no letter": (changed(6, ""), "neither A"),
    "channel": (changed(7, "Consumption2"), "neither Consumption"),
    "no channel": (changed(7, ""), "neither Consumption"),
    "a field too few": (GOOD.rpartition(",")[0], "fields"),
    "a field too many": (GOOD + ",", "fields"),
    "one word": ("total", "fields"),
    "NUL in the ESIID": (changed(0, f"'{smt.ONCOR}\0"), "NUL"),
    "NUL in the kWh": (changed(5, "\0"), "NUL"),
    "a very long line": (GOOD + "x" * 5000, "fields"),
    "an open quote": ('"' + GOOD, "fields"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_one_bad_row_is_refused_by_itself(name: str, ends: str) -> None:
    row, reason = BAD[name]
    rows = smt.rows(DAY)
    parsed = parse(smt.text([*rows[:40], row, *rows[40:]], end=ends))
    assert parsed.rows == 97
    assert [(r.line, r.count) for r in parsed.rejected] == [(42, 1)]
    assert reason in parsed.rejected[0].reason
    assert readings(parsed) == readings(parse(smt.csv(DAY)))


@pytest.mark.parametrize("name", BAD)
def test_the_general_reader_says_the_same(name: str) -> None:
    """A header in small letters is not the canonical one."""
    row, reason = BAD[name]
    parsed = parse(smt.text([GOOD, row], header=smt.HEADER.lower()))
    assert [(r.line, r.count) for r in parsed.rejected] == [(3, 1)]
    assert reason in parsed.rejected[0].reason


@pytest.mark.parametrize(
    ("text", "wh"),
    [("0", 0), (".001", 1), ("1.", 1000), ("00000.5", 500), ("12345.678", 12345678), ("1e-1", 100),
     ("+1", 1000),
     ("2147483.647", 2147483647), (" .5 ", 500), ("5E2", 500000), (".1450", 145), ("1234.567", 1234567)],
)  # fmt: skip
def test_every_decimal_spelling_of_kwh(text: str, wh: int) -> None:
    parsed = parse(smt.text([GOOD, changed(5, text).replace("00:15,00:30", "01:15,01:30")]))
    assert parsed.days.values[0, 5] == wh


@pytest.mark.parametrize(("text", "wh"), [('"1,204.5"', 1204500), ('"1,204,500.0"', 1204500000)])
def test_grouped_thousands(text: str, wh: int) -> None:
    assert parse(smt.text([changed(5, text)])).days.values[0, 1] == wh


@pytest.mark.parametrize("text", ['"1,204"', '"0,145"', '"1,20.5"'])
def test_a_comma_that_may_be_decimal_is_refused(text: str) -> None:
    assert parse(smt.text([changed(5, text)])).rejected[0].count == 1


def test_a_file_of_nothing_but_separate_days_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "MOST_BLOCKS", 50)
    monkeypatch.setattr(slots, "_ROWS_AT_ONCE", 10)
    scattered = [changed(1, f"07/{n % 28 + 1:02}/{2000 + n // 28}") for n in range(51)]
    assert len(parse(smt.text(scattered[:50])).days) == 50
    with pytest.raises(BadPayload, match="separate days"):
        parse(smt.text(scattered))


def test_rows_placed_a_share_of_the_days_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [*smt.days(smt.FALL, 5), *smt.days(smt.SPRING, 3, esiid=smt.CENTERPOINT)]
    body = smt.excel(*made)
    whole = readings(parse(body))
    monkeypatch.setattr(slots, "_ROWS_AT_ONCE", 100)
    assert readings(parse(body)) == whole


@pytest.mark.parametrize(("text", "wh"), [(".0005", 0), (".0015", 2), (".14551", 146), (".1446", 145)])
def test_finer_than_a_watt_hour_is_rounded_half_to_even_and_told(text: str, wh: int) -> None:
    parsed = parse(smt.text([changed(5, text)]))
    assert parsed.days.values[0, 1] == wh
    assert "1 values were finer" in parsed.notes[0]


@pytest.mark.parametrize("letter", ["", "A", "E", "?"])
def test_a_blank_value_is_missing_never_zero(letter: str) -> None:
    parsed = parse(smt.text([changed(5, "").replace(",A,", f",{letter},")]))
    assert (parsed.rows, parsed.blank, len(parsed.days)) == (1, 1, 0)


def test_a_header_alone() -> None:
    parsed = parse(smt.text([]))
    assert (parsed.kind, parsed.rows, parsed.points) == ("interval", 0, [])


def test_a_blank_revision_is_the_lowest() -> None:
    assert parse(smt.text([changed(2, "")])).days.revision.tolist() == [NO_REVISION]


def test_thousands_of_bad_rows_are_told_once_with_a_hundred_lines() -> None:
    parsed = parse(smt.text([changed(5, f"x{n}") for n in range(5000)]))
    assert [(r.line, r.count, len(r.lines)) for r in parsed.rejected] == [(2, 5000, 100)]


def test_sabotage_blank_is_missing_is_noticed() -> None:
    body = smt.text([GOOD, changed(5, "").replace("00:15,00:30", "01:15,01:30")])
    assert parse(body).days.values[0, 5] == MISSING
    with sabotage("blank_is_missing"), pytest.raises(AssertionError):
        assert parse(body).days.values[0, 5] == MISSING
