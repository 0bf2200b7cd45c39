"""What every connector promises, tried on each one in the registry."""

import inspect
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.connectors.reading import NOW, check, parse
from tests.payloads.examples import EXAMPLES
from wattledger import connectors
from wattledger.connectors.base import Connector, Recognises
from wattledger.errors import BadPayload, NotFound
from wattledger.model import Payload, Source

CASES = [(name, form) for name, forms in EXAMPLES.items() for form in forms]


def test_every_connector_has_examples() -> None:
    assert set(EXAMPLES) == set(connectors.names())


@pytest.mark.parametrize("name", connectors.names())
def test_a_connector_says_who_it_is(name: str) -> None:
    found = connectors.connector(name)
    assert isinstance(found, Connector)
    assert found.name == name
    assert found.title
    assert found.every is None or found.every > timedelta(0)
    assert inspect.getdoc(inspect.getmodule(type(found)))
    assert not vars(found), "a connector holds no state"


@pytest.mark.parametrize(("name", "form"), CASES)
def test_good_files_are_recognised_by_their_own_connector_alone(name: str, form: str) -> None:
    body = EXAMPLES[name][form]
    for other in connectors.names():
        candidate = connectors.connector(other)
        if isinstance(candidate, Recognises):
            assert candidate.recognises(body[: connectors.HEAD]) is (other == name)
    assert connectors.recognise(body) == name


@pytest.mark.parametrize(("name", "form"), CASES)
def test_parsing_is_pure(name: str, form: str) -> None:
    """Twice the same bytes, twice the same outcome, and the payload is untouched."""
    payload = Payload(name, Source.UPLOAD, EXAMPLES[name][form], NOW)
    first, second = connectors.parse(payload), connectors.parse(payload)
    check(first)
    assert first.points == second.points
    assert first.rejected == second.rejected
    assert first.days.values.tobytes() == second.days.values.tobytes()
    assert payload.body == EXAMPLES[name][form]


@pytest.mark.parametrize("name", connectors.names())
@pytest.mark.parametrize(
    "body", [b"", b" \n", b"\0", b"\xff" * 100, b"<html><body>503</body></html>", b"PK\x03\x04"]
)
def test_junk_is_a_bad_payload_or_says_nothing(name: str, body: bytes) -> None:
    try:
        assert len(parse(body, name).days) == 0
    except BadPayload as error:
        assert error.code
        assert str(error).endswith(".")


@pytest.mark.parametrize(("name", "form"), CASES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_mutated_good_files_never_raise_anything_else(name: str, form: str, data: st.DataObject) -> None:
    body = bytearray(EXAMPLES[name][form])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        kind = data.draw(st.sampled_from(["flip", "cut", "insert", "repeat"]))
        if kind == "flip":
            body[at] ^= data.draw(st.integers(1, 255))
        elif kind == "cut":
            del body[at : at + data.draw(st.integers(1, 200))]
        elif kind == "insert":
            body[at:at] = data.draw(st.binary(max_size=20))
        else:
            body[at:at] = body[at : at + data.draw(st.integers(1, 2000))]
        body = body or bytearray(b"x")
    try:
        parse(bytes(body), name)
    except BadPayload as error:
        assert str(error)


@pytest.mark.parametrize("name", connectors.names())
@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_arbitrary_bytes_never_raise_anything_else(name: str, body: bytes) -> None:
    candidate = connectors.connector(name)
    if isinstance(candidate, Recognises):
        candidate.recognises(body)
    try:
        parse(body, name)
    except BadPayload as error:
        assert str(error)


def test_an_unknown_connector_is_named_with_those_that_exist() -> None:
    with pytest.raises(NotFound, match="smart_meter_texas"):
        connectors.connector("gas")
