"""An owner connects a car in a real browser: from Sources to Smartcar's page and back, and lets it go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Watched
from tests.browser.garage import Garage, garage

pytestmark = pytest.mark.browser
NAME = "Tesla Model 3 2021"


@pytest.fixture(params=["v2", "v3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Garage]:
    with garage(tmp_path, request.param) as found:
        yield found


@pytest.fixture
def watched(browser: Browser, place: Garage) -> Iterator[Watched]:
    """A signed-in browser that asks nobody but the hub and the vendor, and complains about nothing."""
    found = Watched(browser.new_context(viewport={"width": 1280, "height": 940}))
    found.context.add_cookies([place.sign_in()])  # type: ignore[list-item]
    found.context.route(f"{place.vendor.url}/favicon.ico", lambda route: route.fulfill(status=204))
    yield found
    found.context.close()
    assert found.complaints == []
    assert found.hosts <= {urlsplit(place.url).netloc, urlsplit(place.vendor.url).netloc}


def test_connecting_and_letting_go(watched: Watched, place: Garage) -> None:
    page = watched.page()
    page.goto(f"{place.url}/sources")
    page.get_by_role("link", name="Connect a car").click()
    expect(page.get_by_role("heading", name="Simulated Smartcar Connect")).to_be_visible()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("status")).to_contain_text(f"{NAME} is connected.")
    assert urlsplit(page.url).path == "/vehicle/connected" and "provider=smartcar" in page.url
    page.goto(f"{place.url}/sources")
    card = page.locator("section", has=page.get_by_role("heading", name="Cars"))
    expect(card).to_contain_text(NAME)
    expect(card).to_contain_text("calls left this month")
    card.get_by_role("button", name="Collect now").click()
    expect(page.get_by_role("status")).to_be_visible()
    said = watched.context.request.get(f"{place.url}/v1/ev/me/telemetry/latest").json()
    assert 0 <= said["soc_pct"] <= 100, said
    page.goto(f"{place.url}/sources")
    page.get_by_text("Disconnect", exact=True).click()
    page.get_by_role("button", name="Let 1 car go").click()
    expect(page.get_by_role("status")).to_contain_text("Disconnected.")
    assert place.vendor.garage.of() == []


def test_saying_no(watched: Watched, place: Garage) -> None:
    page = watched.page()
    page.goto(f"{place.url}/sources")
    page.get_by_role("link", name="Connect a car").click()
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("status")).to_contain_text("nobody agreed there")
    assert page.url == f"{place.url}/vehicle/connect?error=access_denied"
    page.get_by_role("link", name="Start again").click()
    expect(page.get_by_role("heading", name="Simulated Smartcar Connect")).to_be_visible()
