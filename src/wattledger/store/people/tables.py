"""The tables of sites and people, of how they show who they are, and of what they did."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table

from wattledger.store.columns import BIG, at, count, document, public_id, reference, words
from wattledger.store.schema import metadata

site = Table(
    "site",
    metadata,
    public_id(),
    words("name"),
    words("timezone"),
    at("created_at"),
    words("home", nullable=True),
    document("choices"),
    words("webhook", nullable=True),
)
"""`home`: where it is, `webhook`: what takes its alerts, both sealed. `choices`: its owner's (the price of
energy, which alerts are muted)."""

person = Table(
    "person",
    metadata,
    public_id(),
    words("email", unique=True),
    words("name", server_default=""),
    count("is_admin"),
    at("created_at"),
)

membership = Table(
    "membership",
    metadata,
    reference("person", "person.id", primary_key=True),
    reference("site", "site.id", primary_key=True),
    words("role"),
    at("created_at"),
    at("used_at", nullable=True),
)
"""Who belongs where: `owner`, `admin` or `member`. `used_at`: when they last went there."""

login_link = Table(
    "login_link",
    metadata,
    words("digest", primary_key=True),
    reference("person", "person.id", nullable=True),
    words("purpose", server_default="sign-in"),
    at("created_at"),
    at("expires_at", nullable=True),
    at("used_at", nullable=True),
    reference("site", "site.id", nullable=True),
    words("role", nullable=True),
    words("email", nullable=True),
    words("browser", nullable=True),
)
"""Good once: sign-in and set-up links, a vendor's `state`, invitations (with site, role, email).

`browser`: digest of a word that the browser which asked keeps.
"""

session = Table(
    "session",
    metadata,
    words("digest", primary_key=True),
    reference("person", "person.id", index=True),
    reference("site", "site.id", nullable=True),
    at("created_at"),
    at("seen_at"),
    at("expires_at"),
)

api_token = Table(
    "api_token",
    metadata,
    public_id(),
    words("digest", unique=True),
    reference("person", "person.id", index=True),
    reference("site", "site.id", nullable=True),
    words("name"),
    at("created_at"),
    at("last_used_at", nullable=True),
    at("expires_at", nullable=True),
    at("revoked_at", nullable=True),
    words("purpose", nullable=True),
)
"""`purpose`: the one thing that a token is good for, NULL where it is good for all that its person may do."""

audit = Table(
    "audit",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=True),
    at("at"),
    words("actor"),
    words("action"),
    words("subject"),
    document("details"),
    words("previous"),
    words("hash", unique=True),
    words("site", nullable=True),
    Index("ix_audit_site_id", "site", "id"),
    sqlite_autoincrement=True,
)
"""The first version of the schema adds triggers: rows are neither changed nor deleted.

`site`: whose action it was, NULL for the installation's own.
"""

meter_claim = Table(
    "meter_claim",
    metadata,
    words("external_id", primary_key=True),
    reference("site", "site.id", primary_key=True),
    reference("person", "person.id", nullable=True),
    at("created_at"),
)
"""A site asked for the agreement of a meter that nobody holds; it is theirs once the agreement is active."""
