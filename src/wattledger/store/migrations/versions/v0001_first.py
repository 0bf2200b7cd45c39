"""The first schema: every table, and the default site's place is left to the one who opens the store."""

from alembic import op

from wattledger.store.tables import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    metadata.create_all(op.get_bind(), checkfirst=False)


def downgrade() -> None:
    """Drop every table."""
    metadata.drop_all(op.get_bind())
