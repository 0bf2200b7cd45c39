"""The first five minutes in a real browser: from the set-up link to a year's chart, a token, a download, and
everything deleted again."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import home
from tests.browser.conftest import Watched
from tests.browser.running import OWNER, Running, running
from tests.browser.test_files import drop
from tests.paths import SHARED_PAYLOADS, needs_shared
from wattledger.simulators.smartthings import SmartThingsSimulator
from wattledger.web.pages import words

pytestmark = pytest.mark.browser
WIDE: Any = {"width": 1280, "height": 940}
PHONE: Any = {"width": 390, "height": 844}
REAL = sorted((SHARED_PAYLOADS / "smart_meter_texas").glob("*.csv"))
SOON = 12.0
"""seconds for a year's file; a machine with nothing else to do needs less than two, one full of tests six"""
YEAR = (home.LAST - timedelta(days=364), home.LAST)


@contextmanager
def watched(browser: Browser, hub: Running, viewport: Any = None) -> Iterator[Watched]:
    """A browser that must complain about nothing and ask no other host."""
    found = Watched(browser.new_context(viewport=viewport or WIDE))
    yield found
    found.context.close()
    assert found.complaints == []
    assert found.hosts <= {urlsplit(hub.url).netloc}


@contextmanager
def vendor() -> Iterator[SmartThingsSimulator]:
    """A simulated SmartThings on a thread of its own."""
    ready, box = threading.Event(), dict[str, Any]()

    async def main() -> None:
        async with SmartThingsSimulator() as found:
            box["loop"], box["stop"] = asyncio.get_running_loop(), asyncio.Event()
            box["vendor"] = found
            ready.set()
            await box["stop"].wait()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield box["vendor"]
    finally:
        box["loop"].call_soon_threadsafe(box["stop"].set)
        thread.join(30)


def set_up(page: Page, hub: Running) -> None:
    """Through the set-up link to the cards."""
    token = hub.call(hub.store.people.setup_link())
    page.goto(f"{hub.url}/setup?token={token}")
    page.get_by_label("Your mail address").fill(OWNER)
    page.get_by_label("Name of the place").fill("Maple Street")
    page.get_by_label("Its time zone").select_option("America/Chicago")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("heading", name="Welcome to Maple Street")).to_be_visible()


