"""A mail server that is away while the hub is killed: what must not be lost goes out afterwards."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import update

from tests.cli.test_serve import SECONDS
from tests.ev.helpers import EMAIL, bearer
from tests.ev.processes import place
from tests.load.processes import free_port
from tests.web.fake_smtp import MailServer, mail_server
from tests.web.helpers import FakeClock
from wattledger.config import Settings
from wattledger.errors import LoginRequired
from wattledger.faults import sabotage
from wattledger.store import Store
from wattledger.store.people.sites import DEFAULT_SITE
from wattledger.store.tables import alert, login_link
from wattledger.web.unsent import SETTLED, Inviter

GUEST = "guest@example.org"
FROM = "wattledger@example.org"
SMTP = {"WATTLEDGER_SMTP_HOST": "127.0.0.1", "WATTLEDGER_SMTP_SECURITY": "none", "WATTLEDGER_SMTP_FROM": FROM}


async def until(seen: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not seen():
            await asyncio.sleep(0.1)


def mails(server: MailServer, to: str) -> list[str]:
    return [mail.get_content() for mail in server.mails if mail["to"] == to]


async def test_an_invitation_outlives_the_hub(database_url: str, tmp_path: Path) -> None:
    port = free_port()
    more = {**SMTP, "WATTLEDGER_SMTP_PORT": str(port)}
    async with place(tmp_path / "home", database_url, **more) as home, home.store() as store:
        headers = await bearer(store, EMAIL)
        async with home.hub() as hub, home.browser(headers) as owner:
            invited = await owner.post("/v1/invitations", json={"email": GUEST, "role": "member"})
            assert invited.status_code == 201, invited.text
            await asyncio.to_thread(hub.line, "mail_delayed")
            (row,) = (await owner.get("/v1/invitations")).json()["invitations"]
            assert row["mailed"] is False
            hub.process.kill()
        await as_if_later(store)
        async with mail_server(port=port) as server, home.hub() as hub, home.browser(headers) as owner:
            await until(lambda: mails(server, GUEST))
            await asyncio.to_thread(hub.line, "invitation_mailed")
            (row,) = (await owner.get("/v1/invitations")).json()["invitations"]
            assert row["mailed"] is True
            (link,) = re.findall(r"token=(\S+)", "".join(mails(server, GUEST)))
            accepted = await owner.post("/invitation", json={"token": link})
            assert accepted.status_code == 200, accepted.text
        assert {one.email for one in await store.people.members(DEFAULT_SITE)} == {EMAIL, GUEST}


async def test_an_alert_outlives_the_hub(database_url: str, tmp_path: Path) -> None:
    port = free_port()
    more = {**SMTP, "WATTLEDGER_SMTP_PORT": str(port)}
    async with place(tmp_path / "home", database_url, **more) as home, home.store() as store:
        await bearer(store, EMAIL)
        made = await store.connections.create(DEFAULT_SITE, "smartcar", {"api": "v2"}, {"api": "v2"})
        await store.connections.stop(made.id, DEFAULT_SITE, LoginRequired("Smartcar ended this sign-in."))
        async with home.hub() as hub:
            await asyncio.to_thread(hub.line, "alert_untold")
            hub.process.kill()
        async with store.begin() as connection:
            await connection.execute(update(alert).values(next_tell_at=store.database.clock.now()))
        async with mail_server(port=port) as server, home.hub() as hub:
            await until(lambda: mails(server, EMAIL))
            await asyncio.to_thread(hub.line, "alert_told")
        assert len(mails(server, EMAIL)) == 1 and "Smartcar ended this sign-in." in mails(server, EMAIL)[0]


async def as_if_later(store: Store) -> None:
    """The process that made the invitation gave up long ago."""
    before = store.database.clock.now() - 2 * SETTLED
    async with store.begin() as connection:
        await connection.execute(update(login_link).values(created_at=before))


async def test_pauses_grow_and_end_with_the_invitation(
    store: Store, settings: Settings, clock: FakeClock
) -> None:
    async with mail_server() as server:
        looks = inviter(store, settings, clock, server)
        await store.people.invite(DEFAULT_SITE, GUEST, "member", "tests", by_mail=True)
        server.answers = ["550 no such user"] * 1000
        assert await looks.look() == 0 and server.sessions == 0, "its maker is still at it"
        for _ in range(8 * 24 * 4):
            clock.move(timedelta(minutes=15))
            await looks.look()
        assert 10 < server.sessions < 40
        assert await store.people.unsent(clock.now()) == []


async def test_sabotage_mail_again_is_noticed(store: Store, settings: Settings, clock: FakeClock) -> None:
    async with mail_server() as server:
        looks = inviter(store, settings, clock, server)
        for word in ("one", "two"):
            await store.people.invite(DEFAULT_SITE, f"{word}@example.org", "member", "tests", by_mail=True)
        clock.move(2 * SETTLED)
        with sabotage("mail_again"):
            assert await looks.look() == 0 and server.mails == []
        assert await looks.look() == 2 == len(server.mails)
        assert await looks.look() == 0


def inviter(store: Store, settings: Settings, clock: FakeClock, server: MailServer) -> Inviter:
    by = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none", "smtp_from": FROM}
    return Inviter(store, settings.model_copy(update=by), clock, "https://hub.example.org")
