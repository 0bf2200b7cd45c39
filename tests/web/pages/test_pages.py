"""The pages over a real store on both databases: guards, the API's own numbers, odd addresses."""

from __future__ import annotations

import html
import json
import re

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.payloads import smt
from wattledger.units import kwh_text

PAGE = {"accept": "text/html"}
PATHS = ("/today", "/explorer", "/meter", "/gaps", "/revisions", "/files", "/sources", "/settings")


def shown(text: str) -> dict[str, list[float | None]]:
    """The chart's data of a page."""
    found = re.search(r'<script type="application/json" id="chart-data">(.*?)</script>', text, re.S)
    assert found is not None
    data: dict[str, list[float | None]] = json.loads(found[1])
    return data


@pytest.mark.parametrize("path", PATHS)
async def test_a_stranger_is_led_to_the_sign_in_and_back(client: AsyncClient, path: str) -> None:
    answer = await client.get(f"{path}?by=day", headers=PAGE)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/signin?next=%2F{path[1:]}%3Fby%3Dday"


@pytest.mark.parametrize("path", PATHS)
async def test_pages_need_no_other_host_and_no_inline_code(owner: AsyncClient, point: str, path: str) -> None:
    answer = await owner.get(path, headers=PAGE)
    assert answer.status_code == 200
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert not re.search(r'(src|href|action)="(https?:)?//', answer.text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*(src=|application/json))", answer.text)


@pytest.mark.parametrize("path", PATHS)
async def test_an_empty_ledger_says_what_to_do_first(owner: AsyncClient, path: str) -> None:
    answer = await owner.get(path, headers=PAGE)
    assert answer.status_code == 200
    if path in ("/today", "/explorer", "/meter", "/gaps", "/revisions"):
        assert "Start with one file" in answer.text


@pytest.mark.parametrize(
    ("by", "step", "start", "end"),
    [
        ("day", "interval", "2025-11-02", "2025-11-03"),
        ("week", "hour", "2025-11-02", "2025-11-09"),
        ("month", "day", "2025-11-01", "2025-12-01"),
        ("year", "month", "2025-01-01", "2026-01-01"),
    ],
)
async def test_the_chart_has_the_numbers_of_the_api(
    owner: AsyncClient, point: str, by: str, step: str, start: str, end: str
) -> None:
    page = await owner.get(f"/meter?by={by}&start={start}", headers=PAGE)
    answer = await owner.get(f"/v1/usage-points/{point}/energy?by={step}&start={start}&end={end}")
    points = answer.json()["points"]
    assert shown(page.text)["kwh"] == [p["kwh"] for p in points]
    total = sum(round((p["kwh"] or 0) * 1000) for p in points)
    whole = re.search(r'class="whole".*?<dd>([\d,.]+)', page.text, re.S)
    assert whole is not None and whole[1].replace(",", "") == kwh_text(total)


async def test_energy_sent_to_the_grid_is_a_page_of_its_own(owner: AsyncClient, point: str) -> None:
    day = smt.Day(smt.NORMAL, [500] * 96)
    back = smt.Day(smt.NORMAL, [20] * 96, flow="Surplus Generation")
    answer = await owner.post("/v1/uploads?filename=solar.csv", content=smt.interleaved(day, back))
    assert answer.json()["summary"]["rejected"] == 0
    used = (await owner.get(f"/meter?start={smt.NORMAL}", headers=PAGE)).text
    sent = (await owner.get(f"/meter?start={smt.NORMAL}&flow=received", headers=PAGE)).text
    assert shown(used)["kwh"] == [0.5] * 96
    assert shown(sent)["kwh"] == [0.02] * 96
    assert "Sent to the grid" in sent
    assert "flow=received" in used


