"""Mails by a real SMTP conversation: what they say, what is tried again, what nobody can learn from them."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from pydantic import SecretStr
from structlog.testing import capture_logs

from tests.web.fake_smtp import MailServer, mail_server
from tests.web.helpers import FakeClock
from wattledger.config import Settings
from wattledger.store import Store
from wattledger.web.app import create_app
from wattledger.web.letters import invitation
from wattledger.web.mail import Letter, Mailer, problem

PUBLIC = "https://hub.example.org"
EMAIL = "ada@example.org"
FROM = "wattledger@example.org"


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as found:
        yield found


@pytest.fixture
def mailing(settings: Settings, server: MailServer) -> Settings:
    return settings.model_copy(update={"base_url": PUBLIC, **by(server)})


def by(server: MailServer, **more: Any) -> dict[str, Any]:
    plain = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none"}
    return {**plain, "smtp_from": FROM, **more}


@pytest.fixture
async def hub(store: Store, mailing: Settings, clock: FakeClock) -> FastAPI:
    app = create_app(store, mailing, clock=clock)
    app.state.hub.post = Mailer(mailing, clock, pauses=(0.01, 0.01))
    await store.people.add_user(EMAIL)
    return app


@pytest.fixture
async def browser(hub: FastAPI) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(transport=ASGITransport(hub), base_url=PUBLIC) as found:
        yield found


async def ask(hub: FastAPI, browser: AsyncClient, email: str = EMAIL) -> None:
    answer = await browser.post("/v1/auth/link", json={"email": email})
    assert answer.status_code == 202
    await hub.state.hub.post.idle()


async def test_a_sign_in_link_is_mailed_and_works(
    hub: FastAPI, browser: AsyncClient, server: MailServer
) -> None:
    await ask(hub, browser)
    (mail,) = server.mails
    assert (mail["to"], mail["from"], mail["auto-submitted"]) == (EMAIL, FROM, "auto-generated")
    assert mail.get_content_type() == "text/plain"
    text = mail.get_content()
    (link,) = re.findall(r"https?://\S+", text)
    assert link.startswith(f"{PUBLIC}/auth/link?token=")
    answer = await browser.post("/auth/link", data={"token": link.partition("token=")[2]})
    assert answer.status_code == 303
    assert (await browser.get("/v1/me")).json()["email"] == EMAIL


async def test_an_unknown_address_gets_no_mail(
    hub: FastAPI, browser: AsyncClient, server: MailServer
) -> None:
    await ask(hub, browser, "nobody@example.org")
    assert server.sessions == 0


async def test_a_passing_refusal_is_tried_again_and_never_logged_with_the_link(
    hub: FastAPI, browser: AsyncClient, server: MailServer
) -> None:
    server.answers = ["451 later", "450 busy"]
    with capture_logs() as lines:
        await ask(hub, browser)
    assert len(server.mails) == 1
    word = re.findall(r"token=(\S+)", server.mails[0].get_content())[0]
    assert [line["event"] for line in lines if line["event"].startswith("mail")] == [
        "mail_delayed", "mail_delayed", "mail_sent",
    ]  # fmt: skip
    assert word not in repr(lines) and EMAIL not in repr(lines)


@pytest.mark.parametrize(("answers", "sessions"), [(["550 no such box"], 1), (["451 later"] * 9, 3)])
async def test_a_mail_that_cannot_be_sent_is_given_up(
    hub: FastAPI, browser: AsyncClient, server: MailServer, answers: list[str], sessions: int
) -> None:
    server.answers = answers
    with capture_logs() as lines:
        await ask(hub, browser)
    assert (server.mails, server.sessions) == ([], sessions)
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["mail_failed"]


async def test_a_server_that_is_away_delays_no_answer(
    hub: FastAPI, browser: AsyncClient, mailing: Settings, clock: FakeClock
) -> None:
    away = mailing.model_copy(update={"smtp_port": 1})
    hub.state.hub.post = Mailer(away, clock, pauses=(5,))
    began = time.monotonic()
    answer = await browser.post("/v1/auth/link", json={"email": EMAIL})
    assert answer.status_code == 202 and time.monotonic() - began < 2
    await hub.state.hub.post.close(0)


async def test_without_tls_nothing_is_said_where_tls_was_wanted(
    settings: Settings, server: MailServer, clock: FakeClock
) -> None:
    wanted = settings.model_copy(update=by(server, smtp_security="starttls"))
    mailer = Mailer(wanted, clock, pauses=(0.01,))
    mailer.post(Letter(EMAIL, "s", "https://hub.example.org/auth/link?token=abc"))
    await mailer.idle()
    assert (server.mails, b"token=" in server.wire, server.sessions) == ([], False, 1)


@pytest.mark.parametrize(("password", "mails"), [("right-horse", 1), ("wrong-horse", 0)])
async def test_it_signs_in_to_the_mail_server(
    settings: Settings, clock: FakeClock, password: str, mails: int
) -> None:
    async with mail_server("relay:right-horse") as server:
        secret = {"smtp_user": "relay", "smtp_password": SecretStr(password)}
        mailer = Mailer(settings.model_copy(update=by(server, **secret)), clock, pauses=())
        mailer.post(Letter(EMAIL, "s", "t"))
        await mailer.idle()
        assert len(server.mails) == mails


async def test_without_mail_a_public_hub_says_so_in_its_log_for_every_address(
    store: Store, settings: Settings, clock: FakeClock
) -> None:
    app = create_app(store, settings.model_copy(update={"base_url": PUBLIC}), clock=clock)
    await store.people.add_user(EMAIL)
    app.state.hub.announce = lambda line: pytest.fail("shown in the terminal")
    async with AsyncClient(transport=ASGITransport(app), base_url=PUBLIC) as browser:
        for email in (EMAIL, "nobody@example.org"):
            with capture_logs() as lines:
                await ask(app, browser, email)
            assert [line["event"] for line in lines if line["log_level"] == "error"] == ["no_mail"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"smtp_host": None}, "SMTP_HOST"),
        ({"smtp_from": None}, "SMTP_FROM"),
        ({"smtp_host": "mail.example.org"}, "SMTP_SECURITY"),
        ({}, None),
    ],
)
def test_what_is_wrong_with_the_settings_is_named(
    mailing: Settings, changes: dict[str, Any], word: str | None
) -> None:
    said = problem(mailing.model_copy(update=changes))
    assert (said is None) if word is None else (said is not None and word in said)


def test_a_sites_name_can_be_no_link_in_a_mail() -> None:
    text = invitation(
        EMAIL, "https://hub.example.org/i", "Home https://evil.example" + "x" * 300, "ada", "admin"
    ).text
    assert text.count("://") == 1 and "x" * 60 not in text
