"""Today and the explorer in a browser: charts, keys, turns, pictures, and a hub behind a sub-path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import fill
from tests.browser.running import Running, running

pytestmark = pytest.mark.browser
Opener = Callable[..., Page]
PATHS = ("/today", "/explorer", "/explorer?by=year&view=heat", "/explorer?view=table", "/more")


def test_today_opens_with_the_newest_day_and_its_chart(open_page: Opener) -> None:
    page = open_page("/")
    expect(page).to_have_url(re.compile("/today$"))
    expect(page.locator("#chart canvas")).to_be_visible()
    assert "Tuesday 14 July 2026" in page.locator(".page-head").inner_text()


def test_keys_read_the_chart_and_turn_the_page(open_page: Opener) -> None:
    page = open_page("/today")
    expect(page.locator("#chart canvas")).to_be_visible()
    page.locator("#chart").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#chart .tip")).to_contain_text("kWh")
    page.keyboard.press("t")
    expect(page).to_have_url(re.compile("view=table"))
    expect(page.locator("#table-view")).to_be_visible()
    page.wait_for_load_state("load")  # keys are heard once the script is there
    page.keyboard.press("[")
    expect(page).to_have_url(re.compile("start=2026-07-13.*view=table"))


def test_the_address_holds_what_is_shown(open_page: Opener) -> None:
    page = open_page("/explorer?by=month&start=2026-06-01")
    page.get_by_role("link", name="Month before").click()
    expect(page).to_have_url(re.compile("compare=previous"))
    page.get_by_role("switch", name="Rest").click()
    expect(page).to_have_url(re.compile("hide=rest"))
    expect(page.get_by_role("switch", name="Rest")).to_have_attribute("aria-checked", "false")
    page.get_by_role("link", name="Heat map").click()
    expect(page.locator("#heat canvas")).to_be_visible()
    page.get_by_role("navigation", name="What the heat map shows").get_by_role("link", name="Rest").click()
    expect(page).to_have_url(re.compile("what=rest"))


def test_a_chart_is_saved_as_a_picture(open_page: Opener) -> None:
    page = open_page("/explorer?by=month&start=2026-06-01")
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG").click()
    assert download.value.suggested_filename == "June-2026.png"
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("path", PATHS)
def test_a_phone_shows_every_number_without_scrolling_sideways(open_page: Opener, path: str) -> None:
    page = open_page(path, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator(".rail nav a:visible").count() == 5


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Running]:
    """A hub whose public address has a path."""
    with running(tmp_path, base_url="http://127.0.0.1:1/energy") as found:
        fill(found)
        yield found


def test_pages_work_behind_a_sub_path(browser: Browser, behind: Running) -> None:
    context = browser.new_context()
    context.add_cookies([behind.sign_in()])  # type: ignore[list-item]
    page, wrong = context.new_page(), []
    page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None)
    page.on("response", lambda r: wrong.append(r.url) if "/energy" not in r.url else None)
    page.goto(behind.url + "/energy/")
    expect(page.locator("#chart canvas")).to_be_visible()
    page.keyboard.press("[")
    expect(page).to_have_url(re.compile(r"/energy/today\?start=2026-07-13"))
    page.get_by_role("link", name="Raw files").click()
    expect(page.locator("h1")).to_have_text("Raw files")
    context.close()
    assert wrong == []
