"""Registers: verdicts beside observations, what accounting goes on from, and the view of air conditioners."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from wattledger.store.views import AIR_CONDITIONERS, create_views, drop_views

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ADDED: dict[str, dict[str, sa.types.TypeEngine[Any]]] = {
    "observation": {"day": sa.Integer(), "verdict": sa.Text(), "booked_wh": sa.Text()},
    "connection": {
        "last_asked": INSTANT,
        "paused_until": INSTANT,
        "listener": sa.Text(),
        "listening_until": INSTANT,
        "listen_at": INSTANT,
        "listen_failures": sa.Integer(),
    },
}


def upgrade() -> None:
    """Add columns, a table and a view; every row stays as it is."""
    for table, columns in ADDED.items():
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind))
    op.create_table(
        "point_state",
        sa.Column("usage_point", sa.Integer, sa.ForeignKey("usage_point.n"), autoincrement=False),
        sa.Column("payload", sa.BigInteger, nullable=False),
        sa.Column("register", sa.JSON, nullable=False, server_default="{}"),
        sa.Column("latest", sa.JSON, nullable=False, server_default="{}"),
        sa.PrimaryKeyConstraint("usage_point", name="pk_point_state"),
        sqlite_with_rowid=False,
    )
    create_views(op.get_bind(), AIR_CONDITIONERS)


def downgrade() -> None:
    """Take it away again."""
    drop_views(op.get_bind(), AIR_CONDITIONERS)
    op.drop_table("point_state")
    for table, columns in ADDED.items():
        for name in columns:
            op.drop_column(table, name)
