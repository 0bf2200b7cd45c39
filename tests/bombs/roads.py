"""The roads that a bomb may take into the product; each ends with the word by which it was refused."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path

from fastapi import FastAPI, Response
from starlette.responses import StreamingResponse

from tests.payloads import smt
from tests.relay.conftest import PAIR
from wattledger import connectors
from wattledger.connectors.http import exchange, open_client
from wattledger.connectors.smart_meter_texas.drop.pgp import PgpKeys, open_pgp
from wattledger.errors import BadPayload, Refused
from wattledger.model import Payload, Source
from wattledger.simulators.http import serve
from wattledger.web.contracts.smt.inline import unpack
from wattledger.web.jsonbody import decode

Road = Callable[[bytes, Path], str]
NOW = datetime(2026, 6, 15, tzinfo=UTC)
GOOD = smt.csv(*smt.days(smt.FALL, 2))


def by_file(body: bytes, folder: Path) -> str:
    """As an upload is read: recognised, then parsed."""
    try:
        name = connectors.recognise(body) or "smart_meter_texas"
        parsed = connectors.parse(Payload(name, Source.UPLOAD, body, NOW))
    except BadPayload as error:
        return error.code
    return "" if len(parsed.days) else "no readings"


def by_pgp(body: bytes, folder: Path) -> str:
    """As the relay opens a file of the drop, and then reads it."""
    try:
        plain = asyncio.run(open_pgp(body, PgpKeys(PAIR.write_secret(folder / "key.asc"))))
    except BadPayload as error:
        return error.code
    return by_file(plain, folder)


def by_gpg(body: bytes, folder: Path) -> str:
    """The same with the key that gpg made; `folder/../gpg` has it."""
    from tests.relay.pgp_makers import PHRASE

    try:
        asyncio.run(open_pgp(body, PgpKeys(folder.parent / "gpg" / "secret.asc", PHRASE)))
    except BadPayload as error:
        return error.code
    return ""


def by_pull(body: bytes, folder: Path) -> str:
    """As the relay's messages are unpacked, and the file in it read."""
    try:
        inline = unpack(decode(body))
    except Refused as error:
        return error.code
    return by_file(inline.body, folder)


def by_vendor(encoding: str) -> Road:
    """As an answer of a vendor, so encoded; without an encoding as many MiB as the body has bytes."""

    def road(body: bytes, folder: Path) -> str:
        return asyncio.run(_answered(body, encoding))

    return road


async def _answered(body: bytes, encoding: str) -> str:
    app = FastAPI()

    @app.get("/")
    async def say() -> Response:
        if encoding:
            return Response(body, headers={"content-encoding": encoding})
        return StreamingResponse(zeros for zeros in repeat(bytes(1 << 20), len(body)))

    async with serve(app) as url, open_client(url) as http:
        try:
            await exchange(http, "GET", "/")
        except BadPayload as error:
            return error.code
    return ""


def packed_twice(size: int) -> bytes:
    return gzip.compress(gzip.compress(bytes(size)))


def deflated(size: int) -> bytes:
    return zlib.compress(bytes(size), 9)


def pulled(size: int) -> bytes:
    """What a relay sends, with a bomb as the file."""
    content = base64.b64encode(gzip.compress(bytes(size))).decode()
    return json.dumps(
        {"filename": "a.csv", "mime": "text/csv", "encoding": "base64+gzip", "content_b64": content}
    ).encode()