async def test_the_heat_map_sums_to_the_month(owner: AsyncClient, point: str) -> None:
    page = await owner.get("/meter?by=month&start=2025-11-01", headers=PAGE)
    link = re.search(r'data-source="([^"]+)"', page.text)
    assert link is not None
    found = (await owner.get(html.unescape(link[1]))).json()
    by_hour = sum(round(v * 1000) for day in found["kwh"] for v in day if v is not None)
    assert by_hour == sum(round((v or 0) * 1000) for v in shown(page.text)["kwh"])


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/meter?by=decade", 422),
        ("/meter?start=2025-02-30", 422),
        ("/meter?start=0001-01-01", 200),
        ("/meter?start=9999-12-31&by=year", 200),
        ("/meter?flow=sideways", 422),
        ("/meter?point=" + "f" * 32, 404),
        ("/meter?point=%00", 422),
        ("/files/0", 404),
        ("/files/abc", 400),
        ("/files/99999999999999999999", 404),
        ("/files?before=0", 422),
        ("/files?q=%00%25_", 200),
        ("/files/7/download", 404),
        ("/revisions?start=2025-01-01&end=2024-01-01", 400),
        ("/gaps?point=nobody", 404),
        ("/nowhere", 404),
    ],
)
async def test_odd_or_bad_addresses_are_answered_in_words(
    owner: AsyncClient, point: str, address: str, status: int
) -> None:
    answer = await owner.get(address, headers=PAGE)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    if status != 200:
        assert '<a href="/">' in answer.text


async def test_no_bad_address_breaks_a_page(app: FastAPI, owner: AsyncClient, point: str) -> None:
    odd = st.one_of(st.text(max_size=20), st.sampled_from(["day", "year", "2025-11-02", point, "-1", "NaN"]))
    names = st.sampled_from(["by", "start", "end", "flow", "point", "q", "esiid", "before", "sent", "next"])
    seen: list[tuple[str, dict[str, str]]] = []

    @settings(max_examples=60, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from([*PATHS, "/meter/heat", "/signin", "/setup"]), st.dictionaries(names, odd))
    def collect(path: str, query: dict[str, str]) -> None:
        if all(not 0xD800 <= ord(c) < 0xE000 for v in query.values() for c in v):
            seen.append((path, query))

    collect()
    for path, query in seen:
        answer = await owner.get(path, params=query, headers=PAGE)
        assert answer.status_code < 500, (path, query)


async def test_names_from_outside_are_text_never_markup(owner: AsyncClient, point: str) -> None:
    name = "<img src=x onerror=alert(1)>.csv"
    await owner.post("/v1/uploads", params={"filename": name}, content=b"what is this")
    await owner.patch(f"/v1/usage-points/{point}", json={"name": "</script><b>home</b>"})
    for path in ("/files", "/sources", "/meter", "/gaps"):
        answer = await owner.get(path, headers=PAGE)
        assert "<img" not in answer.text
        assert "<b>home" not in answer.text


async def test_another_site_s_meter_and_files_do_not_exist(
    app: FastAPI, stranger: AsyncClient, point: str
) -> None:
    for path in (f"/meter?point={point}", f"/gaps?point={point}", f"/revisions?point={point}"):
        answer = await stranger.get(path, headers=PAGE)
        assert answer.status_code in (200, 404)
        assert point not in answer.text
    for path in ("/files/1", "/files/1/download"):
        assert (await stranger.get(path, headers=PAGE)).status_code == 404
    for path in ("/files/1/withdraw", "/files/1/reread"):
        assert (await stranger.post(path, headers=PAGE)).status_code == 404


async def test_static_files_are_kept_by_hash_and_asked_again_without(client: AsyncClient) -> None:
    page = (await client.get("/signin", headers=PAGE)).text
    link = re.search(r'href="(/static/css/tokens[^"]+)"', page)
    assert link is not None
    kept = await client.get(link[1], headers={"accept-encoding": "gzip"})
    assert "immutable" in kept.headers["cache-control"]
    assert kept.headers["content-encoding"] == "gzip"
    asked = await client.get("/static/js/chart.js", headers={"accept-encoding": "identity"})
    assert asked.headers["cache-control"] == "public, no-cache"
    again = await client.get("/static/js/chart.js", headers={"if-none-match": asked.headers["etag"]})
    assert again.status_code == 304
    for outside in ("/static/../pages/meter.py", "/static/%2e%2e/app.py", "/static/nothing.css"):
        assert (await client.get(outside)).status_code == 404
