"""A store over the toy parser, on both engines."""

from __future__ import annotations

from tests.store.conftest import clock, site, store

__all__ = ["clock", "site", "store"]
