"""Ids of rows that people see: 32 hexadecimal digits nobody can guess."""

from __future__ import annotations

from wattledger.clock import random_bytes


def new_id() -> str:
    """A new id."""
    return random_bytes(16).hex()
