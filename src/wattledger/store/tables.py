"""Every table, the same on SQLite and PostgreSQL.

Public ids are 32 hexadecimal digits; payloads are numbered in receive order. `usage_point.n` is the
small number that energy rows carry. Instants are aware UTC. A change here needs a new version of the schema
(`migrations/versions`), which a test demands.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    UniqueConstraint,
)

from wattledger.store.alerts.tables import alert
from wattledger.store.columns import BIG, Instant, at, count, document, public_id, reference, words
from wattledger.store.people.tables import (
    api_token,
    audit,
    login_link,
    membership,
    meter_claim,
    person,
    session,
    site,
)
from wattledger.store.schema import metadata

__all__ = [
    "alert",
    "api_token",
    "audit",
    "body",
    "connection",
    "energy_day",
    "energy_superseded",
    "erased_meter",
    "heartbeat",
    "login_link",
    "membership",
    "metadata",
    "meter_claim",
    "observation",
    "payload",
    "payload_point",
    "person",
    "point_state",
    "session",
    "site",
    "usage_point",
    "vehicle",
]

connection = Table(
    "connection",
    metadata,
    public_id(),
    reference("site", "site.id", index=True),
    words("connector"),
    document("options"),
    words("secrets", nullable=True),
    words("state", server_default="never"),
    at("next_poll_at", nullable=True),
    words("lease", nullable=True),
    at("leased_until", nullable=True),
    words("listener", nullable=True),
    at("listening_until", nullable=True),
    at("listen_at", nullable=True),
    Column("listen_failures", Integer),
    count("failures"),
    at("last_success", nullable=True),
    words("last_error", nullable=True),
    words("token", nullable=True),
    count("token_generation"),
    at("refresh_started_at", nullable=True),
    words("warned", nullable=True),
    at("created_at"),
    at("last_asked", nullable=True),
    at("paused_until", nullable=True),
    Index("ix_connection_due", "connector", "state", "next_poll_at"),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    words("name", primary_key=True),
    document("line"),
    at("at"),
    at("good_at", nullable=True),
)
"""The newest line of each relay; `good_at` is when a cycle last did not fail."""

usage_point = Table(
    "usage_point",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=True),
    words("id", unique=True),
    reference("site", "site.id", index=True),
    words("connector"),
    words("kind"),
    words("external_id", unique=True),
    words("name"),
    words("timezone"),
    document("details"),
    document("choices"),
    at("created_at"),
)
"""`details` are the vendor's words, `choices` the owner's: in the equation or not, part of which other."""

vehicle = Table(
    "vehicle",
    metadata,
    Column("usage_point", Integer, ForeignKey("usage_point.n"), primary_key=True, autoincrement=False),
    reference("connection", "connection.id", nullable=True, index=True),
    reference("person", "person.id", nullable=True, index=True),
    count("is_active"),
    count("is_primary"),
    document("options"),
    document("status"),
    at("next_poll_at", nullable=True),
    count("is_firm"),
    words("month", server_default=""),
    count("calls"),
    at("created_at"),
    at("updated_at"),
    sqlite_with_rowid=False,
)
"""A vehicle as its connection reaches it: whose, its schedule, the vendor calls of `month` (`2026-11`)."""

body = Table(
    "body",
    metadata,
    words("sha256", primary_key=True),
    words("codec"),
    Column("size", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("data", LargeBinary),
)
"""Archived bytes by content; `data` is NULL where they lie in the object store. `stored`: bytes kept."""

payload = Table(
    "payload",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=True),
    reference("site", "site.id"),
    words("connector"),
    words("source"),
    words("filename", nullable=True),
    words("mime"),
    reference("sha256", "body.sha256", index=True),
    words("identity", nullable=True),
    Column("size", BigInteger, nullable=False),
    at("received_at"),
    document("headers"),
    document("wrapped_in", "[]"),
    words("state"),
    words("kind", server_default=""),
    words("reason", nullable=True),
    count("attempts"),
    words("lease", nullable=True),
    at("leased_until", nullable=True),
    document("summary"),
    UniqueConstraint("site", "identity"),
    Index("ix_payload_site_id", "site", "id"),
    Index("ix_payload_state_leased_until", "state", "leased_until"),
    sqlite_autoincrement=True,
)
"""`identity` is the sha256 of a file, NULL for a poll (each poll is a payload of its own)."""

payload_point = Table(
    "payload_point",
    metadata,
    Column("usage_point", Integer, ForeignKey("usage_point.n"), primary_key=True),
    Column("payload", BigInteger, ForeignKey("payload.id"), primary_key=True),
    Index("ix_payload_point_payload", "payload"),
    sqlite_with_rowid=False,
)
"""Which payloads speak of which usage points: what a replay must read."""

erased_meter = Table(
    "erased_meter",
    metadata,
    words("word", primary_key=True),
    Column("through", BigInteger, nullable=False),
)
"""A meter (as a digest) whose owner had everything deleted: payloads up to `through` say nothing of it."""

energy_day = Table(
    "energy_day",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("usage_point", Integer, primary_key=True, autoincrement=False),
    Column("flow", SmallInteger, primary_key=True, autoincrement=False),
    Column("total_wh", BigInteger, nullable=False),
    Column("found", SmallInteger, nullable=False),
    Column("estimated", SmallInteger, nullable=False),
    Column("derived", SmallInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("payload", BigInteger, nullable=False),
    Column("values", LargeBinary, nullable=False),
    Column("flags", LargeBinary),
    Column("revisions", LargeBinary),
    Column("payloads", LargeBinary),
    Index(
        "ix_energy_day_by_point", "usage_point", "flow", "day", "total_wh", "found", "estimated", "derived"
    ),
    sqlite_with_rowid=False,
)
"""One usage point, one flow, one local day. `values`: little-endian int32 Wh by slot, INT_MIN missing.
`flags` (uint8) is NULL where all are 0; `revisions` and `payloads` (int64) only where they differ by slot."""

energy_superseded = Table(
    "energy_superseded",
    metadata,
    Column("usage_point", Integer, primary_key=True, autoincrement=False),
    Column("flow", SmallInteger, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("slot", SmallInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("flags", SmallInteger, primary_key=True, autoincrement=False),
    Column("wh", Integer, primary_key=True, autoincrement=False),
    Column("payload", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Readings that lost to a greater one with another value or quality: kept readable."""

observation = Table(
    "observation",
    metadata,
    Column("usage_point", Integer, ForeignKey("usage_point.n"), primary_key=True, autoincrement=False),
    Column("at", Instant, primary_key=True),
    Column("payload", BigInteger, ForeignKey("payload.id"), primary_key=True, autoincrement=False),
    document("values"),
    Column("day", Integer),
    words("verdict", nullable=True),
    words("booked_wh", nullable=True),
    words("sealed", nullable=True),
    Index("ix_observation_payload", "payload"),
    sqlite_with_rowid=False,
)
"""What a device said at one moment; `day` is local, `verdict` and `booked_wh` are of register reports.
`sealed`: values that are nobody else's business (where a car is), as sealed JSON."""

point_state = Table(
    "point_state",
    metadata,
    Column("usage_point", Integer, ForeignKey("usage_point.n"), primary_key=True, autoincrement=False),
    Column("payload", BigInteger, nullable=False),
    document("register"),
    document("latest"),
    sqlite_with_rowid=False,
)
"""What the next payload's accounting goes on from; `payload` is the newest that reported a register.
`latest`: name -> [value, instant, payload] of the newest observation that has it."""
