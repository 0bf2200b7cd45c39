"""Formats by themselves, on series made at random: the same points in, the same numbers out."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import orjson
import pyarrow.parquet as pq
import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st

from wattledger import connectors
from wattledger.model import MISSING, Flow, Payload, Source
from wattledger.store.rows import SeriesPoint, UsagePointRow
from wattledger.web import formats
from wattledger.web.download import disposition
from wattledger.web.green_button import green_button

NOW = datetime(2026, 6, 15, 17, 0, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
VALUES = st.lists(st.none() | st.integers(0, 2**31 - 1), max_size=120)


def question(name: str = "Home", flow: Flow = Flow.DELIVERED) -> formats.Question:
    point = UsagePointRow(
        "a" * 32,
        "b" * 32,
        "meter",
        "10443720000000001",
        name,
        "America/Chicago",
        "smart_meter_texas",
        {},
        NOW,
    )
    return formats.Question(point, flow, "interval", NOW)


def series(values: list[int | None]) -> list[SeriesPoint]:
    start, step = datetime(2025, 11, 2, 5, tzinfo=UTC), timedelta(minutes=15)
    return [
        SeriesPoint(start + i * step, start + (i + 1) * step, wh, "missing" if wh is None else "actual", 1, 1)
        for i, wh in enumerate(values)
    ]


@settings(max_examples=60, deadline=None)
@given(values=VALUES, name=TEXT)
def test_four_formats_hold_the_same_watt_hours(values: list[int | None], name: str) -> None:
    asked, points = question(name), series(values)
    read = orjson.loads(formats.as_json(asked, points))["points"]
    assert [None if p["kwh"] is None else round(p["kwh"] * 1000) for p in read] == values
    rows = list(csv.DictReader(io.StringIO(formats.as_csv(asked, points).decode(), newline="")))
    assert [int(r["kwh"].replace(".", "")) if r["kwh"] else None for r in rows] == values
    table = pq.read_table(io.BytesIO(formats.as_parquet(asked, points)))
    assert table.column("wh").to_pylist() == values


@settings(max_examples=25, deadline=None)
@given(values=VALUES.filter(any), name=TEXT, flow=st.sampled_from(Flow))
def test_green_button_is_well_formed_and_comes_back(values: list[int | None], name: str, flow: Flow) -> None:
    xml = green_button(question(name, flow), series(values))
    fromstring(xml)
    parsed = connectors.parse(Payload("green_button", Source.UPLOAD, xml, NOW))
    known = parsed.days.values[parsed.days.values != MISSING]
    wanted = [wh for wh in values if wh is not None]
    assert (len(known), int(known.sum(dtype=int))) == (len(wanted), sum(wanted))
    assert set(parsed.days.flow.tolist()) == {int(flow)}


@pytest.mark.parametrize("lead", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", " =", "\t@"])
def test_text_that_could_be_a_formula_is_text(lead: str) -> None:
    told = next(csv.reader(io.StringIO(formats.cell(f"{lead}1+1"), newline="")))[0]
    assert told == f"'{lead}1+1"


@given(name=st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_a_downloads_name_stays_one_header(name: str) -> None:
    said = disposition(name)
    assert said.isascii() and said.isprintable()
    assert said.startswith('attachment; filename="') and said.count('"') == 2 and "/" not in said
