"""Why a car was not connected: fixed words for addresses and a sentence for each; input is never repeated."""

from __future__ import annotations

import structlog

from wattledger.errors import (
    BadPayload,
    LoginRequired,
    Misconfigured,
    Refused,
    TryLater,
    WattledgerError,
)

log = structlog.get_logger("wattledger.web")
AGAIN = "Start again from Sources."
VENDORS = frozenset(
    {
        "access_denied",
        "no_vehicles",
        "vehicle_incompatible",
        "invalid_subscription",
        "configuration_error",
        "server_error",
    }
)
"""words of the vendor's own that it puts into the way back"""
OTHERWISE = "connection_failed"
WORDS = {
    "access_denied": f"Smartcar did not let us in: nobody agreed there. {AGAIN}",
    "no_vehicles": "That account has no car. Add the car to it in the maker's app first.",
    "vehicle_incompatible": "Smartcar cannot reach this car: its make, model or year is not supported.",
    "invalid_subscription": "The maker's own subscription does not cover this; renew it there first.",
    "configuration_error": "Smartcar does not accept our application; an operator has to check its settings.",
    "server_error": f"Something went wrong at Smartcar. {AGAIN}",
    "state_invalid": f"This sign-in was used already, or began in another browser. {AGAIN}",
    "state_expired": f"This sign-in took longer than ten minutes. {AGAIN}",
    "not_verified": f"Smartcar does not confirm that this car is yours. {AGAIN}",
    "not_allowed": "Only an owner or admin of this site may connect a car.",
    "vehicle_in_use": "This car belongs to another site here; whoever connected it has to let it go first.",
    "exchange_failed": f"Smartcar did not accept this sign-in. {AGAIN}",
    "vendor_unavailable": "Smartcar could not be asked just now. Start again in a minute.",
    OTHERWISE: f"The car was not connected. {AGAIN}",
}


class Failed(Exception):
    """A sign-in that ends without a car; `code` is one of WORDS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code if code in WORDS else OTHERWISE


def said_by_vendor(error: str) -> Failed:
    """What the vendor's way back says went wrong."""
    return Failed(error if error in VENDORS else OTHERWISE)


def failed_by(error: WattledgerError) -> Failed:
    """What one of our errors means to the person who waits."""
    log.warning("car not connected", kind=type(error).__name__, reason=str(error))
    if isinstance(error, Refused) and error.code == "unverified":
        return Failed("not_verified")
    return Failed(next((code for kind, code in _MEANS if isinstance(error, kind)), OTHERWISE))


_MEANS: tuple[tuple[type[WattledgerError], str], ...] = (
    (Misconfigured, "configuration_error"),
    (TryLater, "vendor_unavailable"),
    (LoginRequired, "exchange_failed"),
    (BadPayload, "vendor_unavailable"),
)
