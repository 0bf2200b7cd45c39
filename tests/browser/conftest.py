"""A Chromium, a hub with thirteen months, and pages that hear every complaint of the browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser import home
from tests.browser.running import Running, running
from wattledger.model import Source

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDE: Any = {"width": 1280, "height": 940}
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


def chromium() -> str | None:
    """The system's Chromium."""
    return next((path for name in CHROMIUMS if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a file of tests. Skips where no Chromium is installed."""
    path = chromium()
    if path is None:
        pytest.skip(f"no Chromium found (looked for {', '.join(CHROMIUMS)})")
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A hub whose only home has thirteen months of readings, gaps, estimates and corrections."""
    with running(
        tmp_path_factory.mktemp("hub"), droplet_url="http://127.0.0.1:8787/trigger/smt-now"
    ) as found:
        fill(found)
        yield found


def fill(hub: Running) -> None:
    """The invented home: one export, one file of corrections, one that can't be read, one heartbeat."""
    hub.add("IntervalData.csv", home.export())
    hub.add(
        "IntervalMeterUsage20260714021051068CF9E6CF86D7AADC0AB9D4E2.csv", home.corrections(), Source.RELAY
    )
    hub.add("adhoc_usage_2026-07-13.zip", b"PK\x03\x04" + bytes(range(200)), Source.RELAY)
    point = hub.call(hub.store.points.list(None))[0]
    hub.call(hub.store.points.rename(point.id, "Maple Street"))
    site = hub.call(hub.store.sites.default())
    hub.call(hub.store.sites.update(site.id, name="Maple Street"))
    line = {"status": "ok", "fetched": 2, "decrypted": 2, "processed_files": 2, "sent": 2}
    hub.call(hub.store.connections.heartbeat("relay", line, home.NOW))


class Watched:
    """A browser context that keeps what the browser complained about and which hosts it asked."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        context.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def page(self) -> Page:
        """A new page."""
        page = self.context.new_page()
        page.on(
            "console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def told(self) -> tuple[list[str], set[str]]:
        """Complaints and hosts since it was asked last."""
        found = list(self.complaints), set(self.hosts)
        self.complaints.clear()
        self.hosts.clear()
        return found


@pytest.fixture(scope="module")
def usual(browser: Browser, hub: Running) -> Iterator[Watched]:
    """What most tests of a file look through, in one page: a page's process costs more than most tests."""
    watched = Watched(browser.new_context(viewport=WIDE))
    watched.context.add_cookies([hub.sign_in()])  # type: ignore[list-item]
    yield watched
    watched.context.close()


@pytest.fixture
def open_page(browser: Browser, hub: Running, usual: Watched) -> Iterator[Callable[..., Page]]:
    """Opens a signed-in page, with options in a context of its own; afterwards there must be no complaint,
    no other host, and nothing kept by the usual context."""
    alone: list[Watched] = []

    def make(path: str, **options: Any) -> Page:
        watched = usual
        if options:
            watched = Watched(browser.new_context(**{"viewport": WIDE, **options}))
            watched.context.add_cookies([hub.sign_in()])  # type: ignore[list-item]
            alone.append(watched)
        page = usual.context.pages[0] if watched is usual and usual.context.pages else watched.page()
        page.goto(hub.url + path)
        return page

    yield make
    for page in usual.context.pages[:1]:
        page.evaluate("sessionStorage.clear()")
    for page in usual.context.pages[1:]:
        page.close()
    for watched in alone:
        watched.context.close()
    for watched in (usual, *alone):
        complaints, hosts = watched.told()
        assert complaints == []
        assert hosts <= {urlsplit(hub.url).netloc}
    assert usual.context.storage_state()["origins"] == []


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Running]:
    """A hub on its first day: nobody, nothing."""
    with running(tmp_path) as found:
        yield found
