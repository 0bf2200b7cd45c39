"""Private values of observations (where a car was): sealed JSON, each openable in its own row alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from wattledger.faults import sabotaged
from wattledger.secrets import Vault


class Private:
    """Seals and opens `observation.sealed`."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def seal(self, n: int, at: datetime, payload: int, values: Mapping[str, float]) -> str | None:
        """For the row of that usage point, instant and payload; None for nothing. Raises Misconfigured."""
        if not values:
            return None
        plain = json.dumps(dict(values))
        if sabotaged("seal_positions"):
            return plain
        return self._vault.seal(plain.encode(), **cell(n, at, payload))

    def open(self, n: int, at: datetime, payload: int, sealed: str | None) -> dict[str, float]:
        """What was sealed there, nothing for None. Raises SecretUnreadable."""
        if sealed is None:
            return {}
        found: dict[str, float] = json.loads(self._vault.open(sealed, **cell(n, at, payload)))
        return found


def cell(n: int, at: datetime, payload: int) -> dict[str, str]:
    """The cell to which the values are bound."""
    row = f"{n}|{at.astimezone(UTC).isoformat()}|{payload}"
    return {"table": "observation", "row": row, "column": "sealed"}
