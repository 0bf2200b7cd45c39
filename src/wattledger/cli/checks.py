"""One check of `wattledger doctor`: a name, a verdict, a sentence."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from enum import StrEnum

from wattledger.errors import WattledgerError


class Verdict(StrEnum):
    """What a check found."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found, for people."""

    name: str
    verdict: Verdict
    text: str


class Worth(WattledgerError):
    """Something that works but deserves a warning."""


class NotAsked(WattledgerError):
    """A check that does not apply here: says why."""


async def check(name: str, work: Awaitable[str]) -> Check:
    """Run one check: its answer is the good news; our errors are verdicts. Never raises for them."""
    try:
        return Check(name, Verdict.OK, await work)
    except Worth as worth:
        return Check(name, Verdict.WARNING, str(worth))
    except NotAsked as reason:
        return Check(name, Verdict.SKIPPED, str(reason))
    except WattledgerError as error:
        return Check(name, Verdict.FAILED, str(error))
    except OSError as error:
        return Check(name, Verdict.FAILED, f"{type(error).__name__}: {error.strerror or error}.")
