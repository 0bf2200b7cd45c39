"""Registers: verdicts beside observations, what accounting goes on from, and the view of air conditioners.

A database that is new today has the columns from its first step, which makes every table as it is now.
"""

import sqlalchemy as sa
from alembic import op

from wattledger.store.tables import metadata
from wattledger.store.views import create_views, drop_views

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ADDED = {
    "observation": ("day", "verdict", "booked_wh"),
    "connection": ("last_asked", "paused_until"),
}


def upgrade() -> None:
    """Add what is not there yet; every row stays as it is."""
    bind = op.get_bind()
    there = sa.inspect(bind)
    for table, names in ADDED.items():
        known = {column["name"] for column in there.get_columns(table)}
        for name in names:
            if name not in known:
                op.add_column(table, sa.Column(name, metadata.tables[table].c[name].type, nullable=True))
    metadata.tables["point_state"].create(bind, checkfirst=True)
    create_views(bind)


def downgrade() -> None:
    """Take it away again."""
    drop_views(op.get_bind())
    op.drop_table("point_state")
    for table, names in ADDED.items():
        for name in names:
            op.drop_column(table, name)
