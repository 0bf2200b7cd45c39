"""Frames of server-sent events, and the hosts that a stream may be on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattledger.connectors.smartthings.subscription import stream_url
from wattledger.connectors.sse import Frame, Heard, frames
from wattledger.errors import BadPayload, Refused
from wattledger.faults import sabotage

SAID = b": hi\r\n\r\nevent: A\r\ndata: 1\r\ndata:2\r\n\r\nid: 7\ndata: \xc3\xa9\n\nevent: none\n\ndata: half"
WANTED = [Frame("A", b"1\n2"), Frame("", b"\xc3\xa9")]


async def _of(pieces: Sequence[bytes], most: int = 1000) -> list[Frame]:
    async def stream() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return [frame async for frame in frames(stream(), most)]


@given(st.lists(st.integers(0, len(SAID)), max_size=20))
async def test_frames_do_not_depend_on_the_pieces(cuts: list[int]) -> None:
    marks = [0, *sorted(cuts), len(SAID)]
    assert await _of([SAID[a:b] for a, b in pairwise(marks)]) == WANTED


@pytest.mark.parametrize("piece", [b"x" * 50, b"data: " + b"x" * 20 + b"\n", b": c\n"])
async def test_a_frame_is_bounded(piece: bytes) -> None:
    with pytest.raises(BadPayload):
        await _of([piece] * 400)
    with sabotage("frame_cap"):
        await _of([piece] * 400)


async def test_sabotage_frame_cap_is_noticed() -> None:
    with sabotage("frame_cap"), pytest.raises(pytest.fail.Exception), pytest.raises(BadPayload):
        await _of([b"x" * 5000])


API, LOCAL = "https://api.smartthings.com", "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("base", "address"),
    [
        (API, "https://spigot-regional.api.smartthings.com/filters/1/activate?filterRegion=eu"),
        (LOCAL, "http://127.0.0.1:9000/filters/1/activate"),
    ],
)
def test_the_vendors_streams(base: str, address: str) -> None:
    assert str(stream_url(address, httpx2.URL(base))) == address


STRANGE = [
    (API, "https://evil.example/filters/1"),
    (API, "https://api.smartthings.com.evil.example/"),
    (API, "http://spigot-regional.api.smartthings.com/"),
    (API, "https://spigot-regional.api.smartthings.com:8443/"),
    (API, "https://a:b@spigot-regional.api.smartthings.com/"),
    (API, "http://127.0.0.1/"),
    (API, "/filters/1"),
    (API, "https://[/"),
    (LOCAL, "http://192.0.2.1/"),
]


@pytest.mark.parametrize(("base", "address"), STRANGE)
def test_a_stream_elsewhere_is_refused(base: str, address: str) -> None:
    with pytest.raises(Refused):
        stream_url(address, httpx2.URL(base))


def test_sabotage_stream_host_is_noticed() -> None:
    with sabotage("stream_host"):
        assert stream_url(STRANGE[0][1], httpx2.URL(API)).host == "evil.example"


def test_what_was_heard_is_known_by_stream_and_bytes_and_forgotten_in_turn() -> None:
    heard = Heard(most=2)
    for data in (b"a", b"b", b"a"):
        heard.add(("one", data))
    assert ("one", b"a") in heard and ("one", b"b") in heard
    assert ("two", b"a") not in heard
    heard.add(("one", b"c"))
    assert ("one", b"a") not in heard


def test_sabotage_heard_frames_is_noticed() -> None:
    with sabotage("heard_frames"), pytest.raises(AssertionError):
        test_what_was_heard_is_known_by_stream_and_bytes_and_forgotten_in_turn()
