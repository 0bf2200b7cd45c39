"""Green Button: interval files of any utility that follows the standard (NAESB ESPI), with true UTC times."""

from __future__ import annotations

from typing import ClassVar

from wattledger.connectors.base import FilesOnly
from wattledger.model import Parsed, Payload

_SMT = b"SMT Green Button"
_MARKS = (b"naesb.org/espi", b"<IntervalBlock")


class GreenButton(FilesOnly):
    """Files only."""

    name: ClassVar[str] = "green_button"
    title: ClassVar[str] = "Green Button file"

    def parse(self, payload: Payload) -> Parsed:
        """The quarter-hours of a standard feed. Pure. Raises BadPayload for what isn't well-formed XML."""
        from wattledger.connectors.green_button.parse import parse

        return parse(payload)

    def recognises(self, head: bytes) -> bool:
        """Whether this is ESPI XML, and not SMT's own, which tells its times otherwise."""
        return (
            _SMT not in head
            and head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<")
            and any(mark in head for mark in _MARKS)
        )


CONNECTOR = GreenButton()
