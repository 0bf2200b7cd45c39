"""Documents come back from the database as they went in, whatever a vendor puts into them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattledger.store.documents import document_of, text_of

SIMPLE = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
NESTED = st.recursive(SIMPLE, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(NESTED)
def test_a_document_comes_back_as_it_was(document: object) -> None:
    assert document_of(text_of(document)) == document


@given(NESTED)
def test_documents_written_by_another_coder_are_read(document: object) -> None:
    assert document_of(json.dumps(document)) == document
    assert json.loads(text_of(document)) == document


@pytest.mark.parametrize("document", [{"name": "half \ud800 of one"}, {"n": "\udfff"}])
def test_half_a_character_is_kept(document: dict[str, str]) -> None:
    assert document_of(text_of(document)) == document


def test_what_is_no_number_is_nothing() -> None:
    assert text_of({"w": float("nan")}) == '{"w":null}'
