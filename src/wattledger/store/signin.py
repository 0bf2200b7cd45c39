"""Signing in: a link that works once, then a session. Only digests of both are stored.

A link is used up by one UPDATE, so of many who present it at once exactly one gets a session.
"""

from __future__ import annotations

from datetime import timedelta

LINK_LIFE = timedelta(minutes=10)
IDLE = timedelta(days=14)
LONGEST = timedelta(days=90)
SEEN_EVERY = timedelta(hours=1)
"""how exactly the last use of a session is known"""
