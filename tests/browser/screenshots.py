"""Pictures of every page for the docs: `python -m tests.browser.screenshots [FOLDER]`.

Light, dark and phone, from a real hub with the invented home; the same pictures for the same code.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import OPTIONS, chromium, fill
from tests.browser.cooled import add_units
from tests.browser.running import Running, running
from tests.browser.whole import fill_whole

PAGES = {
    "today": "/today",
    "explorer": "/explorer?by=week&start=2026-07-08",
    "explorer-heat": "/explorer?by=month&start=2026-06-01&view=heat",
    "reconciled": "/today?view=table",
    "car": "/car",
    "people": "/people",
    "audit": "/audit",
    "welcome": "/welcome",
    "day": "/meter?by=day",
    "week": "/meter?by=week&start=2026-07-05",
    "month": "/meter?by=month&start=2026-05-01",
    "year": "/meter?by=year&start=2026-01-01",
    "heat-month": "/meter?by=month&start=2026-05-01",
    "heat-year": "/meter?by=year&start=2026-01-01",
    "compare": "/meter?by=week&start=2026-07-05&compare=1",
    "gaps": "/gaps",
    "revisions": "/revisions?start=2026-07-14&end=2026-07-15",
    "files": "/files",
    "file": "/files/2",
    "alerts": "/alerts",
    "sources": "/sources",
    "settings": "/settings",
    "air": "/air-conditioners",
    "sign-in": "/signin",
    "set-up": "/setup?token=one-time-word",
    "first-day": "/",
}
UNSIGNED = {"sign-in", "set-up"}
EMPTY = {"set-up", "first-day"}
COOLED = {"air"}
WHOLE = {"today", "explorer", "explorer-heat", "reconciled", "car"}
FILLS = {"empty": [], "cooled": [fill, add_units], "whole": [fill_whole], "full": [fill]}
PARTS = {"empty": EMPTY, "cooled": COOLED, "whole": WHOLE, "full": set(PAGES) - EMPTY - COOLED - WHOLE}
LOOKS = {
    "light": {"viewport": {"width": 1280, "height": 940}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 940}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "has_touch": True},
}
DEFAULT = Path(__file__).resolve().parent.parent.parent / "docs" / "screenshots"


def shoot(browser: Browser, hub: Running, names: list[str], folder: Path) -> None:
    """One picture per page and look."""
    # who isn't signed in comes first: signing in makes the owner, and the set-up is over
    for signed in (False, True):
        for look, options in LOOKS.items():
            wanted = [n for n in names if (n not in UNSIGNED) == signed]
            context = browser.new_context(device_scale_factor=1, **options)  # type: ignore[arg-type]
            if signed and wanted:
                context.add_cookies([hub.sign_in()])  # type: ignore[list-item]
            page = context.new_page()
            for name in wanted:
                page.goto(hub.url + PAGES[name])
                if name.startswith("heat-"):
                    page.locator("button[data-view=heat]").click()
                page.wait_for_load_state("networkidle")
                page.screenshot(path=folder / f"{name}-{look}.png")
                if name.startswith("heat-"):
                    page.evaluate("sessionStorage.clear()")
            context.close()


def main() -> None:
    """Write all pictures, or those of the parts that are named after the folder."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    chosen = sys.argv[2:] or list(PARTS)
    folder.mkdir(parents=True, exist_ok=True)
    path = chromium()
    if path is None:
        sys.exit("No Chromium found; install one (for example the package chromium).")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as place:
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        for part, names in PARTS.items():
            if part not in chosen:
                continue
            with running(Path(place) / part, droplet_url="https://relay.example/trigger/smt-now") as hub:
                for add in FILLS[part]:
                    add(hub)
                shoot(browser, hub, sorted(names, key=lambda n: n == "first-day"), folder)
        browser.close()


if __name__ == "__main__":
    main()
