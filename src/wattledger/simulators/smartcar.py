"""Smartcar on loopback: the car of the simulated home, and any other vehicle a test wants to have."""

from __future__ import annotations

from contextlib import AsyncExitStack
from types import TracebackType

from wattledger.simulators import http
from wattledger.simulators.smartcar_app import Transports, make_app, protocol
from wattledger.simulators.smartcar_connect import Desk
from wattledger.simulators.smartcar_push import Push
from wattledger.simulators.smartcar_vendor import Vendor


class SmartcarSimulator(Vendor):
    """`async with SmartcarSimulator() as vendor`: `vendor.url`, `vendor.environment()`.

    `desk` decides at Connect, `script` makes calls fail, `calls` tells what was asked and `billed` what
    it cost. `issuer` has v2's tokens, `app` v3's, `garage` the vehicles and who granted them; `push`
    sends to the callback of `webhooks[0]`.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.desk = Desk()
        self.push = Push(self)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> SmartcarSimulator:
        transports: Transports = {}
        app = make_app(self, self.desk, transports)
        self.url = await self._stack.enter_async_context(http.serve(app, http=protocol(transports)))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def environment(self, api: str = "v2") -> dict[str, str]:
        """The settings that a hub needs to use this vendor by one generation of its API."""
        own = {
            "SMARTCAR_CLIENT_ID": self.client_id,
            "SMARTCAR_CLIENT_SECRET": self.issuer.client_secret,
            "SMARTCAR_REDIRECT_URI": self.redirect_uris[0],
            "SMARTCAR_MANAGEMENT_TOKEN": self.management_token,
            "SMARTCAR_WEBHOOK_ID": self.webhooks[0].id,
            "SMARTCAR_API_VERSION": api,
        }
        if api == "v3":
            own["SMARTCAR_API_CLIENT_ID"] = self.app.client_id
            own["SMARTCAR_API_CLIENT_SECRET"] = self.app.client_secret
        hosts = ("BASE", "AUTH", "CONNECT", "IAM", "VEHICLE", "MANAGEMENT")
        return {**own, **{f"SMARTCAR_{host}_URL": self.url for host in hosts}}
