"""Which browser asked for a sign-in link: it keeps a word, and a link opened elsewhere wants to be confirmed.

A forwarded mail, or a link that somebody else asked for and sent on, so signs nobody in by one press.
"""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from wattledger.clock import token
from wattledger.errors import Refused
from wattledger.web.hub import hub

COOKIE = "wattledger_asked"
SECONDS = 600
LONGEST = 100
ELSEWHERE = "This link was asked for in another browser; type the mail address that it was sent to."


def asking_word(request: Request) -> str:
    """The word that this browser keeps, or a new one for it."""
    return kept_word(request) or token()


def kept_word(request: Request) -> str | None:
    """The word that this browser keeps, None where it never asked."""
    word = request.cookies.get(_name(request), "")
    return word if 0 < len(word) <= LONGEST and word.isascii() and word.isprintable() else None


def keep(answer: Response, request: Request, word: str) -> None:
    """Let the browser keep its word for as long as a link lives; the same for every address."""
    secure = hub(request).secure(request)
    answer.set_cookie(
        _name(request), word, max_age=SECONDS, path="/", secure=secure, httponly=True, samesite="lax"
    )


async def asked_here(request: Request, token: str, typed: str | None = None) -> bool:
    """Whether this browser asked for a link, or its address was typed; the link is not used up."""
    return await hub(request).store.people.asked_here(token, kept_word(request), typed)


async def check(request: Request, token: str, typed: str | None) -> None:
    """Only browsers can be led where they did not want to go; they say where a form comes from.

    Raises Refused 409 for a link of another browser whose address was not typed.
    """
    browser = "sec-fetch-site" in request.headers or "origin" in request.headers
    if browser and not await asked_here(request, token, typed):
        raise Refused(ELSEWHERE, "ASKED_ELSEWHERE", "email", 409)


def _name(request: Request) -> str:
    return f"__Host-{COOKIE}" if hub(request).secure(request) else COOKIE
