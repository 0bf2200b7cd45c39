"""The one HTTP client: capped bodies, no redirects, one host, timed phases, statuses as our errors."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI, Request, Response

from wattledger.connectors.http import HttpAnswer, answered, check, exchange, open_client, wish
from wattledger.errors import BadPayload, LoginRequired, Misconfigured, Refused, TryLater
from wattledger.faults import sabotage
from wattledger.simulators.http import serve


@pytest.fixture
async def address() -> AsyncIterator[str]:
    app = FastAPI()

    @app.get("/large")
    async def large() -> Response:
        return Response(b"x" * 3_000_000)

    @app.get("/bomb")
    async def bomb() -> Response:
        return Response(gzip.compress(b"\0" * 50_000_000), headers={"Content-Encoding": "gzip"})

    @app.get("/nested")
    async def nested() -> Response:
        twice = gzip.compress(gzip.compress(b"\0" * 50_000_000))
        return Response(twice, headers={"Content-Encoding": "gzip, gzip"})

    @app.get("/away")
    async def away() -> Response:
        return Response(status_code=302, headers={"Location": "http://127.0.0.1:9/"})

    @app.get("/slow")
    async def slow() -> Response:
        await asyncio.sleep(5)
        return Response(b"")

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return Response(await request.body(), headers={"X-Name": "Value"})

    async with serve(app) as url:
        yield url


async def test_a_body_over_the_limit_is_not_read(address: str) -> None:
    async with open_client(address) as http:
        assert len((await exchange(http, "GET", "/large")).body) == 3_000_000
        with pytest.raises(BadPayload, match="larger") as caught:
            await exchange(http, "GET", "/large", max_body=2_000_000)
        assert caught.value.code == "too_large"


async def test_a_compressed_bomb_is_stopped_while_it_unfolds(address: str) -> None:
    async with open_client(address) as http:
        with pytest.raises(BadPayload):
            await exchange(http, "GET", "/bomb")


async def test_nested_compression_is_not_unfolded(address: str) -> None:
    async with open_client(address) as http:
        with pytest.raises(BadPayload) as caught:
            await exchange(http, "GET", "/nested")
        assert caught.value.code == "bad_encoding"


async def test_a_redirect_is_an_answer_and_not_followed(address: str) -> None:
    async with open_client(address) as http:
        answer = await exchange(http, "GET", "/away")
    assert answer.status == 302
    with pytest.raises(Refused, match="redirect"):
        check(answer, "The vendor")


async def test_another_host_is_never_called(address: str) -> None:
    async with open_client(address) as http:
        for foreign in ("http://127.0.0.1:9/echo", "http://localhost/", address.replace("http:", "https:")):
            with pytest.raises(Misconfigured, match="one host only"):
                await exchange(http, "GET", foreign)


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    key, cert = self_signed(tmp_path)
    served = serve(FastAPI(), ssl_keyfile=str(key), ssl_certfile=str(cert))
    async with served as url, open_client(url) as http:
        with pytest.raises(TryLater, match="ConnectError"):
            await exchange(http, "GET", "/")


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Key and certificate of 127.0.0.1 that no authority signed."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    made = made.serial_number(1).not_valid_before(NOW - timedelta(days=900))
    made = made.not_valid_after(NOW + timedelta(days=9000))
    key, cert = folder / "key.pem", folder / "cert.pem"
    plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key.write_bytes(private.private_bytes(*plain))
    cert.write_bytes(made.sign(private, SHA256()).public_bytes(Encoding.PEM))
    return key, cert


async def test_a_slow_answer_and_a_closed_port_are_passing_faults(address: str) -> None:
    async with open_client(address, timeout=httpx2.Timeout(0.2)) as http:
        with pytest.raises(TryLater, match="in time"):
            await exchange(http, "GET", "/slow")
    async with open_client("http://127.0.0.1:9") as http:
        with pytest.raises(TryLater, match="cannot be reached"):
            await exchange(http, "GET", "/")


async def test_header_names_are_lower_case_and_nothing_is_logged(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with open_client(address) as http:
        answer = await exchange(http, "POST", "/echo?key=canary-query", json={"word": "canary-body"})
    assert answer.headers["x-name"] == "Value"
    assert b"canary-body" in answer.body
    assert "canary" not in caplog.text + repr(answer)


@pytest.mark.parametrize("wrong", ["ftp://host", "host", "", "http://", "https://user:word@host"])
def test_a_wrong_address_is_a_setting_to_change(wrong: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        open_client(wrong)
    assert "word" not in str(caught.value).replace("password", "")


STATUSES = [
    *[(s, TryLater) for s in (408, 425, 429, 500, 502, 503, 504, 520)],
    *[(s, Refused) for s in (400, 403, 404, 409, 413, 422, 430, 501, 301, 307)],
    (401, LoginRequired),
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_each_status_is_one_of_our_errors(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        check(HttpAnswer(status, {}, b""), "The vendor")


NOW = datetime(2026, 11, 20, 18, tzinfo=UTC)
WISHES = [
    ({"retry-after": "120"}, timedelta(minutes=2)),
    ({"retry-after": "0"}, timedelta(seconds=1)),
    ({"retry-after": "999999999999999999"}, None),
    ({"retry-after": "86400"}, timedelta(hours=1)),
    ({"retry-after": "Fri, 20 Nov 2026 18:10:00 GMT"}, timedelta(minutes=10)),
    ({"retry-after": "Fri, 20 Nov 2020 18:10:00 GMT"}, timedelta(seconds=1)),
    ({"retry-after": "soon"}, None),
    ({"retry-after": "-5"}, None),
    ({"x-ratelimit-reset": "40585"}, timedelta(seconds=40.585)),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "pause"), WISHES)
def test_the_vendors_wish_is_read_and_bounded(headers: dict[str, str], pause: timedelta | None) -> None:
    assert wish(HttpAnswer(429, headers, b""), NOW) == pause


async def test_sabotage_body_cap_is_noticed(address: str) -> None:
    with sabotage("body_cap"):
        async with open_client(address) as http:
            assert len((await exchange(http, "GET", "/large", max_body=2_000_000)).body) > 2_000_000


async def test_sabotage_one_host_is_noticed(address: str) -> None:
    with sabotage("one_host"):
        async with open_client("http://127.0.0.1:9") as http:
            assert (await exchange(http, "GET", f"{address}/away")).status == 302


@pytest.mark.parametrize(
    ("date", "hours"),
    [
        (None, 0),
        ("soon", 0),
        (timedelta(hours=-2), 0),
        (timedelta(seconds=30), 0),
        (timedelta(hours=2), 2),
        (timedelta(days=3), 0),
    ],
)
def test_the_vendors_clock_counts_where_ours_is_behind(date: timedelta | str | None, hours: int) -> None:
    said = format_datetime(NOW + date, usegmt=True) if isinstance(date, timedelta) else date
    answer = HttpAnswer(200, {} if said is None else {"date": said}, b"")
    assert answered(answer, NOW) == NOW + timedelta(hours=hours)
