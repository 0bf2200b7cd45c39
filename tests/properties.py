"""Properties with more examples than the quick suite draws, and others each time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

SETTINGS = "_hypothesis_internal_use_settings"
"""where hypothesis keeps a test's own settings; it has no public way to change them afterwards"""


def drawn(item: pytest.Item, times: int) -> bool:
    """Whether a test is a property; if so it draws that many times as many examples from now on.

    One function serves all its parameters: it is multiplied once.
    """
    test: Any = getattr(item, "obj", None)
    if not getattr(test, "is_hypothesis_test", False):
        return False
    if not getattr(test, "drawn", False):
        own: settings = getattr(test, SETTINGS, None) or settings()
        more = own.max_examples * times
        every = list(HealthCheck)
        anew = settings(own, derandomize=False, database=None, max_examples=more, suppress_health_check=every)
        setattr(test, SETTINGS, anew)
        test.drawn = True
    return True
