"""Every page by keyboard and by screen reader: names for controls, one main heading, a way past the rail."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.running import Running
from tests.browser.test_chart import EVERY_PAGE

pytestmark = pytest.mark.browser
Opener = Callable[..., Page]

FAULTS = """() => {
  const faults = [];
  const shown = (e) => e.getClientRects().length > 0;
  const named = (e) => (e.getAttribute('aria-label') || e.textContent || e.title || e.value || '').trim()
    || [...(e.labels || [])].some((l) => l.textContent.trim());
  for (const e of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea'))
    if (shown(e) && !named(e)) faults.push('no name: ' + e.outerHTML.slice(0, 120));
  for (const e of document.querySelectorAll('[role=img], [role=slider], [role=group], nav'))
    if (!e.getAttribute('aria-label')) faults.push('no label: ' + e.outerHTML.slice(0, 120));
  if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1');
  if (!document.documentElement.lang) faults.push('no language');
  if (document.querySelectorAll('main').length !== 1) faults.push('not one main');
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  if (new Set(ids).size !== ids.length) faults.push('doubled ids');
  for (const t of document.querySelectorAll('table'))
    if (!t.querySelector('th')) faults.push('table without heads');
  return faults;
}"""


def test_controls_have_names_and_pages_one_heading(open_page: Opener, hub: Running) -> None:
    page = open_page("/meter")
    for path in EVERY_PAGE:
        page.goto(hub.url + path)
        assert page.evaluate(FAULTS) == [], path


def test_the_first_tab_skips_the_rail(open_page: Opener) -> None:
    page = open_page("/meter")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")


def test_the_heat_map_reads_by_arrow_keys(open_page: Opener) -> None:
    page = open_page("/meter?by=month&start=2026-06-01")
    page.locator("button[data-view=heat]").click()
    heat = page.locator("#heat")
    expect(heat.locator("canvas")).to_be_visible()
    heat.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#heat .tip")).to_contain_text("Mon 1 Jun 2026, hour 2")
    page.keyboard.press("Enter")
    page.wait_for_url("**by=day**start=2026-06-01**")


def test_comparing_is_part_of_the_address_and_of_what_is_read(open_page: Opener) -> None:
    page = open_page("/meter?by=week&start=2026-07-05")
    page.get_by_role("switch", name="Compare").click()
    page.wait_for_url("**compare=1**")
    page.locator("#chart").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#chart .tip")).to_contain_text("kWh the week before")
