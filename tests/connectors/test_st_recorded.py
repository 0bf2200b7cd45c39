"""The recorded statuses and lists, read in place: every shape gives its right values and units."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.connectors.test_st_parse import said
from tests.paths import SHARED_PAYLOADS, needs_shared
from tests.payloads.smartthings import DEVICE, payload
from wattledger.accounting import Report, Verdict, account, report_of
from wattledger.connectors.smartthings import CONNECTOR
from wattledger.connectors.smartthings.parse import DEVICES, HEALTH, STATUS

pytestmark = needs_shared
HERE = SHARED_PAYLOADS / "smartthings"
MAIN = f"{DEVICE.id}/main"


def read(name: str) -> bytes:
    return (HERE / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("da_ac_cac_01001", {"register_wh": "83160", "delta_wh": "0", "power_w": 0, "temperature_c": 28,
                             "humidity_pct": 59, "setpoint_c": 20, "mode": "cool", "fan_mode": "high",
                             "switch": "off", "option": "off", "filter_used_pct": 4, "filter": "normal"}),
        ("da_ac_rac_000001", {"register_wh": "2247300", "delta_wh": "400", "temperature_c": 25,
                              "humidity_pct": 60, "setpoint_c": 25, "mode": "heat", "fan_mode": "low",
                              "option": "windFree"}),
        ("da_ac_rac_01001", {"register_wh": "13836", "delta_wh": "0", "temperature_c": 27, "humidity_pct": 42,
                             "setpoint_c": 23, "fan_mode": "high", "filter_used_pct": 12}),
        ("da_ref_normal_000001", {"register_wh": "1446085", "delta_wh": "21", "power_w": 74}),
        ("da_wm_wm_000001", {"register_wh": "352800", "delta_wh": "0", "switch": "off"}),
        ("tplink_p110", {"register_wh": "15720", "delta_wh": "0", "switch": "on",
                         "report_start": "2025-03-10T14:43:42.500000+00:00"}),
        ("vd_stv_2022", {"register_wh": "0", "delta_wh": "14.61608", "power_w": 0, "switch": "on"}),
        ("da_rvc_normal_000001", {"switch": "off"}),
    ],
)  # fmt: skip
def test_a_recorded_status(name: str, values: dict[str, Any]) -> None:
    parsed = CONNECTOR.parse(payload(read(f"status/{name}.json"), STATUS))
    seen = said(parsed)
    assert {key: seen.get(key) for key in values} == values
    assert [p.external_id for p in parsed.points] == [MAIN]
    assert parsed.rejected == []


def test_a_status_of_2019_without_timestamps() -> None:
    seen = said(CONNECTOR.parse(payload(read("api/device_samsungac_status.json"), STATUS)))
    assert (seen["register_wh"], seen["report_end"]) == ("500", "2019-02-26T02:05:55+00:00")
    assert (seen["temperature_c"], seen["setpoint_c"], seen["mode"], seen["switch"]) == (22, 23, "heat", "on")


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("lists/devices_2", []),
        ("lists/devices_continued", ["Rumsluftkonditionering", "Kylskåp", "Freezer"]),
        ("devices/da_ac_cac_01001", ["Ar Varanda"]),
        ("devices/da_ac_rac_000001", ["AC Office Granit"]),
        ("devices/da_ac_rac_01001", ["Aire Dormitorio Principal"]),
        ("devices/da_ref_normal_000001", ["Refrigerator"]),
        ("devices/da_rvc_normal_000001", ["Robot vacuum 1"]),
        ("devices/da_wm_wm_000001", ["Washer"]),
        ("devices/tplink_p110", ["Spülmaschine"]),
    ],
)
def test_a_recorded_list(name: str, points: list[str]) -> None:
    parsed = CONNECTOR.parse(payload(read(f"{name}.json"), DEVICES, None))
    assert [p.name for p in parsed.points] == points
    assert all(p.external_id == f"{p.details['device_id']}/main" for p in parsed.points)
    assert all(p.details["category"] for p in parsed.points)


def test_recorded_health() -> None:
    assert said(CONNECTOR.parse(payload(read("api/health.json"), HEALTH))) == {"health": "ONLINE"}


def test_every_recorded_register_can_be_accounted() -> None:
    for path in sorted((HERE / "status").glob("*.json")):
        parsed = CONNECTOR.parse(payload(path.read_bytes(), STATUS))
        reports = [r for o in parsed.observations if (r := report_of(o.at, o.values))]
        assert len(reports) == (0 if "rvc" in path.name else 1), path.name
        judged, state = account([*reports, *reports])
        assert [one.verdict for one in judged] == [Verdict.BASELINE, Verdict.DUPLICATE][: 2 * len(reports)]
        assert (state.last is None) == (path.name.startswith("vd_stv") or "rvc" in path.name)


def test_a_recorded_report_continues() -> None:
    body = json.loads(read("status/da_ac_rac_000001.json"))
    value = body["components"]["main"]["powerConsumptionReport"]["powerConsumption"]["value"]
    reports: list[Report] = []
    for energy, end in ((2247300, "2025-02-09T16:15:33Z"), (2247700, "2025-02-09T16:45:33Z")):
        value |= {"energy": energy, "end": end}
        parsed = CONNECTOR.parse(payload(body, STATUS))
        reports += [r for o in parsed.observations if (r := report_of(o.at, o.values))]
    judged, _ = account(reports)
    assert [(str(one.verdict), int(one.wh)) for one in judged] == [("baseline", 0), ("ok", 400)]
