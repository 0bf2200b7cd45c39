"""What an owner chose about alerts: whether by mail, and which are muted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wattledger.insight.alerts import Kind
from wattledger.store.alerts.alerts import AlertRow
from wattledger.store.people.sites import SiteRow, Sites

MOST_MUTED = 500


@dataclass(frozen=True, slots=True)
class Wishes:
    """`muted` holds kinds (`gap`), and single alerts as kind and subject (`gap meter:...`)."""

    mail: bool = True
    muted: frozenset[str] = frozenset()

    def mutes(self, row: AlertRow) -> bool:
        """Whether an alert is neither counted nor told."""
        return row.kind in self.muted or mark(row) in self.muted


def mark(row: AlertRow) -> str:
    """How a single alert is muted."""
    return f"{row.kind} {row.subject}"


def wishes_of(choices: Mapping[str, Any]) -> Wishes:
    """What a site's choices say of alerts."""
    said = choices.get("alerts")
    said = said if isinstance(said, Mapping) else {}
    return Wishes(said.get("mail") is not False, frozenset(map(str, said.get("muted") or ())))


async def keep(sites: Sites, site: SiteRow, wishes: Wishes, by: str) -> SiteRow:
    """Store an owner's wishes; kinds that are none are left out."""
    kinds = {kind.value for kind in Kind}
    muted = sorted(word for word in wishes.muted if word.partition(" ")[0] in kinds)[:MOST_MUTED]
    return await sites.choose(site.id, by, alerts={"mail": wishes.mail, "muted": muted})
