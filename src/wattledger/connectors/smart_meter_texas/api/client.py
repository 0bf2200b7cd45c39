"""The REST client of Smart Meter Texas, for the whitelisted host only.

    client = make_client(base_url, Requester("INTELLIPATH", duns="134642921"), password)
    answer = await perform("daily_reads", {"esiid": ..., "start": "2026-11-01", "end": "2026-11-02"}, client)

Every call carries a JWT: cached, renewed at 80 % of its life, and on a 401 once, followed by one more try.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from httpx2 import AsyncClient

from wattledger import localday
from wattledger.clock import Clock, SystemClock, token
from wattledger.connectors.base import Token
from wattledger.connectors.http import HttpAnswer, exchange, open_client
from wattledger.connectors.patience import Patience
from wattledger.connectors.smart_meter_texas.api.answers import outcome
from wattledger.connectors.smart_meter_texas.api.limits import ApiLimits
from wattledger.connectors.smart_meter_texas.api.outcomes import Outcome
from wattledger.connectors.smart_meter_texas.api.requests import ApiCall, Requester, calls
from wattledger.connectors.smart_meter_texas.auth import SmtGrant
from wattledger.connectors.smart_meter_texas.interval.labels import ZONE
from wattledger.connectors.tokens import TokenHolder
from wattledger.errors import WattledgerError
from wattledger.faults import sabotaged

BACK_OFF = 1.0
"""seconds at most between a renewed token and the second try"""


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What one request brought. `body`: the vendor's JSON as received, or an array of several answers.

    `left` counts calls that were not made: later days' share of a long backfill, or after `stopped_by`.
    """

    kind: str
    trans_id: str
    body: bytes = field(repr=False)
    outcomes: tuple[Outcome, ...]
    left: int = 0
    stopped_by: WattledgerError | None = None


def new_trans_id(clock: Clock) -> str:
    """A transaction id that no other call has: 28 characters, the vendor takes 32."""
    return f"WL{clock.now():%Y%m%d%H%M%S}{re.sub('[^A-Za-z0-9]', '0', token(9))}"


class SmtClient:
    """One account's API. Share one per process, so that its token and its limits are shared."""

    def __init__(
        self,
        http: AsyncClient,
        who: Requester,
        password: str,
        *,
        clock: Clock | None = None,
        patience: Patience | None = None,
        trans_id: Callable[[], str] | None = None,
    ) -> None:
        self.who = who
        self.clock = clock or SystemClock()
        self.limits = ApiLimits(self.clock)
        self._http = http
        self._patience = patience or Patience(clock=self.clock)
        self._trans_id = trans_id or (lambda: new_trans_id(self.clock))
        self._grant = SmtGrant(self.clock)
        self._secrets = {"username": who.username, "password": password}
        self._last: Token | None = None
        self._tokens = TokenHolder(self._ask_token, self.clock)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    def today(self) -> date:
        """The vendor's day."""
        return localday.day(localday.today(self.clock.now(), ZONE))

    async def send(self, call: ApiCall) -> tuple[str, Outcome]:
        """One call: its transaction id and what the vendor said.

        Raises LoginRequired, Misconfigured, TryLater (with Maintenance and HtmlWall). A call that could
        take effect twice is never repeated after it may have arrived.
        """
        self.limits.take(call)
        return await self._patience.call(lambda: self._signed(call), again=call.repeatable)

    async def _signed(self, call: ApiCall) -> tuple[str, Outcome]:
        trans_id = self._trans_id()
        held = await self._tokens.get()
        answer = await self._post(call, trans_id, held)
        if _token_refused(answer):
            fresh = await self._tokens.renew(held)
            await self._patience.sleep(BACK_OFF * self._patience.share())
            answer = await self._post(call, trans_id, fresh)
        return trans_id, outcome(answer, str(call.body.get("correlationId", "")))

    async def _post(self, call: ApiCall, trans_id: str, held: Token) -> HttpAnswer:
        named = {"username": self.who.username, "serviceId": self.who.username} if call.named else {}
        headers = {"Authorization": f"Bearer {held.access}", **named}
        return await exchange(
            self._http, "POST", call.path, json={"trans_id": trans_id, **call.body}, headers=headers
        )

    async def _ask_token(self) -> Token:
        self._last = await self._grant.token(self._secrets, self._last, self._http)
        return self._last


def _token_refused(answer: HttpAnswer) -> bool:
    """Whether a 401 may be about the token; one with an errorCode is about the right to do this."""
    if answer.status != 401 or sabotaged("renew_on_401"):
        return False
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return True
    return not (isinstance(said, dict) and "errorCode" in said)


def make_client(
    base_url: str, who: Requester, password: str, clock: Clock | None = None, patience: Patience | None = None
) -> SmtClient:
    """A client for that address. Raises Misconfigured for one that isn't http(s)."""
    return SmtClient(open_client(base_url), who, password, clock=clock, patience=patience)


async def perform(kind: str, request: Mapping[str, Any], client: SmtClient) -> ApiAnswer:
    """One request of the hub or of a command: checked, made, and its answer as bytes for the one road.

    Raises Refused (naming the field), LoginRequired, Misconfigured, TryLater.
    """
    days = calls(kind, request, client.who, client.today())
    waiting = sum(len(later) for later in days[1:])
    sent: list[tuple[str, Outcome]] = []
    stopped: WattledgerError | None = None
    for call in days[0]:
        try:
            sent.append(await client.send(call))
        except WattledgerError as error:
            if not sent:
                raise
            stopped = error
            break
    left = waiting + len(days[0]) - len(sent)
    outcomes = tuple(said for _, said in sent)
    return ApiAnswer(kind, sent[0][0], _joined([said.raw for said in outcomes]), outcomes, left, stopped)


def _joined(answers: list[bytes]) -> bytes:
    """One answer as received; several as a JSON array of them."""
    return answers[0] if len(answers) == 1 else b"[" + b",".join(map(_as_json, answers)) + b"]"


def _as_json(raw: bytes) -> bytes:
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return json.dumps(raw.decode("utf-8", "replace")).encode()
    return raw
