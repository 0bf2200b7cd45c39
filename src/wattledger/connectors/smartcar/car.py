"""One car within a collection: what is known of it, whether it is asked now, and where its answers lead.

Its status, kept between collections:

    asked_at, success_at     when it was asked last, and when it last said something
    missing, incapable       paths and signals without permission, and those that the car can't tell
    retry                    by missing path: when it is asked again
    asked                    by path: when it was asked last
    trouble                  the error for which nothing could be read: kind, then, message, at; or null
    asleep_since, quiet      since when and how often in a row it was asleep or out of reach
    faults, empty            passing faults, and answers without anything, in a row
    reason                   why it is not asked earlier: interval, vendor, budget, asleep, trouble
    names, listed_at         make, model and year; when the vendor's list last had it
    subscription             v3: the webhook it is subscribed to, and when that was checked
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wattledger.connectors.base import Account, Known, NextPoll
from wattledger.connectors.smartcar import cadence
from wattledger.connectors.smartcar.cadence import Budget, May, Turn
from wattledger.connectors.smartcar.errors import FIRM, Then, Trouble
from wattledger.faults import sabotaged
from wattledger.model import Payload

MONTHLY = 500
DAILY = timedelta(days=1)
LISTED_EVERY = timedelta(hours=23)
MISSING_FOR = timedelta(days=7)
MAKER_PAUSE = timedelta(hours=6)
UNKNOWN_FOR = timedelta(hours=1)
FIRST = (Then.SIGN_IN, Then.PAUSE_ALL, Then.BILLING, Then.PAUSE, Then.MAKER_PAUSE)
"""what counts even where other paths answered well, the gravest before all"""
ALONE = (
    Then.RECONNECT, Then.GONE, Then.OWNER, Then.STATE, Then.UNKNOWN_CAR, Then.LATER, Then.FAULT,
    Then.EMPTY, Then.PERMISSION, Then.INCAPABLE,
)  # fmt: skip
"""what counts only where nothing answered well"""
LOST = frozenset({Then.RECONNECT, Then.GONE, Then.PERMISSION})
"""what only a new sign-in of the owner ends, once it holds for every car of the account"""


@dataclass(slots=True)
class Said:
    """What one round of calls for a car brought."""

    payloads: list[Payload] = field(default_factory=list)
    good: int = 0
    """paths or signals that said something"""
    fresh: bool = True
    """whether any of it is newer than what came before"""
    troubles: dict[str, Trouble] = field(default_factory=dict)
    """by path or signal; under "" that of the whole request"""
    mood: str = "away"
    asked: tuple[str, ...] = ()
    """paths that were asked for"""
    notes: dict[str, Any] = field(default_factory=dict)
    """what else to remember of the car"""

    @property
    def decisive(self) -> Trouble | None:
        """The error that decides when the car is asked again, None where it may go on as usual."""
        grave = FIRST if self.good else (*FIRST, *ALONE)
        found = sorted(
            (t for t in self.troubles.values() if t.then in grave), key=lambda t: grave.index(t.then)
        )
        return found[0] if found else None


@dataclass(slots=True)
class Car:
    """A usage point of the account, and what this collection makes of it."""

    known: Known
    account: Account
    status: dict[str, Any] = field(init=False)
    used: int = field(init=False)

    def __post_init__(self) -> None:
        self.status, self.used = dict(self.known.status), self.known.calls

    @property
    def id(self) -> str:
        """The vendor's id."""
        return self.known.external_id

    @property
    def now(self) -> datetime:
        """The collection's present."""
        return self.account.now

    @property
    def budget(self) -> Budget:
        """Its calls of this month."""
        return Budget(int(self.account.options.get("monthly_calls") or MONTHLY), self.used)

    @property
    def located(self) -> bool:
        """Whether its owner lets us know where it is."""
        return self.known.options.get("location", True) is not False

    @property
    def names(self) -> Mapping[str, str]:
        """Make, model and year as far as they are known."""
        return self.status.get("names") or {}

    def may(self, cost: int) -> May:
        """Whether it is asked now, at that many calls."""
        return cadence.may_ask(
            self.now,
            due=self.known.due,
            firm=self.known.firm,
            asked=self.time("asked_at"),
            cost=cost,
            budget=self.budget,
            urgent=self.account.urgent,
        )

    def time(self, name: str, within: str = "") -> datetime | None:
        """An instant of the status, or of a mapping in it."""
        said = (self.status.get(within) or {}).get(name) if within else self.status.get(name)
        return datetime.fromisoformat(said) if isinstance(said, str) else None

    def due_since(self, name: str, every: timedelta, within: str = "") -> bool:
        """Whether what was done at that instant is to be done again; none lies ahead of a true clock."""
        at = self.time(name, within)
        return at is None or not self.now - every < at <= self.now

    def allowed(self, name: str) -> bool:
        """Whether a path or signal is worth asking for."""
        if name in self.status.get("incapable", ()):
            return False
        retry = self.time(name, "retry")
        return name not in self.status.get("missing", ()) or retry is None or retry <= self.now

    async def spend(self, calls: int) -> None:
        """Count calls, committed. Raises TryLater for a lost lease, NotFound for a car no longer in use."""
        self.used = await self.account.spend(self.id, calls)

    def attempt(self) -> NextPoll:
        """Kept before the calls, so that a process that dies in them does not repeat them at once."""
        status = {**self.status, "asked_at": self.now.isoformat()}
        return NextPoll(self.id, self.now + cadence.BACKGROUND, status=status)

    def unasked(self) -> NextPoll:
        """As before: this car is not asked now."""
        noted = None if self.status == self.known.status else self.status
        return NextPoll(self.id, self.known.due or self.now, self.known.firm, noted)

    def out_of_calls(self, cost: int) -> NextPoll:
        """No call is left for it this month, but for a person's click perhaps."""
        turn = cadence.used_up(self.now, self.budget, cost, self.id)
        return NextPoll(self.id, turn.at, turn.firm, {**self.status, "reason": turn.reason})

    @property
    def then(self) -> Then | None:
        """The consequence of the error that stands in the way of the car, None where none does."""
        said = (self.status.get("trouble") or {}).get("then")
        return Then(said) if said in set(Then) else None

    def nothing_to_ask(self) -> NextPoll:
        """Every path is out of question: the first of them is tried again in due time."""
        retries = [datetime.fromisoformat(at) for at in (self.status.get("retry") or {}).values()]
        later = min((at for at in retries if at > self.now), default=self.now + MISSING_FOR)
        return NextPoll(self.id, later, status={**self.status, "reason": "trouble"})

    def gone(self) -> NextPoll:
        """The vendor no longer lists it."""
        self.status["trouble"] = Trouble(Then.GONE, 0, "CONNECTION", "GONE").to_status(self.now)
        return NextPoll(self.id, self.now + DAILY, status={**self.status, "reason": "trouble"})

    def settled(self, said: Said, regular: Turn) -> NextPoll:
        """When it is asked again, and what is noted of it."""
        trouble, now = said.decisive, self.now.isoformat()
        self.status |= {**said.notes, "asked_at": now}
        self._note_parts(said)
        if said.good and said.fresh:
            self.status["success_at"] = now
        self.status["trouble"] = trouble.to_status(self.now) if trouble and not said.good else None
        self._count(trouble, said)
        turn = self._turn(trouble) if trouble and trouble.then is not Then.EMPTY else regular
        self.status["reason"] = turn.reason
        if trouble and trouble.then in {Then.SIGN_IN, Then.PAUSE_ALL}:
            self.status["asked_at"] = self.known.status.get("asked_at")
        return NextPoll(self.id, turn.at, turn.firm, self.status)

    def _note_parts(self, said: Said) -> None:
        missing, retry = set(self.status.get("missing", ())), dict(self.status.get("retry") or {})
        incapable = set(self.status.get("incapable", ()))
        for name in said.asked:
            missing.discard(name)
            retry.pop(name, None)
        for name, trouble in said.troubles.items():
            if name and trouble.then is Then.PERMISSION:
                missing.add(name)
                retry[name] = (self.now + MISSING_FOR).isoformat()
            elif name and trouble.then is Then.INCAPABLE:
                incapable.add(name)
        self.status |= {"missing": sorted(missing), "incapable": sorted(incapable), "retry": retry}

    def _count(self, trouble: Trouble | None, said: Said) -> None:
        then = trouble.then if trouble else None
        self.status["quiet"] = self.status.get("quiet", 0) + 1 if then is Then.STATE else 0
        self.status["faults"] = self.status.get("faults", 0) + 1 if then is Then.LATER else 0
        since = self.status.get("asleep_since") or self.now.isoformat()
        self.status["asleep_since"] = since if then is Then.STATE else None

    def _turn(self, trouble: Trouble) -> Turn:
        """When a car in trouble is asked again."""
        now, after = self.now, trouble.after or timedelta(0)
        if trouble.then in {Then.SIGN_IN, Then.PAUSE_ALL}:
            return Turn(now + after, reason="vendor")
        if trouble.then is Then.BILLING:
            return Turn(cadence.new_month(now, self.id), True, "vendor")
        if trouble.then is Then.STATE:
            return cadence.asleep(now, self.status["quiet"])
        if trouble.then is Then.LATER:
            turn = cadence.faulty(now, self.status["faults"])
            return Turn(max(turn.at, now + after), reason=turn.reason)
        least = cadence.BACKGROUND if sabotaged("vendor_pause") else max(after, PAUSES[trouble.then])
        return Turn(now + least, trouble.then in FIRM, "vendor" if trouble.then in FIRM else "trouble")


PAUSES: Mapping[Then, timedelta] = {
    Then.PAUSE: cadence.BACKGROUND,
    Then.MAKER_PAUSE: MAKER_PAUSE,
    Then.RECONNECT: DAILY,
    Then.OWNER: DAILY,
    Then.UNKNOWN_CAR: UNKNOWN_FOR,
    Then.FAULT: DAILY,
    Then.PERMISSION: DAILY,
    Then.INCAPABLE: MISSING_FOR,
    Then.GONE: DAILY,
}
"""least pauses; the vendor's wish may be longer"""
