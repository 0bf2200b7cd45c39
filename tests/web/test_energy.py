"""/v1/usage-points and /energy: the exact shape, true local days, the same numbers in four formats."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest
from httpx2 import AsyncClient

from tests.payloads import smt
from tests.web.helpers import Relay
from wattledger import connectors
from wattledger.model import MISSING, Payload, Source
from wattledger.store.rows import Gap
from wattledger.web.v1.backfill import joined, still_kept

DAYS = smt.days(smt.FALL - timedelta(20), 40)
LOST = DAYS[10].day
TRUE = {d.day: sum(w or 0 for w in d.wh) for d in DAYS if d.day != LOST}
SPAN = {"start": DAYS[0].day.isoformat(), "end": (DAYS[-1].day + timedelta(1)).isoformat()}


async def ask(owner: AsyncClient, point: str, **query: str) -> dict[str, Any]:
    answer = await owner.get(f"/v1/usage-points/{point}/energy", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_the_shape_is_exact(owner: AsyncClient, point: str) -> None:
    day = DAYS[5].day.isoformat()
    said = await ask(owner, point, by="day", start=day, end=(DAYS[6].day).isoformat())
    assert said == {
        "unit": "kWh",
        "flow": "delivered",
        "by": "day",
        "timezone": "America/Chicago",
        "points": [
            {
                "start": f"{day}T05:00:00Z",
                "end": f"{DAYS[6].day}T05:00:00Z",
                "kwh": TRUE[DAYS[5].day] / 1000,
                "quality": "estimated",
                "found": 96,
                "expected": 96,
            }
        ],
    }


@pytest.mark.parametrize("by", ["interval", "hour", "day", "month"])
async def test_every_step_sums_to_the_true_energy(owner: AsyncClient, point: str, by: str) -> None:
    said = await ask(owner, point, by=by, **SPAN)
    total = sum(round(p["kwh"] * 1000) for p in said["points"] if p["kwh"] is not None)
    assert total == sum(TRUE.values())
    assert sum(p["found"] for p in said["points"]) == 39 * 96 + 4
    assert all(a["end"] == b["start"] for a, b in zip(said["points"], said["points"][1:], strict=False))


async def test_the_doubled_hour_is_two_hours(owner: AsyncClient, point: str) -> None:
    fall = {"start": smt.FALL.isoformat(), "end": (smt.FALL + timedelta(1)).isoformat()}
    slots = (await ask(owner, point, by="interval", **fall))["points"]
    hours = (await ask(owner, point, by="hour", **fall))["points"]
    assert (len(slots), len(hours)) == (100, 25)
    assert (slots[0]["start"], slots[4]["start"]) == ("2025-11-02T05:00:00Z", "2025-11-02T06:00:00Z")
    assert slots[-1]["end"] == "2025-11-03T06:00:00Z"
    true = next(d for d in DAYS if d.day == smt.FALL)
    assert [round(s["kwh"] * 1000) for s in slots] == true.wh


async def test_what_is_missing_is_null(owner: AsyncClient, point: str) -> None:
    lost = {"start": LOST.isoformat(), "end": (LOST + timedelta(1)).isoformat()}
    day = (await ask(owner, point, by="day", **lost))["points"][0]
    assert (day["kwh"], day["quality"], day["found"], day["expected"]) == (None, "missing", 0, 96)
    gaps = (await owner.get(f"/v1/usage-points/{point}/gaps")).json()["gaps"]
    assert gaps == [
        {
            "start": f"{LOST}T05:00:00Z",
            "end": f"{LOST + timedelta(1)}T05:00:00Z",
            "slots": 96,
            "first_day": LOST.isoformat(),
            "last_day": LOST.isoformat(),
        }
    ]
    assert (await ask(owner, point, by="day", flow="received"))["points"][0]["kwh"] is None


async def test_bounds_may_be_instants(owner: AsyncClient, point: str) -> None:
    start, end = f"{smt.FALL}T01:00:00-05:00", f"{smt.FALL}T01:00:00-06:00"
    said = await ask(owner, point, by="interval", start=start, end=end)
    assert [p["start"][11:16] for p in said["points"]] == ["06:00", "06:15", "06:30", "06:45"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"start": "soon"}, "start"),
        ({"end": "2025-02-30"}, "end"),
        ({"start": "2025-01-01T00:00:00"}, "start"),
        ({"start": "2025-01-02", "end": "2025-01-02"}, "start"),
        ({"start": "0001-01-01"}, "start"),
        ({"end": "9999-12-31"}, "end"),
        ({"start": "1990-01-01", "by": "interval"}, "start"),
        ({"by": "month", "format": "greenbutton"}, "by"),
        ({"by": "year"}, None),
        ({"format": "xlsx"}, None),
        ({"flow": "sideways"}, None),
        ({"start": "2025-01-01\0"}, "start"),
    ],
)
async def test_bad_questions_name_the_field(
    owner: AsyncClient, point: str, query: dict[str, str], field: str | None
) -> None:
    answer = await owner.get(f"/v1/usage-points/{point}/energy", params=query)
    assert 400 <= answer.status_code < 500
    assert answer.json().get("field") == field


async def test_csv_and_parquet_hold_the_same_numbers(owner: AsyncClient, point: str) -> None:
    path, query = f"/v1/usage-points/{point}/energy", {**SPAN, "by": "hour"}
    points = (await ask(owner, point, **query))["points"]
    table = await owner.get(path, params={**query, "format": "csv"})
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [r["kwh"] for r in rows] == ["" if p["kwh"] is None else f"{p['kwh']:.3f}" for p in points]
    assert [(r["start"], r["end"], r["quality"]) for r in rows] == [
        (p["start"], p["end"], p["quality"]) for p in points
    ]
    assert table.headers["content-disposition"].startswith("attachment;")
    columns = pq.read_table(
        io.BytesIO((await owner.get(path, params={**query, "format": "parquet"})).content)
    )
    assert columns.column("kwh").to_pylist() == [
        None if p["kwh"] is None else Decimal(f"{p['kwh']:.3f}") for p in points
    ]
    assert columns.schema.metadata[b"external_id"] == smt.ONCOR.encode()


async def test_our_green_button_is_read_back_exactly(owner: AsyncClient, point: str) -> None:
    path = f"/v1/usage-points/{point}/energy"
    xml = (await owner.get(path, params={**SPAN, "by": "interval", "format": "greenbutton"})).content
    name = connectors.recognise(xml)
    assert name == "green_button"
    read = connectors.parse(Payload(name, Source.UPLOAD, xml, datetime(2026, 6, 15, tzinfo=UTC)))
    values = read.days.values[read.days.values != MISSING]
    assert (len(values), int(values.sum())) == (39 * 96 + 4, sum(TRUE.values()))
    assert int((read.days.flags == 1).sum()) == 96
    assert [p.external_id for p in read.points] == [smt.ONCOR]


async def test_names_never_become_formulas(owner: AsyncClient, point: str) -> None:
    path = f"/v1/usage-points/{point}"
    for name in ("=1+1", "+cmd", "-2", "@x", "＝1"):
        assert (await owner.patch(path, json={"name": name})).json()["name"] == name
        text = (await owner.get(f"{path}/energy", params={"format": "csv"})).text
        assert next(csv.reader(io.StringIO(text.splitlines()[1])))[1] == f"'{name}"


async def test_points_are_listed_with_what_is_known(owner: AsyncClient, point: str) -> None:
    listed = (await owner.get("/v1/usage-points")).json()["usage_points"]
    assert [(p["id"], p["kind"], p["external_id"]) for p in listed] == [(point, "meter", smt.ONCOR)]
    known = listed[0]["coverage"]
    assert (known["first_day"], known["last_day"]) == (DAYS[0].day.isoformat(), DAYS[-1].day.isoformat())
    assert (known["found"], known["estimated"]) == (39 * 96 + 4, 96)
    shown = (await owner.get(f"/v1/usage-points/{point}")).json()
    assert shown["flows"]["received"]["found"] == 0
    wrong = await owner.patch(f"/v1/usage-points/{point}", json={"timezone": "America/Denver"})
    assert (wrong.status_code, wrong.json()["error"]) == (422, "FIXED_ZONE")


async def test_a_revision_stays_readable(owner: AsyncClient, point: str) -> None:
    later = smt.Day(DAYS[5].day, [1] * 96, revision=datetime(2026, 1, 2, 7))
    await owner.post("/v1/uploads?filename=revised.csv", content=smt.csv(later))
    said = (await owner.get(f"/v1/usage-points/{point}/revisions")).json()["revisions"]
    assert len(said) == 96
    assert said[0]["winning"]["kwh"] == 0.001 and said[0]["winning"]["quality"] == "actual"
    assert said[0]["losing"]["quality"] == "estimated" and said[0]["winning"]["revision"].endswith("Z")
    assert not any(item["conflict"] for item in said)
    other = smt.Day(DAYS[5].day, [2] * 96, revision=datetime(2026, 1, 2, 7))
    await owner.post("/v1/uploads?filename=other.csv", content=smt.csv(other))
    said = (await owner.get(f"/v1/usage-points/{point}/revisions")).json()["revisions"]
    assert sum(item["conflict"] for item in said) == 96


async def test_backfill_asks_the_relay_for_the_gap(owner: AsyncClient, point: str, relay: Relay) -> None:
    said = await owner.post(f"/v1/usage-points/{point}/backfill", json={})
    assert (said.status_code, said.json()["asked"]) == (202, True)
    wish = relay.wishes[0]
    assert (wish["reason"], wish["esiid"], wish["request"]["kind"]) == ("smt_request", smt.ONCOR, "backfill")
    assert LOST.isoformat() in str(wish["request"])
    codes = [(await owner.post(f"/v1/usage-points/{point}/backfill", json={})).status_code for _ in range(25)]
    assert codes[-1] == 429


def test_gaps_become_few_requests_within_what_the_vendor_keeps() -> None:
    def gap(first: date, last: date) -> Gap:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return Gap(at, at, 1, first, last)

    days = [date(2023, 1, 1), date(2025, 3, 1), date(2025, 3, 10), date(2026, 6, 1)]
    ranges = joined([gap(day, day + timedelta(1)) for day in days])
    assert ranges == [
        (date(2023, 1, 1), date(2023, 1, 2)),
        (date(2025, 3, 1), date(2025, 3, 11)),
        (date(2026, 6, 1), date(2026, 6, 2)),
    ]
    assert still_kept(ranges, date(2026, 6, 1)) == [(date(2026, 6, 1), date(2026, 6, 1)), ranges[1]]
