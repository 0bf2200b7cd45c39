"""Which MQTT broker, and how it is reached."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from wattledger.config import Settings
from wattledger.errors import Misconfigured
from wattledger.transport import is_loopback

PORTS = {"mqtt": 1883, "mqtts": 8883}
HOW = "WATTLEDGER_MQTT_URL must be mqtt://host or mqtts://host, a port may follow"


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker. `discovery` is Home Assistant's prefix, `topic` the one under which states stand."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    user: str | None
    password: str | None = field(repr=False)
    discovery: str = "homeassistant"
    topic: str = "wattledger"

    @property
    def in_clear(self) -> bool:
        """Whether what is published crosses a network without TLS."""
        return self.tls is None and not is_loopback(self.host)


def broker_of(settings: Settings) -> Broker | None:
    """The broker of the settings, None where none is set. Raises Misconfigured."""
    if settings.mqtt_url is None:
        return None
    try:
        url = urlsplit(settings.mqtt_url)
        port = url.port or PORTS[url.scheme]
    except (ValueError, KeyError):
        raise Misconfigured(f"{HOW}.") from None
    if url.username or url.password:
        raise Misconfigured(
            f"{HOW}; its user and password belong in WATTLEDGER_MQTT_USER and WATTLEDGER_MQTT_PASSWORD."
        )
    if not url.hostname or url.path.strip("/") or url.query or url.fragment:
        raise Misconfigured(f"{HOW}; topics have settings of their own.")
    password = settings.mqtt_password.get_secret_value() if settings.mqtt_password else None
    tls = _tls(settings) if url.scheme == "mqtts" else None
    return Broker(
        url.hostname, port, tls, settings.mqtt_user, password, settings.mqtt_discovery, settings.mqtt_topic
    )


def _tls(settings: Settings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.mqtt_ca)
    except (OSError, ssl.SSLError):
        raise Misconfigured("WATTLEDGER_MQTT_CA names a file that cannot be read as certificates.") from None
