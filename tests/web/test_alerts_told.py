"""Alerts told by a real mail server and a real webhook on loopback: once by each way, and their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from tests.web.fake_smtp import MailServer, mail_server
from tests.web.helpers import ADMIN, FakeClock, sign_in
from tests.web.receiver import Receiver, receiving
from tests.web.test_mail import by
from wattledger.cli.alerting import alerting
from wattledger.cli.runtime import Runtime
from wattledger.config import Settings
from wattledger.faults import sabotage
from wattledger.insight.alerts import Alert, Kind
from wattledger.secrets import Vault
from wattledger.store import Store
from wattledger.store.alerts.ways import Hook
from wattledger.store.people.sites import DEFAULT_SITE
from wattledger.web.alerts.tell import Teller
from wattledger.web.app import create_app

PUBLIC = "https://watt.example.org"
SECRET = "the-secret-of-the-webhook"
EMAIL = "ada@example.org"
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as found:
        yield found


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


@pytest.fixture
def mailing(settings: Settings, server: MailServer) -> Settings:
    return settings.model_copy(update={"base_url": PUBLIC, **by(server)})


@pytest.fixture
async def teller(store: Store, mailing: Settings, clock: FakeClock, receiver: Receiver) -> Teller:
    await store.people.add_user(EMAIL)
    await store.hooks.set(DEFAULT_SITE, Hook(receiver.url, SECRET), "tests")
    return Teller(store, mailing, clock, PUBLIC)


@pytest.fixture
async def browser(store: Store, mailing: Settings, clock: FakeClock) -> AsyncIterator[AsyncClient]:
    app = create_app(store, mailing, clock=clock)
    async with AsyncClient(transport=ASGITransport(app), base_url=PUBLIC) as found:
        await sign_in(found, store, EMAIL, clock.now())
        yield found


def trouble(
    clock: FakeClock, subject: str = "meter:a", kind: Kind = Kind.GAP, level: str = "caution"
) -> Alert:
    text = "A day.\nhttps://evil.example"
    return Alert(kind, subject, level, "Meter: a day\nnot complete", clock.now(), text, "Ask.", "/gaps")  # type: ignore[arg-type]


async def found(store: Store, clock: FakeClock, *alerts: Alert) -> None:
    await store.alerts.reconcile(DEFAULT_SITE, clock.now(), alerts)


async def test_opening_and_closing_are_told_once_by_each_way(
    store: Store, clock: FakeClock, teller: Teller, server: MailServer, receiver: Receiver
) -> None:
    await found(store, clock, trouble(clock))
    others = [Teller(store, teller._settings, clock, PUBLIC) for _ in range(4)]
    await asyncio.gather(*(one.tell() for one in (teller, *others)))
    await teller.tell()
    (mail,) = server.mails
    assert mail["To"] == EMAIL
    assert mail["Subject"] == "Meter: a day not complete - Home"
    assert f"{PUBLIC}/gaps" in mail.get_content()
    assert "https://evil" not in mail.get_content()
    (said,) = receiver.said
    assert (said["event"], said["test"], said["alert"]["kind"]) == ("opened", False, "gap")
    assert receiver.signed(SECRET)
    assert not receiver.signed("another")
    assert receiver.paths == ["POST /alerts?house=1 HTTP/1.1"]
    await found(store, clock)
    await asyncio.gather(*(one.tell() for one in (teller, *others)))
    assert [mail["Subject"] for mail in server.mails][1:] == ["Over: Meter: a day not complete - Home"]
    assert [one["event"] for one in receiver.said] == ["opened", "closed"]
    ids = [headers["wattledger-event"] for headers, _ in receiver.calls]
    assert ids == [f"{said['alert']['id']}.opened", f"{said['alert']['id']}.closed"]


async def test_sabotage_alert_once_is_noticed_by_the_mails(
    store: Store, clock: FakeClock, teller: Teller, server: MailServer
) -> None:
    await found(store, clock, trouble(clock))
    with sabotage("alert_once"):
        first, second = [await store.telling.claim(clock.now()) for _ in range(2)]
    assert [e.alert.id for e in first] == [e.alert.id for e in second] != []


async def test_what_failed_is_tried_again_by_that_way_alone(
    store: Store, clock: FakeClock, teller: Teller, server: MailServer, receiver: Receiver
) -> None:
    receiver.answers = ["503 Later", "302 Elsewhere"]
    await found(store, clock, trouble(clock))
    for _ in range(4):
        await teller.tell()
        clock.move(6 * MINUTE)
    assert len(server.mails) == 1
    assert len(receiver.calls) == 3
    assert len({headers["wattledger-event"] for headers, _ in receiver.calls}) == 1


async def test_a_mail_server_that_is_away(
    store: Store, clock: FakeClock, teller: Teller, server: MailServer, receiver: Receiver
) -> None:
    server.answers = ["450 later"]
    await found(store, clock, trouble(clock))
    await teller.tell()
    assert (len(server.mails), len(receiver.calls)) == (0, 1)
    clock.move(MINUTE)
    await teller.tell()
    assert (len(server.mails), len(receiver.calls)) == (1, 1)


async def test_who_could_not_be_reached_is_written_to_again_alone(
    store: Store, clock: FakeClock, teller: Teller, server: MailServer, receiver: Receiver
) -> None:
    other = "other@example.org"
    await store.people.accept(
        await store.people.invite(DEFAULT_SITE, other, "admin", "tests"), store.database.clock.now()
    )
    server.answers = ["450 greylisted"]
    await found(store, clock, trouble(clock))
    for _ in range(3):
        await teller.tell()
        clock.move(6 * MINUTE)
    assert sorted(mail["To"] for mail in server.mails) == sorted([EMAIL, other])
    assert len(receiver.calls) == 1
    await found(store, clock)
    await teller.tell()
    assert len(server.mails) == 4, "both are told that it is over"


async def test_many_at_a_time_are_one_mail(
    store: Store, clock: FakeClock, teller: Teller, server: MailServer, receiver: Receiver
) -> None:
    await found(store, clock, *(trouble(clock, f"meter:{n}") for n in range(7)))
    await teller.tell()
    (mail,) = server.mails
    assert mail["Subject"] == "7 alerts - Home"
    assert len(receiver.calls) == 7


async def test_members_are_not_written_to(
    store: Store, clock: FakeClock, teller: Teller, server: MailServer
) -> None:
    for role in ("member", "admin"):
        word = await store.people.invite(DEFAULT_SITE, f"{role}@example.org", role, "tests")
        await store.people.accept(word, clock.now())
    await found(store, clock, trouble(clock))
    await teller.tell()
    assert sorted(server.recipients) == [EMAIL, "admin@example.org"]


async def test_what_is_muted_is_not_told_nor_counted(
    store: Store,
    clock: FakeClock,
    teller: Teller,
    server: MailServer,
    receiver: Receiver,
    browser: AsyncClient,
) -> None:
    await found(store, clock, trouble(clock, level="bad"))
    assert 'class="count"' in (await browser.get("/alerts")).text
    assert "not complete" in (await browser.get("/today")).text
    (row,) = await store.alerts.open(DEFAULT_SITE)
    answer = await browser.post("/alerts/mute", data={"alert": row.id})
    assert answer.headers["location"] == "/alerts?did=muted"
    await teller.tell()
    assert (server.mails, receiver.calls) == ([], [])
    page = (await browser.get("/alerts")).text
    assert "Unmute" in page
    assert 'class="count"' not in page
    assert "not complete" not in (await browser.get("/today")).text
    assert (await browser.get("/v1/alerts")).json()["alerts"][0]["muted"] is True
    await browser.post("/alerts/unmute", data={"alert": row.id})
    assert (await browser.get("/v1/alerts")).json()["alerts"][0]["muted"] is False


async def test_kinds_and_mail_are_chosen(
    store: Store,
    clock: FakeClock,
    teller: Teller,
    server: MailServer,
    receiver: Receiver,
    browser: AsyncClient,
) -> None:
    kept = {f"tell_{kind.value}": "on" for kind in Kind if kind is not Kind.GAP}
    assert (await browser.post("/alerts/wishes", data=kept)).status_code == 303
    await found(store, clock, trouble(clock), trouble(clock, "payload:1", Kind.REJECTED))
    await teller.tell()
    assert server.mails == []
    assert [one["alert"]["kind"] for one in receiver.said] == ["rejected_file"]


@pytest.mark.parametrize("kind", list(Kind))
async def test_every_kind_can_be_tried_by_every_way(
    kind: Kind, teller: Teller, server: MailServer, receiver: Receiver, browser: AsyncClient
) -> None:
    page = await browser.post("/alerts/test", data={"kind": kind.value, "way": "mail"})
    assert f"A test mail is on its way to {EMAIL}." in page.text
    (mail,) = server.mails
    assert mail["Subject"].startswith("Test: ")
    assert "This is a test: nothing is wrong." in mail.get_content()
    page = await browser.post("/alerts/test", data={"kind": kind.value, "way": "webhook"})
    assert "The webhook took the test." in page.text
    (said,) = receiver.said
    assert (said["test"], said["alert"]["kind"]) == (True, kind.value)
    assert receiver.signed(SECRET)


async def test_a_test_that_fails_says_why(
    teller: Teller, server: MailServer, receiver: Receiver, browser: AsyncClient, store: Store
) -> None:
    receiver.answers, server.answers = ["500 No"], ["550 never"]
    said = (await browser.post("/alerts/test", data={"kind": "gap", "way": "webhook"})).text
    assert "The webhook answered 500." in said
    assert "did not take it" in (await browser.post("/alerts/test", data={"kind": "gap", "way": "mail"})).text
    assert await store.alerts.open(DEFAULT_SITE) == []
    assert (await browser.post("/alerts/test", data={"kind": "x", "way": "mail"})).status_code == 422


async def test_a_webhook_is_set_shown_and_removed(
    teller: Teller, receiver: Receiver, browser: AsyncClient, store: Store
) -> None:
    page = (await browser.post("/alerts/webhook", data={"url": receiver.url})).text
    hook = await store.hooks.get(DEFAULT_SITE)
    assert hook is not None
    assert hook.secret in page
    again = (await browser.get("/alerts")).text
    assert hook.secret not in again
    assert receiver.url in again
    refused = (await browser.post("/alerts/webhook", data={"url": "http://192.168.1.7/x"})).text
    assert "plain http is for this machine only" in refused
    await browser.post("/alerts/webhook/remove", data={})
    assert await store.hooks.get(DEFAULT_SITE) is None


async def test_page_api_and_metrics_agree(store: Store, clock: FakeClock, browser: AsyncClient) -> None:
    await found(
        store, clock, trouble(clock), trouble(clock, "site", Kind.OVER), trouble(clock, "b", level="bad")
    )
    await found(store, clock, trouble(clock), trouble(clock, "b", level="bad"))
    page = (await browser.get("/alerts")).text
    listed = (await browser.get("/v1/alerts")).json()["alerts"]
    assert [one["subject"] for one in listed] == ["b", "meter:a"]
    assert page.count(">Mute</button>") == len(listed)
    assert ">2</span>" in page
    (closed,) = (await browser.get("/v1/alerts?state=closed")).json()["alerts"]
    assert closed["kind"] == "over_attribution"
    metrics = (await browser.get("/metrics", headers={"x-admin-token": ADMIN})).text
    assert 'wattledger_alerts_open{kind="gap",level="bad"} 1.0' in metrics
    assert 'wattledger_alerts_open{kind="gap",level="caution"} 1.0' in metrics
    assert 'wattledger_alerts_open{kind="over_attribution",level="caution"} 0.0' in metrics


async def test_a_running_process_looks_and_tells(
    store: Store, mailing: Settings, clock: FakeClock, teller: Teller, receiver: Receiver
) -> None:
    set_at = (clock.now() - timedelta(hours=20)).isoformat()
    secrets = {"token": "a-1", "set_at": set_at}
    made = await store.connections.create(DEFAULT_SITE, "smartthings", {}, secrets)
    claimed = await store.connections.claim_one(made.id)
    assert claimed is not None
    await store.connections.settle(made.id, claimed.lease, None, clock.now())
    stop = asyncio.Event()
    runtime = Runtime(mailing, Vault({}), store, clock)
    loop = asyncio.create_task(alerting(runtime, stop))
    async with asyncio.timeout(10):
        while not receiver.calls:
            await asyncio.sleep(0.02)
    stop.set()
    await asyncio.wait_for(loop, 5)
    kinds = {one["alert"]["kind"] for one in receiver.said}
    assert "token_ending" in kinds


async def test_without_the_hooks_key_mail_still_goes(
    store: Store, clock: FakeClock, teller: Teller, server: MailServer, receiver: Receiver, app: FastAPI
) -> None:
    store.hooks._vault = Vault({"other": b"o" * 32})
    await found(store, clock, trouble(clock))
    await teller.tell()
    assert (len(server.mails), len(receiver.calls)) == (1, 0)
