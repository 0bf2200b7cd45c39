"""/v1/uploads and /v1/payloads: any form of file in, a receipt out; withdraw, reread, download."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest
from httpx2 import AsyncClient

from tests.paths import SHARED_PAYLOADS, needs_shared
from tests.payloads import smt, smt_other
from wattledger.store import Store

FILE = smt.csv(*smt.days(smt.NORMAL, 3))


def zipped(**members: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return sink.getvalue()


@pytest.mark.parametrize(
    "body",
    [FILE, smt.excel(*smt.days(smt.NORMAL, 3)), gzip.compress(FILE), zipped(a=FILE), b"\xef\xbb\xbf" + FILE],
    ids=["csv", "excel", "gzip", "zip", "bom"],
)
async def test_forms_of_one_file(owner: AsyncClient, body: bytes) -> None:
    said = (await owner.post("/v1/uploads?filename=IntervalData.csv", content=body)).json()
    assert (said["state"], said["kind"], said["summary"]["accepted"]) == ("read", "interval", 288), said
    assert said["summary"]["points"][0]["external_id"] == smt.ONCOR


async def test_several_files_at_once_are_answered_one_by_one(owner: AsyncClient) -> None:
    files = [
        ("file", ("a.csv", FILE, "text/csv")),
        ("file", ("broken.zip", b"PK\x03\x04 nothing", "application/zip")),
        ("file", ("b.csv", smt.csv(*smt.days(smt.FALL, 1)), "text/csv")),
    ]
    said = (await owner.post("/v1/uploads", files=files)).json()
    assert [(r["filename"], r["state"]) for r in said["results"]] == [
        ("a.csv", "read"), ("broken.zip", "rejected"), ("b.csv", "read"),
    ]  # fmt: skip
    assert said["results"][1]["reason"]


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"", {"content-type": "multipart/form-data"}, 400),
        (b"x", {"content-type": "multipart/form-data; boundary=a"}, 400),
        (b"--a\r\n\r\nx\r\n--a--\r\n", {"content-type": "multipart/form-data; boundary=a"}, 400),
        (b"x", {"x-filename": "a%00b"}, 400),
        (b"x", {"content-type": "no type"}, 400),
    ],
)
async def test_bad_uploads(owner: AsyncClient, content: bytes, headers: dict[str, str], status: int) -> None:
    assert (await owner.post("/v1/uploads", content=content, headers=headers)).status_code == status


async def test_empty_and_foreign_files_are_kept_and_do_no_harm(owner: AsyncClient) -> None:
    for name, body in (("empty.csv", b""), ("photo.jpg", b"\xff\xd8\xff" + bytes(100)), ("a.txt", b"hello")):
        answer = await owner.post(f"/v1/uploads?filename={name}", content=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["summary"]["accepted"] == 0
    listed = (await owner.get("/v1/payloads")).json()["payloads"]
    assert [row["filename"] for row in listed] == ["a.txt", "photo.jpg", "empty.csv"]


async def test_a_contradicting_esiid_is_noted(owner: AsyncClient) -> None:
    query = {"filename": "a.csv", "esiid": smt.CENTERPOINT}
    said = (await owner.post("/v1/uploads", params=query, content=FILE)).json()
    assert any(smt.CENTERPOINT in note for note in said["summary"]["notes"])
    assert (await owner.post("/v1/uploads?esiid=12", content=FILE)).status_code == 400


async def test_withdraw_and_reread(owner: AsyncClient, store: Store) -> None:
    empty = await store.digest()
    id = (await owner.post("/v1/uploads?filename=a.csv", content=FILE)).json()["id"]
    full = await store.digest()
    assert (await owner.post(f"/v1/payloads/{id}/reread")).json()["state"] == "read"
    assert await store.digest() == full
    assert (await owner.post(f"/v1/payloads/{id}/withdraw")).json()["state"] == "withdrawn"
    assert await store.digest() == empty
    again = (await owner.post("/v1/uploads?filename=a.csv", content=FILE)).json()
    assert (again["duplicate"], again["state"]) == (True, "withdrawn")
    assert (await owner.post(f"/v1/payloads/{id}/reread")).json()["error"] == "WITHDRAWN"
    actions = [row.action for row in await store.audit.list(20)]
    assert "payload.reread" in actions and await store.audit.verify()


async def test_payloads_are_listed_in_pages_and_downloaded_whole(owner: AsyncClient) -> None:
    bodies = [FILE + b"\n" * n for n in range(5)]
    ids = [(await owner.post("/v1/uploads?filename=a.csv", content=b)).json()["id"] for b in bodies]
    first = (await owner.get("/v1/payloads?limit=3")).json()
    second = (await owner.get(f"/v1/payloads?limit=3&before={first['next']}")).json()
    assert [p["id"] for p in first["payloads"] + second["payloads"]] == ids[::-1]
    assert second["next"] is None
    got = await owner.get(f"/v1/payloads/{ids[2]}/download")
    assert got.content == bodies[2] and got.headers["content-disposition"].startswith("attachment")
    for query in ("limit=0", "limit=x", "before=-1"):
        assert (await owner.get(f"/v1/payloads?{query}")).status_code == 400


@needs_shared
async def test_recorded_files_go_all_the_way(owner: AsyncClient) -> None:
    for path in sorted((SHARED_PAYLOADS / "smart_meter_texas").iterdir()):
        said = (await owner.post(f"/v1/uploads?filename={path.name}", content=path.read_bytes())).json()
        assert (said["state"], said["kind"]) == ("read", "interval"), said
        counted = said["summary"]
        parts = ("accepted", "superseded", "blank", "rejected")
        assert counted["rows"] == sum(counted[part] for part in parts)


async def test_a_file_that_names_no_meter_is_read_once_its_sender_does(
    owner: AsyncClient, store: Store
) -> None:
    body = smt_other.green_button(smt.Day(), esiid=None)
    first = (await owner.post("/v1/uploads?filename=gb.xml", content=body)).json()
    assert first["state"] == "rejected" and "ESIID" in first["reason"]
    named = (await owner.post(f"/v1/uploads?filename=gb.xml&esiid={smt.ONCOR}", content=body)).json()
    assert (named["state"], named["duplicate"], named["summary"]["accepted"]) == ("read", False, 96), named
    again = (await owner.post(f"/v1/uploads?filename=gb.xml&esiid={smt.ONCOR}", content=body)).json()
    assert (again["state"], again["duplicate"], again["id"]) == ("read", True, first["id"])
    digest = await store.digest()
    await store.replay()
    assert await store.digest() == digest
