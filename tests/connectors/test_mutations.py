"""Good files with bytes flipped, cut, put in and repeated: read, or refused as a bad payload."""

from __future__ import annotations

import random
from collections.abc import Callable
from time import monotonic

import pytest

from tests.connectors.reading import parse
from tests.payloads.examples import EXAMPLES
from tests.turns import minutes
from wattledger.errors import BadPayload

SEED = 4
CASES = [(name, body) for name, forms in EXAMPLES.items() for body in forms.values()]
SMALL = (
    b"\0",
    b",",
    b"<",
    b"1e999",
    b"\xff",
    b"NaN",
    b"-0",
    b'"',
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"<!DOCTYPE a []>",
)
LARGE = (b"9" * 5_000, b"[" * 100_000, b'{"a":' * 20_000, b"<a>" * 20_000, b"," * 50_000, b'"' * 50_001)


def mutated(good: bytes, chance: random.Random) -> bytes:
    """One to six changes, of a byte or of a stretch."""
    body = bytearray(good)
    for _ in range(chance.randint(1, 6)):
        at, size = chance.randrange(len(body) + 1), chance.choice([1, 1, 4, 100])
        piece = body[at : at + size]
        odd = chance.choice(LARGE if chance.random() < 0.002 else SMALL)
        body[at : at + size] = chance.choice([chance.randbytes(size), b"", piece * 2, piece + odd])
    return bytes(body)


def tried(number: int) -> bool:
    """Whether that mutation was read; whatever else than BadPayload it raises is told with its seed."""
    chance = random.Random(f"{SEED} {number}")
    name, good = CASES[number % len(CASES)]
    try:
        parse(mutated(good, chance), name)
    except BadPayload as error:
        assert error.code and str(error).endswith("."), number
        return False
    except Exception as error:
        raise AssertionError(f"seed {SEED}, mutation {number} of {name}: {error!r}") from error
    return True


def test_a_thousand_mutations() -> None:
    assert 0 < sum(tried(number) for number in range(1000)) < 1000


@pytest.mark.soak
def test_mutations_for_a_while(record_property: Callable[[str, object], None]) -> None:
    until, done, read = monotonic() + 60 * minutes(), 0, 0
    while monotonic() < until:
        read += sum(tried(number) for number in range(done, done + 500))
        done += 500
    record_property("parser_mutations", done)
    record_property("forms", len(CASES))
    record_property("read_all_the_same", read)
    record_property("seed", SEED)
