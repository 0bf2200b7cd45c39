"""axe-core finds nothing serious on any page, in light and dark, on a wide screen and on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.running import Running, running
from tests.browser.test_chart import EVERY_PAGE
from tests.browser.whole import fill_whole

pytestmark = pytest.mark.browser
Opener = Callable[..., Page]
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
OURS = (
    "/today",
    "/explorer",
    "/explorer?by=year&view=heat",
    "/explorer?view=table",
    "/more",
    "/welcome",
    "/people",
    "/audit",
    "/alerts",
)
WHOLE = ("/today", "/explorer", "/car", "/air-conditioners", "/sources", "/settings")


def faults(page: Page) -> list[str]:
    """What axe calls serious or critical, a line each."""
    page.evaluate(AXE)
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html'][:160]} {node['any'][0]['message'] if node['any'] else ''}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.fixture(scope="module")
def household(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A meter, a car and three units that are one home."""
    with running(tmp_path_factory.mktemp("household")) as found:
        fill_whole(found)
        yield found


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_serious(open_page: Opener, hub: Running, look: str) -> None:
    page = open_page("/today", **LOOKS[look])
    for path in (*OURS, *EVERY_PAGE) if look == "light" else OURS:
        page.goto(hub.url + path)
        page.wait_for_load_state("networkidle")
        assert faults(page) == [], path


@pytest.mark.parametrize("look", ["light", "dark"])
def test_axe_finds_nothing_serious_in_a_whole_household(
    browser: Browser, household: Running, look: str
) -> None:
    context = browser.new_context(**LOOKS[look])
    context.add_cookies([household.sign_in()])  # type: ignore[list-item]
    page = context.new_page()
    for path in WHOLE:
        page.goto(household.url + path)
        page.wait_for_load_state("networkidle")
        assert faults(page) == [], path
    context.close()


def test_sabotage_contrast_is_noticed(open_page: Opener) -> None:
    page = open_page("/today")
    page.evaluate("document.querySelector('h1').style.color = 'rgb(200, 200, 200)'")
    assert any(line.startswith("color-contrast") for line in faults(page))
