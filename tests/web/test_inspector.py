"""The raw-file inspector: lists, shows and downloads, byte for byte; every look is audited."""

from __future__ import annotations

import base64
import os

import pytest
from httpx2 import AsyncClient
from sqlalchemy import update
from structlog.testing import capture_logs

from tests.payloads import smt
from tests.web.helpers import PULL, inline
from wattledger.store import Store
from wattledger.store.tables import body as body_table

FILE = smt.csv(*smt.days(smt.NORMAL, 1))
LIST = "/api/admin/debug/smt/raw-files"
KEYS = {"id", "filename", "sizeBytes", "sha256", "createdAt", "receivedAt", "source"}
KEYS |= {"storagePath", "contentType"}


async def put(robot: AsyncClient, body: bytes, **more: str) -> str:
    return str((await robot.post(PULL, json=inline(body, **more))).json()["id"])


async def test_newest_first_with_the_contracts_keys(robot: AsyncClient) -> None:
    ids = [await put(robot, FILE + b"\n" * n) for n in range(7)]
    said = (await robot.get(LIST)).json()
    assert (said["ok"], said["count"], said["files"]) == (True, 5, said["rows"])
    assert [row["id"] for row in said["rows"]] == ids[:1:-1]
    assert set(said["rows"][0]) >= KEYS
    assert said["rows"][0]["receivedAt"] == "2026-06-15T17:00:00Z"
    more = (await robot.get(LIST, params={"limit": 2, "before": ids[2]})).json()
    assert [row["id"] for row in more["rows"]] == [ids[1], ids[0]]


@pytest.mark.parametrize("limit", ["abc", "0", "101", "-1", "1e3", "NaN", "9" * 30, "١"])
async def test_bad_limits_are_400(robot: AsyncClient, limit: str) -> None:
    answer = await robot.get(LIST, params={"limit": limit})
    assert (answer.status_code, answer.json()["field"]) == (400, "limit")


async def test_filters(robot: AsyncClient) -> None:
    one = await put(robot, FILE, source="enrollment")
    two = await put(robot, smt.csv(*smt.days(smt.NORMAL, 1, esiid=smt.CENTERPOINT)))

    async def listed(**query: str) -> list[str]:
        return [row["id"] for row in (await robot.get(LIST, params=query)).json()["rows"]]

    assert await listed(source="enrollment") == [one]
    assert await listed(source="adhocusage") == [two]
    assert await listed(esiid=smt.CENTERPOINT) == [two]
    assert (await robot.get(LIST, params={"esiid": "12"})).status_code == 400


async def test_show_and_download_are_the_very_bytes(robot: AsyncClient, store: Store) -> None:
    body = b"\xef\xbb\xbf" + FILE + "ä\0".encode()
    id = await put(robot, body)
    shown = (await robot.get(f"{LIST}/{id}")).json()
    assert base64.b64decode(shown["contentBase64"]) == body
    assert shown["textPreview"] == body.decode("utf-8-sig")[:20_000]
    got = await robot.get(f"{LIST}/{id}/download")
    assert (got.content, got.headers["x-raw-smt-id"]) == (body, id)
    actions = [(row.action, row.subject) for row in await store.audit.list(10)]
    assert ("payload.view", f"payload:{id}") in actions and ("payload.download", f"payload:{id}") in actions
    assert await store.audit.verify()


async def test_bytes_that_changed_on_the_disk_are_never_served(robot: AsyncClient, store: Store) -> None:
    id = await put(robot, FILE)
    async with store.begin() as connection:
        await connection.execute(update(body_table).values(data=b"something else"))
    with capture_logs() as lines:
        answer = await robot.get(f"{LIST}/{id}/download")
    assert (answer.status_code, answer.json()["ok"]) == (500, False)
    assert any(line.get("request") == answer.json()["incident"] for line in lines)
    assert FILE not in answer.content


async def test_a_large_file_downloads_whole(robot: AsyncClient) -> None:
    body = os.urandom(3 << 20)
    assert (await robot.get(f"{LIST}/{await put(robot, body)}/download")).content == body


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("IntervalData.csv", 'filename="IntervalData.csv"'),
        ("../../etc/passwd", 'filename="passwd"'),
        ("C:\\a\\b.csv", 'filename="b.csv"'),
        ('a";x=".html', 'filename="a__x__.html"'),
        ("é€.csv", 'filename="__.csv"'),
        ("x" * 4000, f'filename="{"x" * 200}"'),
    ],
)
async def test_names_are_data(robot: AsyncClient, name: str, plain: str) -> None:
    id = await put(robot, FILE, filename=name)
    got = await robot.get(f"{LIST}/{id}/download")
    said = got.headers["content-disposition"]
    assert said.startswith("attachment; ") and plain in said and "filename*=UTF-8''" in said
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in got.headers["content-security-policy"]
    assert (await robot.get(f"{LIST}/{id}")).json()["filename"] == name


@pytest.mark.parametrize(
    ("id", "status", "code"),
    [
        ("999", 404, "NOT_FOUND"),
        ("abc", 400, "INVALID_ID"),
        ("-1", 400, "INVALID_ID"),
        ("9" * 40, 404, "NOT_FOUND"),
    ],
)
async def test_ids_that_are_none(robot: AsyncClient, id: str, status: int, code: str) -> None:
    for path in (f"{LIST}/{id}", f"{LIST}/{id}/download"):
        answer = await robot.get(path)
        assert (answer.status_code, answer.json()["error"]) == (status, code)
