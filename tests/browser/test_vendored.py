"""Vendored libraries are the ones that the manifest names, and a page stays light."""

from __future__ import annotations

import hashlib
import json

from wattledger.web.pages.static import FOLDER, address, assets

VENDOR = FOLDER / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())


def test_every_vendored_file_has_the_hash_of_the_manifest() -> None:
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.name != "manifest.json"
    }
    assert found == MANIFEST["sha256"]


def test_every_library_names_its_version_and_licence() -> None:
    for library in MANIFEST["libraries"]:
        assert library["version"] in library["file"]
        assert library["licence"]
        for name in [library["file"], *library["licence_files"]]:
            assert name in MANIFEST["sha256"]


def test_all_styles_and_scripts_together_stay_under_400_kb_compressed() -> None:
    sent = [a for name, a in assets().items() if name.endswith((".css", ".js"))]
    assert sum(len(a.packed) for a in sent) < 400_000


def test_addresses_change_with_the_content() -> None:
    assert address("css/tokens.css").endswith(assets()["css/tokens.css"].mark)


def test_no_file_names_another_host() -> None:
    for name, asset in assets().items():
        if name.startswith(("css/", "js/")):
            text = asset.body.decode()
            assert "http://" not in text, name
            assert "https://" not in text, name
