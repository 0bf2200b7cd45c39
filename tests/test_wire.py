"""The proxy of the tests does to a connection what its line says, and nothing to the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

import pytest

from tests.wire import WHOLE, Line, Wire

ASKED = b"a" * 1000


@pytest.fixture
async def heard() -> AsyncIterator[list[bytes]]:
    """What a server hears; it answers with as many bytes, once it has the end of what is asked."""
    found: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            found.append(await reader.read(-1))
        except ConnectionError:
            found.append(b"reset")
        else:
            writer.write(found[-1].upper())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    found.append(str(server.sockets[0].getsockname()[1]).encode())
    yield found
    server.close()


async def ask(wire: Wire, asked: bytes = ASKED) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    try:
        writer.write(asked)
        writer.write_eof()
        async with asyncio.timeout(1):
            return await reader.read(-1)
    except ConnectionError:
        return b"reset"
    except TimeoutError:
        return b"nothing"
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    ("line", "server_hears", "caller_hears"),
    [
        (WHOLE, ASKED, b"A" * 1000),
        (Line(cut_at=10), b"reset", b"reset"),
        (Line(half_at=10), b"a" * 10, b"A" * 10),
        (Line(lose_answer=True), ASKED, b"reset"),
        (Line(black_hole=True), None, b"nothing"),
        (Line(block=100, delay=0.01), ASKED, b"A" * 1000),
    ],
)
async def test_a_line(
    line: Line, server_hears: bytes | None, caller_hears: bytes, heard: list[bytes]
) -> None:
    async with Wire(int(heard.pop()), lambda n: line if n == 1 else WHOLE) as wire:
        assert await ask(wire) == b"A" * 1000
        begin = monotonic()
        assert await ask(wire) == caller_hears
        await asyncio.sleep(0.02)
        assert heard[1:] == ([] if server_hears is None else [server_hears])
        assert monotonic() - begin >= 20 * line.delay * 0.9
        assert await ask(wire) == b"A" * 1000
        assert wire.kinds.total() == 3


async def test_all_are_cut_and_unplugged(heard: list[bytes]) -> None:
    async with Wire(int(heard.pop())) as wire:
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writer.write(b"x")
        await asyncio.sleep(0.05)
        wire.cut()
        with pytest.raises(ConnectionError):
            await reader.read(1)
        wire.plugged = False
        assert await ask(wire) == b"reset"
        wire.plugged = True
        assert await ask(wire, b"x") == b"X"
        writer.transport.abort()


async def test_nobody_there() -> None:
    async with Wire(1) as wire:
        assert await ask(wire) == b"reset"
