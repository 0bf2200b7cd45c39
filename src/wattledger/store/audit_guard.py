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
        _on(audit, "after_create", _SQLITE.format(verb=verb, sentence=_SENTENCE), "sqlite")
    for statement in _POSTGRES:
        _on(audit, "after_create", statement, "postgresql")
    _on(audit, "after_drop", "DROP FUNCTION IF EXISTS audit_only_added()", "postgresql")


def _on(audit: Table, moment: str, statement: str, dialect: str) -> None:
    command = DDL(statement)  # type: ignore[no-untyped-call]
    event.listen(audit, moment, command.execute_if(dialect=dialect))
