"""axe-core finds nothing serious on any page, in light and dark, on a wide screen and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.running import Running
from tests.browser.test_chart import EVERY_PAGE

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
)


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


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_serious(open_page: Opener, hub: Running, look: str) -> None:
    page = open_page("/today", **LOOKS[look])
    for path in (*OURS, *EVERY_PAGE) if look == "light" else OURS:
        page.goto(hub.url + path)
        page.wait_for_load_state("networkidle")
        assert faults(page) == [], path


def test_sabotage_contrast_is_noticed(open_page: Opener) -> None:
    page = open_page("/today")
    page.evaluate("document.querySelector('h1').style.color = 'rgb(200, 200, 200)'")
    assert any(line.startswith("color-contrast") for line in faults(page))
