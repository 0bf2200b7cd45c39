"""The database itself refuses to change or delete audit rows."""

from __future__ import annotations

from sqlalchemy import DDL, Table, event

_SENTENCE = "audit rows are only ever added"
_SQLITE = """CREATE TRIGGER audit_no_{verb} BEFORE {verb} ON audit
BEGIN SELECT RAISE(ABORT, '{sentence}'); END"""
_POSTGRES = (
    f"""CREATE FUNCTION audit_only_added() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{_SENTENCE}'; END $$""",
    """CREATE TRIGGER audit_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
EXECUTE FUNCTION audit_only_added()""",
)


def guard(audit: Table) -> None:
    """Create the triggers along with the table."""
    for verb in ("update", "delete"):
        _along(audit, _SQLITE.format(verb=verb, sentence=_SENTENCE), "sqlite")
    for statement in _POSTGRES:
        _along(audit, statement, "postgresql")
    drop = DDL("DROP FUNCTION IF EXISTS audit_only_added()").execute_if(dialect="postgresql")
    event.listen(audit, "after_drop", drop)


def _along(audit: Table, statement: str, dialect: str) -> None:
    event.listen(audit, "after_create", DDL(statement).execute_if(dialect=dialect))
