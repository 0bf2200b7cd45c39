"""The simulated files have the vendor's form: compared with recorded days, and read back by our parser."""

import json
from datetime import UTC, date, datetime

import pytest

from tests.paths import SHARED_PAYLOADS, needs_shared
from wattledger import connectors
from wattledger.localday import number
from wattledger.model import Flow, Parsed, Payload, Source
from wattledger.simulators.home import Day, Home
from wattledger.simulators.smt_files import energy_data, file_name, interval_csv, kwh, labels

HOME = Home(solar=True)
RECORDED = [
    ("raw_2022-03-01_normal96.csv", date(2022, 3, 1)),
    ("raw_2022-03-13_springforward.csv", date(2022, 3, 13)),
    ("raw_2022-11-06_fallback100.csv", date(2022, 11, 6)),
]


def read(body: bytes) -> Parsed:
    when = datetime(2026, 11, 21, tzinfo=UTC)
    return connectors.parse(Payload("smart_meter_texas", Source.RELAY, body, when))


def columns(text: str) -> list[tuple[str, ...]]:
    """What is the same in every home's file: date, labels, whether a value stands there, channel."""
    rows = (line.split(",") for line in text.splitlines())
    return [
        (r[1], r[3], r[4], "value" if r[5] else "", r[6].replace("E", "A"), r[7]) for r in rows if "/" in r[1]
    ]


@needs_shared
@pytest.mark.parametrize(("name", "day"), RECORDED)
def test_a_day_has_the_rows_of_a_recorded_one(name: str, day: date) -> None:
    recorded = (SHARED_PAYLOADS / "smart_meter_texas" / name).read_text()
    made = interval_csv(Home(), [Home().day(number(day))]).decode()
    of_that_day = [r for r in columns(recorded) if r[0] == f"{day:%m/%d/%Y}"]
    assert columns(made) == of_that_day
    assert made.splitlines()[0] == recorded.splitlines()[0]


@pytest.mark.parametrize(
    ("wh", "text"), [(145, ".145"), (100, ".1"), (80, ".08"), (1204, "1.204"), (0, "0"), (1000, "1")]
)
def test_kwh_has_no_leading_and_no_trailing_zero(wh: int, text: str) -> None:
    assert kwh(wh) == text


def test_the_ninth_row_of_an_autumn_day_lies_about_its_start() -> None:
    assert labels(100)[8] == ("02:00", "01:15")
    assert [len(labels(n)) for n in (92, 96, 100)] == [96, 96, 100]


def total(days: list[Day], flow: Flow, revised: bool) -> int:
    return sum(int(d.wh(flow, revised).sum()) for d in days)


@pytest.mark.parametrize("revised", [False, True])
def test_our_parser_reads_a_year_to_the_watt_hour(revised: bool) -> None:
    days = list(HOME.days(date(2025, 10, 20), 365))
    parsed = read(interval_csv(HOME, days, revised))
    assert parsed.rejected == []
    for flow in Flow:
        blocks = parsed.days.values[parsed.days.flow == flow]
        assert int(blocks[blocks >= 0].sum()) == total(days, flow, revised)


def test_our_parser_reads_the_json_form_to_the_watt_hour() -> None:
    days = list(HOME.days(date(2025, 11, 1), 3)) + list(HOME.days(date(2026, 3, 7), 3))
    parsed = read(json.dumps(energy_data(HOME, days, "WL1", Flow)).encode())
    for flow in Flow:
        blocks = parsed.days.values[parsed.days.flow == flow]
        assert int(blocks[blocks >= 0].sum()) == total(days, flow, revised=False)


def test_names_carry_a_time_and_a_nonce() -> None:
    when = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    assert file_name(when, "ab" * 16) == f"IntervalMeterUsage20260102030405678{'AB' * 16}.CSV"
