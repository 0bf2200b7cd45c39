"""What a database says of claims: a trigger that notes every one, and who came too early or too late."""

from __future__ import annotations

import psycopg

WATCH = """
CREATE TABLE claims (at timestamptz, payload bigint, who inet, old_lease text, old_until timestamptz,
                     lease text, was text, state text);
CREATE FUNCTION note_claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO claims VALUES (clock_timestamp(), NEW.id, inet_client_addr(), OLD.lease, OLD.leased_until,
                               NEW.lease, OLD.state, NEW.state);
    RETURN NEW;
END $$;
CREATE TRIGGER watch AFTER UPDATE ON payload FOR EACH ROW EXECUTE FUNCTION note_claim();
"""
CLAIMED = "lease IS DISTINCT FROM old_lease AND lease IS NOT NULL"
DOUBLE = f"SELECT count(*) FROM claims WHERE {CLAIMED} AND old_until > at"
TAKEN = (
    "SELECT count(*), coalesce(max(extract(epoch FROM at - old_until)), 0)::float"
    f" FROM claims WHERE {CLAIMED} AND old_until <= at"
)
SETTLED = (
    "SELECT count(*), count(DISTINCT payload) FROM claims"
    " WHERE was = 'stored' AND state IN ('read', 'rejected')"
)
AFTER = "SELECT count(*) FROM claims WHERE was <> 'stored' AND state <> was"


def watch(connection: psycopg.Connection) -> None:
    """Note every claim from now on."""
    connection.execute(WATCH)


def one(connection: psycopg.Connection, query: str) -> tuple[float, ...]:
    """The only row of a query."""
    row = connection.execute(query).fetchone()  # type: ignore[arg-type, unused-ignore]
    assert row is not None
    return tuple(row)
