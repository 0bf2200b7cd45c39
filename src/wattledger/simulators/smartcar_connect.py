"""Smartcar Connect, simulated: a page on which an owner chooses vehicles and agrees, or doesn't.

`&auto=allow`, `&auto=deny` or `&auto=<error>` on the address decides without a page, and so does
`Desk.decides`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import urlencode

from wattledger.simulators.calls import Call
from wattledger.simulators.smartcar_garage import Vehicle
from wattledger.simulators.smartcar_vendor import Vendor

STATELESS = frozenset({"no_vehicles", "invalid_subscription", "configuration_error"})
"""errors that come back without the state, as the vendor's samples have them"""
ALLOW, DENY = "allow", "deny"
DESCRIPTIONS = {
    "access_denied": "The owner said no.",
    "no_vehicles": "There is no vehicle in that account.",
    "invalid_subscription": "The connected services have run out.",
    "configuration_error": "The application is not set up well.",
    "vehicle_incompatible": "That vehicle can't be connected.",
    "server_error": "Something went wrong.",
}
PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Simulated Connect</title>
<style>body{{font:16px system-ui;max-width:30rem;margin:3rem auto;padding:0 1rem}}
label{{display:block;margin:.4rem 0}}button{{font:inherit;padding:.5rem 1.2rem;margin:1rem .6rem 0 0}}</style>
</head><body><main><h1>Simulated Smartcar Connect</h1>{content}</main></body></html>"""


@dataclass
class Desk:
    """What the owner does at Connect where nobody looks at the page."""

    decides: str | None = None
    """ALLOW, DENY or an error; None: shows the page"""
    vehicles: Sequence[str] | None = None
    """chosen ids; None: all that can be connected in that mode"""
    unticked: Sequence[str] = ()
    """permissions that the owner takes away, unless they are required"""
    with_state: bool = False
    """whether errors of `STATELESS` come with the state after all"""
    more: dict[str, str] = field(default_factory=dict)
    """further parameters of an error's redirect (vin, make, status_code, ...)"""


@dataclass(frozen=True)
class Page:
    """HTML for people, or where to send the browser."""

    status: int
    html: str = ""
    location: str = ""


@dataclass(frozen=True)
class Choice:
    """What an owner decided."""

    decision: str
    vehicles: Sequence[str]
    unticked: Sequence[str]


class _Wrong(Exception):
    """Connect can't begin; said on a page, never by a redirect."""


def authorize(vendor: Vendor, desk: Desk, call: Call, chosen: Sequence[tuple[str, str]] = ()) -> Page:
    """GET shows the page or decides by itself; POST brings the owner's choice."""
    query = dict(call.form if call.method == "POST" else call.query)
    try:
        _check(vendor, query)
        asked = _asked(vendor, query)
    except _Wrong as wrong:
        return Page(400, PAGE.format(content=f"<p>400: {escape(str(wrong))}</p>"))
    fleet = _fleet(vendor, query)
    if call.method == "POST":
        ids = [value for name, value in chosen if name == "vehicle"]
        kept = {value for name, value in chosen if name == "permission"}
        choice = Choice(
            query.get("decision", DENY), ids, [p for p, must in asked if not must and p not in kept]
        )
    elif decision := query.get("auto") or desk.decides:
        ids = [v.id for v in fleet] if desk.vehicles is None else list(desk.vehicles)
        choice = Choice(ALLOW if decision == "1" else decision, ids, desk.unticked)
    else:
        return Page(200, PAGE.format(content=_form(query, fleet, asked)))
    return Page(302, location=_decided(vendor, desk, query, asked, choice))


def reauthenticate(vendor: Vendor, call: Call) -> Page:
    """The owner signs in to the maker's account again: the vehicle is well."""
    query = dict(call.query)
    vehicle = vendor.garage.vehicles.get(query.get("vehicle_id", ""))
    try:
        _check(vendor, query, ("vehicle_id", "none"))
        if vehicle is None:
            raise _Wrong("Invalid parameter vehicle_id")
    except _Wrong as wrong:
        return Page(400, PAGE.format(content=f"<p>400: {escape(str(wrong))}</p>"))
    vehicle.trouble = None
    names: tuple[str, ...] = ("vehicle_id", "state", "external_id")
    back = {name: query[name] for name in names if name in query}
    return Page(302, location=_to(query["redirect_uri"], back))


