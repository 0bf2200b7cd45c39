"""POST /api/admin/smt/pull: both bodies, every code, and that the answer comes after the commit."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from httpx2 import AsyncClient

from tests.payloads import smt
from tests.web.helpers import PULL, Relay, inline
from wattledger.faults import sabotage
from wattledger.store import Store
from wattledger.web.trigger import TriggerFailed

FILE = smt.csv(*smt.days(smt.NORMAL, 2))
ESIID = smt.ONCOR


async def test_the_briefs_body_is_stored_and_read(robot: AsyncClient) -> None:
    answer = await robot.post(PULL, json=inline(FILE, esiid=ESIID))
    said = answer.json()
    assert answer.status_code == 200
    expected = {
        "ok": True,
        "mode": "inline",
        "filename": "adhoc_1044XXXX_usage_2025-11-11.csv",
        "mime": "text/csv",
        "source": "adhocusage",
        "esiid": ESIID,
        "meter": "M1",
        "captured_at": "2025-11-11T19:30:10Z",
        "sizeBytes": len(FILE),
        "sha256": hashlib.sha256(FILE).hexdigest(),
        "persisted": True,
        "duplicate": False,
        "encoding": "base64",
        "message": "Inline payload stored and normalized.",
        "intervalNormalized": True,
        "notes": [],
    }
    assert {key: said[key] for key in expected} == expected
    assert said["id"].isdigit()
    assert said["storagePath"] and "adhoc" not in said["storagePath"]
    assert said["summary"]["rows"] == said["summary"]["accepted"] == 192


async def test_the_originals_body_with_gzip_says_the_packed_size(robot: AsyncClient) -> None:
    message = inline(
        FILE, "base64+gzip", mode="inline", sizeBytes=len(FILE), source="enrollment", houseId="h1"
    )
    said = (await robot.post(PULL, json=message)).json()
    assert said["compressedBytes"] < said["sizeBytes"] == len(FILE)
    assert (said["source"], said["encoding"]) == ("enrollment", "base64+gzip")


async def test_the_same_bytes_again_change_nothing(robot: AsyncClient, store: Store) -> None:
    first = (await robot.post(PULL, json=inline(FILE))).json()
    before = await store.digest()
    again = (await robot.post(PULL, json=inline(FILE, "base64+gzip", filename="other.csv"))).json()
    assert (again["persisted"], again["duplicate"], again["id"]) == (False, True, first["id"])
    assert again["message"] == "Inline payload verified (duplicate sha256, nothing changed)."
    assert await store.digest() == before


async def test_the_rows_win_over_a_contradicting_esiid(robot: AsyncClient, store: Store) -> None:
    said = (await robot.post(PULL, json=inline(FILE, esiid=smt.CENTERPOINT))).json()
    assert [p["external_id"] for p in said["summary"]["points"]] == [ESIID]
    assert any(smt.CENTERPOINT in note for note in said["notes"])


async def test_the_briefs_placeholder_esiid_is_no_obstacle(robot: AsyncClient) -> None:
    assert (await robot.post(PULL, json=inline(FILE, esiid="1044XXXXXXXXXXXXXX"))).status_code == 200


async def test_bytes_that_cannot_be_read_are_kept_with_the_reason(robot: AsyncClient) -> None:
    said = (await robot.post(PULL, json=inline(b"PK\x03\x04 this is no zip"))).json()
    assert (said["ok"], said["persisted"], said["intervalNormalized"]) == (True, True, False)
    assert said["state"] == "rejected" and said["reason"]
    assert "can't be read" in said["message"]
    assert (await robot.post(PULL, json=inline(FILE))).json()["intervalNormalized"] is True


async def test_sabotage_ack_after_commit_is_noticed(robot: AsyncClient) -> None:
    """What the answer reports must be readable at once."""

    async def listed_at_once(body: bytes) -> bool:
        said = (await robot.post(PULL, json=inline(body))).json()
        rows = (await robot.get("/api/admin/debug/smt/raw-files?limit=100")).json()["rows"]
        return any(row["sha256"] == said["sha256"] and row["id"] == said["id"] for row in rows)

    assert await listed_at_once(FILE)
    with sabotage("ack_after_commit"):
        assert not await listed_at_once(FILE + b"\n")


async def test_without_content_the_relay_is_asked(robot: AsyncClient, relay: Relay) -> None:
    answer = await robot.post(PULL, json={"esiid": f"'{ESIID}", "meter": "M1", "forceRepost": True})
    assert answer.json() == {
        "ok": True,
        "message": "SMT pull triggered successfully",
        "esiid": ESIID,
        "meter": "M1",
        "forceRepost": True,
        "webhookResponse": {"ok": True, "run": "r1"},
    }
    assert relay.wishes[0]["reason"] == "admin_triggered" and relay.wishes[0]["ts"].endswith("Z")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({}, "MISSING_ESIID"),
        ({"esiid": ""}, "MISSING_ESIID"),
        ({"esiid": "123"}, "BAD_ESIID"),
        ({"esiid": "1" * 18}, "BAD_ESIID"),
        ({"esiid": "١" * 17}, "BAD_ESIID"),
        ({"esiid": 10443720000000001}, "BAD_ESIID"),
        ({"esiid": ESIID, "reason": "because"}, "UNKNOWN_REASON"),
        ({"esiid": ESIID, "reason": "smt_request", "request": []}, "INVALID_FIELD"),
    ],
)
async def test_bad_triggers(robot: AsyncClient, relay: Relay, message: dict[str, Any], code: str) -> None:
    answer = await robot.post(PULL, json=message)
    assert (answer.status_code, answer.json()["error"], relay.wishes) == (400, code, [])


@pytest.mark.parametrize(
    ("failed", "status"),
    [
        (TriggerFailed("SERVER_MISCONFIG", "Set DROPLET_WEBHOOK_URL.", 500), 500),
        (TriggerFailed("WEBHOOK_CONNECTION_FAILED", "The relay can't be reached.", 502), 502),
        (TriggerFailed("WEBHOOK_FAILED", "The relay answered 503.", 502, 503), 502),
    ],
)
async def test_a_relay_that_does_not_take_it(
    robot: AsyncClient, relay: Relay, failed: TriggerFailed, status: int
) -> None:
    relay.fails = failed
    answer = await robot.post(PULL, json={"esiid": ESIID})
    assert (answer.status_code, answer.json()["error"]) == (status, failed.code)
    assert answer.json().get("status") == failed.relay_status
