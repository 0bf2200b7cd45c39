"""The contract of a connector: what every vendor folder offers, and all that it may touch.

    Connector            stateless; fetch (async) and parse (pure)
    ├── Recognises       optional: says whether a file is its own, from content, never from a name alone
    ├── Stream           optional: what a vendor pushes, beside polling
    └── Webhook          optional: verifies and answers a vendor's calls (webhooks.py)

`dispatch.py` has the other side: who hands out connections and takes payloads. A connector never imports
the store or the web, reads no clock in `parse`, and holds no state.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol, runtime_checkable

from httpx2 import AsyncClient

from wattledger.model import Parsed, Payload

LEAST_LEFT = timedelta(minutes=5)
"""a token with less life than this is refreshed before use"""
ENDING = "ending"
"""the option of a connection that names usage points (vendor's ids) whose end its vendor is yet to be told"""


@dataclass(frozen=True, slots=True)
class Token:
    """A vendor's access token; `refresh` and `secret` stay out of repr and logs."""

    access: str = field(repr=False)
    expires_at: datetime
    refresh: str | None = field(default=None, repr=False)
    generation: int = 0
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)


@runtime_checkable
class Grant(Protocol):
    """How a token is got."""

    async def token(self, secrets: Mapping[str, str], old: Token | None, http: AsyncClient) -> Token:
        """A fresh token. Raises LoginRequired when the owner must act, TryLater when the vendor is down."""
        ...


@runtime_checkable
class Suiting(Protocol):
    """Optional for a grant whose secrets may be replaced by a person while an older token still lives."""

    def suits(self, secrets: Mapping[str, str], token: Token) -> bool:
        """Whether a stored token was got with these secrets."""
        ...


@runtime_checkable
class OAuthGrant(Grant, Protocol):
    """A grant that starts in the owner's browser."""

    def authorize_url(self, state: str) -> str: ...

    async def exchange(self, code: str, http: AsyncClient) -> Token: ...

    async def revoke(self, token: Token, http: AsyncClient) -> None: ...


@dataclass(frozen=True, slots=True)
class Connection:
    """One owner's link to one vendor account, as handed out by a Dispatch."""

    id: str
    site: str
    connector: str
    options: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    lease: str | None = None
    newest: datetime | None = None
    """instant of the newest stored reading, None where nothing is stored"""
    removed: bool = False
    """whether its owner let it go, so that its vendor is told that and asked nothing"""


@dataclass(frozen=True, slots=True)
class App:
    """What the operator set for one vendor; a connection's own options and secrets win over it."""

    options: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of one usage point that is asked by a schedule of its own."""

    external_id: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """what its owner chose"""
    status: Mapping[str, Any] = field(default_factory=dict)
    """what an earlier fetch noted of it"""
    due: datetime | None = None
    """when it is asked again, None for now"""
    firm: bool = False
    """whether not even a person's click asks it earlier"""
    calls: int = 0
    """vendor calls made for it this month (UTC)"""
    latest: Mapping[str, tuple[Any, datetime]] = field(default_factory=dict)
    """by name: the newest value and its instant"""


async def _uncounted(_external_id: str, calls: int) -> int:
    return calls


@dataclass(frozen=True, slots=True)
class Account:
    """All that a connector may touch while it fetches: a signed-in client, options, and since when."""

    http: AsyncClient
    options: Mapping[str, Any]
    since: datetime | None
    now: datetime
    connection: str = ""
    """the connection's id, to tell accounts apart in what is cached"""
    grant: Mapping[str, str] = field(default_factory=dict)
    """what the vendor said along with the token"""
    known: Sequence[Known] = ()
    """of a pointwise connector: the usage points of the connection that are in use"""
    urgent: bool = False
    """whether a person asked: cadence aside, pauses and allowances not"""
    spend: Callable[[str, int], Awaitable[int]] = _uncounted
    """count calls for a usage point, committed before they are made; answers the month's sum with them"""


@dataclass(frozen=True, slots=True)
class NextPoll:
    """Ask for this usage point again at that time."""

    external_id: str
    at: datetime
    firm: bool = False
    """whether not even a person's click asks earlier: a vendor's pause, a used-up allowance"""
    status: Mapping[str, Any] | None = None
    """what to remember of the usage point in place of what was remembered; None leaves that"""


class Connector(ABC):
    """One vendor. Its folder's name is its name in the registry."""

    name: ClassVar[str]
    title: ClassVar[str]
    grant: ClassVar[Grant | None] = None
    every: ClassVar[timedelta | None] = None
    """how often to poll; None: files only"""
    aligned: ClassVar[bool] = False
    """whether polls fall on multiples of `every` (UTC): on :00, :05, ... for five minutes"""
    overlap: ClassVar[timedelta] = timedelta(0)
    """how far before the newest stored reading the next fetch begins"""
    pointwise: ClassVar[bool] = False
    """whether each usage point has a schedule and an allowance of calls of its own"""

    @abstractmethod
    def fetch(self, account: Account) -> AsyncIterator[Payload | NextPoll]:
        """What the vendor has to say since `account.since`. Raises our errors only."""

    @abstractmethod
    def parse(self, payload: Payload) -> Parsed:
        """What the payload says. Pure. Raises BadPayload when none of it can be read."""


class FilesOnly(Connector):
    """A vendor that is never asked: its files come by relay and upload."""

    async def fetch(self, account: Account) -> AsyncIterator[Payload | NextPoll]:
        """Nothing."""
        nothing: tuple[Payload, ...] = ()
        for payload in nothing:
            yield payload


@runtime_checkable
class Recognises(Protocol):
    """A connector that can tell its own files."""

    def recognises(self, head: bytes) -> bool:
        """Whether a file that begins with `head` (up to 64 KiB) is this vendor's."""
        ...


@runtime_checkable
class Stream(Protocol):
    """A connector whose vendor pushes. Polling goes on beside it, so that nothing depends on a push."""

    def pushes(self, secrets: Mapping[str, str]) -> bool:
        """Whether a connection with these secrets can be listened to."""
        ...

    def listen(self, account: Account) -> AsyncIterator[Payload]:
        """What is pushed, until the vendor ends it well. Raises our errors."""
        ...


@runtime_checkable
class Ends(Protocol):
    """A connector that can end our access to single usage points at its vendor."""

    async def end(self, account: Account, token: Token, external_ids: Sequence[str]) -> None:
        """End it; what is gone already is fine.

        Raises LoginRequired and Refused where the vendor will not do it, else TryLater, Misconfigured.
        """
        ...