def _check(vendor: Vendor, query: dict[str, str], types: Sequence[str] = ("code", "none")) -> None:
    named = [name for name in ("client_id", "application_id") if name in query]
    if len(named) != 1 or query[named[0]] != vendor.client_id:
        raise _Wrong("Invalid parameter client_id")
    query.setdefault("redirect_uri", vendor.redirect_uris[0])
    if query["redirect_uri"] not in vendor.redirect_uris:
        raise _Wrong("Invalid parameter redirect_uri")
    if query.get("response_type") not in types:
        raise _Wrong("Invalid parameter response_type")
    if query.get("mode", "live") not in ("live", "simulated", "test"):
        raise _Wrong("Invalid parameter mode")


def _asked(vendor: Vendor, query: dict[str, str]) -> list[tuple[str, bool]]:
    """Permissions, and whether each is required."""
    words = query["scope"].split() if query.get("scope") else list(vendor.access)
    asked = [(word.removeprefix("required:"), word.startswith("required:")) for word in words]
    if any(name not in vendor.access for name, _ in asked):
        raise _Wrong("Application not authorized to request permission(s)")
    return asked


def _fleet(vendor: Vendor, query: dict[str, str]) -> list[Vehicle]:
    mode = query.get("mode", "live")
    fleet = [v for v in vendor.garage.vehicles.values() if v.mode in (None, mode)]
    if make := query.get("make"):
        fleet = [v for v in fleet if v.make == make]
    return fleet


def _decided(
    vendor: Vendor, desk: Desk, query: dict[str, str], asked: list[tuple[str, bool]], choice: Choice
) -> str:
    uri, decision = query["redirect_uri"], choice.decision
    if decision == ALLOW and not choice.vehicles:
        decision = "no_vehicles"
    if decision != ALLOW:
        return _to(uri, _said_no(desk, query, "access_denied" if decision == DENY else decision))
    kept = [name for name, must in asked if must or name not in choice.unticked]
    external = query.get("external_id")
    mode = query.get("mode", "live")
    vendor.garage.connect(vendor.user, choice.vehicles, kept, mode, external, vendor.clock.now())
    back = {"user_id": vendor.user}
    if external is None and "application_id" not in query and query["response_type"] == "code":
        back = {"code": vendor.issuer.code(vendor.user, uri), **back}
    elif external is not None:
        back["external_id"] = external
    return _to(uri, {**back, **({"state": query["state"]} if "state" in query else {})})


def _said_no(desk: Desk, query: dict[str, str], error: str) -> dict[str, str]:
    back = {
        "error": error,
        "error_description": DESCRIPTIONS.get(error, "Something went wrong."),
        **desk.more,
    }
    if "state" in query and (desk.with_state or error not in STATELESS):
        back["state"] = query["state"]
    return back


def _to(uri: str, back: dict[str, str]) -> str:
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(back)}"


def _form(query: dict[str, str], fleet: list[Vehicle], asked: list[tuple[str, bool]]) -> str:
    hidden = "".join(_input("hidden", name, value) for name, value in query.items())
    cars = "".join(
        _label(_input("checkbox", "vehicle", v.id, "checked"), f"{v.make} {v.model} {v.year}") for v in fleet
    )
    rights = "".join(
        _label(_input("checkbox", "permission", name, "checked disabled" if must else "checked"), name)
        for name, must in asked
    )
    buttons = "".join(
        f'<button name="decision" value="{value}">{text}</button>'
        for value, text in ((ALLOW, "Allow"), (DENY, "Deny"))
    )
    parts = f"{hidden}<h2>Vehicles</h2>{cars}<h2>Access</h2>{rights}{buttons}"
    return f'<form method="post" action="authorize">{parts}</form>'


def _input(kind: str, name: str, value: Any, more: str = "") -> str:
    return f'<input type="{kind}" name="{escape(name)}" value="{escape(str(value))}" {more}>'


def _label(control: str, text: str) -> str:
    return f"<label>{control} {escape(text)}</label>"
