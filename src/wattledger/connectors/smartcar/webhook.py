"""What Smartcar's calls to our webhook are: signed or not, challenges, and what they mean to a connection."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from wattledger.connectors.reading import mapping, rows
from wattledger.connectors.smartcar.envelope import ERROR, STATE, VERIFY, Envelope, code_of, envelope_of
from wattledger.connectors.smartcar.errors import Then, of_signal
from wattledger.connectors.smartcar.reading import word
from wattledger.connectors.smartcar.signals import READERS, SOC, signal_of
from wattledger.connectors.webhooks import Call, Response
from wattledger.errors import BadPayload, LoginRequired, Misconfigured, Refused, WattledgerError
from wattledger.faults import sabotaged

HEADER = "sc-signature"
SIGNATURE = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
CHALLENGE = re.compile(r"[A-Za-z0-9._~+/=:<>-]{1,128}", re.ASCII)
"""neither braces nor quotes: signing a challenge must never sign an event"""
PERMISSION, REAUTHENTICATE = "PERMISSION", "REAUTHENTICATE"
OF_ACCOUNTS = ("CONNECTED_SERVICES_ACCOUNT", PERMISSION)
NEEDED = frozenset({SOC})
"""signals without which a connection is worth nothing: only their loss asks for a new sign-in"""


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> None:
    """Raises Refused 401 where `SC-Signature` is not the hex HMAC-SHA256 of these very bytes."""
    given = [value for name, value in headers.items() if name.casefold() == HEADER]
    right = (
        len(given) == 1
        and SIGNATURE.fullmatch(str(given[0])) is not None
        and _signed(given[0], body, secrets)
    )
    if not right and not sabotaged("webhook_signature"):
        raise Refused("The call is not signed by Smartcar.", "BAD_SIGNATURE", "SC-Signature", 401)


def reply(body: bytes, secrets: Sequence[str]) -> Response | None:
    """The answer to a challenge, which is unsigned; None for every other call.

    Raises BadPayload for a challenge that can't be the vendor's, Misconfigured without a token to sign with.
    """
    envelope = envelope_of(body)
    if envelope.kind != VERIFY:
        return None
    challenge = envelope.data.get("challenge")
    fits = isinstance(challenge, str) and CHALLENGE.fullmatch(challenge)
    if not isinstance(challenge, str) or not (fits or sabotaged("challenge_alphabet")):
        raise BadPayload(
            "The challenge is missing, or longer or stranger than Smartcar's are.", "bad_challenge"
        )
    key = next(filter(None, secrets), None)
    if key is None:
        raise Misconfigured("Set SMARTCAR_MANAGEMENT_TOKEN to answer Smartcar's webhook challenge.")
    return Response(200, json.dumps({"challenge": _hex(key, challenge.encode())}).encode())


def call(body: bytes) -> Call:
    """What a verified call is about. Raises BadPayload."""
    envelope = envelope_of(body)
    meaning = consequence(envelope) if envelope.kind == ERROR and not envelope.test else None
    over = meaning is None and envelope.kind == ERROR and healed(envelope)
    vehicles, reached = envelope.vehicles(), answered(envelope)
    return Call(vehicles, envelope.event, envelope.user, envelope.test, meaning, over, reached)


def answered(envelope: Envelope) -> bool:
    """Whether it has news of every car that it speaks of."""
    if envelope.old:
        parts = [[mapping(one).get("code") for one in rows(car.get("data"))] for car in envelope.cars]
        return bool(parts) and all(200 in codes for codes in parts)
    if envelope.kind != STATE:
        return False
    read = filter(None, map(signal_of, rows(envelope.data.get("signals"))))
    fresh = [one for one in read if one.code in envelope.changed or not envelope.changed]
    return any(one.good and one.code in READERS for one in fresh)


def healed(envelope: Envelope) -> bool:
    """Whether an error of the account is over; such a message names no resolution."""
    errors = [mapping(one) for one in rows(envelope.data.get("errors"))]
    return any(
        word(error.get("state")) == "RESOLVED" and word(error.get("type")) in OF_ACCOUNTS for error in errors
    )


def consequence(envelope: Envelope) -> WattledgerError | None:
    """LoginRequired where an error that still lasts is one that only the owner's signing in can end."""
    lasting = (mapping(one) for one in rows(envelope.data.get("errors")))
    for error in lasting:
        if (word(error.get("state")) or "ERROR") == "ERROR" and _login(error):
            return LoginRequired(
                "Smartcar no longer has access to this car's account: connect the car again."
            )
    return None


def _login(error: Mapping[str, Any]) -> bool:
    found = of_signal(error)
    if found.then is Then.RECONNECT:
        return found.code != PERMISSION or _needed(error)
    return found.then is Then.PERMISSION and found.resolution == REAUTHENTICATE and _needed(error)


def _needed(error: Mapping[str, Any]) -> bool:
    """Whether a lost permission concerns everything, or what can't be done without."""
    named = [code_of(one) for one in rows(error.get("signals"))]
    return not named or bool(NEEDED.intersection(named)) or sabotaged("needed_signals")


def _signed(given: str, body: bytes, secrets: Sequence[str]) -> bool:
    """Every token is tried, so that the time tells nothing of which was right."""
    tried = [hmac.compare_digest(given.lower().encode(), _hex(key, body).encode()) for key in secrets if key]
    return any(tried)


def _hex(key: str, message: bytes) -> str:
    return hmac.new(key.encode(), message, "sha256").hexdigest()
