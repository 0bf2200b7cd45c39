"""SMT's own Green Button report."""

from datetime import date

import pytest

from tests.connectors.reading import by_slot, parse, unrevised
from tests.payloads import smt
from tests.payloads.smt_other import as_if_utc, block, feed, green_button, reading_type
from wattledger.errors import BadPayload
from wattledger.model import Flag

DAYS = [smt.days(day, 1, seed=n)[0] for n, day in enumerate([smt.NORMAL, smt.FALL, smt.SPRING])]


def test_the_unit_after_the_data_and_all_day_lengths() -> None:
    parsed = parse(green_button(*DAYS))
    assert by_slot(parsed) == smt.true_days(DAYS)
    assert unrevised(parsed) == unrevised(parse(smt.csv(*DAYS)))


@pytest.mark.parametrize("lead", [b"\n  ", b"\xef\xbb\xbf"])
def test_what_may_stand_before_the_xml(lead: bytes) -> None:
    assert by_slot(parse(lead + green_button(*DAYS))) == smt.true_days(DAYS)


def test_utf_16() -> None:
    body = green_button(*DAYS).decode().replace("UTF-8", "UTF-16").encode("utf-16")
    assert by_slot(parse(body)) == smt.true_days(DAYS)


def test_96_small_values_are_watt_hours() -> None:
    parsed = parse(feed(block([89] * 96, as_if_utc(smt.NORMAL)), reading_type()), esiid=smt.ONCOR)
    assert int(parsed.days.values[0, :96].sum()) == 8544


@pytest.mark.parametrize(("power", "value", "wh"), [(3, 2, 2000), (0, 2, 2), (-3, 2500, 2), (-3, 3500, 4)])
def test_the_power_of_ten(power: int, value: int, wh: int) -> None:
    body = feed(block([value] * 96, as_if_utc(smt.NORMAL)), reading_type(power=power))
    assert parse(body, esiid=smt.ONCOR).days.values[0, 0] == wh


def test_two_flows_by_link() -> None:
    entries = []
    for n, flow in enumerate((1, 19)):
        base = f"/UsagePoint/{smt.CENTERPOINT}/MeterReading/{n}"
        start = as_if_utc(smt.NORMAL)
        entries.append(block([10 + n] * 96, start, href=f"{base}/IntervalBlock/1"))
        entries.append(
            f'<entry><link rel="self" href="{base}"/><link rel="related" href="/ReadingType/{n}"/></entry>'
        )
        entries.append(reading_type(f"/ReadingType/{n}", flow=flow))
    found = by_slot(parse(feed(*entries)))
    assert found[smt.CENTERPOINT, 1, smt.NORMAL] == [10] * 96
    assert found[smt.CENTERPOINT, 19, smt.NORMAL] == [11] * 96


def test_96_readings_on_a_spring_day_leave_the_void_hour_out() -> None:
    values = [7] * 8 + [0] * 4 + [9] * 84
    parsed = parse(feed(block(values, as_if_utc(smt.SPRING)), reading_type()), esiid=smt.ONCOR)
    assert by_slot(parsed)[smt.ONCOR, 1, smt.SPRING] == [7] * 8 + [9] * 84
    assert parsed.blank == 4


def test_96_readings_on_a_fall_day_leave_the_doubled_hour_open() -> None:
    parsed = parse(feed(block([7] * 96, as_if_utc(smt.FALL)), reading_type()), esiid=smt.ONCOR)
    assert [r.count for r in parsed.rejected] == [4]
    assert by_slot(parsed)[smt.ONCOR, 1, smt.FALL] == [7] * 4 + [None] * 8 + [7] * 88


def test_a_block_with_holes_goes_by_its_own_starts() -> None:
    start = as_if_utc(smt.NORMAL)
    whole = block(list(range(96)), start)
    holed = whole.split("<IntervalReading>")
    del holed[11:14]
    parsed = parse(feed("<IntervalReading>".join(holed), reading_type()), esiid=smt.ONCOR)
    assert by_slot(parsed)[smt.ONCOR, 1, smt.NORMAL] == [*range(10), None, None, None, *range(13, 96)]


def test_estimates() -> None:
    body = feed(block([5] * 96, as_if_utc(smt.NORMAL), quality=8), reading_type())
    assert (parse(body, esiid=smt.ONCOR).days.flags[0, :96] == Flag.ESTIMATED).all()


@pytest.mark.parametrize(
    "types",
    [
        [],
        [reading_type(uom=38)],
        [reading_type(flow=4)],
        [reading_type(power=99)],
        [reading_type("/a"), reading_type("/b", flow=19)],
    ],
)
def test_numbers_whose_meaning_is_open_are_refused(types: list[str]) -> None:
    parsed = parse(feed(block([5] * 96, as_if_utc(smt.NORMAL)), *types), esiid=smt.ONCOR)
    assert (len(parsed.days), parsed.rows, parsed.rejected[0].count) == (0, 96, 96)


def test_hourly_readings_are_refused() -> None:
    parsed = parse(feed(block([5] * 24, as_if_utc(smt.NORMAL), length=3600), reading_type()), esiid=smt.ONCOR)
    assert "quarter-hour" in parsed.rejected[0].reason


@pytest.mark.parametrize("title", ["Daily", "Monthly"])
def test_daily_and_monthly_reports_are_kept_unread(title: str) -> None:
    body = feed(block([5] * 96, as_if_utc(smt.NORMAL)), title=f"SMT Green Button Report: {title}")
    assert parse(body).kind == title.lower()


def test_the_esiid_must_be_known() -> None:
    with pytest.raises(BadPayload) as caught:
        parse(green_button(*DAYS, esiid=None))
    assert caught.value.code == "esiid_missing"
    found = by_slot(parse(green_button(*DAYS, esiid=None), esiid=f"'{smt.ONCOR}"))
    assert found == smt.true_days(DAYS)


def test_a_standard_file_is_not_read_by_smts_rules() -> None:
    body = feed(block([5] * 96, as_if_utc(smt.NORMAL)), reading_type(), title="Another utility")
    parsed = parse(body)
    assert parsed.kind == "opaque"
    assert "Green Button" in parsed.notes[0]


@pytest.mark.parametrize(
    "body",
    [
        green_button(*DAYS)[:5000],
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><feed><title>SMT Green Button</title>&a;</feed>',
        b"<feed><title>SMT Green Button</title>" + b"<a>" * 100_000,
        b"<feed><title>SMT Green Button</title></wrong>",
    ],
)
def test_damaged_and_hostile_xml(body: bytes) -> None:
    with pytest.raises(BadPayload) as caught:
        parse(body)
    assert caught.value.code == "xml_damaged"


@pytest.mark.parametrize("text", ["", "x", "1e5", "9" * 5000, "-5", "99999999999999999999"])
@pytest.mark.parametrize("name", ["value", "start", "duration", "uom", "powerOfTenMultiplier"])
def test_numbers_that_are_none(name: str, text: str) -> None:
    import re

    body = green_button(smt.days(date(2025, 7, 4), 1)[0]).decode()
    parse(re.sub(f"<{name}>[^<]*<", f"<{name}>{text}<", body, count=3).encode())
