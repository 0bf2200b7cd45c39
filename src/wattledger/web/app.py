"""The hub's web app: routes, guards and frame put together around a store."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute

from wattledger.clock import Clock, SystemClock
from wattledger.config import Settings
from wattledger.store import Store
from wattledger.web import failures, invited, reference, signin, system
from wattledger.web.contracts.ac import routes as ac
from wattledger.web.contracts.ev import routes as ev
from wattledger.web.contracts.smt import routes as smt
from wattledger.web.csrf import SameOrigin, allowed_origins
from wattledger.web.disk import Disk
from wattledger.web.frame import Frame
from wattledger.web.head import HeadAsGet
from wattledger.web.hub import Hub
from wattledger.web.limits import BodyLimit
from wattledger.web.mail import Mailer
from wattledger.web.on_demand import OnDemand
from wattledger.web.pages import routes as pages
from wattledger.web.pages.static import static
from wattledger.web.prefix import Prefixed, path_of
from wattledger.web.proxy import Forwarded
from wattledger.web.throttle import Throttle
from wattledger.web.trigger import Trigger, to_relay
from wattledger.web.v1 import routes as v1
from wattledger.web.v1.answered import WRONG_FIELD, problem

DESCRIPTION = (
    "One exact ledger for a site's electricity. Instants are UTC, energy is kWh, null means unknown."
)


def create_app(
    store: Store,
    settings: Settings,
    *,
    clock: Clock | None = None,
    trigger: Trigger | None = None,
    address: str | None = None,
    on_demand: OnDemand | None = None,
) -> FastAPI:
    """The app for an opened store. `address` is where it is bound; `trigger` asks the relay for work,
    `on_demand` a vendor (without it this process does not collect).

    What a running hub holds is `app.state.hub`.
    """
    time = clock or SystemClock()
    app = FastAPI(
        title="Wattledger",
        version=version("wattledger"),
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.hub = Hub(
        store=store,
        settings=settings,
        clock=time,
        trigger=trigger or to_relay(settings),
        failures=Throttle(time, burst=20, per_minute=20),
        links=Throttle(time, burst=30, per_minute=10),
        mails=Throttle(time, burst=5, per_minute=0.5),
        connects=Throttle(time, burst=20, per_minute=5),
        post=Mailer(settings, time),
        disk=Disk(settings.data, time),
        address=address,
        on_demand=on_demand,
    )
    app.router.routes.extend(_routes())
    app.mount("/static", static)
    failures.install(app)
    _frame(app, settings)
    return app


@cache
def _routes() -> list[BaseRoute]:
    """Every part's routes as they are: to include a router would analyse each of its routes once more."""
    parts = (ev, signin, invited, system, reference, v1, smt, ac, pages)
    routes = [route for part in parts for route in part.router.routes]
    for route in routes:
        if isinstance(route, APIRoute):
            route.responses.setdefault(422, problem(WRONG_FIELD))
    return routes


def _frame(app: FastAPI, settings: Settings) -> None:
    """From the innermost to the outermost: HEAD, origin check, body limit, CORS, headers and log, caller."""
    app.add_middleware(HeadAsGet)
    app.add_middleware(SameOrigin, settings=settings)
    app.add_middleware(BodyLimit)
    if origins := allowed_origins(settings):
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_credentials=True,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["authorization", "content-type", "x-filename"],
            expose_headers=["x-request-id", "content-disposition"],
        )
    app.add_middleware(Frame, hub=app.state.hub)
    if prefix := path_of(settings.base_url):
        app.add_middleware(Prefixed, prefix=prefix)
    app.add_middleware(Forwarded, trusted=settings.trusted_proxy)
