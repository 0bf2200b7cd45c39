"""What `wattledger doctor` checks on a relay: SFTP, decryption, the API token and its use, delivery."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

from wattledger.cli.checks import Check, NotAsked, Verdict, Worth, check
from wattledger.cli.checks_api import api_checks
from wattledger.clock import SystemClock, token
from wattledger.config import Settings
from wattledger.connectors.smart_meter_texas.drop.folder import Drop, Place, open_drop
from wattledger.connectors.smart_meter_texas.drop.pgp import PgpKeys, open_pgp
from wattledger.errors import BadPayload, Misconfigured, NotFound, WattledgerError
from wattledger.relay.hub import Hub
from wattledger.relay.item import Item
from wattledger.relay.wire import Letter
from wattledger.transport import is_plain

CANARY = "wattledger-doctor-canary.txt"


async def relay_checks(settings: Settings) -> AsyncIterator[Check]:
    """Every check of a relay, in the order in which a file travels."""
    async for found in _sftp_checks(settings):
        yield found
    yield await check("decrypt", _decrypt(settings))
    async for found in api_checks(settings):
        yield found
    yield await check("deliver", _deliver(settings))


async def _sftp_checks(settings: Settings) -> AsyncIterator[Check]:
    folders = (settings.smt_sftp_remote_dir, settings.smt_sftp_report_dir)
    try:
        async with open_drop(Place.of(settings)) as drop:
            yield Check(
                "sftp sign-in", Verdict.OK, f"{settings.smt_sftp_user} is let in at {settings.smt_sftp_host}."
            )
            for folder in folders:
                yield await check(f"list {folder}", _listed(drop, folder, folder == folders[1]))
    except WattledgerError as error:
        yield Check("sftp sign-in", Verdict.FAILED, str(error))


async def _listed(drop: Drop, folder: str, optional: bool) -> str:
    try:
        files = [file async for file in drop.listing(folder)]
    except NotFound as missing:
        if optional:
            raise Worth(f"{missing} Reports come through it; usage files do not need it.") from None
        raise
    return f"{len(files)} file(s), {sum(file.size for file in files):,} bytes."


async def _decrypt(settings: Settings) -> str:
    keys = PgpKeys.of(settings)
    if missing := keys.missing():
        raise Misconfigured(f"SMT_PGP_KEY_PATH or GNUPG_HOME: {missing}.")
    if keys.key_path is None:
        raise NotAsked("A GnuPG home is used: the first encrypted file will show whether its key opens it.")
    plain = token().encode()
    if await open_pgp(_encrypted(plain, keys.key_path.read_bytes()), keys) != plain:
        raise BadPayload("The configured key opened a message, but what came out differs.")
    return "A message made for the configured key was opened by it."


def _encrypted(plain: bytes, secret_key: bytes) -> bytes:
    """A message to the certificate of a secret key. Raises Misconfigured where it is none."""
    import pysequoia

    try:
        recipient = pysequoia.Tsk.from_bytes(secret_key).extract_certificate()
        return bytes(pysequoia.encrypt(bytes=plain, recipients=[recipient]))
    except Exception:
        raise Misconfigured("SMT_PGP_KEY_PATH: the file holds no usable armoured secret key.") from None


async def _deliver(settings: Settings) -> str:
    """Send a small file that is no reading; sending it again changes nothing."""
    clock = SystemClock()
    body = f"A delivery test of relay {settings.relay_name}.\n".encode()
    digest = hashlib.sha256(body).hexdigest()
    now = int(clock.now().timestamp())
    item = Item(id=digest[:32], name=CANARY, folder="doctor", size=len(body), mtime=now, sha256=digest)
    async with Hub.of(settings, clock) as hub:
        receipt = await hub.deliver(Letter(item, body))
    text = f"The hub keeps it as raw file {receipt.id}{' (from before)' if receipt.duplicate else ''}."
    if is_plain(settings.hub_url or ""):
        raise Worth(f"{text} INTELLIWATT_BASE_URL is plain http to another machine: use https.")
    return text
