"""POST /api/admin/smt/pull: every code of a body that is wrong; nothing of it is stored."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from httpx2 import AsyncClient

from tests.payloads import smt
from tests.web.helpers import PULL, inline
from wattledger.store import Store
from wattledger.web.contracts.smt import inline as pulling

FILE = smt.csv(*smt.days(smt.NORMAL, 2))


def b64(body: bytes) -> str:
    return base64.b64encode(body).decode()


BAD: list[tuple[str, dict[str, Any], str, int]] = [
    ("no content", {"content_b64": None, "mode": "inline"}, "INLINE_MISSING_B64", 400),
    ("empty content", {"content_b64": ""}, "INLINE_MISSING_B64", 400),
    ("content that is no text", {"content_b64": 7}, "INLINE_MISSING_B64", 400),
    ("hex", {"encoding": "hex"}, "INLINE_UNSUPPORTED_ENCODING", 400),
    ("encoding of another type", {"encoding": ["base64"]}, "INLINE_UNSUPPORTED_ENCODING", 400),
    ("invalid base64", {"content_b64": "ab!cd==="}, "INLINE_BAD_BASE64", 400),
    ("urlsafe base64", {"content_b64": "-_-_"}, "INLINE_BAD_BASE64", 400),
    ("base64 cut short", {"content_b64": b64(FILE)[:-3]}, "INLINE_BAD_BASE64", 400),
    ("non-ASCII base64", {"content_b64": "äöü="}, "INLINE_BAD_BASE64", 400),
    ("corrupt gzip", {"encoding": "base64+gzip", "content_b64": b64(b"\x1f\x8bnot")}, "INLINE_BAD_GZIP", 400),
    ("plain as gzip", {"encoding": "base64+gzip", "content_b64": b64(FILE)}, "INLINE_BAD_GZIP", 400),
    ("no name", {"filename": None}, "INLINE_MISSING_FILENAME", 400),
    ("empty name", {"filename": "  "}, "INLINE_MISSING_FILENAME", 400),
    ("slashes only", {"filename": "///"}, "INLINE_MISSING_FILENAME", 400),
    ("NUL in the name", {"filename": "a\0.csv"}, "INLINE_BAD_FILENAME", 400),
    ("name of another type", {"filename": {"a": 1}}, "INLINE_BAD_FILENAME", 400),
    ("sizeBytes off by one", {"sizeBytes": len(FILE) + 1}, "INLINE_SIZE_MISMATCH", 400),
    ("negative sizeBytes", {"sizeBytes": -1}, "INVALID_FIELD", 400),
    ("sizeBytes as text", {"sizeBytes": "12"}, "INVALID_FIELD", 400),
    ("sizeBytes true", {"sizeBytes": True}, "INVALID_FIELD", 400),
    ("sizeBytes beyond bounds", {"sizeBytes": 10**18}, "INLINE_SIZE_MISMATCH", 400),
    ("bad captured_at", {"captured_at": "yesterday"}, "INVALID_FIELD", 400),
    ("captured_at without offset", {"captured_at": "2025-11-11T19:30:10"}, "INVALID_FIELD", 400),
    ("captured_at out of range", {"captured_at": "0001-01-01T00:00:00+23:59"}, "INVALID_FIELD", 400),
    ("mime with CRLF", {"mime": "text/csv\r\nx: y"}, "INVALID_FIELD", 400),
    ("esiid as a number", {"esiid": 10443720000000001}, "INVALID_FIELD", 400),
    ("wrapped_in of another type", {"wrapped_in": "pgp"}, "INVALID_FIELD", 400),
    ("wrapped_in without a hash", {"wrapped_in": [{"kind": "pgp", "name": "x"}]}, "BAD_SHA256", 400),
    ("unknown mode", {"mode": "sideways"}, "BAD_MODE", 400),
]


@pytest.mark.parametrize(("change", "code", "status"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
async def test_codes_of_bad_inline_bodies(
    robot: AsyncClient, store: Store, change: dict[str, Any], code: str, status: int
) -> None:
    answer = await robot.post(PULL, json=inline(FILE, **{"encoding": "base64", **change}))
    assert (answer.status_code, answer.json()["ok"], answer.json()["error"]) == (status, False, code)
    assert answer.json()["message"].endswith(".")
    assert await store.payloads.list(None, limit=1) == []


async def test_a_wrong_size_says_both_numbers(robot: AsyncClient) -> None:
    said = (await robot.post(PULL, json=inline(FILE, sizeBytes=len(FILE) - 1))).json()
    assert (said["expected"], said["actual"], said["field"]) == (len(FILE) - 1, len(FILE), "sizeBytes")


async def test_a_gzip_bomb_is_refused(robot: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "STREAM", 1 << 20)
    answer = await robot.post(PULL, json=inline(b"0" * (2 << 20), "base64+gzip"))
    assert (answer.status_code, answer.json()["error"]) == (413, "INLINE_TOO_LARGE")


@pytest.mark.parametrize(
    ("body", "mime", "code"),
    [
        (b"{}", "text/plain", "EXPECTED_JSON"),
        (b"{}", None, "EXPECTED_JSON"),
        (b"", "application/json", "BAD_JSON"),
        (b"{", "application/json", "BAD_JSON"),
        (b"[]", "application/json", "BAD_JSON"),
        (b"NaN", "application/json", "BAD_JSON"),
        (b'{"sizeBytes":1e400}', "application/json", "BAD_JSON"),
        (b'{"filename":"\xff"}', "application/json", "BAD_JSON"),
        (b'{"filename":"\\ud800"}', "application/json", "BAD_JSON"),
        (b'{"filename":"\xef\xbf\xbe"', "application/json", "BAD_JSON"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "application/json", "BAD_JSON"),
        (b"[" * 100_000, "application/json; charset=utf-8", "BAD_JSON"),
        (b'{"sizeBytes":' + b"9" * 5000 + b"}", "application/json", "BAD_JSON"),
    ],
)
async def test_bodies_that_are_no_json_object(
    robot: AsyncClient, body: bytes, mime: str | None, code: str
) -> None:
    headers = {"content-type": mime} if mime else {}
    answer = await robot.post(PULL, content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, code)
