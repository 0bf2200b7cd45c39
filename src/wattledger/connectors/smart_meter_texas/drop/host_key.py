"""The pinned host key: shown by fingerprint, written to the known_hosts file only when a person asks."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from wattledger.connectors.smart_meter_texas.drop.folder import HOST_KEY_ALGORITHMS
from wattledger.errors import TryLater


@dataclass(frozen=True, slots=True)
class HostKey:
    """What a server shows of itself. `line` is its known_hosts line."""

    fingerprint: str
    line: str


async def shown_by(host: str, port: int, timeout: float = 20) -> HostKey:
    """The host key that a server shows now, unverified. Raises TryLater when it does not answer."""
    try:
        key = await asyncio.wait_for(
            asyncssh.get_server_host_key(
                host, port, config=None, server_host_key_algs=list(HOST_KEY_ALGORITHMS)
            ),
            timeout,
        )
    except (OSError, asyncssh.Error, TimeoutError):
        raise TryLater(f"SFTP: {host}:{port} shows no host key just now; check the address.") from None
    if key is None:
        raise TryLater(
            f"SFTP: {host}:{port} shows no host key that we accept ({', '.join(HOST_KEY_ALGORITHMS)})."
        )
    address = host if port == 22 else f"[{host}]:{port}"
    kind, data = key.export_public_key().decode().split()[:2]
    return HostKey(key.get_fingerprint(), f"{address} {kind} {data}\n")


def pin(path: Path, key: HostKey) -> bool:
    """Writes the key as the only one of its host; False when it was pinned already."""
    address = key.line.split()[0]
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    if key.line in lines:
        return False
    others = [line for line in lines if line.split(" ")[0] != address]
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(path.name + ".tmp")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines([*others, key.line])
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    return True
