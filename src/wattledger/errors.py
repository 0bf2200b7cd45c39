"""Errors, named by what to do next.

    WattledgerError
    ├── LoginRequired     stop; the owner must sign in again
    ├── TryLater          keep everything; come back after a pause
    ├── BadPayload        quarantine these bytes; carry on with the next
    ├── Misconfigured     stop; an operator must change a setting
    ├── NotFound          no such thing for this person (another tenant's thing looks the same)
    └── Refused           the request itself is wrong; say which field and why

Every message is a full sentence for the person who reads it: what happened, where (file, line,
field, connection), what to do. Never a secret.
"""

from __future__ import annotations

from datetime import timedelta


class WattledgerError(Exception):
    """Base of all our errors. `str(error)` is fit to be shown to a person."""


class LoginRequired(WattledgerError):
    """The vendor no longer accepts our sign-in: stop this connection and ask its owner.

    `renewable`: whether a newer token may help; False where the account itself is what fails.
    """

    def __init__(self, message: str, renewable: bool = True) -> None:
        super().__init__(message)
        self.renewable = renewable


class TryLater(WattledgerError):
    """A passing fault (network, 5xx, rate limit, maintenance): keep all, come back.

    `after` is the vendor's wish, None where it said nothing.
    """

    def __init__(self, message: str, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class BadPayload(WattledgerError):
    """These bytes can't be read: they are kept and set aside with the reason; the next is read.

    `code` is a short stable word for machines (`pgp_truncated`, `zip_bomb`, ...).
    """

    def __init__(self, message: str, code: str = "unreadable") -> None:
        super().__init__(message)
        self.code = code


class Misconfigured(WattledgerError):
    """A setting is missing or wrong: names the variable, never its value. The CLI exits 78."""


class NotFound(WattledgerError):
    """No such thing for this caller."""


class Refused(WattledgerError):
    """The caller's input is wrong. `code` is the contract's word for it, `field` where it stands."""

    def __init__(
        self, message: str, code: str = "BAD_REQUEST", field: str | None = None, status: int = 400
    ) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.status = status
