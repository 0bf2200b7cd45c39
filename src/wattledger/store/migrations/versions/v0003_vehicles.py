"""Vehicles with schedules of their own, invitations, places that are sealed, and alerts."""

import sqlalchemy as sa
from alembic import op

from wattledger.store.migrations.local_days import fill_days
from wattledger.store.views import VEHICLES, create_views, drop_views

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT, INTEGER, JSON, INSTANT = sa.Text(), sa.Integer(), sa.JSON(), sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add columns and tables; every row stays as it is, but for local days that were not there."""
    for name in ("home", "webhook"):
        op.add_column("site", sa.Column(name, TEXT))
    op.add_column("observation", sa.Column("sealed", TEXT))
    op.add_column("connection", sa.Column("warned", TEXT))
    op.add_column("api_token", sa.Column("purpose", TEXT))
    op.add_column("heartbeat", sa.Column("good_at", INSTANT))
    for name in ("site", "usage_point"):
        op.add_column(name, sa.Column("choices", JSON, nullable=False, server_default="{}"))
    for name in ("role", "email", "browser"):
        op.add_column("login_link", sa.Column(name, TEXT))
    op.add_column("membership", sa.Column("used_at", INSTANT))
    op.add_column("audit", sa.Column("site", TEXT))
    op.create_index("ix_audit_site_id", "audit", ["site", "id"])
    with op.batch_alter_table("login_link") as table:
        table.add_column(sa.Column("site", TEXT))
        table.create_foreign_key("fk_login_link_site", "site", ["site"], ["id"])
    fill_days(op.get_bind())
    _claims()
    _vehicles()
    _alerts()
    _erased()
    create_views(op.get_bind(), VEHICLES)


def _claims() -> None:
    op.create_table(
        "meter_claim",
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("site", TEXT, sa.ForeignKey("site.id"), nullable=False),
        sa.Column("person", TEXT, sa.ForeignKey("person.id")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("external_id", "site", name="pk_meter_claim"),
    )


def _vehicles() -> None:
    op.create_table(
        "vehicle",
        sa.Column("usage_point", INTEGER, sa.ForeignKey("usage_point.n"), autoincrement=False),
        sa.Column("connection", TEXT, sa.ForeignKey("connection.id")),
        sa.Column("person", TEXT, sa.ForeignKey("person.id")),
        *(_counted(name) for name in ("is_active", "is_primary")),
        *(sa.Column(name, JSON, nullable=False, server_default="{}") for name in ("options", "status")),
        sa.Column("next_poll_at", INSTANT),
        _counted("is_firm"),
        sa.Column("month", TEXT, nullable=False, server_default=""),
        _counted("calls"),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("created_at", "updated_at")),
        sa.PrimaryKeyConstraint("usage_point", name="pk_vehicle"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_vehicle_connection", "vehicle", ["connection"])
    op.create_index("ix_vehicle_person", "vehicle", ["person"])


def _alerts() -> None:
    op.create_table(
        "alert",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("site", TEXT, sa.ForeignKey("site.id"), nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("kind", "subject", "level")),
        sa.Column("said", JSON, nullable=False, server_default="{}"),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("opened_at", "seen_at")),
        sa.Column("closed_at", INSTANT),
        sa.Column("event", TEXT),
        sa.Column("next_tell_at", INSTANT),
        _counted("tries"),
        sa.Column("told", JSON, nullable=False, server_default="{}"),
        sa.Column("told_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_alert"),
    )
    op.create_index("ix_alert_site_closed_at", "alert", ["site", "closed_at"])
    op.create_index("ix_alert_next_tell_at", "alert", ["next_tell_at"])


def _erased() -> None:
    op.create_table(
        "erased_meter",
        sa.Column("word", TEXT, nullable=False),
        sa.Column("through", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("word", name="pk_erased_meter"),
    )
    for name in ("payload_point", "observation"):
        op.create_index(f"ix_{name}_payload", name, ["payload"])


def _counted(name: str) -> sa.Column[int]:
    return sa.Column(name, INTEGER, nullable=False, server_default="0")


def downgrade() -> None:
    """Take it away again."""
    drop_views(op.get_bind(), VEHICLES)
    for name in ("payload_point", "observation"):
        op.drop_index(f"ix_{name}_payload", name)
    op.drop_table("erased_meter")
    op.drop_table("alert")
    op.drop_table("vehicle")
    op.drop_table("meter_claim")
    op.drop_index("ix_audit_site_id", "audit")
    op.drop_column("audit", "site")
    op.drop_column("membership", "used_at")
    for name in ("role", "email", "browser"):
        op.drop_column("login_link", name)
    with op.batch_alter_table("login_link") as table:
        table.drop_constraint("fk_login_link_site", type_="foreignkey")
        table.drop_column("site")
    for name in ("site", "usage_point"):
        op.drop_column(name, "choices")
    op.drop_column("heartbeat", "good_at")
    op.drop_column("api_token", "purpose")
    op.drop_column("connection", "warned")
    op.drop_column("observation", "sealed")
    for name in ("webhook", "home"):
        op.drop_column("site", name)
