"""The inventory of routes, made from the app itself: for the documentation and for the test of guards."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from wattledger.web.guards import guards_of

WHO = {
    "public": "anyone",
    "session": "a signed-in person (session cookie or API token)",
    "feed": "the same, or whoever has the feed's own address",
    "manager": "an owner or admin of the site",
    "owner": "an owner of the site",
    "operator": "the installation's operator",
    "admin": "`x-admin-token`",
    "machine": "`x-intelliwatt-secret` and `x-admin-token`",
    "metrics": "`x-admin-token`, or the operator's API token",
}


@dataclass(frozen=True, slots=True, order=True)
class RouteRow:
    """One route: who may call it, and what it does in one sentence."""

    path: str
    method: str
    guard: str
    summary: str


def inventory(app: FastAPI) -> list[RouteRow]:
    """Every route of the app, by path. A route without a guard has an empty one, which a test refuses."""
    rows = []
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, Mount):
            continue
        dependant = getattr(route, "dependant", None)
        words = sorted(guards_of(dependant)) if dependant else []
        text = (route.endpoint.__doc__ or "").strip().partition("\n")[0] if route.endpoint else ""
        for method in sorted(set(route.methods or ()) - {"HEAD"}):
            rows.append(RouteRow(route.path or "", method, "+".join(words), text))
    return sorted(rows)


def routes_table(app: FastAPI) -> str:
    """The inventory as a Markdown table."""
    lines = ["| route | who | what |", "|---|---|---|"]
    lines += [
        f"| `{r.method} {r.path}` | {WHO.get(r.guard, r.guard)} | {r.summary} |" for r in inventory(app)
    ]
    return "\n".join(lines) + "\n"
