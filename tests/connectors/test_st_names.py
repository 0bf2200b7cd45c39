"""Names that people and strangers give: shown as they are, harmless where they are not, raw bytes kept."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.payloads.smartthings import LOCATION, ROOM, air_conditioner, attribute, device, payload
from wattledger.connectors.smartthings import CONNECTOR
from wattledger.connectors.smartthings.devices import Device, Place, Places, from_header, to_header
from wattledger.connectors.smartthings.parse import DEVICES
from wattledger.connectors.smartthings.reading import LONGEST, text

FAMILY = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"
NAMES = [
    ("Kitchen, left", "Kitchen, left"),
    ('The "big" one', 'The "big" one'),
    ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
    ("\N{SNOWFLAKE} AC \N{SNOWMAN}", "\N{SNOWFLAKE} AC \N{SNOWMAN}"),
    (FAMILY, FAMILY),
    ("Klimaanlage Büro", "Klimaanlage Büro"),
    ("مكيف الصالة", "مكيف الصالة"),
    ("AC\N{RIGHT-TO-LEFT OVERRIDE}eciffo", "ACeciffo"),
    ("\N{RIGHT-TO-LEFT ISOLATE}AC\N{POP DIRECTIONAL ISOLATE}", "AC"),
    ("\N{LEFT-TO-RIGHT MARK}AC\N{RIGHT-TO-LEFT MARK}\N{ARABIC LETTER MARK}", "AC"),
    ("A\N{ZERO WIDTH SPACE}C\N{ZERO WIDTH NO-BREAK SPACE}", "AC"),
    ("two\r\nlines\x00\x1b[31m", "two lines [31m"),
    ("half \ud83d", "half"),
    ("A" * 10_240, "A" * LONGEST),
    ("\N{RIGHT-TO-LEFT OVERRIDE}", "[room a/c] Samsung"),
]


def items(label: str) -> bytes:
    item = device("d1", label)
    said = {**air_conditioner(), "switch": {"switch": attribute("on")}}
    listed = [{"id": name, "version": 1, "status": capability} for name, capability in said.items()]
    return json.dumps({"items": [{**item, "components": [{"id": "main", "capabilities": listed}]}]}).encode()


@pytest.mark.parametrize(("said", "shown"), NAMES, ids=range(len(NAMES)))
def test_a_device_is_shown_by_its_name_made_harmless(said: str, shown: str) -> None:
    made = payload(items(said), DEVICES, device=None)
    (point,) = CONNECTOR.parse(made).points
    assert point.name == shown
    assert json.loads(made.body)["items"][0]["label"] == said  # what came is what is kept


@pytest.mark.parametrize(("said", "shown"), NAMES[:-1], ids=range(len(NAMES) - 1))
def test_places_and_headers_are_cleaned_as_well(said: str, shown: str) -> None:
    places = Places("UTC", {LOCATION: Place(text(said), "America/Chicago", {ROOM: text(said)})})
    (point,) = CONNECTOR.parse(payload(items("AC"), DEVICES, device=None, places=places)).points
    assert (point.details["location"], point.details["room"]) == (shown, shown)
    assert from_header(to_header(Device("d1", said))).label == shown


@given(st.text())
def test_whatever_is_said_shows_on_one_line_in_its_own_direction(said: str) -> None:
    shown = text(said)
    assert len(shown) <= LONGEST and shown == text(shown)
    shown.encode()
    assert not any(c in shown for c in "\r\n\0\u202e\u2066\u200f\ufeff\u2028")
