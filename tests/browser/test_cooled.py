"""The page of air conditioners in a browser: on a phone, in light and dark, with and without the reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import fill
from tests.browser.cooled import add_units
from tests.browser.running import Running, running
from tests.browser.test_access import FAULTS

pytestmark = pytest.mark.browser
Opener = Callable[..., Page]
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A hub whose home has three units."""
    with running(tmp_path_factory.mktemp("cooled")) as found:
        fill(found)
        add_units(found)
        yield found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_sticks_out_and_all_has_names(open_page: Opener, width: int, scheme: str) -> None:
    page = open_page("/air-conditioners", viewport={"width": width, "height": 844}, color_scheme=scheme)
    assert page.evaluate(WIDER) == 0
    assert page.evaluate(FAULTS) == []
    page.get_by_role("link", name="reports").first.click()
    expect(page.get_by_role("heading", name="Reports of the last 24 hours")).to_be_visible()
    assert page.evaluate(WIDER) == 0


def test_each_unit_says_its_day_in_words(open_page: Opener) -> None:
    page = open_page("/air-conditioners")
    drawing = page.get_by_role("region", name="Living room AC").locator("svg.room")
    said = drawing.get_attribute("aria-label") or ""
    assert said.startswith("The last 24 hours: room ") and "set to 24.0 to 25.5 °C" in said
    assert "cooling 24 h" in said
    assert drawing.locator("rect.ran title").first.text_content() == "09:10 to 22:00: cooling, fan auto"
    expect(page.get_by_text("set to 24.0 to 25.5 °C")).to_be_visible()
