"""The cards of the first five minutes, what a file brought in words, and the first lines of raw files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from httpx2 import AsyncClient

from tests.payloads import smt
from tests.web.helpers import Relay
from wattledger.model import Flow, Payload, Rejected, Source
from wattledger.store import Store
from wattledger.store.people.sites import DEFAULT_SITE
from wattledger.store.rows import PayloadRow, Summary
from wattledger.web.pages import words
from wattledger.web.pages.preview import LINES, WIDTH, plain, shown
from wattledger.web.pages.received import sentences
from wattledger.web.pages.welcome import refusal
from wattledger.web.trigger import TriggerFailed

NOW = datetime(2026, 6, 15, tzinfo=UTC)


def row(state: str = "read", kind: str = "interval", reason: str | None = None) -> PayloadRow:
    return PayloadRow(
        1, "s", "c", "upload", "x.csv", "text/csv", "0" * 64, 9, NOW, state, kind, reason, 1, {}, "", [], {}
    )


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Summary(rows=96, accepted=96, days=1), "96 readings accepted of 96 rows, over 1 day."),
        (Summary(rows=96, accepted=90, estimated=4), "4 quarter-hours estimated by the utility"),
        (Summary(rows=96, gaps=1), "1 quarter-hour missing between its first and last day"),
        (Summary(rows=96, superseded=2), "2 values were known already"),
        (Summary(rows=96, rejected=2, rejections=[Rejected(4, "No date.", 2)]), "2 rows rejected: No date."),
        (Summary(rows=96), "Nothing is rejected."),
        (Summary(), "no interval readings"),
    ],
)
def test_what_a_file_brought_is_said_in_words(found: Summary, told: str) -> None:
    assert told in " ".join(sentences(row(), found))


def test_a_rejected_file_says_why() -> None:
    assert (
        "set aside: It is a picture." in sentences(row("rejected", reason="It is a picture."), Summary())[0]
    )


@pytest.mark.parametrize(
    ("body", "text", "why"),
    [
        (b"a,b\r\n1,2\r\n", "a,b\n1,2", None),
        (b"\xef\xbb\xbfa", "a", None),
        ("a\tb".encode("utf-16"), "a b", None),
        (b"PK\x03\x04zip", None, "a ZIP"),
        (b"\x1f\x8bgz", None, "gzip"),
        (b"a\0b", None, "not text"),
        (b"", None, "empty"),
        (b"\xff\x80x", "\ufffd\ufffdx", None),
    ],
)
def test_first_lines(body: bytes, text: str | None, why: str | None) -> None:
    found = shown(body)
    assert found.text == text and (why or "") in (found.why or "")


def test_first_lines_are_few_and_short() -> None:
    found = shown(b"\n".join([b"x" * 5000] * 500))
    assert found.text is not None and found.more
    assert len(found.text.split("\n")) <= LINES and all(len(t) <= WIDTH + 1 for t in found.text.split("\n"))


def test_characters_that_hide_or_reorder_are_shown_as_such() -> None:
    assert plain("a\u202eb\x1b[1m\u200bc") == "a\ufffdb\ufffd[1m\ufffdc"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TriggerFailed("WEBHOOK_FAILED", "The relay answered 401.", 502, 401), "refuses our secret"),
        (
            TriggerFailed("WEBHOOK_CONNECTION_FAILED", "It can't be reached.", 502),
            "DROPLET_WEBHOOK_URL right",
        ),
        (TriggerFailed("SERVER_MISCONFIG", "Set X.", 500), "Set X."),
    ],
)
async def test_the_relays_card_says_what_failed(
    owner: AsyncClient, relay: Relay, error: TriggerFailed, told: str
) -> None:
    assert told in refusal(error)
    relay.fails = error
    answer = await owner.post("/welcome/relay", data={"x": ""})
    assert answer.status_code == 200 and told in answer.text.replace("&#39;", "'")


async def test_the_relay_is_asked(owner: AsyncClient, relay: Relay) -> None:
    assert "The relay answered" in (await owner.post("/welcome/relay", data={"x": ""})).text
    assert relay.wishes == [{"reason": "user_refresh"}]


async def test_the_year_that_is_drawn_is_the_apis(store: Store, owner: AsyncClient) -> None:
    answer = await owner.post("/v1/uploads", content=smt.csv(*smt.days(smt.FALL, 7)))
    shown_ = (await owner.get(f"/welcome/received/{answer.json()['id']}")).text
    point = await store.points.by_external(smt.ONCOR)
    known = await store.energy.coverage(point, Flow.DELIVERED)
    assert f"<b>{words.kwh(known.total_wh)}</b> kWh" in shown_ and shown_.count("<rect") == 7
    assert "</html>" not in shown_


async def private_file(store: Store) -> int:
    body = b'{"latitude": 30.2}'
    payload = Payload("smartcar", Source.POLL, body, store.database.clock.now(), "x.json", private=True)
    return (await store.payloads.deliver(DEFAULT_SITE, payload)).id


async def actions(store: Store) -> list[Any]:
    return [entry.action for entry in await store.audit.list(3, site=DEFAULT_SITE)]


async def test_a_sealed_file_is_shown_on_demand_and_noted(store: Store, owner: AsyncClient) -> None:
    id = await private_file(store)
    first = (await owner.get(f"/files/{id}")).text
    assert "latitude" not in first and "the audit notes" in first
    assert "latitude" in (await owner.post(f"/files/{id}/show", data={"x": ""})).text
    assert (await actions(store))[0] == "payload.shown"


async def test_a_hostile_file_stays_text(store: Store, owner: AsyncClient) -> None:
    answer = await owner.post("/v1/uploads", content=b"<script>alert(1)</script>")
    page = (await owner.get(f"/files/{answer.json()['id']}")).text
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page
