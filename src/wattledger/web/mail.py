"""Mail by SMTP, in the background: a caller never waits for a mail server, nor learns whether one was asked.

A passing fault is tried again a few times, a refusal is not. The log says which it was and to which domain,
never the address or what the mail said: it holds a link that signs its reader in.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate

import aiosmtplib
import structlog

from wattledger.clock import Clock, token
from wattledger.config import Settings
from wattledger.errors import Misconfigured, TryLater
from wattledger.transport import is_loopback

PAUSES = (2.0, 15.0, 60.0)
"""seconds before each further try; a sign-in link lives for ten minutes"""
TIMEOUT = 20.0
MOST_WAITING = 200
AT_ONCE = 4
Then = Callable[[], Awaitable[None]]

log = structlog.get_logger("wattledger.mail")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail in plain text."""

    to: str
    subject: str
    text: str


class Mailer:
    """Sends letters by the server of the settings."""

    def __init__(self, settings: Settings, clock: Clock, pauses: Sequence[float] = PAUSES) -> None:
        self._settings, self._clock, self._pauses = settings, clock, pauses
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)

    @property
    def ready(self) -> bool:
        """Whether mail can be sent."""
        return self._settings.smtp_host is not None and problem(self._settings) is None

    def post(self, letter: Letter, then: Then | None = None) -> None:
        """Send a letter in the background, `then` do something once a server took it.

        Past 200 that wait it is dropped, which the log says; a process that ends drops what waits.
        """
        if len(self._tasks) >= MOST_WAITING:
            log.error("mail_dropped", waiting=len(self._tasks), domain=_domain(letter.to))
            return
        self.later(self._deliver(letter, then))

    def later(self, work: Coroutine[None, None, None]) -> None:
        """Do something that no answer waits for."""
        task = asyncio.create_task(_told(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def idle(self) -> None:
        """Wait until nothing is left to do."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def close(self, seconds: float = 5) -> None:
        """Give what is under way a few seconds, then let it go."""
        if not self._tasks:
            return
        _, left = await asyncio.wait(set(self._tasks), timeout=seconds)
        for task in left:
            task.cancel()
        if left:
            log.warning("mails_unsent", count=len(left))

    async def _deliver(self, letter: Letter, then: Then | None) -> None:
        message = compose(letter, self._settings, formatdate(self._clock.now().timestamp()))
        for tried, pause in enumerate((*self._pauses, None), 1):
            try:
                async with self._slots:
                    await send(message, self._settings)
            except (aiosmtplib.SMTPException, OSError, ValueError) as error:
                about = {"error": type(error).__name__, "code": _code(error), "tried": tried}
                if pause is None or _refused(error):
                    log.error("mail_failed", domain=_domain(letter.to), **about)  # noqa: TRY400 - its text may name the address
                    return
                log.warning("mail_delayed", domain=_domain(letter.to), seconds=pause, **about)
                await asyncio.sleep(pause)
            else:
                log.info("mail_sent", domain=_domain(letter.to), tried=tried)
                if then:
                    await then()
                return


def problem(settings: Settings) -> str | None:
    """What is wrong with the settings of mail, None where nothing is."""
    if settings.smtp_host is None:
        return "WATTLEDGER_SMTP_HOST is not set: no sign-in link and no invitation can be mailed."
    if "@" not in (settings.smtp_from or settings.smtp_user or ""):
        return "WATTLEDGER_SMTP_FROM is not set, and the SMTP user is no address to send from."
    if settings.smtp_security == "none" and not is_loopback(settings.smtp_host):
        return "WATTLEDGER_SMTP_SECURITY=none is for a mail server on this machine only."
    return None


def compose(letter: Letter, settings: Settings, date: str) -> EmailMessage:
    """The message as it goes over the wire. Raises ValueError for an address with a line break."""
    message = EmailMessage()
    sender = settings.smtp_from or settings.smtp_user or ""
    message["From"], message["To"], message["Subject"] = sender, letter.to, letter.subject
    message["Date"], message["Auto-Submitted"] = date, "auto-generated"
    message["Message-ID"] = f"<{token(16)}@{_domain(sender) or 'localhost'}>"
    message.set_content(letter.text, cte="quoted-printable" if not letter.text.isascii() else "7bit")
    return message


async def send(message: EmailMessage, settings: Settings) -> None:
    """Hand a message to the server. Raises SMTPException, OSError; never goes on without wanted TLS."""
    async with _client(settings) as client:
        await client.send_message(message)


async def deliver(letter: Letter, settings: Settings, clock: Clock) -> None:
    """Send a letter now, once. Raises TryLater where the server did not take it."""
    message = compose(letter, settings, formatdate(clock.now().timestamp()))
    try:
        await send(message, settings)
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        kind = type(error).__name__
        raise TryLater(f"The mail server did not take it ({kind}); it is tried again.") from None


async def greet(settings: Settings) -> None:
    """Connect and sign in, and send nothing. Raises TryLater, Misconfigured."""
    try:
        async with _client(settings):
            pass
    except aiosmtplib.SMTPAuthenticationError:
        raise Misconfigured("WATTLEDGER_SMTP_USER: the mail server refuses it, or its password.") from None
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        where = f"{settings.smtp_host}:{settings.smtp_port}"
        raise TryLater(f"The mail server {where} cannot be used ({type(error).__name__}).") from None


def _client(settings: Settings) -> aiosmtplib.SMTP:
    secured, password = settings.smtp_security, settings.smtp_password
    return aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_user if password else None,
        password=password.get_secret_value() if password else None,
        use_tls=secured == "tls",
        start_tls=secured == "starttls",
        tls_context=None if secured == "none" else ssl.create_default_context(),
        timeout=TIMEOUT,
    )


async def _told(work: Coroutine[None, None, None]) -> None:
    """Nobody awaits this work, so that its failure must be told by itself."""
    try:
        await work
    except Exception as error:
        log.error("background_failed", error=type(error).__name__)  # noqa: TRY400 - it may hold a link


def _refused(error: Exception) -> bool:
    """Whether trying again cannot help: a lasting refusal, or TLS that the server does not have."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(_lasting(one.code) for one in error.recipients)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _lasting(error.code)
    known = aiosmtplib.SMTPServerDisconnected | aiosmtplib.SMTPTimeoutError | aiosmtplib.SMTPConnectError
    return isinstance(error, aiosmtplib.SMTPException | ValueError) and not isinstance(error, known)


def _lasting(code: int) -> bool:
    return 500 <= code < 600


def _code(error: Exception) -> int | None:
    return getattr(error, "code", None)


def _domain(address: str) -> str:
    return address.rpartition("@")[2].rstrip(">").strip()
