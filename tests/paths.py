"""Where reference payloads lie: read in place; a test that needs them skips where they are absent."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED_PAYLOADS = ROOT.parent / "shared" / "payloads"

needs_shared = pytest.mark.skipif(
    not SHARED_PAYLOADS.is_dir(), reason="the recorded vendor payloads are not at hand"
)
