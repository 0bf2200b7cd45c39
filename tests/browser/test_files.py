"""From the set-up link to the chart, raw files, gaps and sources, as a person does it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import home
from tests.browser.conftest import Watched
from tests.browser.running import OWNER, Running
from wattledger.web.pages import words

pytestmark = pytest.mark.browser
Opener = Callable[..., Page]

DROP = """([name, text]) => {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name, { type: 'text/csv' }));
  for (const kind of ['dragenter', 'dragover', 'drop']) {
    document.querySelector('#drop').dispatchEvent(
      new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
  }
}"""


def drop(page: Page, name: str, body: bytes) -> None:
    """Drop a file on the page, once its scripts are there."""
    page.wait_for_load_state("load")
    page.evaluate(DROP, [name, base64.b64encode(body).decode()])


def test_from_the_set_up_link_to_the_chart_by_drag_and_drop(browser: Browser, empty: Running) -> None:
    watched = Watched(browser.new_context(viewport={"width": 1280, "height": 940}))
    page = watched.page()
    token = empty.call(empty.store.people.setup_link())
    page.goto(f"{empty.url}/setup?token={token}")
    page.get_by_label("Your mail address").fill(OWNER)
    page.get_by_label("Name of the place").fill("Maple Street")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("h1")).to_have_text("Welcome to Maple Street")
    first, last = date(2026, 6, 1), date(2026, 6, 30)
    drop(page, "IntervalData.csv", home.export(first, last))
    told = "2,880 readings accepted of 2,880 rows, over 30 days"
    expect(page.locator(".received")).to_contain_text(told)
    page.get_by_text("See the year").click()
    expect(page.locator("#chart canvas")).to_be_visible()
    shown = page.locator(".equation .whole dd").inner_text().split()[0]
    assert shown == words.kwh(home.true_wh(first, last))
    watched.context.close()
    assert watched.complaints == []
    assert len(watched.hosts) == 1


def test_a_broken_file_is_set_aside_with_its_reason_and_delays_no_other(open_page: Opener) -> None:
    page = open_page("/files")
    drop(page, "noise.csv", b"\x00\x01\x02 no table of ours\n" * 20)
    expect(page.locator("#drop-result p")).to_contain_text("noise.csv:")
    drop(page, "IntervalData.csv", home.export())
    expect(page.locator("#drop-result p")).to_contain_text("was here already; nothing changed")


def test_a_raw_file_downloads_byte_for_byte(open_page: Opener, tmp_path: Path) -> None:
    page = open_page("/files/1")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").click()
    assert Path(waiting.value.path()).read_bytes() == home.export()
    assert waiting.value.suggested_filename == "IntervalData.csv"


def test_the_rows_of_a_file_balance(open_page: Opener) -> None:
    page = open_page("/files/2")
    found = [int(t.replace(",", "")) for t in page.locator(".equation dd").all_inner_texts()]
    assert found[0] == sum(found[1:]) == 480


def test_searching_narrows_the_list_while_typing(open_page: Opener) -> None:
    page = open_page("/files")
    page.get_by_label("Search names and ESIIDs").press_sequentially("meterusage")
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    page.wait_for_url("**q=meterusage*")
    page.reload()
    expect(page.locator("#rows tbody tr")).to_have_count(1)


def test_withdrawing_takes_a_file_out_of_the_ledger(open_page: Opener, hub: Running) -> None:
    before = hub.call(hub.store.digest())
    file = hub.add("neighbour.csv", home.export(date(2025, 6, 1), date(2025, 6, 3)))
    assert hub.call(hub.store.digest()) != before
    page = open_page(f"/files/{file}")
    page.get_by_text("Withdraw this file").click()
    page.get_by_role("button", name="Withdraw").click()
    expect(page.locator(".note")).to_contain_text("Withdrawn.")
    assert hub.call(hub.store.digest()) == before


def test_gaps_are_listed_and_asked_for_with_one_click(open_page: Opener, hub: Running) -> None:
    page = open_page("/gaps")
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.locator(".calendar rect.gone")).to_have_count(2)
    page.get_by_role("button", name="Ask Smart Meter Texas").click()
    expect(page.locator(".note.good")).to_contain_text("Asked.")
    request = hub.asked[-1]["request"]
    assert request["kind"] == "backfill"
    assert request["esiids"] == [home.ESIID]


def test_revised_values_stand_beside_the_old_ones(open_page: Opener) -> None:
    page = open_page("/revisions")
    expect(page.locator("tbody tr")).to_have_count(len(home.REVISED))
    page.get_by_role("link", name="Tue 14 Jul 2026").click()
    rows = page.locator("tbody tr").filter(has_text=re.compile(r"\+0\.025"))
    expect(rows).to_have_count(4)


def test_sources_say_how_new_everything_is(open_page: Opener) -> None:
    page = open_page("/sources")
    expect(page.locator("#live")).to_contain_text("Last cycle just now.")
    expect(page.locator("#live")).to_contain_text("Readings to Wed 15 Jul 2026, 00:00")


def test_an_api_token_is_shown_once_and_can_be_ended(open_page: Opener) -> None:
    page = open_page("/settings")
    page.get_by_label("Name of a new token").fill("spreadsheet")
    page.get_by_role("button", name="Make a token").click()
    expect(page.locator(".note.good .mono")).not_to_be_empty()
    page.goto(page.url.replace("/tokens", ""))
    expect(page.locator(".note.good")).to_have_count(0)
    page.get_by_role("button", name="Revoke").click()
    expect(page.locator("body")).to_contain_text("None yet.")


def test_a_meter_gets_its_own_name(open_page: Opener, hub: Running) -> None:
    page = open_page("/settings")
    page.get_by_label(f"Name of ESIID {home.ESIID}").fill("Oak Lane")
    page.get_by_role("button", name="Rename").click()
    expect(page.locator(".note.good")).to_have_text("Saved.")
    page.goto(hub.url + "/meter")
    expect(page.locator("h1")).to_have_text("Oak Lane")
    point = hub.call(hub.store.points.list(None))[0]
    hub.call(hub.store.points.rename(point.id, "Maple Street"))


def test_files_can_be_added_without_scripts(open_page: Opener, tmp_path: Path) -> None:
    file = tmp_path / "one day.csv"
    file.write_bytes(home.export(home.FIRST, home.FIRST))
    page = open_page("/files", java_script_enabled=False)
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Add").click()
    expect(page.locator("h1")).to_have_text("one day.csv")
