"""The Car page in a real browser: figures of the ledger, the week, forms without scripts, every look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import home
from tests.browser.running import Running, running
from tests.browser.test_access import FAULTS
from tests.payloads.cars import week
from tests.payloads.smartcar import CAR, HOME
from wattledger.model import Flow
from wattledger.store.people.sites import Home
from wattledger.web.pages import words

pytestmark = pytest.mark.browser
Opener = Callable[..., Page]
SECOND = "9f0c7d1e-8a52-4a6b-9f0e-5f2f3a1b7c99"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True},
    "plain": {"java_script_enabled": False},
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A hub with two cars: one with a counter, one that tells its state of charge alone."""
    with running(tmp_path_factory.mktemp("cars")) as found:
        fill(found)
        yield found


def fill(hub: Running) -> None:
    """A week of two cars, and the row of each."""
    site = hub.call(hub.store.sites.default()).id
    hub.call(hub.store.sites.set_home(site, Home(**HOME)))
    for car, counter in ((CAR, True), (SECOND, False)):
        for payload in week(home.NOW, car, counter):
            assert hub.call(hub.store.payloads.deliver(site, payload)).state == "read"
    made = hub.call(hub.store.connections.create(site, "smartcar", {"api": "v3"}, {}))
    hub.call(hub.store.vehicles.link(made.id, site, None, [CAR, SECOND]))
    for external, name in ((CAR, "Blue car"), (SECOND, "Red car")):
        hub.call(hub.store.points.rename(hub.call(hub.store.points.by_external(external)).id, name))


@pytest.mark.parametrize("look", LOOKS)
def test_every_look_shows_cars_and_sessions(open_page: Opener, look: str) -> None:
    page = open_page("/car", **LOOKS[look])
    expect(page.locator(".car-card")).to_have_count(2)
    expect(page.locator("#sessions tbody tr")).to_have_count(8)
    width = 390 if look == "phone" else 1280
    assert page.locator("html").evaluate("e => e.scrollWidth") == width
    expect(page.locator(".rail nav a[aria-current]").first).to_have_attribute("href", "/car")
    if look != "plain":
        assert page.evaluate(FAULTS) == []


def test_figures_are_the_ledgers(open_page: Opener, hub: Running) -> None:
    page = open_page("/car")
    total = 0
    for external in (CAR, SECOND):
        point = hub.call(hub.store.points.by_external(external))
        first = home.NOW.date().fromordinal(home.NOW.date().toordinal() - 6)
        last = home.NOW.date().fromordinal(home.NOW.date().toordinal() + 1)
        days = hub.call(hub.store.energy.series(point, Flow.DELIVERED, first, last, "day"))
        total += sum(day.wh or 0 for day in days)
    assert page.locator(".equation .whole dd").inner_text().split()[0] == words.kwh(total)
    first_row = page.locator("#sessions tbody tr").first
    expect(first_row).to_contain_text("15.000")
    expect(first_row).to_contain_text("Home")
    expect(page.locator("#sessions tbody")).to_contain_text("Away")


def test_evidence_opens_and_the_week_is_drawn(open_page: Opener) -> None:
    page = open_page("/car")
    page.locator("#sessions summary").first.click()
    expect(page.locator("#sessions details[open] li").first).to_be_visible()
    card = page.locator(".car-card").first
    expect(card.locator("svg.week")).to_have_attribute(
        "aria-label", "State of charge and charging of seven days: charged in 7 sessions"
    )
    assert card.locator("svg.week rect.away").count() == 2
    assert "500 of 500 calls left until 1 August" in card.inner_text()


def test_the_other_cars_sessions_and_their_csv(open_page: Opener, hub: Running) -> None:
    page = open_page("/car")
    page.locator(".car-card", has_text="Red car").get_by_role("link", name="sessions").click()
    expect(page.locator("#sessions")).to_contain_text("Red car")
    expect(page.locator("#sessions tbody")).to_contain_text("~")
    link = page.get_by_role("link", name="CSV").get_attribute("href")
    answer = page.request.get(hub.url + str(link))
    assert answer.ok and answer.text().count("Red car") == 7


def test_forms_work_without_scripts(open_page: Opener, hub: Running) -> None:
    second = hub.call(hub.store.points.by_external(SECOND))
    page = open_page(f"/car?car={second.id}", java_script_enabled=False)
    page.get_by_label("Charging efficiency").fill("80")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".note.good")).to_contain_text("found anew")
    expect(page.locator("#sessions tbody tr").first).to_contain_text("18.000")
    page.get_by_label("Battery, usable kWh").fill("a lot")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".note.bad")).to_contain_text("1 to 500 kWh")
    page.get_by_role("button", name="Stop asking where it is").click()
    expect(page.locator(".note.good")).to_contain_text("not asked for")
    page.get_by_role("button", name="Ask where it is").click()
    page.get_by_role("button", name="Forget where home is").click()
    expect(page.locator(".equation .whole dd")).to_contain_text("0.000")
    page.goto(f"{hub.url}/car?car={second.id}")
    page.get_by_role("button", name="Home is where it is now").click()
    expect(page.locator(".equation .whole dd")).not_to_contain_text("0.000 ")
    site = hub.call(hub.store.sites.default()).id
    assert hub.call(hub.store.sites.home(site)) == Home(**HOME)


def test_no_car_says_what_to_do_first(browser: Browser, empty: Running) -> None:
    context = browser.new_context()
    context.add_cookies([empty.sign_in()])  # type: ignore[list-item]
    page = context.new_page()
    page.goto(empty.url + "/car")
    expect(page.locator(".empty")).to_contain_text("Connect a car")
    context.close()
