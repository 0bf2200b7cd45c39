"""Smart Meter Texas: the meter data of Texas, as files. The folder (`drop`) and the API stand apart."""

from __future__ import annotations

from typing import ClassVar

from wattledger.connectors import unwrap
from wattledger.connectors.base import FilesOnly
from wattledger.connectors.smart_meter_texas import recognise
from wattledger.model import Parsed, Payload


class SmartMeterTexas(FilesOnly):
    """Files only: nothing is polled from where this runs, since SMT answers the relay's address alone."""

    name: ClassVar[str] = "smart_meter_texas"
    title: ClassVar[str] = "Smart Meter Texas"

    def parse(self, payload: Payload) -> Parsed:
        """What a file says: interval data of any of SMT's forms, or the kind of anything else. Pure."""
        from wattledger.connectors.smart_meter_texas.parse import parse

        return parse(payload)

    def recognises(self, head: bytes) -> bool:
        """Whether a file that begins like this came from SMT; looks into ZIP and gzip."""
        return recognise.ours(unwrap.peek(head) if unwrap.wrapped(head) else head)


CONNECTOR = SmartMeterTexas()
