"""The table of alerts."""

from __future__ import annotations

from sqlalchemy import Index, Table

from wattledger.store.columns import at, count, document, public_id, reference, words
from wattledger.store.schema import metadata

alert = Table(
    "alert",
    metadata,
    public_id(),
    reference("site", "site.id"),
    words("kind"),
    words("subject"),
    words("level"),
    document("said"),
    at("opened_at"),
    at("seen_at"),
    at("closed_at", nullable=True),
    words("event", nullable=True),
    at("next_tell_at", nullable=True),
    count("tries"),
    document("told"),
    at("told_at", nullable=True),
    Index("ix_alert_site_closed_at", "site", "closed_at"),
    Index("ix_alert_next_tell_at", "next_tell_at"),
)
"""One trouble of a site, open while `closed_at` is NULL. `said`: title, text, todo, link, since.

`event` is what is yet to be told (opened, worse, closed) from `next_tell_at` on; `told` names, by event, the
ways by which it was.
"""
