"""Two sites with people of every role, and things of the first one to be asked for by the other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response
from sqlalchemy import insert, select

from tests.payloads import smt
from tests.web.helpers import ADMIN, BASE, machine
from tests.web.matrix import Row
from wattledger.clock import token
from wattledger.insight.alerts import Alert, Kind
from wattledger.model import Payload, Source
from wattledger.store import Store
from wattledger.store.people.sites import DEFAULT_SITE
from wattledger.store.tables import metadata, usage_point, vehicle
from wattledger.store.tables import person as people
from wattledger.web.throttle import Throttle

UNKNOWN = {"payload": "999999", "meter": "1" * 17, "device": "unknown"}
NOWHERE = "f" * 32
VOLATILE = {"last_used_at", "seen_at", "previous", "hash"}


class World:
    """A hub with two sites. `ask` calls a route in somebody's name."""

    def __init__(self, app: FastAPI, store: Store) -> None:
        self.app, self.store = app, store
        clock = app.state.hub.clock
        for name in ("failures", "links", "mails"):
            setattr(app.state.hub, name, Throttle(clock, 1_000_000, 1_000_000))
        self.headers: dict[str, dict[str, str]] = {"nobody": {}, "machine": machine()}
        self.headers["admin header"] = {"x-admin-token": ADMIN}
        self.other = ""
        self._made = 0

    def like(self, other: World) -> None:
        """Take up another one's ledger of which this store is a copy."""
        self.headers, self.other = dict(other.headers), other.other

    async def begin(self) -> None:
        """People of the first site, a second site with an owner, and a meter's file."""
        await self.store.people.add_user("owner@example.org")
        for role in ("member", "admin", "operator"):
            await self.join(f"{role}@example.org", "member" if role == "operator" else role)
        async with self.store.begin() as c:
            operator = people.c.email == "operator@example.org"
            await c.execute(people.update().where(operator).values(is_admin=1))
        self.other = (await self.store.sites.add("Other", "America/Denver", None, "tests")).id
        await self.join("stranger@example.org", "owner", self.other)
        for role in ("owner", "member", "admin", "operator", "stranger"):
            await self.let_in(role)
        await self.upload(b"")
        theirs = smt.csv(smt.Day(smt.FALL, esiid=smt.CENTERPOINT))
        await self.store.payloads.deliver(self.other, self._file(theirs))

    async def join(self, email: str, role: str, site: str = DEFAULT_SITE) -> str:
        """Make somebody a member by accepting an invitation; their id."""
        word = await self.store.people.invite(site, email, role, "tests")
        assert await self.store.people.accept(word, self.app.state.hub.clock.now())
        found = await self.store.people.by_email(email)
        assert found is not None
        return found.id

    async def let_in(self, role: str) -> None:
        """A token for somebody of that role."""
        site = self.other if role == "stranger" else DEFAULT_SITE
        word = await self.store.people.api_token(f"{role}@example.org", "tests", site)
        self.headers[role] = {"authorization": f"Bearer {word}"}

    async def again(self, role: str) -> None:
        """Somebody who left is back."""
        if role in ("member", "admin", "operator"):
            await self.join(f"{role}@example.org", "member" if role == "operator" else role)
            await self.let_in(role)

    async def upload(self, more: bytes) -> str:
        body = smt.csv(*smt.days(smt.FALL, 3)) + more
        return str((await self.store.payloads.deliver(DEFAULT_SITE, self._file(body))).id)

    def _file(self, body: bytes) -> Payload:
        now = self.app.state.hub.clock.now()
        return Payload("smart_meter_texas", Source.UPLOAD, body, now, "x.csv", "text/csv")

    async def ask(self, who: str, row: Row, id: str | None = None) -> Response:
        """Call a route; without an id with one that names nothing."""
        headers = {**self.headers[who], "accept": "application/json"}
        async with AsyncClient(transport=ASGITransport(self.app), base_url=BASE, headers=headers) as client:
            return await client.request(row.method, **self.sent(row, id))

    def sent(self, row: Row, id: str | None = None) -> dict[str, Any]:
        """Address and body of a call."""
        named = id or UNKNOWN.get(row.id or "", NOWHERE)
        path = row.path.replace("{id}", named).replace("{sha256}", "0" * 64)
        if row.asks:
            path += "?" + row.asks.replace("{id}", named)
        if row.method in ("GET", "DELETE"):
            return {"url": path}
        body = self._filled(row.body or {}, named)
        return {"url": path, "data": {"x": "", **body}} if row.form else {"url": path, "json": body}

    def _filled(self, body: Mapping[str, Any], id: str) -> dict[str, Any]:
        return {
            k: v.replace("{id}", id).replace("{other}", self.other) if isinstance(v, str) else v
            for k, v in body.items()
        }

    async def make(self, kind: str) -> str:
        """A new thing of the first site, by kind; its id."""
        self._made += 1
        return str(await getattr(self, f"_{kind}")())

    async def _point(self) -> str:
        return (await self.store.points.by_external(smt.ONCOR)).id

    async def _meter(self) -> str:
        return smt.ONCOR

    async def _device(self) -> str:
        id = await self._vehicle()
        async with self.store.begin() as c:
            values = {"connector": "smartthings", "kind": "appliance", "external_id": id[:8]}
            await c.execute(usage_point.update().where(usage_point.c.id == id).values(values))
        return id[:8]

    async def _payload(self) -> str:
        return await self.upload(b"\n" * self._made)

    async def _token(self) -> str:
        await self.store.people.api_token("owner@example.org", f"t{self._made}", DEFAULT_SITE)
        found = await self.store.people.by_email("owner@example.org")
        assert found is not None
        names = {row.name: row.id for row in await self.store.people.api_tokens(found.id)}
        return names[f"t{self._made}"]

    async def _member(self) -> str:
        return await self.join(f"m{self._made}@example.org", "member")

    async def _invitation(self) -> str:
        await self.store.people.invite(DEFAULT_SITE, f"i{self._made}@example.org", "member", "tests")
        return (await self.store.people.invitations(DEFAULT_SITE, self.app.state.hub.clock.now()))[0].id

    async def _connection(self) -> str:
        made = {"token": f"a-{self._made}", "set_at": self.app.state.hub.clock.now().isoformat()}
        options = {"timezone": "America/Chicago", "base_url": "http://127.0.0.1:9"}
        return (await self.store.connections.create(DEFAULT_SITE, "smartthings", options, made)).id

    async def _grant(self) -> str:
        options = {
            "api": "v2",
            "mode": "simulated",
            "timezone": "America/Chicago",
            "base_url": "http://127.0.0.1:9",
        }
        return (await self.store.connections.create(DEFAULT_SITE, "smartcar", options, {})).id

    async def _alert(self) -> str:
        now = self.app.state.hub.clock.now()
        one = Alert(Kind.GAP, f"meter:{self._made}", "caution", "A day", now, "Text.", "Do it.", "/gaps")
        made = await self.store.alerts.reconcile(DEFAULT_SITE, now, [one], keep=lambda row: True)
        return made.opened[0].id

    async def _site(self) -> str:
        return DEFAULT_SITE

    async def _vehicle(self) -> str:
        id, now = token()[:16].encode().hex(), self.app.state.hub.clock.now()
        common = {"site": DEFAULT_SITE, "connector": "smartcar", "kind": "vehicle", "name": "Car"}
        async with self.store.begin() as c:
            values = {"id": id, "external_id": f"car-{self._made}", "timezone": "America/Chicago"}
            await c.execute(insert(usage_point).values(**common, **values, details={}, created_at=now))
            n = await c.scalar(select(usage_point.c.n).where(usage_point.c.id == id))
            beside = {"is_active": 1, "options": {}, "status": {}, "created_at": now, "updated_at": now}
            await c.execute(insert(vehicle).values(usage_point=n, **beside))
        return id

    async def everything(self) -> str:
        """A digest of every row of every table, but for when something was last used."""
        told = hashlib.sha256()
        async with self.store.connect() as c:
            for table in metadata.sorted_tables:
                columns = [column for column in table.c if column.name not in VOLATILE]
                rows = sorted(map(repr, (await c.execute(select(*columns))).all()))
                told.update(f"{table.name} {len(rows)} {rows}".encode())
        return told.hexdigest()
