"""A mail server on loopback: speaks SMTP over a real socket, keeps what it gets, refuses as told."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailServer:
    """`answers` are given to the next RCPT commands instead of 250; `wire` is all that came in."""

    port: int = 0
    answers: list[str] = field(default_factory=list)
    login: str | None = None
    """`user:password` that it wants"""
    wire: bytearray = field(default_factory=bytearray)
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    sessions: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        self.sessions += 1
        try:
            writer.write(b"220 mail.test ready\r\n")
            while line := await reader.readline():
                self.wire += line
                said = await self._answer(line.decode().strip(), reader)
                writer.write((said + "\r\n").encode())
                await writer.drain()
                if said.startswith("221"):
                    break
        finally:
            writer.close()

    async def _answer(self, line: str, reader: asyncio.StreamReader) -> str:
        verb = line.partition(" ")[0].upper()
        if verb == "EHLO":
            return "250-mail.test\r\n250 AUTH PLAIN" if self.login else "250 mail.test"
        if verb == "AUTH":
            given = base64.b64decode(line.rsplit(maxsplit=1)[-1]).decode().strip("\0").replace("\0", ":")
            return "235 welcome" if given == self.login else "535 who are you"
        if verb == "RCPT":
            if self.answers:
                return self.answers.pop(0)
            self.recipients.append(line.partition("<")[2].partition(">")[0])
        if verb == "DATA":
            return await self._data(reader)
        return {"QUIT": "221 bye", "STARTTLS": "502 not here"}.get(verb, "250 fine")

    async def _data(self, reader: asyncio.StreamReader) -> str:
        writer_line = b"354 go on\r\n"
        self._writer.write(writer_line)
        lines = []
        while (line := await reader.readline()) not in (b".\r\n", b""):
            self.wire += line
            lines.append(line[1:] if line.startswith(b"..") else line)
        self.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
        return "250 kept"

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A new client; one at a time is enough here."""
        self._writer = writer
        await self.serve(reader, writer)


@asynccontextmanager
async def mail_server(login: str | None = None, port: int = 0) -> AsyncIterator[MailServer]:
    """A mail server while the block runs."""
    found = MailServer(login=login)
    server = await asyncio.start_server(found.connected, "127.0.0.1", port)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
