"""The relay as a service: port, timer, cycles, vendor calls, signs of life; one process, no database."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

import orjson
import structlog
import uvicorn

from wattledger.clock import Clock, SystemClock, token
from wattledger.config import Settings
from wattledger.errors import Misconfigured, TryLater
from wattledger.relay.cycle import Cycle, Job, Say
from wattledger.relay.gate import Gate
from wattledger.relay.notify import Notifier
from wattledger.relay.report import Line
from wattledger.relay.runner import Run, Runner
from wattledger.relay.server import create_app
from wattledger.relay.vendor import Perform, VendorCalls, api_of, check
from wattledger.transport import is_loopback, is_plain

FIRST = 1.0
"""seconds after the start until the first cycle"""
LOOK = 60.0
"""seconds between two looks for files that another process left waiting"""
GRACE = 15.0
"""seconds that a running cycle may take after a wish to stop; a kill harms nothing"""
ALIVE = 10.0
"""seconds between two looks at our own loops, where systemd asks for none"""
LOG = structlog.get_logger("wattledger.relay")
SHOWN = ("status", "at", "fetched", "decrypted", "processed_files", "sent", "waiting", "set_aside")


def say(line: Line) -> None:
    """The cycle line, one JSON object on standard output; a full or closed stream costs lines alone."""
    with suppress(OSError):
        sys.stdout.write(orjson.dumps(line).decode() + "\n")
        sys.stdout.flush()


class Relay:
    """`async with Relay(settings) as relay:` runs until the block ends; port 0 takes a free one.

    Without `timer` it fetches only when asked to; what waits is delivered all the same.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        *,
        timer: bool = True,
        say: Say = say,
        perform: Perform | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._timer_on = timer
        self.cycle = Cycle(settings, self._clock, say)
        self.runner = Runner(self._run)
        self._vendor = VendorCalls(
            perform or api_of(settings, self._clock), self.cycle.spool, self.runner, self._clock
        )
        self._due: float | None = None
        self._last: Line = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._server: uvicorn.Server | None = None
        self.port = settings.relay_port

    async def __aenter__(self) -> Relay:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Where the port answers."""
        scheme = "https" if self._settings.tls_cert else "http"
        return f"{scheme}://{self._settings.relay_host}:{self.port}"

    async def start(self) -> None:
        """Opens the port and starts the loops. Raises Misconfigured when the port can't be opened.

        A pause of our own making is over: settings are read at the start alone, and may be right by now.
        """
        for warning in warnings(self._settings):
            LOG.warning(warning)
        sockets = [self._bind()]
        self.cycle.pause.forgive()
        self._server = _Server(self._config())
        serving = asyncio.create_task(self._server.serve(sockets))
        while not self._server.started:
            if serving.done():
                raise Misconfigured("The relay's port did not open; check WATTLEDGER_TLS_CERT and _KEY.")
            await asyncio.sleep(0.01)
        loops = (self.runner.loop(), self._vendor.loop(), self._timer())
        self._tasks = [serving, *(asyncio.create_task(loop) for loop in loops)]

    async def stop(self) -> None:
        """Closes the port, lets a running cycle end for a short while, then stops everything."""
        if self._server is not None:
            self._server.should_exit = True
        if (running := self.runner.running) is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(running.finished.wait(), GRACE)
        for task in self._tasks[1:]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def run_once(self, reason: str = "run_once") -> Line:
        """One cycle now (after the running one), and its line."""
        run = self.runner.ask(reason)
        await run.finished.wait()
        return run.line or {}

    def check_vendor(self, request: dict[str, Any]) -> None:
        """Raises Refused, naming the field, for a request that no run could make."""
        check(request, self._clock)

    def ask_vendor(self, request: dict[str, Any]) -> Run:
        """Queues one call of the vendor's API. Raises Refused when too many wait."""
        return self._vendor.ask(request)

    async def canary(self, text: bytes) -> Line:
        """Send a small file the whole way, as if it had been fetched; the line of the cycle that did.

        Raises TryLater where the spool is held by another process for long.
        """
        await self.cycle.take_canary(text)
        run = self.runner.ask("canary", fetch=False)
        await run.finished.wait()
        return run.line or {}

    def broken(self) -> bool:
        """Whether a loop has ended that should not: then only a new start helps."""
        return any(task.done() for task in self._tasks)

    def health(self) -> dict[str, Any]:
        """What anyone may know: no names, no addresses."""
        spool = self.cycle.spool
        return {
            "ok": not self.broken(),
            "running": self.runner.running is not None,
            "last": {k: self._last[k] for k in SHOWN if k in self._last} or None,
            "waiting": spool.count("enc") + spool.count("out"),
            "set_aside": spool.count("bad"),
        }

    async def _run(self, job: Job) -> Line:
        line = await self.cycle.run(job)
        self._last = line
        self._due = await asyncio.to_thread(self.cycle.spool.next_due)
        if line.get("more"):
            self.runner.ask("more")
        return line

    async def _timer(self) -> None:
        await asyncio.sleep(FIRST)
        full = look = self._clock.monotonic()
        while True:
            now = self._clock.monotonic()
            if now >= look:
                look, self._due = now + LOOK, await asyncio.to_thread(self.cycle.spool.next_due)
            if self._timer_on and now >= full:
                full = now + self._settings.relay_every_minutes * 60
                self.runner.ask("timer")
            elif self._backlog_due():
                self._due = None
                self.runner.ask("backlog", fetch=False)
            await asyncio.sleep(min(1.0, max(0.05, full - now)) if self._timer_on else 1.0)

    def _backlog_due(self) -> bool:
        s = self._settings
        ready = s.hub_url and s.admin_token and (s.webhook_secret or s.droplet_secret)
        if self._due is None or not ready or self.runner.running is not None:
            return False
        until, _ = self.cycle.pause.read()
        return max(self._due, until) <= self._clock.now().timestamp()

    def _bind(self) -> socket.socket:
        host, port = self._settings.relay_host, self._settings.relay_port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = socket.socket(
            family, socket.SOCK_STREAM, socket.IPPROTO_TCP
        )  # asyncio skips NODELAY without it
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((host, port))
            bound.listen(128)
        except OSError as error:
            bound.close()
            raise Misconfigured(
                f"WATTLEDGER_RELAY_HOST, WATTLEDGER_RELAY_PORT: {host}:{port} can't be listened on "
                f"({error.strerror}). Is another relay running?"
            ) from None
        self.port = bound.getsockname()[1]
        return bound

    def _config(self) -> uvicorn.Config:
        s = self._settings
        if (s.tls_cert is None) != (s.tls_key is None):
            raise Misconfigured("Set both WATTLEDGER_TLS_CERT and WATTLEDGER_TLS_KEY, or neither.")
        return uvicorn.Config(
            create_app(self, Gate(s, self._clock)),
            lifespan="off",
            access_log=False,
            log_level="warning",
            server_header=False,
            limit_concurrency=200,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=3,
            ssl_certfile=s.tls_cert,
            ssl_keyfile=s.tls_key,
        )


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals belong to the one who started us."""
        yield


def warnings(settings: Settings) -> list[str]:
    """What an operator should know at the start; none of it stops the relay."""
    found = []
    if is_plain(settings.hub_url or ""):
        found.append("INTELLIWATT_BASE_URL is plain http to another host: secrets travel in clear text.")
    if not is_loopback(settings.relay_host) and not settings.tls_cert:
        found.append(
            "The port is open to other hosts without TLS: set WATTLEDGER_TLS_CERT, or use a private network."
        )
    if settings.webhook_secret is None and settings.droplet_secret is None:
        found.append("INTELLIWATT_WEBHOOK_SECRET is not set: nobody can trigger this relay.")
    return found


async def run(settings: Settings, clock: Clock | None = None, *, timer: bool = True) -> None:
    """The service until SIGTERM or SIGINT. Raises Misconfigured."""
    stop, notifier = asyncio.Event(), Notifier()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with Relay(settings, clock, timer=timer) as relay:
        notifier.say("READY=1")
        while not stop.is_set():
            if relay.broken():
                raise TryLater("A loop of the relay has ended by a fault; the service must be started again.")
            notifier.say("WATCHDOG=1")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), notifier.every or ALIVE)
        notifier.say("STOPPING=1")


async def run_once(settings: Settings, clock: Clock | None = None, *, say: Say = say) -> Line:
    """One cycle without a service; its line was said already."""
    return await Cycle(settings, clock or SystemClock(), say).run(Job(token(12), "run_once"))
