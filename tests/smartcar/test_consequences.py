"""Every row of the tables of errors through a collection: what it does to the car and to the account."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.smartcar.driver import Driver
from tests.smartcar.test_errors import TABLE
from wattledger.connectors.smartcar.errors import Then
from wattledger.errors import LoginRequired, Misconfigured, TryLater, WattledgerError
from wattledger.simulators.smartcar import SmartcarSimulator
from wattledger.simulators.smartcar_errors import STATUS, v2_error, v3_error

ACCOUNT: dict[Then, type[WattledgerError]] = {
    Then.SIGN_IN: LoginRequired,
    Then.RECONNECT: LoginRequired,
    Then.PERMISSION: LoginRequired,  # of the only car, in full
    Then.PAUSE_ALL: TryLater,
    Then.LATER: TryLater,
}
"""what a row means for the account of a single car; the others leave it alone"""
FIRM = {Then.PAUSE, Then.BILLING, Then.MAKER_PAUSE}


def pause_of(driver: Driver) -> timedelta:
    due = driver.one().due
    assert due is not None
    return due - driver.clock.now()


def expect(found: WattledgerError | None, expected: type[WattledgerError] | None) -> None:
    if expected is None:
        assert found is None
    else:
        assert isinstance(found, expected)


@pytest.mark.parametrize(("status", "type_", "code", "then"), TABLE)
async def test_a_whole_batch(
    v2: Driver, vendor: SmartcarSimulator, status: int, type_: str, code: str | None, then: Then
) -> None:
    vendor.script.fail("/batch", status, v2_error(type_, code, statusCode=status), times=-1)
    found = await v2.collect()
    expect(found.error, ACCOUNT.get(then))
    car = v2.one()
    assert car.status["trouble"]["then"] == then
    assert car.firm is (then in FIRM)
    if then not in ACCOUNT or then is Then.LATER:
        assert pause_of(v2) >= timedelta(minutes=30)
    assert "success_at" not in car.status


@pytest.mark.parametrize(("status", "type_", "code", "then"), [row for row in TABLE if row[1] in STATUS])
async def test_one_path_of_a_batch(
    v2: Driver, vendor: SmartcarSimulator, status: int, type_: str, code: str | None, then: Then
) -> None:
    vendor.script.refuse("/odometer", type_, code, times=-1, statusCode=status)
    found = await v2.collect()
    expect(found.error, {Then.SIGN_IN: LoginRequired, Then.PAUSE_ALL: TryLater}.get(then))
    car = v2.one()
    assert "soc_pct" in car.latest
    assert car.status["success_at"]
    assert car.status["trouble"] is None
    assert car.firm is (then in FIRM)
    assert ("/odometer" in car.status["missing"]) is (then is Then.PERMISSION)
    assert ("/odometer" in car.status["incapable"]) is (then is Then.INCAPABLE)


@pytest.mark.parametrize(("status", "type_", "code", "then"), TABLE)
async def test_the_signals_of_v3(
    v3: Driver, vendor: SmartcarSimulator, status: int, type_: str, code: str | None, then: Then
) -> None:
    body = v3_error(type_, code, status=str(status))
    if code is None:
        del body["errors"][0]["code"]
    vendor.script.fail("/signals", status, body, times=-1)
    found = await v3.collect()
    expect(found.error, Misconfigured if then is Then.SIGN_IN else ACCOUNT.get(then))
    assert v3.one().status["trouble"]["then"] == then
    assert v3.one().firm is (then in FIRM)
