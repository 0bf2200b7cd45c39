"""Whether the beginning of a file is SMT's."""

from __future__ import annotations

import re

from wattledger.connectors.smart_meter_texas import sniff
from wattledger.connectors.smart_meter_texas.interval import report
from wattledger.errors import BadPayload

_JSON_KEYS = re.compile(
    rb'"(?:energyData|intervaldata|registeredReads|billingdata|correlationI[dD]|trans_id|esiid|ESIID)"'
)


def ours(head: bytes) -> bool:
    """By content alone: a column, a key or a title that only SMT uses, or its encrypted wrapping."""
    try:
        head = sniff.text(head[: len(head) & ~1])
    except BadPayload:
        return False
    form = sniff.form(head)
    if form == "pgp":
        return True
    if form == "xml":
        return report.TITLE in head
    if form == "json":
        return bool(_JSON_KEYS.search(head))
    return form == "text" and "esiid" in sniff.csv_header(head).roles
