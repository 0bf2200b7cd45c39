"""The schema's versions. `HEAD` is the newest; Alembic is imported only where a database is behind."""

HEAD = "0003"
