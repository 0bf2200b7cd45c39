"""What answers about people, sites and the audit look like, for the OpenAPI document alone."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime

from wattledger.store.people.principal import Role
from wattledger.web.v1.shapes import Done, Shape

__all__ = ["Agreements", "Audit", "Done", "Invitations", "People", "Person", "Site", "Sites"]


class Person(Shape):
    """Somebody who belongs to the site."""

    id: str
    email: str
    role: Role
    since: AwareDatetime
    last_here: AwareDatetime | None
    me: bool


class People(Shape):
    """Everyone of the site."""

    people: list[Person]


class Invitation(Shape):
    """One that nobody has accepted yet; its link is nowhere but in the mail."""

    id: str
    email: str
    role: Role
    created_at: AwareDatetime
    expires_at: AwareDatetime
    mailed: bool
    """false while its mail is not sent yet; it is tried again by itself"""


class Invitations(Shape):
    """Those that wait for an answer."""

    invitations: list[Invitation]


class Action(Shape):
    """One row of the audit. `who` is the actor's address where it is a person."""

    id: str
    at: AwareDatetime
    actor: str
    who: str | None
    action: str
    subject: str
    details: dict[str, Any]
    site: str | None


class Audit(Shape):
    """Actions, newest first; `next` is what to pass as `before`."""

    audit: list[Action]
    next: str | None


class Agreement(Shape):
    """A meter that the site waits for."""

    esiid: str
    asked_at: AwareDatetime


class Agreements(Shape):
    """Meters that have sent nothing yet."""

    agreements: list[Agreement]


class Site(Shape):
    """A site of the person who asks, and their role there. `here`: the one that is asked about."""

    id: str
    name: str
    timezone: str
    role: Role | None
    here: bool


class Sites(Shape):
    """The sites of a person."""

    sites: list[Site]