def fits(page: Page) -> None:
    """Nothing is wider than the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_from_the_set_up_link_to_the_year_of_a_dropped_file(
    browser: Browser, empty: Running, viewport: Any
) -> None:
    with watched(browser, empty, viewport) as found:
        page = found.page()
        set_up(page, empty)
        fits(page)
        expect(page.locator(".welcome section")).to_have_count(4)
        body = home.export(*YEAR)
        page.wait_for_load_state("load")
        began = time.monotonic()
        drop(page, "IntervalData.csv", body)
        shown = page.locator(".received")
        expect(shown.locator(".year rect")).to_have_count(365)
        took = time.monotonic() - began
        assert took < SOON, f"the year came after {took:.1f} s"
        expect(shown).to_contain_text("readings accepted of")
        expect(shown).to_contain_text(re.compile(r"\d+ quarter-hours estimated by the utility"))
        expect(shown).to_contain_text(re.compile(r"\d+ quarter-hours missing between its first and last day"))
        expect(shown).to_contain_text("Nothing is rejected.")
        kwh = shown.locator(".ends b").inner_text()
        fits(page)
        page.get_by_role("link", name="See the year").click()
        expect(page.locator("#chart canvas")).to_be_visible()
        point = empty.call(empty.store.points.list(None))[0]
        after = home.LAST + timedelta(days=1)
        days: dict[str, str | float | bool] = {"by": "day", "start": str(YEAR[0]), "end": str(after)}
        address = f"{empty.url}/v1/usage-points/{point.id}/energy"
        told = found.context.request.get(address, params=days).json()["points"]
        assert kwh == words.kwh(round(sum((p["kwh"] or 0) * 1000 for p in told)))
        page.goto(f"{empty.url}/welcome")
        expect(page.locator("#file .chip.good")).to_have_text("1 meter")
        fits(page)


@needs_shared
def test_real_files_are_dropped_and_told(browser: Browser, empty: Running) -> None:
    with watched(browser, empty) as found:
        page = found.page()
        set_up(page, empty)
        for n, file in enumerate(REAL, 1):
            began = time.monotonic()
            drop(page, file.name, file.read_bytes())
            expect(page.locator(".received")).to_have_count(1)
            expect(page.locator(".received strong")).to_have_text(file.name)
            expect(page.locator(".received li").first).to_contain_text("accepted")
            assert time.monotonic() - began < SOON
            assert len(empty.call(empty.store.payloads.list(None))) == n


def test_a_file_that_is_none_says_why(browser: Browser, empty: Running) -> None:
    with watched(browser, empty) as found:
        page = found.page()
        set_up(page, empty)
        drop(page, "holiday.csv", b"\x00\x01\x02 no table of ours\n" * 20)
        expect(page.locator(".received")).to_contain_text("This file was set aside:")


def test_a_token_is_tried_before_it_is_kept(browser: Browser, tmp_path: Path) -> None:
    with ExitStack() as stack:
        things = stack.enter_context(vendor())
        hub = stack.enter_context(running(tmp_path, smartthings_base_url=things.url))
        page = stack.enter_context(watched(browser, hub)).page()
        set_up(page, hub)
        card = page.locator("#smartthings")
        for wrong, said in (("abc", "only letters"), ("no-such-token", "refuses this token")):
            card.get_by_label("SmartThings token").fill(wrong)
            card.get_by_role("button", name="Try and keep").click()
            expect(card.get_by_role("status")).to_contain_text(said)
            assert hub.call(hub.store.connections.list(None)) == []
        card.get_by_label("SmartThings token").fill(things.issuer.pasted())
        card.get_by_role("button", name="Try and keep").click()
        expect(card.get_by_role("status")).to_contain_text("SmartThings knows this token")
        expect(card.locator(".chip.good")).to_have_text("connected")
        assert things.asked("/devices") == 2
        assert len(hub.call(hub.store.connections.list(None))) == 1


def test_the_relay_is_asked_and_a_car_names_what_is_unset(open_page: Any, hub: Running) -> None:
    page = open_page("/welcome")
    expect(page.locator("#car")).to_contain_text("SMARTCAR_")
    card = page.locator("#relay")
    if card.get_by_role("button", name="Test: ask the relay").is_disabled():
        expect(card).to_contain_text("DROPLET_WEBHOOK_SECRET")
    expect(card.locator(".chip.good")).to_have_text("1 relay")


def test_empty_pages_lead_to_the_cards(browser: Browser, empty: Running) -> None:
    with watched(browser, empty) as found:
        page = found.page()
        set_up(page, empty)
        for path in ("/today", "/explorer", "/meter", "/car", "/air-conditioners"):
            page.goto(empty.url + path)
            assert page.locator("main a[href^='/welcome']").count() >= 1, path


def test_first_lines_are_shown_and_nothing_in_them_runs(open_page: Any, hub: Running) -> None:
    evil = b"<script>window.ran=1</script><img src=x onerror=window.ran=1>\n" + "a\u202eb\x1bc\n".encode()
    page = open_page(f"/files/{hub.add('evil.csv', evil)}")
    shown = page.locator("#preview pre")
    expect(shown).to_contain_text("<script>window.ran=1</script>")
    assert page.evaluate("window.ran") is None
    assert not set(shown.inner_text()) & {"\u202e", "\x1b"}


def test_the_meter_leads_to_every_day(open_page: Any) -> None:
    page = open_page("/meter")
    page.get_by_role("link", name="Every day").click()
    expect(page.get_by_role("heading", name="Every day").first).to_be_visible()
    assert page.locator(".calendar rect").count() == (home.LAST - home.FIRST).days + 1
    expect(page.locator(".equation")).to_contain_text("Missing")
    page.get_by_role("link", name="Revised values").click()
    expect(page.locator("tbody tr")).to_have_count(len(home.REVISED))


def test_everything_is_taken_away_then_deleted(browser: Browser, tmp_path: Path) -> None:
    with running(tmp_path) as hub, watched(browser, hub, PHONE) as found:
        page = found.page()
        set_up(page, hub)
        body = home.export(date(2026, 6, 1), date(2026, 6, 7))
        drop(page, "IntervalData.csv", body)
        expect(page.locator(".received")).to_be_visible()
        page.goto(f"{hub.url}/settings")
        with page.expect_download() as waiting:
            page.get_by_role("link", name="Export everything").click()
        _holds(Path(waiting.value.path()), body)
        page.get_by_text("Delete everything", exact=True).first.click()
        page.get_by_label("Type the site's name").fill("Elm Street")
        page.get_by_role("button", name="Delete everything").click()
        expect(page.get_by_role("alert")).to_contain_text("type the site's name exactly")
        fits(page)
        page.get_by_label("Type the site's name").fill("Maple Street")
        page.get_by_role("button", name="Delete everything").click()
        expect(page.get_by_role("heading", name="Everything is deleted")).to_be_visible()
        expect(page.get_by_role("status")).to_contain_text("1 raw file")
        assert hub.call(hub.store.payloads.list(None)) == []
        assert hub.call(hub.store.points.list(None)) == []
        page.get_by_role("link", name="Begin anew").click()
        expect(page.get_by_role("heading", name="Welcome to Maple Street")).to_be_visible()


def _holds(path: Path, body: bytes) -> None:
    from zipfile import ZipFile

    with ZipFile(path) as archive:
        assert archive.testzip() is None
        assert body in [archive.read(name) for name in archive.namelist()]
