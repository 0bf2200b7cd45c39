"""From a car's observations to charging: stretches with exact energy, and what of it was drawn at home. Pure.

    judged, state = judge(state, seen, battery)      one observation, in the order of their instants
    judged, state = account(all_seen, battery)       a whole series
    days = spread(bookings, "America/Chicago")       integer Wh by local quarter-hour

Energy is differences: of the vendor's counter where the car has one, else of the state of charge, divided by
the charging efficiency and marked as derived. A counter belongs to its plug-in: it is compared with itself
within one, and begins anew with the next. Where there is neither, the energy is unknown, which is not 0.
Only what was charged at home is booked.
"""

from wattledger.charging.judging import account, judge
from wattledger.charging.state import dump, earliest, load
from wattledger.charging.words import (
    NAMES,
    Battery,
    Charge,
    Judged,
    Method,
    Seen,
    State,
    Verdict,
    seen_of,
)

__all__ = [
    "NAMES",
    "Battery",
    "Charge",
    "Judged",
    "Method",
    "Seen",
    "State",
    "Verdict",
    "account",
    "dump",
    "earliest",
    "judge",
    "load",
    "seen_of",
]
