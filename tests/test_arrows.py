"""The house keeps its arrows: who may import whom, and what a hub must never load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import arrows
from tests.paths import ROOT

SOURCE = ROOT / "src" / "wattledger"
VENDORS = frozenset(p.parent.name for p in (SOURCE / "connectors").glob("*/__init__.py"))


def test_no_import_breaks_the_table() -> None:
    assert arrows.violations(SOURCE, VENDORS) == []


def test_every_row_of_the_table_is_a_part_of_the_tree() -> None:
    parts = {p.stem for p in SOURCE.glob("*.py")} | {p.name for p in SOURCE.iterdir() if p.is_dir()}
    assert set(arrows.ALLOWED) - parts <= {"insight"}


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("store/wrong.py", "import wattledger.connectors.http"),
        ("store/wrong.py", "from wattledger import connectors"),
        ("connectors/wrong.py", "from wattledger.store import Store"),
        ("connectors/vendor/wrong.py", "from ...web import app"),
        ("web/wrong.py", "def f():\n    from wattledger.connectors.vendor import api"),
        ("web/wrong.py", "from wattledger.simulators import sftp"),
        ("merge.py", "from wattledger.store import tables"),
        ("relay/wrong.py", "from wattledger.store import Store"),
        ("brand_new_part.py", "from wattledger import model"),
    ],
)
def test_a_wrong_import_is_noticed(tmp_path: Path, file: str, line: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line)
    assert len(arrows.violations(tmp_path, frozenset({"vendor"}))) == 1


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("web/contracts/right.py", "from wattledger.connectors.vendor import layout"),
        ("relay/right.py", "from wattledger.connectors.vendor.drop import fetch"),
        ("connectors/vendor/right.py", "from . import layout\nfrom wattledger.model import Payload"),
        ("cli/right.py", "from wattledger.simulators import sftp"),
    ],
)
def test_a_right_import_is_left_alone(tmp_path: Path, file: str, line: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line)
    assert arrows.violations(tmp_path, frozenset({"vendor"})) == []


VENDORLESS = (*sorted((SOURCE / "store").rglob("*.py")), SOURCE / "collect.py", SOURCE / "merge.py")


def vendors_named(text: str) -> list[str]:
    """Connectors that a text names, by their folders' words."""
    names = {vendor.replace("_", between) for vendor in VENDORS for between in ("_", " ", "")}
    return sorted(name for name in names if name in text.lower())


def test_what_serves_every_vendor_names_none() -> None:
    assert {str(p.relative_to(SOURCE)): vendors_named(p.read_text()) for p in VENDORLESS} == {
        str(p.relative_to(SOURCE)): [] for p in VENDORLESS
    }
    assert vendors_named('FIXED = {"smart_meter_texas"}  # Smart Meter Texas') != []


NEVER_IN_A_HUB = (
    "asyncssh",
    "wattledger.relay",
    "wattledger.simulators",
    *(f"wattledger.connectors.smart_meter_texas.{name}" for name in ("drop", "api", "auth")),
)


def test_a_hub_loads_nothing_that_could_call_the_utility() -> None:
    code = (
        "import sys; from wattledger import connectors; import wattledger.web.app; import wattledger.store\n"
        "[connectors.connector(name) for name in connectors.names()]\n"
        f"print([m for m in sys.modules if m.startswith({NEVER_IN_A_HUB!r})])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
