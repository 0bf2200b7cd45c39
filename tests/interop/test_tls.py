"""mqtts: the broker's certificate is held against the known authorities, or the one that is named."""

from __future__ import annotations

import asyncio
import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.interop.mosquitto import Mosquitto
from tests.interop.test_publisher import running
from wattledger.config import load_settings
from wattledger.interop.broker import broker_of
from wattledger.interop.publisher import Publisher
from wattledger.interop.things import Thing
from wattledger.store import Store


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Key and certificate of 127.0.0.1, which is its own authority."""
    private, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=2))
    made = made.not_valid_after(now + timedelta(days=30))
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = made.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    key, cert = folder / "key.pem", folder / "cert.pem"
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    cert.write_bytes(made.sign(private, SHA256()).public_bytes(Encoding.PEM))
    return key, cert


@pytest.mark.parametrize("trusted", [True, False])
async def test_only_a_broker_that_is_vouched_for_is_spoken_to(
    store: Store, tmp_path: Path, trusted: bool
) -> None:
    key, cert = self_signed(tmp_path)
    broker = Mosquitto(tmp_path, "allow_anonymous true", f"certfile {cert}", f"keyfile {key}")
    broker.start()
    try:
        said = {"WATTLEDGER_MQTT_URL": f"mqtts://127.0.0.1:{broker.port}"}
        settings = load_settings(tmp_path, said | ({"WATTLEDGER_MQTT_CA": str(cert)} if trusted else {}))
        at = broker_of(settings)
        assert at is not None and not at.in_clear

        async def look() -> list[Thing]:
            return [Thing("a", "A", "Car", {"energy": 1.0})]

        async with running(Publisher(store.database, at, look, every=0.1, again=0.1)):
            await asyncio.sleep(1)
        assert ("'wattledger/a/state'" in broker.log()) == trusted
    finally:
        broker.stop()
