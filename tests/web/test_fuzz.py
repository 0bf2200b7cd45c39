"""No input makes a 5xx: requests made from the OpenAPI document, and raw bytes on the machine routes."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import response_schema_conformance

from tests.payloads import smt
from tests.web.helpers import ADMIN, PULL, SECRET, Relay, inline
from tests.web.server import serving
from wattledger import connectors
from wattledger.config import load_settings
from wattledger.secrets import Vault
from wattledger.store import open_store
from wattledger.web.app import create_app


def quick(examples: int) -> settings:
    """So many examples, none kept, none timed."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


EXPECTED = {"/api/admin/smt/token": 501, "/v1/ev/connect": 500, "/webhooks/smartcar": 503}
"""what is refused by contract on a hub without settings"""


@dataclass
class Running:
    """A hub in a thread of its own."""

    host: str
    port: int
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """Everything that opens a door."""
        return {
            "x-intelliwatt-secret": SECRET,
            "x-admin-token": ADMIN,
            "authorization": f"Bearer {self.token}",
        }


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One hub on SQLite for the module, with a meter in it."""
    folder = tmp_path_factory.mktemp("fuzz")
    found: list[Running] = []
    ready, stop = threading.Event(), threading.Event()

    async def run() -> None:
        store = await open_store(
            f"sqlite:///{folder / 'hub.db'}",
            data=folder,
            parse=connectors.parse,
            vault=Vault({"t": b"k" * 32}),
        )
        await store.people.add_user("ada@example.org")
        token = await store.people.api_token("ada@example.org", "fuzz")
        app = create_app(store, _settings(folder), trigger=Relay())
        app.state.hub.announce = lambda line: None
        async with serving(app) as (host, port):
            found.append(Running(host, port, token))
            ready.set()
            await asyncio.to_thread(stop.wait)
        await store.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(30)
    yield found[0]
    stop.set()
    thread.join(30)


def _settings(folder: Path) -> Any:
    return load_settings(folder, {}, admin_token=ADMIN, webhook_secret=SECRET)


@pytest.mark.parametrize("examples", [5, pytest.param(100, marks=pytest.mark.soak)])
def test_requests_from_the_openapi_document(hub: Running, examples: int) -> None:
    schema = schemathesis.openapi.from_url(f"http://{hub.host}:{hub.port}/openapi.json")
    count = 0
    for operation in (result.ok() for result in schema.get_all_operations()):
        count += 1

        @quick(examples)
        @given(case=operation.as_strategy())
        def try_it(case: Any) -> None:
            for headers in (hub.headers, {}):
                answer = case.call(headers=headers)
                allowed = EXPECTED.get(case.operation.path, 499)
                assert answer.status_code <= allowed, (case.as_curl_command(), answer.status_code)
                if case.operation.path.startswith("/v1/"):
                    case.validate_response(answer, checks=[response_schema_conformance])

        try_it()
    assert count > 25


RAW_BYTES = st.binary(max_size=200).map(lambda b: b.replace(b"\r", b"").replace(b"\n", b""))
SECRETS = [b"x-admin-token", b"x-intelliwatt-secret", b"x-proxy-secret"]
NAMES = st.sampled_from([*SECRETS, b"content-type", b"host", b"x"])
HEADERS = st.lists(st.tuples(NAMES, RAW_BYTES), max_size=6)
BODIES = st.one_of(
    st.binary(max_size=300),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    ).map(lambda value: json.dumps(value).encode()),
)
FIELDS = ("filename", "mime", "encoding", "content_b64", "esiid", "meter", "captured_at", "sizeBytes", "mode")
SHORT = st.text(max_size=30)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | SHORT | st.lists(SHORT, max_size=3)


def exchange(hub: Running, path: bytes, headers: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    """The status line of one raw request."""
    lines = [b"POST " + path + b" HTTP/1.1", *(name + b": " + value for name, value in headers)]
    lines += [b"content-length: " + str(len(body)).encode(), b"connection: close", b"", b""]
    with closing(socket.create_connection((hub.host, hub.port), timeout=20)) as wire:
        wire.sendall(b"\r\n".join(lines) + body)
        return wire.recv(64)


@quick(250)
@given(headers=HEADERS, body=BODIES)
def test_raw_headers_and_bodies(hub: Running, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    answer = exchange(hub, PULL.encode(), headers, body)
    assert answer.startswith(b"HTTP/1.1 4"), (headers, body, answer)


@quick(250)
@given(changes=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4))
def test_wrong_fields_in_a_right_body(hub: Running, changes: dict[str, Any]) -> None:
    message = {**inline(smt.csv(smt.Day())), **changes}
    body = json.dumps(message, ensure_ascii=len(changes) % 2 == 0).encode("utf-8", "surrogatepass")
    good = [(b"host", b"x"), (b"content-type", b"application/json")]
    good += [(b"x-admin-token", ADMIN.encode()), (b"x-intelliwatt-secret", SECRET.encode())]
    answer = exchange(hub, PULL.encode(), good, body)
    assert answer[9:10] in (b"2", b"4"), (changes, answer)


@quick(150)
@given(path=st.binary(min_size=1, max_size=60), headers=HEADERS)
def test_raw_addresses(hub: Running, path: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    plain = bytes(b for b in path if b > 32 and b != 127)
    answer = exchange(hub, b"/" + plain, headers, b"")
    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 3")), (plain, answer)
