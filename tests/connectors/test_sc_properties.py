"""Whatever the vendor answers: right values, or BadPayload, or notes. Never another exception."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.connectors.smartcar_said import read, said
from tests.paths import SHARED_PAYLOADS
from tests.payloads.smartcar import (
    ABOUT,
    HOME,
    MS,
    batch,
    connection,
    entry,
    error,
    event,
    flat,
    listed,
    payload,
    raw,
    scheduled,
    signal,
    signals,
    state,
    trouble,
    verify,
)
from wattledger.connectors.smartcar import CONNECTOR
from wattledger.connectors.smartcar.measures import MOST, STATES, UNKNOWN
from wattledger.connectors.smartcar.parse import READERS, WEBHOOK
from wattledger.connectors.smartcar.places import holds_places, without_location
from wattledger.connectors.smartcar.signals import READERS as SIGNALS
from wattledger.errors import BadPayload
from wattledger.model import Payload

SOC = "tractionbattery-stateofcharge"
OWN: list[Any] = [
    {"responses": [entry("/battery", {"percentRemaining": 0.5, "range": 9}), entry("/location", HOME)]},
    listed(*(signal(code, {"value": 1, "unit": "percent"}) for code in SIGNALS)),
    listed(signal("charge-chargelimits", {"values": [{"type": "GLOBAL", "limit": 80}], "unit": "percent"})),
    {"data": [connection()], "meta": {"totalCount": 1}},
    {"vehicles": ["a", ABOUT]},
    state(flat(SOC, {"percentage": 75}, meta={}), triggers=[{"signal": SOC}], meta={"version": "3.0"}),
    trouble(error("PERMISSION", None, resolution="REAUTHENTICATE", signals=[{"code": SOC}])),
    scheduled(entry("/charge", {"isPluggedIn": True, "state": "CHARGING"})),
    event("CHARGING_STARTED"),
    verify(),
]
RECORDED = [json.loads(path.read_bytes()) for path in sorted((SHARED_PAYLOADS / "smartcar").rglob("*.json"))]
ODD: list[Any] = [
    None, True, False, 0, -1, 1e308, -1e308, math.nan, math.inf, 10**400, MS, "", "x" * 5000, "\ud800", "0",
    "\x00", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59+00:00", "-1", "NaN", [], {}, [[]], [None] * 50,
    {"value": None}, {"a": {"b": {"c": []}}}, {"type": {"type": []}}, {"code": [1]}, 1 << 70, 57, 0.5,
    "percent", [{"limit": 5}],
]  # fmt: skip
WILD = st.sampled_from(ODD)


def steps(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place within a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(step for key, one in inner for step in steps(one, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    """A copy with the value at one place changed."""
    if not path:
        return change(value)
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], change)
    return copy


def _always(value: Any, _: Any) -> Any:
    return value


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A good answer with a few of its values replaced, removed or doubled."""
    body = draw(st.sampled_from(OWN + RECORDED))
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(steps(body)))
        wild = draw(WILD)
        kind = draw(st.sampled_from(["wild", "list", "twice"]))
        changes: dict[str, Callable[[Any], Any]] = {
            "wild": partial(_always, wild),
            "list": lambda old: [old],
            "twice": lambda old: old * 2 if isinstance(old, list) else old,
        }
        body = replaced(body, path, changes[kind])
    return body


def everything(made: Payload) -> None:
    """Whatever there is to do with a body, done; only BadPayload may come of it."""
    try:
        parsed = read(made)
    except BadPayload as error_:
        assert str(error_).endswith(".")
    else:
        for o in parsed.observations:
            for name, value in o.values.items():
                plausible(name, value)
            assert all(
                abs(value) <= {"latitude": 90, "longitude": 180}[name] for name, value in o.private.items()
            )
        assert len(parsed.notes) <= 51
        assert all("\n" not in note and len(note) < 200 for note in parsed.notes)


def plausible(name: str, value: Any) -> None:
    if name in MOST:
        assert 0 <= value <= MOST[name]
    elif name == "charging_state":
        assert value in STATES | {UNKNOWN}
    elif name in ("trouble", "resolved"):
        assert isinstance(value, str)
    else:
        assert isinstance(value, bool)


def by_call(body: bytes) -> None:
    for ask in (CONNECTOR.call, lambda b: CONNECTOR.reply(b, ["amt"]), without_location):
        try:
            ask(body)
        except BadPayload as error_:
            assert str(error_).endswith(".")
    assert holds_places(body) in (True, False)


@settings(max_examples=600, deadline=None)
@given(mutated(), st.sampled_from(sorted(READERS)))
def test_mutated_answers(body: Any, kind: str) -> None:
    made = json.dumps(body).encode()
    everything(payload(made, kind))
    everything(payload(made, WEBHOOK, None))
    by_call(made)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(sorted(READERS)))
def test_arbitrary_bytes(body: bytes, kind: str) -> None:
    everything(payload(body, kind))
    by_call(body)


@pytest.mark.parametrize("kind", sorted(READERS))
@pytest.mark.parametrize(
    "body",
    [
        b'{"data":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"data":{"signals":' + b'{"body":' * 400 + b"1" + b"}" * 402,
        b'{"responses":[{"path":"/battery","code":200,"body":' + b'{"a":' * 300 + b"1" + b"}" * 302 + b"]}",
        b"[" * 100_000,
        b'{"responses":[{"code":' + b"9" * 10_000 + b"}]}",
        b'{"data":' + b"1" * 5000 + b"}",
        b'{"vehicles":[' + b"null," * 50_000 + b"1]}",
    ],
)
def test_depth_and_size(kind: str, body: bytes) -> None:
    everything(payload(body, kind))
    by_call(body)


@given(st.floats(0, 1, allow_nan=False))
def test_a_share_is_a_percentage(share: float) -> None:
    found = said(batch(entry("/battery", {"percentRemaining": share})))["soc_pct"]
    assert found == pytest.approx(share * 100, abs=1e-4)


@given(st.integers(0, 100), st.floats(0, 4000, allow_nan=False))
def test_both_generations_agree(soc: int, distance: float) -> None:
    second = said(batch(entry("/battery", {"percentRemaining": soc / 100, "range": distance})))
    third = said(
        signals(
            signal(SOC, {"value": soc, "unit": "percent"}),
            signal("tractionbattery-range", {"value": distance, "unit": "km"}),
        )
    )
    assert second == third


@given(st.permutations(list(SIGNALS)))
def test_the_order_of_signals_does_not_matter(codes: list[str]) -> None:
    body = {"value": 1, "unit": "percent"}
    made = [signal(code, body if "state" in code else {"value": True}) for code in codes]
    assert said(signals(*made)) == said(signals(*sorted(made, key=lambda one: str(one["id"]))))


def test_parsing_is_pure() -> None:
    made = payload(raw(OWN[1]), "signals.json")
    assert read(made).observations == read(made).observations
    assert made.body == raw(OWN[1])


def test_a_note_is_short_however_long_a_status_is() -> None:
    one = signal(SOC, {"value": 1, "unit": "percent"})
    one["attributes"]["status"] = "x" * 5000
    (note,) = read(payload(json.dumps(listed(one)).encode(), "signals.json")).notes
    assert note.startswith(SOC) and len(note) < 200
