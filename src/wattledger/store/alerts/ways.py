"""Where a site's alerts go besides its people's mail: a webhook of its owner's, sealed with its secret."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from sqlalchemy import select, update

from wattledger.errors import NotFound
from wattledger.secrets import Vault
from wattledger.store.database import Database
from wattledger.store.people.audit import Audit
from wattledger.store.tables import site


@dataclass(frozen=True, slots=True)
class Hook:
    """An address that takes alerts, and the secret by which it knows us."""

    url: str
    secret: str = field(repr=False)


class Hooks:
    """The column of sites that holds their webhook."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._audit = Audit(database)

    async def get(self, id: str) -> Hook | None:
        """A site's webhook. Raises NotFound, SecretUnreadable."""
        async with self._database.connect() as connection:
            row = (await connection.execute(select(site.c.webhook).where(site.c.id == id))).one_or_none()
        if row is None:
            raise NotFound("There is no such site.")
        return None if row.webhook is None else Hook(**json.loads(self._vault.open(row.webhook, **_cell(id))))

    async def set(self, id: str, hook: Hook | None, by: str) -> None:
        """Keep a site's webhook; None takes it back. Raises NotFound; Misconfigured without a sealing key."""
        sealed = None
        if hook is not None:
            text = json.dumps({"url": hook.url, "secret": hook.secret}).encode()
            sealed = self._vault.seal(text, **_cell(id))
        async with self._database.begin() as connection:
            done = await connection.execute(update(site).where(site.c.id == id).values(webhook=sealed))
            if not done.rowcount:
                raise NotFound("There is no such site.")
            action = "site.webhook_removed" if hook is None else "site.webhook_set"
            await self._audit.record(connection, by, action, f"site:{id}", site=id)


def _cell(id: str) -> dict[str, str]:
    return {"table": "site", "row": id, "column": "webhook"}
