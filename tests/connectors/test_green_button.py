"""Standard Green Button files: true UTC times, other utilities."""

from datetime import UTC, date, datetime

import pytest

from tests.connectors.reading import by_slot, parse
from tests.payloads.smt_other import block, feed, green_button, reading_type
from wattledger.connectors import recognise
from wattledger.errors import BadPayload

NAMED = '<entry><link rel="self" href="https://u.example/RetailCustomer/1/UsagePoint/77"/></entry>'


def epoch(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("day", "begins", "count"),
    [
        (date(2025, 7, 4), (2025, 7, 4, 5), 96),
        (date(2025, 11, 2), (2025, 11, 2, 5), 100),
        (date(2026, 3, 8), (2026, 3, 8, 6), 92),
    ],
)
def test_whole_days(day: date, begins: tuple[int, ...], count: int) -> None:
    body = feed(NAMED, block(list(range(count)), epoch(*begins)), reading_type(), title="U")
    assert recognise(body) == "green_button"
    assert by_slot(parse(body, "green_button")) == {("77", 1, day): list(range(count))}


def test_blocks_need_not_begin_at_midnight() -> None:
    body = feed(NAMED, block([1] * 192, epoch(2025, 7, 4, 12)), reading_type(), title="U")
    found = by_slot(parse(body, "green_button"))
    assert [sum(v is not None for v in row) for row in found.values()] == [68, 96, 28]


def test_another_zone() -> None:
    body = feed(NAMED, block([1] * 96, epoch(2025, 7, 4, 7)), reading_type(power=1), title="U")
    parsed = parse(body, "green_button", timezone="America/Los_Angeles", esiid="west")
    assert parsed.points[0].timezone == "America/Los_Angeles"
    assert by_slot(parsed) == {("west", 1, date(2025, 7, 4)): [10] * 96}


def test_a_repeated_block_stays_apart() -> None:
    one = block([1] * 96, epoch(2025, 7, 4, 5))
    parsed = parse(feed(NAMED, one, one, reading_type(), title="U"), "green_button")
    assert (len(parsed.days), parsed.rows) == (2, 192)


@pytest.mark.parametrize("length", [3600, 300, 86400])
def test_other_lengths_are_kept_unread(length: int) -> None:
    body = feed(NAMED, block([1] * 24, epoch(2025, 7, 4, 5), length=length), reading_type(), title="U")
    parsed = parse(body, "green_button")
    assert (parsed.kind, parsed.rows) == ("opaque", 0)
    assert "quarter-hour" in parsed.notes[0]


def test_gas_is_kept_unread() -> None:
    body = feed(NAMED, block([1] * 96, epoch(2025, 7, 4, 5)), reading_type(uom=169), title="U")
    assert "watt-hours" in parse(body, "green_button").notes[0]


def test_single_bad_readings_are_refused() -> None:
    values = [1] * 95 + [-5]
    parsed = parse(
        feed(NAMED, block(values, epoch(2025, 7, 4, 5)), reading_type(), title="U"), "green_button"
    )
    assert [(r.line, r.count) for r in parsed.rejected] == [(96, 1)]


def test_whose_meter_must_be_known() -> None:
    body = feed(block([1] * 96, epoch(2025, 7, 4, 5)), reading_type(), title="U")
    with pytest.raises(BadPayload) as caught:
        parse(body, "green_button")
    assert caught.value.code == "esiid_missing"


def test_smts_own_report_is_not_taken_for_a_standard_one() -> None:
    from tests.payloads import smt

    assert recognise(green_button(*smt.days(smt.NORMAL, 1))) == "smart_meter_texas"


def test_an_unknown_zone() -> None:
    with pytest.raises(BadPayload, match="no time zone"):
        parse(feed(NAMED, title="U"), "green_button", timezone="Mars/Base")
