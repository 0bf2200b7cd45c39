"""Runs a command of ours with every logger at DEBUG, and lets the hub crash once on its way."""

from __future__ import annotations

import logging
import os
from typing import TextIO

from wattledger import faults, logs
from wattledger.cli import main

_configure = logs.configure
_crashes = ["once"] if os.environ.get("CRASH") else []


def loud(format: str, stream: TextIO) -> None:
    """As the product does, and then everything that any library has to say."""
    _configure(format, stream)
    logging.getLogger().setLevel(logging.DEBUG)
    for name in logs.QUIET:
        logging.getLogger(name).setLevel(logging.DEBUG)


def crash() -> None:
    """An unforeseen error whose text has secrets in it."""
    if _crashes:
        _crashes.clear()
        words = [os.environ[name] for name in os.environ if name.endswith(("_TOKEN", "_SECRET", "_PASSWORD"))]
        raise RuntimeError(f"it broke while it held {' and '.join(words)}")


logs.configure = loud
faults.arm("hub.before_archive_commit", crash)
main()
