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
RULES = {"light": (), "dark": ("color-contrast",), "phone": ()}
"""by which a look is judged; dark pages differ from light ones in colour alone"""
DRAWN = ".chart:visible"
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


def faults(page: Page, *rules: str) -> list[str]:
    """What axe calls serious or critical, a line each: by all of its rules, or these."""
    page.evaluate(AXE)
    asked: dict[str, Any] = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    found = page.evaluate("asked => axe.run(document, asked)", asked)
    return [
        f"{one['id']}: {node['html'][:160]} {node['any'][0]['message'] if node['any'] else ''}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def see(page: Page, address: str) -> None:
    """Go there, and wait until what is drawn by script is drawn."""
    page.goto(address)
    if page.locator(DRAWN).count():
        page.locator(DRAWN).locator("canvas").first.wait_for()


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
        see(page, hub.url + path)
        assert faults(page, *RULES[look]) == [], path


@pytest.mark.parametrize("look", ["light", "dark"])
def test_axe_finds_nothing_serious_in_a_whole_household(
    browser: Browser, household: Running, look: str
) -> None:
    context = browser.new_context(**LOOKS[look])
    context.add_cookies([household.sign_in()])  # type: ignore[list-item]
    page = context.new_page()
    for path in WHOLE:
        see(page, household.url + path)
        assert faults(page, *RULES[look]) == [], path
    context.close()


def test_sabotage_contrast_is_noticed(open_page: Opener) -> None:
    page = open_page("/today")
    page.evaluate("document.querySelector('h1').style.color = 'rgb(200, 200, 200)'")
    assert any(line.startswith("color-contrast") for line in faults(page))
