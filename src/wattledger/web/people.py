"""What pages and JSON routes do alike with a site's people: who may act on whom, and invitations by mail."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote

from fastapi import Request

from wattledger.errors import Refused
from wattledger.store.people.email import normal_email
from wattledger.store.people.members import not_over
from wattledger.store.people.principal import ROLES, Principal, Role
from wattledger.web import letters
from wattledger.web.auth import actor
from wattledger.web.hub import hub

INVITED = "The invitation is on its way; it works once, for seven days."
NO_MAIL = "This hub sends no mail: its operator invites with `wattledger user invite`."


def over(person: Principal) -> tuple[Role, ...]:
    """The roles that a person may give, and act on: an owner all, an admin members."""
    return ROLES if person.role == "owner" else ("member",) if person.role == "admin" else ()


async def invite(request: Request, person: Principal, email: str, role: str, site: str | None = None) -> None:
    """Mail an invitation, on loopback without mail print it. Nobody but the invited sees its link.

    `site` is another one than the person's own, by an operator. Raises Refused.
    """
    found, address, where = hub(request), normal_email(email), site or person.site
    if site is None and role in ROLES and role not in over(person):
        raise Refused("Only an owner invites owners and admins.", "OWNERS_ONLY", "role", 403)
    can_invite(request)
    found.links.check(f"invite {where}")
    found.mails.check(address)
    people, by_mail = found.store.people, found.post.ready
    word = await people.invite(where, address, role, actor(person), by_mail=by_mail)
    link = f"{found.base_url(request)}/invitation?token={quote(word)}"
    if by_mail:
        name = (await found.store.sites.get(where)).name
        letter = letters.invitation(address, link, name, person.email, role)
        found.post.post(letter, partial(people.mailed, word))
    else:
        found.announce(f"Invitation for {address}: {link}")


def can_invite(request: Request) -> None:
    """Raises Refused 409 where an invitation would reach nobody."""
    found = hub(request)
    if not found.post.ready and not found.on_loopback(request):
        raise Refused(NO_MAIL, "NO_MAIL", status=409)


async def sign_out(request: Request, person: Principal, id: str) -> None:
    """Sign a member out everywhere. Raises NotFound, Refused."""
    people = hub(request).store.people
    member = await people.member(id, person.site)
    if member.role not in over(person) and member.id != person.user_id:
        raise not_over(member.role)
    await people.end_sessions(member.id, actor(person), person.site)


async def names(request: Request, actors: set[str]) -> dict[str, str]:
    """The addresses behind the audit's `person ...`, by the actor's word."""
    ids = {word.removeprefix("person ") for word in actors if word.startswith("person ")}
    return {f"person {id}": email for id, email in (await hub(request).store.people.emails(ids)).items()}
