"""Alerts in a browser: counted in the rail, said in words, muted by a click, tried by a button."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.running import Running, Stopped
from wattledger.config import load_settings
from wattledger.web.alerts.watcher import Watcher

pytestmark = pytest.mark.browser
Opener = Callable[..., Page]


@pytest.fixture(autouse=True)
def looked(hub: Running) -> None:
    """One look: the set-aside file of the invented home is open."""
    hub.call(Watcher(hub.store, load_settings(None, {}), Stopped()).look())


@pytest.mark.parametrize("look", [{"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}}])
def test_what_is_wrong_is_counted_and_said(open_page: Opener, look: dict[str, object]) -> None:
    page = open_page("/alerts", **look)
    expect(page.locator("main")).to_contain_text("adhoc_usage_2026-07-13.zip")
    expect(page.locator("main")).to_contain_text("What to do")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_kind_is_muted(open_page: Opener) -> None:
    page = open_page("/alerts")
    box = page.get_by_role("checkbox", name="File rejected")
    box.uncheck()
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("checkbox", name="File rejected")).not_to_be_checked()
    page.get_by_role("checkbox", name="File rejected").check()
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("checkbox", name="File rejected")).to_be_checked()


def test_ways_that_are_not_set_up_cannot_be_tried(open_page: Opener) -> None:
    page = open_page("/alerts")
    for name in ("Test by mail", "Test the webhook"):
        expect(page.get_by_role("button", name=re.compile(name)).first).to_be_disabled()
