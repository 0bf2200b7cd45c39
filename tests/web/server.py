"""A hub behind a real socket, as uvicorn serves it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[tuple[str, int]]:
    """Host and port of the running hub; it is stopped at the end."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off", access_log=False)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    app.state.hub.address = f"http://{host}:{port}"
    try:
        yield host, port
    finally:
        server.should_exit = True
        await running


async def raw(host: str, port: int, *parts: bytes) -> bytes:
    """Send bytes as they are and read all that comes back within two seconds."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(_until_quiet(reader), 5)
    finally:
        writer.close()


async def _until_quiet(reader: asyncio.StreamReader) -> bytes:
    got = b""
    while True:
        try:
            part = await asyncio.wait_for(reader.read(65536), 1)
        except TimeoutError:
            return got
        if not part:
            return got
        got += part
        if b"\r\n\r\n" in got and b"content-length: 0" in got.lower():
            return got
