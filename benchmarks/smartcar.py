"""Smartcar, measured: how many answers and calls one thread reads in a second.

The answers are as large as real ones: a batch of six paths, thirty signals, a webhook of nine.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from time import perf_counter

from tests.payloads import smartcar as made

from benchmarks.figures import RUNS, Figure, at_least
from wattledger.connectors.smartcar import CONNECTOR
from wattledger.connectors.smartcar.parse import BATCH, SIGNALS, WEBHOOK
from wattledger.connectors.smartcar.places import holds_places
from wattledger.connectors.smartcar.signals import READERS

TIMES = 500
SIGNALS_OF_A_CAR = 30
FLEET = 10_000 / 1800
"""answers a second of ten thousand cars that are asked every half hour"""
INTAKE = 500
"""webhooks a second that the hub must take in"""


def batch() -> bytes:
    """Six paths of one car."""
    said = (
        made.entry("/battery", {"percentRemaining": 0.57, "range": 253}),
        made.entry("/charge", {"isPluggedIn": True, "state": "CHARGING"}),
        made.entry("/location", made.HOME),
        made.entry("/odometer", {"distance": 52891}),
        made.entry("/charge/limit", {"limit": 0.8}),
        made.refused("/battery/nominal_capacity", 501, "COMPATIBILITY", "VEHICLE_NOT_CAPABLE"),
    )
    return json.dumps({"responses": said}).encode()


def signals() -> bytes:
    """Thirty signals of one car, those that are read among them."""
    codes = [*READERS, *(f"closure-door{n}" for n in range(SIGNALS_OF_A_CAR - len(READERS)))]
    return json.dumps(
        made.listed(*(made.signal(code, {"value": 57, "unit": "percent"}) for code in codes))
    ).encode()


def webhook() -> bytes:
    """Nine signals that a car reported by itself."""
    said = (made.flat(code, {"value": 57, "unit": "percent"}) for code in list(READERS)[:9])
    return json.dumps(made.state(*said)).encode()


def measure() -> list[Figure]:
    """Every figure."""
    call, key = webhook(), [made.TOKEN]
    headers = made.signed(call)

    def taken() -> None:
        CONNECTOR.verify(headers, call, key)
        CONNECTOR.reply(call, key)
        CONNECTOR.call(call)
        holds_places(call)

    read = {BATCH: batch(), SIGNALS: signals(), WEBHOOK: call}
    parsing = {
        "Smartcar: batches of six paths read": (BATCH, FLEET),
        "Smartcar: lists of 30 signals read": (SIGNALS, FLEET),
        "Smartcar: webhooks of nine signals read": (WEBHOOK, INTAKE),
    }
    figures = [
        at_least(what, _rates(_parsing(read[kind], kind)), "/s", goal)
        for what, (kind, goal) in parsing.items()
    ]
    return [*figures, at_least("Smartcar: webhooks verified and understood", _rates(taken), "/s", INTAKE)]


def _parsing(body: bytes, kind: str) -> Callable[[], object]:
    payload = made.payload(body, kind)
    return lambda: CONNECTOR.parse(payload)


def _rates(work: Callable[[], object]) -> list[float]:
    """How often a second, run by run."""
    rates = []
    for _ in range(RUNS):
        began = perf_counter()
        for _ in range(TIMES):
            work()
        rates.append(TIMES / (perf_counter() - began))
    return rates
