"""A TCP proxy for tests: passes bytes on, and does to each connection what its line says.

async with Wire(port, lambda n: Line(cut_at=100) if n == 3 else WHOLE) as wire:
    ...talk to wire.port...
    wire.cut()              every open connection is reset
    wire.plugged = False    so is every new one
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class Line:
    """What happens to one connection. `kind` is counted; bytes are those that the caller sends."""

    kind: str = "whole"
    cut_at: int | None = None
    """both ends are reset once so many bytes were passed on"""
    half_at: int | None = None
    """after so many bytes the server sees their end; its answer still comes back"""
    lose_answer: bool = False
    """reset by the first byte of the answer: the server has done what was asked, the caller never hears"""
    black_hole: bool = False
    """takes it, passes nothing on, says nothing, until it is cut"""
    delay: float = 0.0
    """seconds before each block"""
    block: int = BLOCK
    """bytes passed on at once: few of them, with a delay, are a drip"""


WHOLE = Line()


class Wire:
    """A listening port before `port`. `choose` gives the line of the n-th connection, from 0 on."""

    def __init__(
        self, port: int, choose: Callable[[int], Line] = lambda _: WHOLE, host: str = "127.0.0.1"
    ) -> None:
        self.target, self.choose, self.plugged = (host, port), choose, True
        self.kinds: Counter[str] = Counter()
        self._numbers = itertools.count()
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=512)
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server
        self._server.close()
        self.cut()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server
        return int(self._server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        """Reset every open connection, at both ends."""
        for writer in list(self._open):
            _reset(writer)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        self._open.add(writer)
        try:
            line = self.choose(next(self._numbers))
            self.kinds[line.kind] += 1
            if line.black_hole:
                while not writer.transport.is_closing():
                    await asyncio.sleep(0.05)
            elif self.plugged:
                back, forth = await asyncio.open_connection(*self.target)
                ends.append(forth)
                self._open.add(forth)
                await self._both(line, (reader, forth), (back, writer))
            else:
                _reset(writer)
        except OSError:  # what was cut, or nobody listens there
            for end in ends:
                _reset(end)
        finally:
            for end in ends:
                self._open.discard(end)
                end.close()

    async def _both(
        self,
        line: Line,
        asked: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        answered: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Until the answer has ended, or something was cut."""
        asking = asyncio.create_task(_asked(line, *asked))
        answering = asyncio.create_task(_answered(line, *answered))
        done, _ = await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_EXCEPTION)
        asking.cancel()
        answering.cancel()
        await asyncio.gather(asking, answering, return_exceptions=True)
        for task in done:
            task.result()


async def _asked(line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    last = min((n for n in (line.cut_at, line.half_at) if n is not None), default=None)
    passed = 0
    while data := await reader.read(line.block):
        part = data if last is None else data[: last - passed]
        await _pass(line, part, writer)
        passed += len(part)
        if passed == line.cut_at:
            raise ConnectionResetError
        if passed == line.half_at:
            break
    writer.write_eof()


async def _answered(line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(line.block):
        if line.lose_answer:
            raise ConnectionResetError
        await _pass(line, data, writer)
    writer.write_eof()


async def _pass(line: Line, data: bytes, writer: asyncio.StreamWriter) -> None:
    if line.delay:
        await asyncio.sleep(line.delay)
    writer.write(data)
    await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End it at once; the other side sees a reset, not an end."""
    with suppress(OSError):
        found = writer.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
