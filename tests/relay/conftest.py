"""Fixtures of the relay's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.relay.hub_double import HubDouble
from tests.relay.world import World
from wattledger import faults
from wattledger.simulators.pgp import PgpPair
from wattledger.simulators.sftp import SftpSimulator

PAIR = PgpPair.make()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A vendor's drop, a hub and the relay's keys, all real and on loopback."""
    async with SftpSimulator(tmp_path / "remote") as drop, HubDouble() as hub:
        drop.write_client_key(tmp_path / "id_ed25519")
        drop.write_known_hosts(tmp_path / "known_hosts")
        PAIR.write_secret(tmp_path / "pgp.asc")
        yield World(tmp_path, drop, hub, PAIR)
    faults.disarm()
