"""Collecting from a real socket: one call or many, pages, pauses, and devices that leave each other alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.payloads.smartthings import air_conditioner, device, report, reported
from tests.smartthings.conftest import Collect
from tests.turning import TurningClock
from wattledger.connectors.smartthings import SmartThings
from wattledger.connectors.smartthings.fetch import Pace
from wattledger.errors import BadPayload, LoginRequired, Refused, TryLater
from wattledger.faults import sabotage
from wattledger.simulators.smartthings import SmartThingsSimulator


def fleet(vendor: SmartThingsSimulator, count: int, **more: Any) -> list[str]:
    vendor.devices.clear()
    return [
        vendor.add(device(f"ac-{n:03d}", f"AC {n}", **more), {"main": air_conditioner(report(1000 + n))})
        for n in range(count)
    ]


async def test_one_call_brings_every_status(vendor: SmartThingsSimulator, collect: Collect) -> None:
    found = await collect()
    assert (found.kinds, found.error) == (["devices.json"], None)
    assert vendor.asked("/devices") == 1
    assert vendor.calls[0].query == {"includeStatus": "true", "includeHealth": "true", "max": "100"}
    values = found.values()
    assert len(values) == 3
    for unit in vendor.units:
        said = values[f"{unit.id}/main"]
        assert said["register_wh"] == str(unit.register(unit.reported(vendor.clock.now())))
        assert (said["health"], said["mode"]) == ("ONLINE", "cool")
    names = {p.name: p.details["room"] for parsed in found.parsed for p in parsed.points}
    assert names == {"Living room AC": "Living room", "Bedroom AC": "Bedroom", "Office AC": "Office"}


@pytest.mark.parametrize("status", [None, 400, 403, 422])
async def test_else_each_device_is_asked(
    vendor: SmartThingsSimulator, collect: Collect, status: int | None
) -> None:
    vendor.together, vendor.refuses_together = False, status
    vendor.add(device("lamp", "Lamp", ["switch"]), {"main": {}})
    found = await collect()
    assert found.kinds == ["devices.json", "status.json", "status.json", "status.json"]
    assert vendor.asked("/lamp") == 0
    assert all("register_wh" in said for said in found.values().values())


async def test_a_declined_list_with_statuses_is_not_asked_for_again_soon(
    vendor: SmartThingsSimulator, collect: Collect, clock: TurningClock
) -> None:
    vendor.refuses_together = 422
    await collect()
    await collect()
    together = [call for call in vendor.calls if "includeStatus" in call.query]
    assert len(together) == 1
    vendor.refuses_together = None
    clock.turn(hours=7)
    assert (await collect()).kinds == ["devices.json"]


async def test_a_list_that_says_little_is_enough(vendor: SmartThingsSimulator, collect: Collect) -> None:
    vendor.devices.clear()
    vendor.together = False
    vendor.add({"deviceId": "plain", "label": "AC"}, {"main": air_conditioner()})
    found = await collect()
    assert found.values()["plain/main"]["register_wh"] == "13836"


async def test_pages_are_followed(vendor: SmartThingsSimulator, collect: Collect) -> None:
    fleet(vendor, 23)
    vendor.page_size, vendor.together = 10, False
    found = await collect()
    assert len(found.values()) == 23
    pages = [call for call in vendor.calls if call.path == "/v1/devices"]
    assert [call.query.get("page") for call in pages] == [None, "1", "2"]
    assert all(call.query["includeStatus"] == "true" for call in pages)


@pytest.mark.parametrize("host", ["http://evil.example", "https://127.0.0.1", "http://127.0.0.1:1"])
async def test_a_next_page_elsewhere_is_not_followed(
    vendor: SmartThingsSimulator, collect: Collect, host: str
) -> None:
    fleet(vendor, 12)
    vendor.page_size, vendor.next_host = 10, host
    found = await collect()
    assert isinstance(found.error, Refused)
    assert "another host" in str(found.error)
    assert len(found.values()) == 10


async def test_sabotage_next_host_is_noticed(vendor: SmartThingsSimulator, collect: Collect) -> None:
    fleet(vendor, 12)
    vendor.page_size, vendor.next_host = 10, "http://evil.example"
    with sabotage("next_host"):
        assert (await collect()).error is None


async def test_pages_in_a_circle_end(vendor: SmartThingsSimulator, collect: Collect) -> None:
    href = {"items": [device("a")], "_links": {"next": {"href": f"{vendor.url}/devices?page=1"}}}
    vendor.script.fail("/v1/devices", 200, href, times=-1)
    found = await collect()
    assert "circle" in str(found.error)


@pytest.mark.parametrize("fault", ["null", "500", "403", "404", "html", "raw", "slow", "list"])
async def test_one_devices_trouble_touches_no_other(
    vendor: SmartThingsSimulator, collect: Collect, fault: str
) -> None:
    ids = fleet(vendor, 5)
    vendor.together = False
    path = f"/{ids[2]}/status"
    match fault:
        case "null":
            vendor.add(device(ids[2]), {"main": reported(None)})
        case "html":
            vendor.script.html(path)
        case "raw":
            vendor.script.raw(path, b'{"components":')
        case "slow":
            vendor.script.slow(path, 2)
        case "list":
            vendor.script.raw(path, b"[]")
        case status:
            vendor.script.fail(path, int(status))
    found = await collect()
    good = {f"{id}/main" for n, id in enumerate(ids) if n != 2}
    assert good <= {name for name, said in found.values().items() if "register_wh" in said}
    assert found.error is None
    assert set(found.troubles) == (set() if fault == "null" else {ids[2]})
    if found.troubles:
        status = {"html": "200", "raw": "200", "list": "200", "slow": ""}.get(fault, fault)
        assert found.troubles[ids[2]].headers["status"] == status
        assert found.troubles[ids[2]].headers["reason"].endswith(".")


async def test_sabotage_device_isolation_is_noticed(vendor: SmartThingsSimulator, collect: Collect) -> None:
    ids = fleet(vendor, 5)
    vendor.together = False
    vendor.script.fail(f"/{ids[0]}/status", 500)
    with sabotage("device_isolation"):
        found = await collect()
    assert len(found.values()) < 4
    assert isinstance(found.error, TryLater)


async def test_where_nobody_answers_all_are_asked_again(
    vendor: SmartThingsSimulator, collect: Collect
) -> None:
    fleet(vendor, 3)
    vendor.together = False
    vendor.script.fail("/status", 503, times=-1)
    found = await collect()
    assert isinstance(found.error, TryLater)
    assert len(found.troubles) == 3


@pytest.mark.parametrize("header", [False, True])
async def test_a_429_stops_calls_and_what_is_left_comes_first(
    vendor: SmartThingsSimulator, collect: Collect, header: bool
) -> None:
    ids = fleet(vendor, 30)
    vendor.together = False
    vendor.script.throttle("/ac-010/status", 40585, header=header)
    found = await collect()
    assert isinstance(found.error, TryLater)
    assert found.error.after == timedelta(milliseconds=40585)
    statuses = vendor.asked("/status")
    assert statuses < 20
    assert 10 <= len([said for said in found.values().values() if "register_wh" in said]) < 20
    vendor.calls.clear()
    again = await collect()
    assert again.error is None
    first = [call.path.split("/")[3] for call in vendor.calls if call.path.endswith("/status")]
    assert "ac-010" in first[: 30 - statuses + 4]
    assert ids[0] not in first[:10]


async def test_a_short_429_is_waited_out(
    vendor: SmartThingsSimulator, collect: Collect, connector: SmartThings
) -> None:
    ids = fleet(vendor, 3)
    vendor.together = False
    type(connector).pace = Pace(wait=2)
    vendor.script.throttle(f"/{ids[1]}/status", 20)
    found = await collect()
    assert (found.error, len(found.values())) == (None, 3)
    assert vendor.asked(f"/{ids[1]}/status") == 2


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
async def test_a_refused_list(vendor: SmartThingsSimulator, collect: Collect, status: int) -> None:
    vendor.script.fail("/v1/devices", status, times=-1)
    found = await collect()
    expected: type[Exception] = {401: LoginRequired, 403: Refused, 404: Refused}.get(status, TryLater)
    assert isinstance(found.error, expected)
    assert found.payloads == []


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{", b"null", b"", b"{}", b'{"items":{}}'])
async def test_a_list_that_is_none_is_kept_and_asked_again(
    vendor: SmartThingsSimulator, collect: Collect, body: bytes
) -> None:
    vendor.script.raw("/v1/devices", body, times=-1)
    found = await collect()
    assert isinstance(found.error, TryLater)
    assert [payload.body for payload in found.payloads] == [body]
    with pytest.raises(BadPayload):
        found.values()


async def test_a_token_that_ends_while_devices_are_asked(
    vendor: SmartThingsSimulator, collect: Collect
) -> None:
    fleet(vendor, 3)
    vendor.together = False
    vendor.script.fail("/ac-001/status", 401)
    assert isinstance((await collect()).error, LoginRequired)


async def test_quiet_devices_are_asked_for_their_health(
    vendor: SmartThingsSimulator, collect: Collect, clock: TurningClock
) -> None:
    fleet(vendor, 2)
    vendor.together, vendor.offline = False, {"ac-001"}
    vendor.script.fail("/ac-000/health", 404)
    clock.turn(days=200)
    found = await collect()
    values = found.values()
    assert "health" not in values["ac-000/main"]
    assert values["ac-001/main"]["health"] == "OFFLINE"


async def test_units_that_speak_are_not(vendor: SmartThingsSimulator, collect: Collect) -> None:
    vendor.together = False
    await collect()
    assert vendor.asked("/health") == 0


async def test_places_are_asked_once(
    vendor: SmartThingsSimulator, collect: Collect, clock: TurningClock
) -> None:
    await collect()
    await collect()
    assert vendor.asked("/locations") == 2  # the location and its rooms
    clock.turn(hours=13)
    await collect()
    assert vendor.asked("/locations") == 4
    await collect(connection="another")
    assert vendor.asked("/locations") == 6


@pytest.mark.parametrize("status", [401, 403, 429, 500])
async def test_places_never_stand_in_the_way(
    vendor: SmartThingsSimulator, collect: Collect, status: int
) -> None:
    vendor.script.fail("/locations", status, times=-1)
    found = await collect(timezone="America/Denver")
    await collect()
    assert found.error is None
    assert {p.timezone for parsed in found.parsed for p in parsed.points} == {"America/Denver"}
    assert vendor.asked("/locations") == 1


async def test_no_payload_tells_where_a_home_is(vendor: SmartThingsSimulator, collect: Collect) -> None:
    found = await collect()
    assert not any(b"30.27" in p.body or "30.27" in str(p.headers) for p in found.payloads)
