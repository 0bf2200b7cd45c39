"""The simulated drop is a real SFTP server: key sign-in, chroot, read only, and the scripted faults."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from wattledger.simulators.pgp import PgpPair
from wattledger.simulators.sftp import SftpSimulator


@asynccontextmanager
async def client(
    sim: SftpSimulator, tmp_path: Path, user: str | None = None
) -> AsyncIterator[asyncssh.SFTPClient]:
    key = sim.write_client_key(tmp_path / "id", comment="renamed")
    hosts = sim.write_known_hosts(tmp_path / "known_hosts")
    async with (
        asyncssh.connect(
            sim.host,
            sim.port,
            username=user or sim.user,
            client_keys=[str(key)],
            known_hosts=str(hosts),
            agent_path=None,
            config=None,
        ) as connection,
        connection.start_sftp_client() as sftp,
    ):
        yield sftp


async def test_lists_and_reads_both_folders(tmp_path: Path) -> None:
    async with SftpSimulator(tmp_path / "drop") as sim:
        sim.put("a.csv", b"one")
        sim.put("b.csv", b"two", folder="EnrollmentReports")
        async with client(sim, tmp_path) as sftp:
            assert [n for n in await sftp.listdir("/adhocusage") if n not in {".", ".."}] == ["a.csv"]
            async with sftp.open("/EnrollmentReports/b.csv") as file:
                assert await file.read() == "two"
        assert ("login", sim.user) in sim.operations


async def test_stays_inside_its_root_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret")
    async with SftpSimulator(tmp_path / "drop") as sim, client(sim, tmp_path) as sftp:
        with pytest.raises(asyncssh.SFTPError):
            await sftp.stat("/../outside")
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            async with sftp.open("/adhocusage/new", "wb"):
                pass
        assert not list(sim.folder().iterdir())


async def test_refuses_another_user_and_another_key(tmp_path: Path) -> None:
    async with SftpSimulator(tmp_path / "drop") as sim:
        with pytest.raises(asyncssh.PermissionDenied):
            async with client(sim, tmp_path, user="somebody"):
                pass
        sim.faults.refuse_login = True
        with pytest.raises(asyncssh.PermissionDenied):
            async with client(sim, tmp_path):
                pass


async def test_comes_back_with_another_host_key(tmp_path: Path) -> None:
    async with SftpSimulator(tmp_path / "drop") as sim:
        port, pin = sim.port, sim.known_hosts_line
        await sim.restart(new_host_key=True)
        assert sim.port == port
        assert sim.known_hosts_line != pin
        async with client(sim, tmp_path):
            pass


async def test_cuts_a_file_at_a_byte(tmp_path: Path) -> None:
    async with SftpSimulator(tmp_path / "drop") as sim:
        sim.put("big.csv", b"x" * 100_000)
        sim.faults.cut_at = 50_000
        with pytest.raises((asyncssh.Error, OSError)):
            async with client(sim, tmp_path) as sftp:
                await sftp.get("/adhocusage/big.csv", str(tmp_path / "copy"))


async def test_hangs_until_told_otherwise(tmp_path: Path) -> None:
    async with SftpSimulator(tmp_path / "drop") as sim, client(sim, tmp_path) as sftp:
        sim.faults.hang.add("list")
        listing = asyncio.create_task(sftp.listdir("/adhocusage"))
        await asyncio.wait({listing}, timeout=0.2)
        assert not listing.done()
        sim.faults.hang.clear()
        assert set(await listing) <= {".", ".."}


async def test_a_growing_file_changes_size(tmp_path: Path) -> None:
    async with SftpSimulator(tmp_path / "drop") as sim, client(sim, tmp_path) as sftp:
        growth = asyncio.create_task(sim.grow("g.csv", [b"a" * 10, b"b" * 10], every=0.2))
        await asyncio.sleep(0.1)
        first = (await sftp.stat("/adhocusage/g.csv")).size
        await growth
        assert (first, (await sftp.stat("/adhocusage/g.csv")).size) == (10, 20)


@pytest.mark.parametrize("armor", [True, False])
def test_only_the_recipient_opens_a_message(armor: bool) -> None:
    pair, other = PgpPair.make(), PgpPair.make()
    message = pair.encrypt(b"plain", armor)
    assert message.startswith(b"-----BEGIN PGP MESSAGE-----") == armor
    assert pair.decrypt(message) == b"plain"
    assert message != pair.encrypt(b"plain", armor)
    with pytest.raises(RuntimeError):
        other.decrypt(message)
