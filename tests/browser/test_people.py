"""People in a browser, on a desk and on a phone: inviting, accepting, roles, sites, the audit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import home
from tests.browser.conftest import Watched
from tests.browser.running import OWNER, Running
from tests.browser.test_access import FAULTS
from wattledger.store.people.sites import DEFAULT_SITE

pytestmark = pytest.mark.browser
Opener = Callable[..., Page]
PHONE = {"viewport": {"width": 390, "height": 844}}
WIDE = {"viewport": {"width": 1280, "height": 940}}
GUEST = "guest.with.a.rather.long.name@a-rather-long-domain.example.org"


def operate(hub: Running) -> None:
    hub.call(hub.store.people.add_user(OWNER, operator=True))


@pytest.mark.parametrize("options", [PHONE, WIDE], ids=["phone", "desk"])
def test_the_pages_of_people_fit_and_can_be_read(
    open_page: Opener, hub: Running, options: dict[str, dict[str, int]]
) -> None:
    operate(hub)
    page = open_page("/people", **options)
    hub.call(hub.store.people.invite(DEFAULT_SITE, GUEST, "admin", "tests"))
    for path in ("/people", "/audit", "/audit/all", "/installation", "/settings"):
        page.goto(hub.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") == options["viewport"]["width"], path
        assert page.evaluate(FAULTS) == [], path


def test_inviting_changing_a_role_and_removing(open_page: Opener, hub: Running) -> None:
    page = open_page("/people", **WIDE)
    page.get_by_label("Mail address").fill("friend@example.org")
    page.get_by_label("As", exact=True).select_option("member")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_role("status")).to_contain_text("on its way")
    expect(page.get_by_text("friend@example.org")).to_be_visible()
    page.get_by_role("button", name="Take back the invitation of friend@example.org").click()
    expect(page.get_by_role("status")).to_contain_text("void")
    word = hub.call(hub.store.people.invite(DEFAULT_SITE, "friend@example.org", "member", "tests"))
    assert hub.call(hub.store.people.accept(word, home.NOW))
    page.goto(hub.url + "/people")
    page.get_by_label("Role of friend@example.org", exact=True).select_option("admin")
    page.get_by_role("button", name="Change the role of friend@example.org").click()
    expect(page.get_by_role("status")).to_contain_text("changed")
    expect(page.get_by_text("admin since")).to_be_visible()
    page.get_by_role("button", name="Remove friend@example.org").click()
    expect(page.get_by_role("status")).to_contain_text("no longer")
    expect(page.get_by_text("friend@example.org")).to_have_count(0)


@pytest.mark.parametrize("options", [PHONE, WIDE], ids=["phone", "desk"])
def test_an_invitation_is_accepted_in_a_browser_that_was_never_here(
    browser: Browser, hub: Running, options: dict[str, dict[str, int]]
) -> None:
    email = f"new{options['viewport']['width']}@example.org"
    word = hub.call(hub.store.people.invite(DEFAULT_SITE, email, "member", "tests"))
    watched = Watched(browser.new_context(**options))  # type: ignore[arg-type]
    page = watched.page()
    page.goto(f"{hub.url}/invitation?token={word}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Join")
    expect(page.get_by_text(email)).to_be_visible()
    page.get_by_role("button", name="Accept and sign in").click()
    page.wait_for_url(hub.url + "/**")
    page.goto(hub.url + "/people")
    expect(page.get_by_text("(you)")).to_be_visible()
    assert page.get_by_role("button", name="Invite").count() == 0
    assert watched.complaints == []
    watched.context.close()


def test_a_link_in_another_browser_wants_its_address(browser: Browser, hub: Running) -> None:
    hub.call(hub.store.people.add_user(OWNER))
    word = hub.call(hub.store.people.start_link(OWNER, home.NOW, "another browser's word"))
    watched = Watched(browser.new_context(**PHONE))  # type: ignore[arg-type]
    page = watched.page()
    page.goto(f"{hub.url}/auth/link?token={word}")
    page.get_by_label("Mail address").fill(OWNER)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/auth/" not in url)
    page.goto(hub.url + "/people")
    expect(page.get_by_text("(you)")).to_be_visible()
    watched.context.close()


def test_the_operator_makes_a_site_and_goes_there(open_page: Opener, hub: Running) -> None:
    operate(hub)
    page = open_page("/installation", **WIDE)
    page.get_by_label("Name of a new site").fill("Oak Lane")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("status")).to_contain_text("made")
    page.get_by_label("Site", exact=True).select_option(label="Oak Lane")
    page.get_by_role("button", name="Go", exact=True).click()
    expect(page.locator(".rail-foot")).to_contain_text("Oak Lane")
    page.get_by_label("Site", exact=True).select_option(label="Maple Street")
    page.get_by_role("button", name="Go", exact=True).click()
    page.wait_for_url(hub.url + "/**")
