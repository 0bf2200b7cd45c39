"""Every route of the hub, one row each: who is let in, and how to name a thing of another site.

A route without a row fails `test_matrix.py` and `test_routes.py`. To add one: find its section, write

    row("POST /v1/things/{id}/do", "manager", id="point", body={"name": "x"})

`id` is the kind of thing that the address names (the makers are in `matrix_world.py`); `?point={id}` in the
address names it in the query, `{"site": "{id}"}` in the body. `own` are the statuses with which the owner's
own thing is answered, 2xx and 3xx by default. `form=True` where the body is a form.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from wattledger.web.guards import Guard

PEOPLE = ("member", "admin", "owner", "operator")
MACHINES = ("admin header", "machine")
LET_IN: Mapping[str, tuple[str, ...]] = {
    "public": ("nobody", *PEOPLE, *MACHINES),
    "session": PEOPLE,
    "feed": PEOPLE,
    "manager": ("admin", "owner"),
    "owner": ("owner",),
    "operator": ("operator",),
    "admin": MACHINES,
    "machine": ("machine",),
    "metrics": ("operator", *MACHINES),
}
"""guard -> who is let in; the operator of these tests is a plain member of the site"""
GOOD, BAD, TOLD = range(200, 400), range(400, 500), (200,)
"""`TOLD`: a page that says itself that there is no such thing"""


@dataclass(frozen=True)
class Row:
    """One route; see the module."""

    route: str
    guard: Guard
    id: str | None = None
    body: Mapping[str, Any] | None = None
    form: bool = False
    own: Collection[int] = GOOD
    theirs: Collection[int] = BAD
    asks: str = ""
    """a query to ask with, which may name the thing as `{id}`"""
    page: bool = False
    spends: bool = False
    """whether asking ends what the asker is let in by"""
    unset: Collection[int] = ()
    """statuses from 500 on that this route has on a hub without any setting"""

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.route.partition(" ")[2]


@dataclass
class Table:
    """Rows as they are written below."""

    rows: list[Row] = field(default_factory=list)

    def __call__(self, route: str, guard: Guard, **more: Any) -> None:
        self.rows.append(Row(route, guard, **more))


row = Table()

# Anyone
for route in (
    "GET /healthz", "GET /readyz", "GET /docs", "GET /openapi.json", "POST /v1/auth/link", "POST /auth/link",
    "POST /auth/sign-out", "POST /setup", "POST /invitation", "GET /api/admin/smt/health",
    "GET /oauth/smartthings/callback",
):  # fmt: skip
    row(route, "public")
for route in ("GET /signin", "GET /auth/link", "GET /setup", "GET /invitation"):
    row(route, "public", page=True)
row("POST /auth/sign-out-everywhere", "session")

# Me, people, sites, audit
row("GET /v1/me", "session")
row("GET /v1/tokens", "session")
row("POST /v1/tokens", "session")
row("DELETE /v1/tokens/{id}", "session", id="token")
row("GET /v1/people", "session")
row("POST /v1/people/leave", "session", spends=True)
row("PATCH /v1/people/{id}", "owner", id="member", body={"role": "admin"})
row("DELETE /v1/people/{id}", "manager", id="member")
row("POST /v1/people/{id}/sign-out", "manager", id="member")
row("GET /v1/invitations", "manager")
row("POST /v1/invitations", "manager")
row("DELETE /v1/invitations/{id}", "manager", id="invitation")
row("GET /v1/audit", "manager")
row("GET /v1/audit/all", "operator")
row("GET /v1/sites", "session")
row("GET /v1/sites/all", "operator")
row("POST /v1/sites", "operator")
row("GET /v1/export", "owner")
row("DELETE /v1/site", "owner")

# Usage points
row("GET /v1/usage-points", "session")
row("POST /v1/usage-points", "operator")
row("GET /v1/usage-points/{id}", "session", id="point")
row("PATCH /v1/usage-points/{id}", "manager", id="point", body={"name": "Mine now"})
row("POST /v1/usage-points/{id}/assign", "operator", id="point", body={"site": "{other}"}, own=(403,))
row("POST /v1/usage-points/{id}/backfill", "manager", id="point", body={})
for part in ("energy", "gaps", "revisions", "observations"):
    row(f"GET /v1/usage-points/{{id}}/{part}", "session", id="point")
row("GET /v1/usage-points/{id}/sessions", "session", id="vehicle")
row("GET /v1/usage-points/{id}/sessions.ics", "feed", id="vehicle")
row("POST /v1/usage-points/{id}/calendar", "session", id="vehicle")
row("GET /v1/agreements", "session")
row("POST /v1/agreements", "manager")
row("GET /v1/balance", "session")
row("GET /v1/alerts", "session")

# Payloads
row("GET /v1/payloads", "session", id="meter", asks="external_id={id}", theirs=TOLD)
row("POST /v1/uploads", "manager")
row("GET /v1/payloads/{id}", "session", id="payload")
row("GET /v1/payloads/{id}/download", "session", id="payload")
row("POST /v1/payloads/{id}/withdraw", "manager", id="payload")
row("POST /v1/payloads/{id}/reread", "manager", id="payload")

# Connections and air conditioners
row("GET /v1/connections", "session")
row("POST /v1/connections", "manager")
row("POST /v1/connections/{id}/poll", "manager", id="connection", own=(409,))
row("GET /v1/connections/smartthings/connect", "manager", id="connection", asks="connection={id}", own=(409,))
for path in ("/dashboard", "/dashboard/hourly", "/export", "/fetch_status"):
    row(f"GET {path}", "session")
row("GET /history", "session", id="device", asks="deviceId={id}", theirs=(200, 404), own=(200, 404))
row("GET /token", "session", id="connection", asks="connection={id}")
row("POST /token", "manager", id="connection", asks="connection={id}", body={"token": "a-1"}, own=(200, 400))

# Cars
row("GET /v1/ev/connect", "manager", unset=(500,))
row("GET /oauth/smartcar/callback", "public", unset=(500,))
row("POST /webhooks/smartcar", "public", unset=(503,))
row("GET /v1/ev/status", "session")
row("POST /v1/ev/disconnect", "manager", own=(200, 404))
row("GET /v1/ev/me/vehicles", "session")
row("GET /v1/ev/me/telemetry/latest", "session", id="vehicle", asks="vehicle_id={id}", unset=(502,))
row("GET /v1/ev/me/telemetry/history", "session", id="vehicle", asks="vehicle_id={id}")
row("PUT /v1/ev/me/vehicles/{id}/primary", "manager", id="vehicle")
row("PATCH /v1/ev/me/vehicles/{id}", "manager", id="vehicle", body={"location": False})
row("DELETE /v1/ev/me/vehicles/{id}", "manager", id="vehicle")

# Machines
for path in (
    "smt/token", "smt/ping", "debug/smt/raw-files", "debug/smt/raw-files/{id}",
    "debug/smt/raw-files/{id}/download", "analysis/daily-summary", "analysis/intervals",
):  # fmt: skip
    row(f"GET /api/admin/{path}", "admin", unset=(501,))
row("POST /api/admin/smt/pull", "machine")
row("PUT /api/admin/smt/payloads/{sha256}", "machine")
row("POST /api/admin/smt/heartbeat", "machine")
row("DELETE /api/admin/smt/canary/{sha256}", "machine")
row("GET /metrics", "metrics")


def page(route: str, guard: Guard = "session", **more: Any) -> None:
    """A page, or what a form on one sends."""
    row(route, guard, page=True, form=True, **more)


# Pages
for path in ("/", "/today", "/explorer", "/more", "/people", "/sources", "/settings"):
    page(f"GET {path}")
page("GET /air-conditioners", id="point", asks="unit={id}", own=(200, 404))
page("GET /explorer/heat")
for path in ("/meter", "/gaps", "/revisions"):
    page(f"GET {path}", id="point", asks="point={id}")
page("GET /meter/heat", id="point", asks="point={id}&start=2025-11-01&by=month")
page("GET /files", id="meter", asks="esiid={id}", theirs=TOLD)
page("GET /audit", "manager")
page("GET /audit/all", "operator")
page("GET /installation", "operator")
page("POST /installation/sites", "operator")
page("POST /installation/meters", "operator")
page("POST /site", id="site", body={"site": "{id}"}, own=(303, 404))
page("POST /people/invite", "manager")
page("POST /people/leave", spends=True)
page("POST /people/invitations/{id}/revoke", "manager", id="invitation")
page("POST /people/{id}/role", "owner", id="member", body={"role": "admin"})
page("POST /people/{id}/remove", "manager", id="member")
page("POST /people/{id}/sign-out", "manager", id="member")
page("GET /files/{id}", id="payload")
page("GET /files/{id}/download", id="payload")
page("POST /files/{id}/show", "manager", id="payload")
page("POST /files/{id}/reread", "manager", id="payload")
page("POST /files/{id}/withdraw", "manager", id="payload")
page("POST /upload", "manager")
page("POST /gaps/backfill", "manager", id="point", body={"point": "{id}"})
page("POST /sources/fetch", "manager")
page("GET /welcome")
page("GET /welcome/received/{id}", id="payload")
page("POST /welcome/relay", "manager")
page("POST /welcome/smartthings", "manager", body={"token": "a"})
page("GET /settings/export", "owner")
page("POST /settings/delete", "owner")
pasted = {"connection": "{id}", "token": "a-1"}
page("POST /sources/smartthings/token", "manager", id="connection", body=pasted, theirs=TOLD)
page("GET /sources/smartthings/connect", "manager", id="connection", asks="connection={id}", theirs=TOLD)
page("POST /sources/smartthings/{id}/collect", "manager", id="connection", theirs=TOLD)
page("GET /sources/smartcar/connect", "manager")
page("POST /sources/smartcar/{id}/collect", "manager", id="grant")
page("POST /sources/smartcar/{id}/disconnect", "manager", id="grant")
page("GET /car", id="vehicle", asks="car={id}", own=(200, 404))
page("POST /car/{id}/location", "manager", id="vehicle", body={"keep": "yes"})
page("POST /car/{id}/calendar", id="vehicle")
page("POST /car/{id}/battery", "manager", id="vehicle", body={"capacity_kwh": "60", "efficiency": "90"})
page("POST /car/{id}/home", "manager", id="vehicle", own=(200, 303, 404, 409))
page("POST /car/home/forget", "manager")
page("GET /vehicle/connected", "public")
page("GET /vehicle/connect", "public")
page("GET /alerts")
page("POST /alerts/wishes", "manager")
page("POST /alerts/mute", "manager", id="alert", body={"alert": "{id}"})
page("POST /alerts/unmute", "manager", id="alert", body={"alert": "{id}"})
page("POST /alerts/webhook", "owner", body={"url": "https://example.org/alerts"})
page("POST /alerts/webhook/remove", "owner")
page("POST /alerts/test", "manager", body={"kind": "gap", "way": "mail"})
page("POST /settings/site", "owner")
page("POST /settings/price", "manager")
page("POST /settings/points/{id}", "manager", id="point", body={"equation": "out"})
page("POST /settings/meters/{id}", "manager", id="point", body={"name": "Mine now"})
page("POST /settings/tokens")
page("POST /settings/tokens/{id}/revoke", id="token")

ROWS = row.rows
BY_ROUTE = {one.route: one for one in ROWS}
HOW = (
    "These routes have no row in tests/web/matrix.py, or another guard than it says: {routes}. "
    'Add each to its section there, for instance row("POST /v1/things/{{id}}/do", "manager", id="point"); '
    "the head of that file says what a row can hold."
)


def strangers(inventory: Collection[Any]) -> list[str]:
    """Routes of the app that the table does not know, or knows with another guard; and rows of no route."""
    found = {f"{one.method} {one.path}": one.guard for one in inventory}
    unlike = [f"{route} ({guard})" for route, guard in found.items() if _guard(route) != guard]
    return sorted(unlike + [f"{route} (no such route)" for route in BY_ROUTE if route not in found])


def _guard(route: str) -> str | None:
    return BY_ROUTE[route].guard if route in BY_ROUTE else None
