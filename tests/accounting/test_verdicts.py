"""The rule, verdict by verdict, with exact watt-hours."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.accounting.series import at, judged, report, told
from wattledger.accounting import Report, State, account, judge, report_of
from wattledger.faults import sabotage

R = report

SERIES: dict[str, tuple[list[Report], list[tuple[str, str]]]] = {
    "the first report's delta lies before us": ([R(0, "1000", "400")], [("baseline", "0")]),
    "difference and delta agree": ([R(0, "1000"), R(5, "1100", "100")], [("baseline", "0"), ("ok", "100")]),
    "no delta to compare with": ([R(0, "1000"), R(5, "1100")], [("baseline", "0"), ("ok", "100")]),
    "2 Wh apart is still the same": ([R(0, "10"), R(5, "20", "8")], [("baseline", "0"), ("ok", "10")]),
    "3 Wh apart is a gap": ([R(0, "10"), R(5, "20", "7")], [("baseline", "0"), ("gap", "10")]),
    "2 percent apart is still the same": (
        [R(0, "1000"), R(5, "2000", "980")], [("baseline", "0"), ("ok", "1000")]),
    "more than 2 percent is a gap": (
        [R(0, "1000"), R(5, "2000", "979")], [("baseline", "0"), ("gap", "1000")]),
    "a delta above the counter counts no more": (
        [R(0, "1000"), R(5, "1010", "27")], [("baseline", "0"), ("delta>counter", "10")]),
    "deltas stay 0 where the register moves": (
        [R(0, "1472882", "0"), R(10, "1473143", "0"), R(20, "1473458", "0")],
        [("baseline", "0"), ("gap", "261"), ("gap", "315")]),
    "the same report again": (
        [R(0, "1000"), R(5, "1100", "100"), R(5, "1100", "100"), R(5, "1190", "90")],
        [("baseline", "0"), ("ok", "100"), ("duplicate", "0"), ("duplicate", "0")]),
    "an older report": (
        [R(0, "1000"), R(10, "1100"), R(5, "1050", "50"), R(15, "1200")],
        [("baseline", "0"), ("ok", "100"), ("late", "0"), ("ok", "100")]),
    "a drop to 0 and back": (
        [R(0, "345088"), R(5, "0"), R(10, "345100")],
        [("baseline", "0"), ("suspect", "0"), ("healed", "12")]),
    "back without having moved": (
        [R(0, "345088"), R(5, "0"), R(10, "345088")],
        [("baseline", "0"), ("suspect", "0"), ("healed", "0")]),
    "reset: the low value was possible": (
        [R(0, "345088"), R(15, "60"), R(30, "180"), R(45, "240", "60")],
        [("baseline", "0"), ("suspect", "0"), ("reset", "180"), ("ok", "60")]),
    "reset at the edge of the possible": (
        [R(0, "345088"), R(15, "5100"), R(30, "5200")],
        [("baseline", "0"), ("suspect", "0"), ("reset", "5200")]),
    "rollback just above it": (
        [R(0, "345088"), R(15, "5100.001"), R(30, "5200.001")],
        [("baseline", "0"), ("suspect", "0"), ("rollback", "100.000")]),
    "rollback to an older level": (
        [R(0, "345088"), R(15, "340000"), R(30, "340250"), R(45, "340300")],
        [("baseline", "0"), ("suspect", "0"), ("rollback", "250"), ("ok", "50")]),
    "rollback that goes on falling books nothing": (
        [R(0, "345088"), R(15, "340000"), R(30, "339000"), R(45, "339010")],
        [("baseline", "0"), ("suspect", "0"), ("rollback", "0"), ("ok", "10")]),
    "0 twice is a reset, and the way back no use": (
        [R(0, "345088"), R(5, "0"), R(10, "0"), R(15, "345088"), R(20, "345090")],
        [("baseline", "0"), ("suspect", "0"), ("reset", "0"), ("implausible", "0"), ("rebased", "2")]),
    "as much as 20 kW and 100 Wh allow": (
        [R(0, "1000"), R(15, "6100")], [("baseline", "0"), ("ok", "5100")]),
    "more than that, once": (
        [R(0, "1000"), R(15, "6100.5"), R(30, "1200")],
        [("baseline", "0"), ("implausible", "0"), ("ok", "200")]),
    "more than that, confirmed": (
        [R(0, "1000"), R(15, "900000"), R(30, "900040"), R(45, "900050")],
        [("baseline", "0"), ("implausible", "0"), ("rebased", "40"), ("ok", "10")]),
    "more than that, and more again": (
        [R(0, "1000"), R(15, "900000"), R(30, "1900000"), R(45, "1900001")],
        [("baseline", "0"), ("implausible", "0"), ("implausible", "0"), ("rebased", "1")]),
    "far above after a low value": (
        [R(0, "1000"), R(15, "10"), R(30, "900000"), R(45, "900001")],
        [("baseline", "0"), ("suspect", "0"), ("implausible", "0"), ("rebased", "1")]),
    "still lower, but no reset could be that high": (
        [R(0, "1000000"), R(15, "10"), R(30, "900000"), R(45, "900007")],
        [("baseline", "0"), ("suspect", "0"), ("implausible", "0"), ("rebased", "7")]),
    "low after an implausible high": (
        [R(0, "1000"), R(15, "900000"), R(30, "10"), R(45, "1010")],
        [("baseline", "0"), ("implausible", "0"), ("suspect", "0"), ("healed", "10")]),
    "deltas alone": (
        [R(0, "0", "22.756029"), R(15, "0", "14.61608", start=0), R(15, "0", "14.61608"),
         R(30, "0", "20.869067")],
        [("baseline", "0"), ("delta", "14.61608"), ("duplicate", "0"), ("delta", "20.869067")]),
    "deltas without a register": ([R(0, delta="5"), R(15, delta="7")], [("baseline", "0"), ("delta", "7")]),
    "an absurd delta": (
        [R(0, "0", "5"), R(15, "0", "5101"), R(30, "0", "7")],
        [("baseline", "0"), ("implausible", "0"), ("delta", "7")]),
    "a register that starts to move": (
        [R(0, "0", "5"), R(15, "0", "7"), R(30, "9", "9"), R(45, "20", "11")],
        [("baseline", "0"), ("delta", "7"), ("baseline", "0"), ("ok", "11")]),
    "neither register nor delta": (
        [R(0), R(1, "1000"), R(5), R(10, delta="3"), R(15, "1010")],
        [("unusable", "0"), ("baseline", "0"), ("unusable", "0"), ("unusable", "0"), ("ok", "10")]),
    "a register of 0 with no delta": (
        [R(0, "0"), R(15, "0")], [("baseline", "0"), ("unusable", "0")]),
    "another register of the same component": (
        [R(0, "1000", register="a"), R(5, "77", register="b"), R(10, "80", register="b")],
        [("baseline", "0"), ("baseline", "0"), ("ok", "3")]),
    "fractions are kept": (
        [R(0, "9233.836"), R(5, "9233.937"), R(10, "9234.0371")],
        [("baseline", "0"), ("ok", "0.101"), ("ok", "0.1001")]),
}  # fmt: skip


@pytest.mark.parametrize("name", SERIES)
def test_the_verdict_of_every_report(name: str) -> None:
    reports, expected = SERIES[name]
    assert told(*reports) == expected


@pytest.mark.parametrize(
    ("reports", "interval"),
    [
        ([R(0, "10"), R(5, "20")], (0, 5)),
        ([R(0, "10"), R(5, "0"), R(9, "20")], (0, 9)),
        ([R(0, "9000"), R(15, "60"), R(30, "180")], (0, 30)),
        ([R(0, "345088"), R(15, "340000"), R(30, "340250")], (15, 30)),
        ([R(0, "10"), R(5, "90000"), R(9, "90001")], (5, 9)),
        ([R(0, "0", "1"), R(30, "0", "2", start=20)], (20, 30)),
        ([R(0, "0", "1"), R(30, "0", "2", start=-20)], (0, 30)),
        ([R(0, "0", "1"), R(30, "0", "2", start=40)], (0, 30)),
        ([R(0, "0", "1"), R(30, "0", "2", start=-29_000_000)], (0, 30)),
    ],
    ids=["use", "healed", "reset", "rollback", "rebased", "delta", "overlap", "inverted", "since 1970"],
)
def test_the_interval_that_is_booked(reports: list[Report], interval: tuple[float, float]) -> None:
    booking = judged(*reports)[-1].booking
    assert booking
    assert (booking.start, booking.end) == (at(interval[0]), at(interval[1]))


def test_resets_and_rollbacks_are_marked_as_derived() -> None:
    for name in ("reset: the low value was possible", "rollback to an older level"):
        booking = judged(*SERIES[name][0])[2].booking
        assert booking
        assert booking.derived


def test_judging_goes_on_from_a_stored_state() -> None:
    for reports, _ in SERIES.values():
        whole, end = account(reports)
        first, state = account(reports[:2])
        rest, resumed = account(reports[2:], state)
        assert (first + rest, resumed) == (whole, end)


def test_a_report_is_read_back_from_an_observation() -> None:
    values = {
        "register_wh": "9233.836",
        "delta_wh": "0",
        "report_start": "2026-07-04T11:45:00+00:00",
        "report_end": "2026-07-04T12:00:00+00:00",
        "register": "powerConsumptionReport",
    }
    assert report_of(at(3), values) == R(0, "9233.836", "0", -15, register="powerConsumptionReport")
    assert report_of(at(3), {"register_wh": "5"}) == R(3, "5")
    assert report_of(at(3), {"temperature_c": 21.5}) is None


def test_sabotage_report_identity_is_noticed() -> None:
    repeated = [R(0, "0", "5"), R(15, "0", "7"), R(15, "0", "7")]
    assert sum(Decimal(wh) for _, wh in told(*repeated)) == 7
    with sabotage("report_identity", "report_order"), pytest.raises(ValueError, match="length"):
        told(*repeated)
    with sabotage("report_identity"):
        assert ("duplicate", "0") not in told(*repeated)


def test_sabotage_suspect_low_is_noticed() -> None:
    dropped = SERIES["a drop to 0 and back"][0]
    with sabotage("suspect_low"):
        assert told(*dropped) != SERIES["a drop to 0 and back"][1]


def test_sabotage_power_limit_is_noticed() -> None:
    series = SERIES["0 twice is a reset, and the way back no use"][0]
    with sabotage("power_limit"):
        assert ("ok", "345088") in told(*series)


def test_a_report_that_says_nothing_changes_nothing() -> None:
    _, state = account([R(0, "10")])
    assert judge(state, R(5))[1] is state
    assert judge(State(), R(5))[1] == State()


def test_an_unusable_report_heard_again_is_no_news() -> None:
    series = [R(0, None, "0"), R(2, "0"), R(1, "0.001")]
    found, state = account(series)
    assert [one.verdict for one in found] == ["baseline", "unusable", "late"]
    assert account(series, state)[1] == state
