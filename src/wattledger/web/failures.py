"""Errors as answers: JSON for programs, a page for a browser that sent a form. Input never makes a 5xx."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from wattledger.errors import WattledgerError
from wattledger.web.answers import Denied, Json, failure, sentence

log = structlog.get_logger("wattledger.web")
WORDS = {404: "There is no such address here.", 405: "This address does not take that method."}


def install(app: FastAPI) -> None:
    """Give the app an answer for every error that a request can cause."""
    app.add_exception_handler(WattledgerError, _ours)
    app.add_exception_handler(Denied, _denied)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DataError, _data)
    app.add_exception_handler(RecursionError, _data)
    app.add_exception_handler(ClientDisconnect, _gone)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, WattledgerError)
    status, body, headers = failure(error)
    if status == 500:
        body["incident"] = request.scope["state"]["request_id"]
        log.error("incident", request=body["incident"], error=str(error))
    return _answer(request, status, body, headers)


async def _denied(request: Request, error: Exception) -> Response:
    assert isinstance(error, Denied)
    return Json(error.body, error.status, error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    body = {"ok": False, "error": "INVALID", "message": sentence(error.errors())}
    return _answer(request, 422, body, {})


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    text = WORDS.get(error.status_code, str(error.detail))
    code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(error.status_code, "BAD_REQUEST")
    body = {"ok": False, "error": code, "message": text}
    return _answer(request, error.status_code, body, dict(error.headers or {}))


async def _data(request: Request, error: Exception) -> Response:
    body = {"ok": False, "error": "INVALID", "message": "A value is out of range or not storable."}
    return _answer(request, 422, body, {})


async def _gone(request: Request, error: Exception) -> Response:
    """The sender left in the middle of the body; nobody reads this answer."""
    return Json({"ok": False, "error": "INCOMPLETE", "message": "The body was cut short."}, 400)


def _answer(request: Request, status: int, body: dict[str, Any], headers: dict[str, str]) -> Response:
    if _wants_page(request):
        from wattledger.web.pages.render import html

        page = html("error.html", status, title=_title(status), text=body["message"])
        page.headers.update(headers)
        return page
    return Json(body, status, headers)


def _wants_page(request: Request) -> bool:
    program = request.url.path.startswith(("/api/", "/v1/")) and request.method == "GET"
    return "text/html" in request.headers.get("accept", "") and not program


def _title(status: int) -> str:
    return {404: "There is nothing here", 403: "Not allowed", 401: "Sign in first", 503: "Not right now"}.get(
        status, "That did not work"
    )
