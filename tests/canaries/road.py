"""What people, vendors and strangers do to a running hub: every road of a secret, and its troubles."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from httpx2 import AsyncClient, Response

from tests.canaries.evidence import Evidence
from tests.canaries.world import ARCHIVED, EMAIL, World
from wattledger.clock import token
from wattledger.simulators.smartcar_events import vehicle_state

SETUP, SIGN_IN, TOKENS, CONNECT = "POST /setup", "POST /auth/link", "POST /v1/tokens", "GET /v1/ev/connect"
CONSENT, ACCEPT, CALLS = "GET /v1/connections/smartthings/connect", "POST /invitation", "POST /alerts/webhook"
HOOK = "hook-canary.example.org"


@dataclass
class Road:
    """One browser and one program, and everything that they are answered."""

    world: World
    http: AsyncClient
    bearer: dict[str, str] = field(default_factory=dict)

    @property
    def evidence(self) -> Evidence:
        """Where answers are kept."""
        return self.world.evidence

    async def ask(self, method: str, path: str, **more: Any) -> Response:
        """A request; status line, headers and body are evidence."""
        answer = await self.http.request(method, path, **more)
        said = "\n".join(f"{name}: {value}" for name, value in answer.headers.multi_items())
        place = f"{method} {urlsplit(path).path}"
        self.evidence.saw(place, said.encode() + b"\n\n" + answer.content)
        self.evidence.saw_parts(place, answer.content)
        return answer

    async def program(self, method: str, path: str, **more: Any) -> Response:
        """The same with the API token."""
        return await self.ask(method, path, headers=self.bearer, **more)

    async def own(self, setup: str) -> None:
        """The first owner, by the link of the first start; a session by JSON."""
        word = self.evidence.hide("set-up word", setup, "stdout of serve *")
        body = {"token": word, "email": EMAIL, "site": "Home", "timezone": "America/Chicago"}
        said = (await self.ask("POST", "/setup", json=body)).json()
        session = self.evidence.hide("access token of the set-up", said["access_token"], SETUP)
        await self.ask("POST", "/setup", json=body)
        self.bearer = {"authorization": f"Bearer {session}"}
        made = (await self.program("POST", "/v1/tokens", json={"name": "program"})).json()
        self.bearer = {"authorization": f"Bearer {self.evidence.hide('API token', made['token'], TOKENS)}"}

    async def sign_in(self) -> None:
        """By mail, whose first try fails; the link is looked at before it is used, and used again after."""
        self.world.mail.answers.append(f"451 try later, <{EMAIL}>")
        word = await self._mailed("POST", "/v1/auth/link", {"email": EMAIL}, "auth/link")
        self.evidence.hide("magic-link word", word, "GET /auth/link")
        for method in ("HEAD", "GET"):
            await self.ask(method, "/auth/link", params={"token": word})
        self.evidence.hide_all("browser's word", self.http.cookies.values(), "POST /v1/auth/link")
        await self.ask("POST", "/auth/link", data={"token": word})
        self.evidence.hide_all("session cookie", self.http.cookies.values(), SIGN_IN)
        await self.ask("POST", "/auth/link", data={"token": word})
        stranger = self.evidence.hide("a stranger's address", f"{token(8)}@unknown.example")
        await self.ask("POST", "/v1/auth/link", json={"email": stranger})

    async def invite(self) -> None:
        """Somebody by mail, who accepts."""
        body = {"email": "grace-canary-44@example.org", "role": "member"}
        word = await self._mailed("POST", "/v1/invitations", body, "invitation")
        self.evidence.hide("invitation word", word, "GET /invitation")
        await self.ask("GET", "/invitation", params={"token": word})
        said = (await self.ask("POST", "/invitation", json={"token": word})).json()
        self.evidence.hide("access token of a member", said["access_token"], ACCEPT)

    async def _mailed(self, method: str, path: str, body: dict[str, str], link: str) -> str:
        before = len(self.world.mail.mails)
        await self.program(method, path, json=body)
        async with asyncio.timeout(20):
            while len(self.world.mail.mails) == before:
                await asyncio.sleep(0.02)
        text = self.world.mail.mails[-1].get_content()
        found = re.search(rf"{link}\?token=(\S+)", text)
        assert found, text
        return found[1]

    async def _begun(self) -> str:
        url = (await self.program("GET", "/v1/ev/connect")).json()["url"]
        query = parse_qs(urlsplit(url).query)
        self.evidence.hide("state of Smartcar", query["state"][0], CONNECT)
        self.evidence.hide_all("external id", query.get("external_id", []), CONNECT, *INSIDE)
        return str(url)

    async def car(self) -> str:
        """Connect a car: a refused code first, which the vendor repeats; then a good one, twice."""
        bad = self.evidence.hide("a refused code", f"code-{token(16)}")
        state = parse_qs(urlsplit(await self._begun()).query)["state"][0]
        query = {"code": bad, "user_id": f"nobody-{token(8)}", "state": state}
        await self.ask("GET", "/oauth/smartcar/callback", params=query)
        async with AsyncClient(trust_env=False) as vendor:
            back = (await vendor.get(await self._begun())).headers["location"]
        said = parse_qs(urlsplit(back).query)
        self.evidence.hide_all("code of Smartcar", said.get("code", []))
        self.evidence.hide_all("v3 user id", said.get("user_id", []), *INSIDE)
        landed = await self.ask("GET", back.removeprefix(self.world.base))
        await self.ask("GET", back.removeprefix(self.world.base))
        assert "vehicle_id" in landed.headers["location"], landed.headers
        return await self._troubles(await self._connection("smartcar"))

    async def _connection(self, name: str) -> str:
        listed = (await self.program("GET", "/v1/connections")).json()["connections"]
        return str(next(row["id"] for row in reversed(listed) if row.get("connector") == name))

    async def _troubles(self, connection: str) -> str:
        """Errors that carry the tokens back, in bodies that are refused, crash or are no JSON."""
        script, poll = self.world.cars.script, f"/v1/connections/{connection}/poll"
        await self.program("GET", "/v1/ev/me/telemetry/latest")
        words = self._tokens()
        echo = {"type": "SERVER", "code": words, "description": words, "resolution": {"type": words}}
        for path in ("/batch", "/signals"):
            script.fail(path, 401, {"type": "AUTHENTICATION", "description": words})
            script.fail(path, 500, echo)
            script.raw(path, f"<html>{words}</html>".encode(), 502, mime="text/html")
            script.raw(path, b"[" * 5000 + words.encode(), 200)
        for path in ("/oauth/token", "/oauth2/token"):
            script.fail(path, 400, {"error": words, "error_description": f"Invalid refresh_token: {words}"})
        for _ in range(3):
            await self.program("POST", poll)
            await self.program("GET", "/v1/ev/me/telemetry/latest")
        script.faults.clear()
        return connection

    def _tokens(self) -> str:
        """Every token that the vendor gave out, hidden from now on."""
        cars, units = self.world.cars, self.world.units.issuer
        kinds: dict[str, Iterable[str]] = {
            "v2 access token": cars.issuer.access,
            "v2 refresh token": cars.issuer.refresh,
            "v3 token": cars.app.living,
            "SmartThings access token": units.access,
            "SmartThings refresh token": units.refresh,
            "SMT token": self.world.meters.tokens,
        }
        for name, issued in kinds.items():
            self.evidence.hide_all(name, issued)
        return " ".join(word for issued in kinds.values() for word in issued)

    async def push(self) -> None:
        """Events of the car: signed, unsigned, wrongly signed, and a challenge."""
        cars = self.world.cars
        for grant in cars.garage.of(cars.user):
            event = vehicle_state(cars, grant, cars.clock.now())
            assert await cars.push.send(event, retries=False) == [200]
            cars.push.key = self.world.guess("a wrong webhook key")
            await cars.push.send(event, retries=False)
            cars.push.key = None
        await cars.push.verify()
        bad = f'{{"challenge": "{self.world.cars.management_token}'
        await self.ask("POST", "/webhooks/smartcar", content=bad)

    async def units(self) -> None:
        """SmartThings: a pasted token that is refused with its own words, another, and a sign-in."""
        world, issuer = self.world, self.world.units.issuer
        wrong = self.evidence.hide("a refused pasted token", f"pasted-{token(12)}")
        good = self.evidence.hide("pasted token", issuer.pasted())
        world.units.script.fail("/devices", 401, {"error": {"message": f"{wrong} {good}"}})
        for word in (wrong, good, good):
            await self.program("POST", "/token", json={"token": word})
        await self.program("GET", "/token")
        url = (await self.ask("GET", "/v1/connections/smartthings/connect")).json()["url"]
        state = self.evidence.hide("state of SmartThings", parse_qs(urlsplit(url).query)["state"][0], CONSENT)
        code = self.evidence.hide("code of SmartThings", issuer.code())
        await self.ask("GET", "/oauth/smartthings/callback", params={"state": state, "code": code})
        words = self._tokens()
        world.units.script.fail("/devices", 500, {"error": words})
        for _ in range(2):
            await self.program("POST", f"/v1/connections/{await self._connection('smartthings')}/poll")
        await self.program("GET", "/fetch_status")

    async def machines(self) -> None:
        """Right, wrong and missing secrets on the machine routes; a file that crashes the hub, and again."""
        env, guess = self.world.env, self.world.guess("a wrong machine secret")
        right = {
            "x-intelliwatt-secret": env["INTELLIWATT_WEBHOOK_SECRET_NEXT"],
            "x-admin-token": env["ADMIN_TOKEN"],
        }
        body = {"filename": "a.csv", "mime": "text/csv", "encoding": "base64", "content_b64": "QQ=="}
        for headers in ({**right, "x-admin-token": guess}, {"x-admin-token": guess}, right, right):
            await self.ask("POST", "/api/admin/smt/pull", json=body, headers=headers)
        for path in ("/metrics", "/api/admin/smt/token", "/api/admin/debug/smt/raw-files"):
            await self.ask("GET", path, headers=right)
        await self.ask("POST", "/v1/uploads", headers={"authorization": f"Bearer {guess}"})
        await self.ask("GET", f"/nowhere/{'x' * 50}?token={guess}", headers={"accept": "text/html"})
        await self.program("POST", "/v1/ev/me/vehicles", content=b"{" + guess.encode())

    async def hook(self) -> None:
        """Where alerts are told, and the secret with which they are signed."""
        answer = await self.ask("POST", "/alerts/webhook", data={"url": f"https://{HOOK}/x"})
        found = re.search(r"class=\"mono[^>]*>([\w-]{20,})<", answer.text)
        assert found, answer.text
        self.evidence.hide("alert webhook's secret", found[1], CALLS)
        await self.ask("POST", "/alerts/test", data={"way": "webhook"})

    async def everything(self) -> None:
        """Every page and list that a signed-in owner can open, and exports in every format."""
        document = (await self.ask("GET", "/openapi.json")).json()
        points = (await self.program("GET", "/v1/usage-points")).json()["usage_points"]
        plain = {path for path, item in document["paths"].items() if "get" in item and "{" not in path}
        pages = {"/", "/today", "/explorer", "/meter", "/sources", "/files", "/people", "/audit", "/more"}
        pages |= {"/audit/all", "/settings", "/alerts", "/car", "/air-conditioners", "/installation", "/gaps"}
        for path in sorted((plain | pages) - {"/oauth/smartcar/callback", "/export"} - OPENED):
            await self.ask("GET", path)
        assert (await self.ask("GET", "/v1/export")).content.startswith(b"PK")
        for point in points:
            await self._exports(point["id"])
        for row in (await self.program("GET", "/v1/payloads")).json()["payloads"][:5]:
            await self.program("GET", f"/v1/payloads/{row['id']}")
            await self.ask("GET", f"/files/{row['id']}")

    async def _exports(self, point: str) -> None:
        for format in ("json", "csv", "parquet"):
            await self.program("GET", f"/v1/usage-points/{point}/energy?format={format}")
            await self.program("GET", f"/v1/usage-points/{point}/sessions?format={format}")
        await self.program("GET", f"/v1/usage-points/{point}/observations")

    def finish(self) -> None:
        """What was given out since the last look."""
        self._tokens()


INSIDE = ("table *", "file wattledger.db*", ARCHIVED)
OPENED = frozenset({"/v1/ev/connect", "/v1/connections/smartthings/connect", "/sources/smartcar/connect"})
