"""v3: subscribing cars to the webhook, without which the vendor stores next to nothing of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from wattledger.connectors.base import Account
from wattledger.connectors.http import exchange
from wattledger.connectors.reading import mapping, rows
from wattledger.connectors.smartcar.errors import trouble_of
from wattledger.connectors.smartcar.reading import identifier, load
from wattledger.errors import WattledgerError

NO_WEBHOOK = "The Smartcar application has no enabled webhook; make one in its dashboard."
MANY = "The Smartcar application has several webhooks; name one with SMARTCAR_WEBHOOK_ID."
UNMANAGED = "SMARTCAR_MANAGEMENT_URL is not set; cars can't be subscribed to the webhook."
THERE = 409
"""of a car that is subscribed already"""


@dataclass(slots=True)
class Subscriber:
    """What one process knows of webhooks: losing it costs a call that is free."""

    webhooks: dict[str, str] = field(default_factory=dict)
    """management address -> the application's only webhook"""

    async def subscribe(self, account: Account, user: str, car: str) -> tuple[str | None, str | None]:
        """The webhook that a car is subscribed to now, or why it is to none. Never raises our errors."""
        base = str(account.options.get("management_url") or "").rstrip("/")
        if not base:
            return None, UNMANAGED
        try:
            webhook = await self._webhook(account, base)
            if webhook is None or identifier(webhook) is None:
                return None, webhook or NO_WEBHOOK
            about = {"webhookId": webhook, "userId": user, "vehicleId": car}
            answer = await exchange(
                account.http, "POST", f"{base}/v3/subscriptions", json={"data": {"attributes": about}}
            )
        except WattledgerError as error:
            return None, str(error)
        if 200 <= answer.status < 300 or answer.status == THERE:
            return webhook, None
        self.webhooks.pop(base, None)
        return None, trouble_of(answer, account.now).message

    async def _webhook(self, account: Account, base: str) -> str | None:
        """The id of the webhook; a sentence where several are to be chosen from, None where there is none."""
        if named := account.options.get("webhook_id"):
            return str(named)
        if base not in self.webhooks:
            answer = await exchange(account.http, "GET", f"{base}/v3/webhooks")
            if not 200 <= answer.status < 300:
                return trouble_of(answer, account.now).message
            found = [mapping(item) for item in rows(load(answer.body).get("data"))]
            enabled = [w for w in found if mapping(w.get("attributes")).get("isEnabled") is not False]
            ids = [id for webhook in enabled if (id := identifier(webhook.get("id")))]
            if len(ids) != 1:
                return MANY if ids else None
            self.webhooks[base] = ids[0]
        return self.webhooks[base]
