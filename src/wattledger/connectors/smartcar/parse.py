"""What a Smartcar payload says. Pure."""

from __future__ import annotations

from wattledger.connectors.smartcar.reading import load
from wattledger.model import Parsed, Payload

VEHICLES, VEHICLE, BATCH, ANSWER = "vehicles.json", "vehicle.json", "batch.json", "answer.json"
CONNECTIONS, SIGNALS = "connections.json", "signals.json"
WEBHOOK, TROUBLE = "webhook.json", "trouble.json"


def parse(payload: Payload) -> Parsed:
    """Usage points and observations. Raises BadPayload for what can't be read."""
    load(payload.body)
    return Parsed(kind="status")
