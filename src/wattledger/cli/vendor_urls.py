"""Where a connection's vendor is: which origins a client may reach, before and after signing in."""

from __future__ import annotations

from wattledger.config import Settings
from wattledger.connectors.base import Connection


def addresses(settings: Settings, connection: Connection, *, signed_in: bool) -> tuple[str, ...]:
    """The address that paths belong to, then others that may be reached; from settings alone.

    A connection's own `base_url` (a vendor on loopback) takes the place of the first.
    """
    found = _usual(settings, connection, signed_in)
    named = connection.options.get("base_url")
    return (str(named), *found[1:]) if named else found


def _usual(settings: Settings, connection: Connection, signed_in: bool) -> tuple[str, ...]:
    if connection.connector != "smartcar":
        return (str(getattr(settings, f"{connection.connector}_base_url", "")),)
    if connection.options.get("api") == "v3":
        vehicles = (settings.smartcar_vehicle_url, settings.smartcar_management_url)
        return vehicles if signed_in else (settings.smartcar_iam_url,)
    return (settings.smartcar_base_url if signed_in else settings.smartcar_auth_url,)
