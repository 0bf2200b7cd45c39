"""The meter's page in a real browser: chart, keyboard, gaps, estimates, dark, phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import Page, expect

from tests.browser import home
from tests.browser.running import Running
from wattledger.model import Flow
from wattledger.web.pages import words

pytestmark = pytest.mark.browser
Opener = Callable[..., Page]
EVERY_PAGE = (
    "/meter",
    "/meter?by=week",
    "/meter?by=month",
    "/meter?by=year",
    "/gaps",
    "/revisions",
    "/files",
    "/files/1",
    "/sources",
    "/settings",
)


def total(hub: Running, first: str, last: str, by: str = "day") -> int:
    """The energy API's sum of a span, Wh."""
    point = hub.call(hub.store.points.list(None))[0]
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    points = hub.call(hub.store.energy.series(point, Flow.DELIVERED, start, end, by))  # type: ignore[arg-type]
    return sum(p.wh or 0 for p in points)


@pytest.mark.parametrize(
    ("query", "first", "last", "step"),
    [
        ("by=day", "2026-07-14", "2026-07-15", "interval"),
        ("by=day&start=2025-11-02", "2025-11-02", "2025-11-03", "interval"),
        ("by=day&start=2026-03-08", "2026-03-08", "2026-03-09", "interval"),
        ("by=week&start=2025-11-03", "2025-11-02", "2025-11-09", "hour"),
        ("by=month&start=2026-02-20", "2026-02-01", "2026-03-01", "day"),
        ("by=year&start=2025-08-01", "2025-01-01", "2026-01-01", "month"),
    ],
)
def test_every_number_is_the_api_s(
    open_page: Opener, hub: Running, query: str, first: str, last: str, step: str
) -> None:
    page = open_page(f"/meter?{query}")
    wanted = words.kwh(total(hub, first, last, step))
    assert page.locator(".equation .whole dd").inner_text().split()[0] == wanted
    drawn = page.evaluate("JSON.parse(document.getElementById('chart-data').textContent).kwh")
    assert round(sum(v or 0 for v in drawn) * 1000) == total(hub, first, last, step)
    page.locator("button[data-view=table]").click()
    table = page.locator("#table-view tbody td:nth-child(2)").all_inner_texts()
    assert [None if t == "–" else float(t.replace(",", "")) for t in table] == drawn


def test_the_equation_and_the_ledger_balance_to_the_watt_hour(open_page: Opener) -> None:
    page = open_page("/meter?by=month&start=2026-07-01")
    shown = [t.split()[0] for t in page.locator(".equation dd").all_inner_texts()]
    whole, actual, estimated = (round(float(t.replace(",", "")) * 1000) for t in shown[:3])
    assert whole == actual + estimated
    parts = page.locator("section:has(h2:text('ledger')) tbody td:nth-child(2)").all_inner_texts()
    assert sum(round(float(p.replace(",", "")) * 1000) for p in parts if p != "–") == whole


def test_gaps_and_estimates_are_drawn_and_said(open_page: Opener) -> None:
    page = open_page("/meter?by=day")
    expect(page.locator(".equation")).to_contain_text("Missing, 4 quarter-hours")
    assert page.locator(".ribbon rect.missing").count() == 1
    assert page.locator(".ribbon rect.estimated").count() >= 1
    assert page.locator(".marks path").count() == 4
    orange = """() => {
      const canvas = document.querySelector('#chart canvas');
      const all = canvas.getContext('2d').getImageData(0, 14, canvas.width, 200).data;
      const column = (slot) => {
        const x = Math.round(44 + (slot + .5) / 96 * (canvas.width - 54));
        let hits = 0;
        for (let y = 0; y < 200; y += 1) {
          const i = 4 * (y * canvas.width + x);
          if (all[i] > all[i + 2] + 60 && all[i + 3] > 0) hits += 1;
        }
        return hits;
      };
      return [column(83), column(20)];
    }"""
    in_gap, elsewhere = page.evaluate(orange)
    assert in_gap > 10
    assert elsewhere == 0


def test_left_and_right_read_the_chart_and_enter_opens(open_page: Opener) -> None:
    page = open_page("/meter?by=month&start=2026-06-01")
    chart = page.locator("#chart")
    chart.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(chart).to_have_attribute("aria-valuetext", re.compile(r"^Tue 2 Jun 2026: [\d.]+ kWh, actual"))
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".tip")).to_contain_text("Mon 1 Jun 2026")
    page.keyboard.press("Enter")
    page.wait_for_url("**/meter?*by=day*start=2026-06-01*")
    page.keyboard.press("]")
    page.wait_for_url("**start=2026-06-02*")
    page.keyboard.press("y")
    page.wait_for_url("**by=year*")
    page.keyboard.press("t")
    expect(page.locator("#table-view")).to_be_visible()


def test_previous_and_next_stop_at_the_ends_and_the_address_holds_the_state(open_page: Opener) -> None:
    page = open_page(f"/meter?by=day&start={home.FIRST}")
    assert page.get_by_label("Previous day").get_attribute("aria-disabled") == "true"
    page.get_by_label("Next day").click()
    page.wait_for_url("**start=2025-06-11*")
    assert page.locator("h1").inner_text() == "Maple Street"
    page.get_by_text("Newest").click()
    assert page.get_by_label("Next day").get_attribute("aria-disabled") == "true"


def test_the_doubled_hour_is_shown_as_two_hours(open_page: Opener) -> None:
    page = open_page("/meter?by=day&start=2025-11-02")
    page.locator("button[data-view=table]").click()
    labels = page.locator("#table-view tbody th").all_inner_texts()
    assert len(labels) == 100
    assert "01:15–01:30 CDT" in labels
    assert "01:15–01:30 CST" in labels


def test_dark_follows_the_system_and_the_choice_stays(open_page: Opener) -> None:
    page = open_page("/meter", color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(15, 18, 22)"
    page.goto(page.url.replace("/meter", "/settings"))
    page.get_by_role("button", name="Light").click()
    assert page.evaluate(ground) == "rgb(250, 249, 245)"
    page.reload()
    assert page.evaluate(ground) == "rgb(250, 249, 245)"


def test_a_narrow_phone_never_scrolls_sideways(open_page: Opener, hub: Running) -> None:
    page = open_page("/meter", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    for path in EVERY_PAGE:
        page.goto(hub.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") == 390, path
        assert page.locator(".rail nav a:visible").count() == 5


def test_a_month_that_is_not_over_is_not_called_incomplete(open_page: Opener) -> None:
    page = open_page("/meter?by=month&start=2026-07-01")
    drawn = page.evaluate("JSON.parse(document.getElementById('chart-data').textContent)")
    assert drawn["share"][12] == 1
    assert drawn["share"][13] == 92 / 96
    assert drawn["known"][13] == "92 of 96 quarter-hours"
    assert drawn["known"][14] == "not here yet"
    page.goto(page.url.replace("by=month", "by=year"))
    drawn = page.evaluate("JSON.parse(document.getElementById('chart-data').textContent)")
    assert drawn["known"][6] == "1340 of 1344 quarter-hours"


def test_without_scripts_the_table_is_there(open_page: Opener) -> None:
    page = open_page("/meter?by=month&start=2026-06-01", java_script_enabled=False)
    assert page.locator("#table-view tbody tr").count() == 30
    assert page.locator("#chart").is_hidden()


def test_motion_is_none_when_less_is_asked_for(open_page: Opener) -> None:
    page = open_page("/meter", reduced_motion="reduce")
    moving = "document.getAnimations().length"
    assert page.evaluate(moving) == 0
