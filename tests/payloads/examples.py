"""Good files of every connector, for tests that run over the registry. A new connector adds its own here."""

from __future__ import annotations

from tests.payloads import smartthings, smt, smt_other
from tests.payloads.smt_other import feed, reading_type

DAY = smt.days(smt.NORMAL, 1)[0]
_STANDARD = feed(
    '<entry><link rel="self" href="/UsagePoint/77"/></entry>',
    smt_other.block(list(range(96)), 1751605200),
    reading_type(),
    title="Any utility",
)

EXAMPLES: dict[str, dict[str, bytes]] = {
    "smart_meter_texas": {
        "csv": smt.csv(DAY),
        "excel": smt.excel(DAY),
        "older": smt.older(DAY),
        "rd": smt_other.rd(DAY),
        "green button": smt_other.green_button(DAY),
        "zip": smt_other.zip_of({"a.csv": smt.csv(DAY)}),
        "gzip": smt_other.gzipped(smt.csv(DAY)),
        "daily": smt_other.DAILY,
        "status": b'{"trans_id":"1","errorCode":"1"}',
    },
    "green_button": {"feed": _STANDARD},
    "smartthings": {"devices": smartthings.saved_list()},
    "smartcar": {},  # files are not recognised: nothing in one proves whose car it speaks of
}
