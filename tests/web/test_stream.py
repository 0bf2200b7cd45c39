"""PUT /api/admin/smt/payloads/{sha256}: raw bytes of any size, named by their hash."""

from __future__ import annotations

import asyncio
import hashlib
import json

import pytest
from httpx2 import AsyncClient

from tests.payloads import smt
from tests.web.helpers import PULL, inline

FILE = smt.csv(*smt.days(smt.NORMAL, 3))
DIGEST = hashlib.sha256(FILE).hexdigest()
LAYERS = json.dumps([{"kind": "pgp", "name": "a.CSV.asc", "sha256": "ab" * 32}])


def path(digest: str = DIGEST, **query: str) -> str:
    return f"/api/admin/smt/payloads/{digest}?" + "&".join(f"{k}={v}" for k, v in query.items())


async def test_a_stream_is_stored_and_read(robot: AsyncClient) -> None:
    query = {"filename": "big.csv", "mime": "text/csv", "source": "adhocusage", "wrapped_in": LAYERS}
    said = (await robot.put(path(), params=query, content=FILE)).json()
    assert (said["ok"], said["sha256"], said["sizeBytes"]) == (True, DIGEST, len(FILE))
    assert (said["persisted"], said["duplicate"], said["summary"]["accepted"]) == (True, False, 288)
    again = (await robot.post(PULL, json=inline(FILE))).json()
    assert (again["duplicate"], again["id"]) == (True, said["id"])


@pytest.mark.parametrize(
    ("digest", "query", "status", "code"),
    [
        ("0" * 64, {"filename": "a.csv"}, 422, "SHA256_MISMATCH"),
        ("xyz", {"filename": "a.csv"}, 400, "BAD_SHA256"),
        ("0" * 63, {"filename": "a.csv"}, 400, "BAD_SHA256"),
        (DIGEST, {}, 400, "INLINE_MISSING_FILENAME"),
        (DIGEST, {"filename": "a%00.csv"}, 400, "INLINE_BAD_FILENAME"),
        (DIGEST, {"filename": "a.csv", "wrapped_in": "{"}, 400, "INVALID_FIELD"),
        (DIGEST, {"filename": "a.csv", "captured_at": "soon"}, 400, "INVALID_FIELD"),
        (DIGEST, {"filename": "a.csv", "mime": "x"}, 400, "INVALID_FIELD"),
    ],
)
async def test_bad_streams(
    robot: AsyncClient, digest: str, query: dict[str, str], status: int, code: str
) -> None:
    answer = await robot.put(path(digest, **query), content=FILE)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert (await robot.get("/api/admin/debug/smt/raw-files")).json()["count"] == 0


async def test_eight_at_once_are_one_payload(robot: AsyncClient) -> None:
    posts = [robot.put(path(filename=f"{i}.csv"), content=FILE) for i in range(4)]
    posts += [robot.post(PULL, json=inline(FILE, filename=f"{i}.csv")) for i in range(4)]
    said = [answer.json() for answer in await asyncio.gather(*posts)]
    assert len({one["id"] for one in said}) == 1
    assert sum(one["persisted"] for one in said) == 1
    assert (await robot.get("/api/admin/debug/smt/raw-files")).json()["count"] == 1


async def test_the_same_name_with_other_bytes_is_another_file(robot: AsyncClient) -> None:
    for body in (FILE, smt.csv(*smt.days(smt.FALL, 1)), FILE):
        await robot.post(PULL, json=inline(body, filename="IntervalData.csv"))
    assert (await robot.get("/api/admin/debug/smt/raw-files")).json()["count"] == 2
