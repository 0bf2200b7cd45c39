"""What the errors of drivers and disks mean to us."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from wattledger.errors import Refused, TryLater, WattledgerError

_UNIQUE = ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")
_SERIALIZATION, _DEADLOCK, _DUPLICATE = "40001", "40P01", "23505"
_DISK = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_AWAY = ("OperationalError", "InterfaceError")
_READ_ONLY = "25006"
"""a server that is being promoted, or follows another one"""


@contextmanager
def translated(*, races: bool = True) -> Iterator[None]:
    """Turn errors of drivers and disks into ours. `races=False` lets a lost race through."""
    try:
        yield
    except WattledgerError:
        raise
    except Exception as error:
        ours = _meaning(error, races)
        if ours is None:
            raise
        raise ours from error


def lost_race(error: BaseException) -> bool:
    """Whether a second try of the same transaction can succeed."""
    cause = _cause(error)
    if isinstance(cause, sqlite3.IntegrityError):
        return cause.sqlite_errorname in _UNIQUE
    return getattr(cause, "sqlstate", None) in (_SERIALIZATION, _DEADLOCK, _DUPLICATE)


def _meaning(error: Exception, races: bool) -> WattledgerError | None:
    cause = _cause(error)
    if isinstance(cause, WattledgerError):
        return cause
    if lost_race(error) and not races:
        return None
    if isinstance(error, exc.DataError):
        return Refused("A value does not fit the database.", "BAD_VALUE", status=422)
    if _does_not_answer(error):
        name = type(cause).__name__
        return TryLater(f"The database does not answer now ({name}); nothing was lost, try again.")
    if isinstance(error, OSError) and error.errno in _DISK:
        return TryLater(f"The disk does not take it now ({error.strerror}); nothing was lost, try again.")
    return None


def _does_not_answer(error: Exception) -> bool:
    known = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, sqlite3.OperationalError)
    if isinstance(error, known) or getattr(_cause(error), "sqlstate", None) == _READ_ONLY:
        return True
    module = type(error).__module__
    return module.startswith("psycopg") and any(kind.__name__ in _AWAY for kind in type(error).__mro__)


def _cause(error: BaseException) -> BaseException | None:
    return error.orig if isinstance(error, exc.StatementError) else error
