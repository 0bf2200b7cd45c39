"""The first schema, as it was: later changes of the tables are later versions, never a change here."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG, SMALL, INTEGER = sa.BigInteger(), sa.SmallInteger(), sa.Integer()
NUMBER = BIG.with_variant(INTEGER, "sqlite")
TEXT, JSON, BYTES, INSTANT = sa.Text(), sa.JSON(), sa.LargeBinary(), sa.DateTime(timezone=True)
TABLES = (
    "site",
    "person",
    "membership",
    "login_link",
    "session",
    "api_token",
    "audit",
    "connection",
    "heartbeat",
    "usage_point",
    "body",
    "payload",
    "payload_point",
    "energy_day",
    "energy_superseded",
    "observation",
)

_GUARDS = {
    "sqlite": (
        """CREATE TRIGGER audit_no_update BEFORE update ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are only ever added'); END""",
        """CREATE TRIGGER audit_no_delete BEFORE delete ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are only ever added'); END""",
    ),
    "postgresql": (
        """CREATE FUNCTION audit_only_added() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'audit rows are only ever added'; END $$""",
        """CREATE TRIGGER audit_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
EXECUTE FUNCTION audit_only_added()""",
    ),
}


def _needed(kind: sa.types.TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def upgrade() -> None:
    """Create every table, and what keeps audit rows from being changed."""
    _people()
    _sessions()
    _sources()
    _points()
    _payloads()
    _energy()
    _observations()
    for statement in _GUARDS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Drop every table."""
    for name in reversed(TABLES):
        op.drop_table(name)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_only_added()")


def _people() -> None:
    op.create_table(
        "site",
        *_needed(TEXT, "id", "name", "timezone"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_site"),
    )
    op.create_table(
        "person",
        *_needed(TEXT, "id", "email"),
        sa.Column("name", TEXT, server_default="", nullable=False),
        sa.Column("is_admin", INTEGER, server_default="0", nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sa.UniqueConstraint("email", name="uq_person_email"),
    )
    op.create_table(
        "membership",
        *_needed(TEXT, "person", "site", "role"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_membership_person"),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name="fk_membership_site"),
        sa.PrimaryKeyConstraint("person", "site", name="pk_membership"),
    )


def _sessions() -> None:
    op.create_table(
        "login_link",
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("person", TEXT, nullable=True),
        sa.Column("purpose", TEXT, server_default="sign-in", nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_login_link_person"),
        sa.PrimaryKeyConstraint("digest", name="pk_login_link"),
    )
    op.create_table(
        "session",
        *_needed(TEXT, "digest", "person"),
        sa.Column("site", TEXT, nullable=True),
        *_needed(INSTANT, "created_at", "seen_at", "expires_at"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_session_person"),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name="fk_session_site"),
        sa.PrimaryKeyConstraint("digest", name="pk_session"),
    )
    op.create_index("ix_session_person", "session", ["person"])
    op.create_table(
        "api_token",
        *_needed(TEXT, "id", "digest", "person"),
        sa.Column("site", TEXT, nullable=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_api_token_person"),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name="fk_api_token_site"),
        sa.PrimaryKeyConstraint("id", name="pk_api_token"),
        sa.UniqueConstraint("digest", name="uq_api_token_digest"),
    )
    op.create_index("ix_api_token_person", "api_token", ["person"])


def _sources() -> None:
    op.create_table(
        "audit",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        *_needed(TEXT, "actor", "action", "subject"),
        sa.Column("details", JSON, server_default="{}", nullable=False),
        *_needed(TEXT, "previous", "hash"),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sa.UniqueConstraint("hash", name="uq_audit_hash"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "connection",
        *_needed(TEXT, "id", "site", "connector"),
        sa.Column("options", JSON, server_default="{}", nullable=False),
        sa.Column("secrets", TEXT, nullable=True),
        sa.Column("state", TEXT, server_default="never", nullable=False),
        sa.Column("next_poll_at", INSTANT, nullable=True),
        sa.Column("lease", TEXT, nullable=True),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.Column("failures", INTEGER, server_default="0", nullable=False),
        sa.Column("last_success", INSTANT, nullable=True),
        sa.Column("last_error", TEXT, nullable=True),
        sa.Column("token", TEXT, nullable=True),
        sa.Column("token_generation", INTEGER, server_default="0", nullable=False),
        sa.Column("refresh_started_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name="fk_connection_site"),
        sa.PrimaryKeyConstraint("id", name="pk_connection"),
    )
    op.create_index("ix_connection_due", "connection", ["connector", "state", "next_poll_at"])
    op.create_index("ix_connection_site", "connection", ["site"])
    op.create_table(
        "heartbeat",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("line", JSON, server_default="{}", nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_heartbeat"),
    )


def _points() -> None:
    op.create_table(
        "usage_point",
        sa.Column("n", INTEGER, autoincrement=True, nullable=False),
        *_needed(TEXT, "id", "site", "connector", "kind", "external_id", "name", "timezone"),
        sa.Column("details", JSON, server_default="{}", nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name="fk_usage_point_site"),
        sa.PrimaryKeyConstraint("n", name="pk_usage_point"),
        sa.UniqueConstraint("external_id", name="uq_usage_point_external_id"),
        sa.UniqueConstraint("id", name="uq_usage_point_id"),
    )
    op.create_index("ix_usage_point_site", "usage_point", ["site"])
    op.create_table(
        "body",
        *_needed(TEXT, "sha256", "codec"),
        *_needed(BIG, "size", "stored"),
        sa.Column("data", BYTES, nullable=True),
        sa.PrimaryKeyConstraint("sha256", name="pk_body"),
    )


def _payloads() -> None:
    op.create_table(
        "payload",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        *_needed(TEXT, "site", "connector", "source"),
        sa.Column("filename", TEXT, nullable=True),
        *_needed(TEXT, "mime", "sha256"),
        sa.Column("identity", TEXT, nullable=True),
        sa.Column("size", BIG, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("headers", JSON, server_default="{}", nullable=False),
        sa.Column("wrapped_in", JSON, server_default="[]", nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("kind", TEXT, server_default="", nullable=False),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("attempts", INTEGER, server_default="0", nullable=False),
        sa.Column("lease", TEXT, nullable=True),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.Column("summary", JSON, server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["body.sha256"], name="fk_payload_sha256"),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name="fk_payload_site"),
        sa.PrimaryKeyConstraint("id", name="pk_payload"),
        sa.UniqueConstraint("site", "identity", name="uq_payload_site_identity"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_payload_sha256", "payload", ["sha256"])
    op.create_index("ix_payload_site_id", "payload", ["site", "id"])
    op.create_index("ix_payload_state_leased_until", "payload", ["state", "leased_until"])
    op.create_table(
        "payload_point",
        sa.Column("usage_point", INTEGER, nullable=False),
        sa.Column("payload", BIG, nullable=False),
        sa.ForeignKeyConstraint(["payload"], ["payload.id"], name="fk_payload_point_payload"),
        sa.ForeignKeyConstraint(["usage_point"], ["usage_point.n"], name="fk_payload_point_usage_point"),
        sa.PrimaryKeyConstraint("usage_point", "payload", name="pk_payload_point"),
        sqlite_with_rowid=False,
    )


def _energy() -> None:
    op.create_table(
        "energy_day",
        sa.Column("day", INTEGER, autoincrement=False, nullable=False),
        sa.Column("usage_point", INTEGER, autoincrement=False, nullable=False),
        sa.Column("flow", SMALL, autoincrement=False, nullable=False),
        sa.Column("total_wh", BIG, nullable=False),
        *_needed(SMALL, "found", "estimated", "derived"),
        *_needed(BIG, "revision", "payload"),
        sa.Column("values", BYTES, nullable=False),
        sa.Column("flags", BYTES, nullable=True),
        sa.Column("revisions", BYTES, nullable=True),
        sa.Column("payloads", BYTES, nullable=True),
        sa.PrimaryKeyConstraint("day", "usage_point", "flow", name="pk_energy_day"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_energy_day_by_point",
        "energy_day",
        ["usage_point", "flow", "day", "total_wh", "found", "estimated", "derived"],
    )
    op.create_table(
        "energy_superseded",
        sa.Column("usage_point", INTEGER, autoincrement=False, nullable=False),
        sa.Column("flow", SMALL, autoincrement=False, nullable=False),
        sa.Column("day", INTEGER, autoincrement=False, nullable=False),
        sa.Column("slot", SMALL, autoincrement=False, nullable=False),
        sa.Column("revision", BIG, autoincrement=False, nullable=False),
        sa.Column("flags", SMALL, autoincrement=False, nullable=False),
        sa.Column("wh", INTEGER, autoincrement=False, nullable=False),
        sa.Column("payload", BIG, nullable=False),
        sa.PrimaryKeyConstraint(
            "usage_point", "flow", "day", "slot", "revision", "flags", "wh", name="pk_energy_superseded"
        ),
        sqlite_with_rowid=False,
    )


def _observations() -> None:
    op.create_table(
        "observation",
        sa.Column("usage_point", INTEGER, autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("payload", BIG, autoincrement=False, nullable=False),
        sa.Column("values", JSON, server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["payload"], ["payload.id"], name="fk_observation_payload"),
        sa.ForeignKeyConstraint(["usage_point"], ["usage_point.n"], name="fk_observation_usage_point"),
        sa.PrimaryKeyConstraint("usage_point", "at", "payload", name="pk_observation"),
        sqlite_with_rowid=False,
    )
