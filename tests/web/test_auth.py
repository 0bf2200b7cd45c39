"""Who is asking: what a header or cookie must look like, whom each guard lets in, what the cookie says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from fastapi import FastAPI, Request, Response

from wattledger.config import Settings
from wattledger.errors import LoginRequired, Refused
from wattledger.store import Store
from wattledger.store.people.people import Principal
from wattledger.store.people.principal import Role
from wattledger.web import auth
from wattledger.web.app import create_app

Guard = Callable[[Principal | None], Awaitable[Principal]]
GUARDS: dict[str, Guard] = {
    "user": auth.require_user,
    "manager": auth.require_manager,
    "owner": auth.require_owner,
    "operator": auth.require_operator,
}


@pytest.mark.parametrize(
    ("role", "operator", "let_in"),
    [
        ("member", False, "user"),
        ("admin", False, "user manager"),
        ("owner", False, "user manager owner"),
        ("member", True, "user operator"),
    ],
)
async def test_each_guard_lets_in_its_own(role: Role, operator: bool, let_in: str) -> None:
    person = Principal("u", "ada@example.org", "s", role, "session", operator)
    for word, guard in GUARDS.items():
        if word in let_in.split():
            assert await guard(person) is person
        else:
            with pytest.raises(Refused) as refused:
                await guard(person)
            assert refused.value.status == 403


@pytest.mark.parametrize("word", GUARDS)
async def test_nobody_is_asked_to_sign_in(word: str) -> None:
    with pytest.raises(LoginRequired):
        await GUARDS[word](None)


def asked(app: FastAPI | None = None, **headers: str) -> Request:
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    server = ("127.0.0.1", 8000)
    return Request({"type": "http", "scheme": "http", "server": server, "headers": sent, "app": app})


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer x", "x"), ("bearer  x ", "x"), ("BEARER a b", "a b"), ("Bearer " + "x" * 200, "x" * 200)],
)
def test_a_token_comes_out_of_its_header(header: str, token: str) -> None:
    assert auth.bearer(asked(authorization=header)) == token


def test_without_a_header_there_is_no_token() -> None:
    assert auth.bearer(asked()) is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer" + 3 * " ",
        "Basic x",
        "x",
        "Bearer é",
        "Bearer a\x7fb",
        "Bearer " + "x" * 201,
    ],
)
def test_another_header_is_refused(header: str) -> None:
    with pytest.raises(LoginRequired):
        auth.bearer(asked(authorization=header))


def test_two_headers_are_refused() -> None:
    request = asked()
    request.scope["headers"] = [(b"authorization", b"Bearer x")] * 2
    with pytest.raises(LoginRequired):
        auth.bearer(request)


@pytest.fixture(params=["http", "https"])
def hub(request: pytest.FixtureRequest, store: Store, settings: Settings) -> FastAPI:
    """A hub on a bare address, and one that browsers reach by https."""
    update = {"base_url": "https://hub.example.org"} if request.param == "https" else {}
    return create_app(store, settings.model_copy(update=update))


def test_the_cookie_is_for_this_host_and_no_script(hub: FastAPI) -> None:
    request, answer = asked(hub), Response()
    auth.set_session(answer, request, "word")
    auth.clear_session(answer, request)
    https = bool(hub.state.hub.settings.base_url)
    name, end = ("__Host-wattledger_session", "; Secure") if https else ("wattledger_session", "")
    rest = "Path=/; SameSite=lax" + end
    put, ended = answer.headers.getlist("set-cookie")
    assert put == f"{name}=word; HttpOnly; Max-Age={90 * 86400}; {rest}"
    assert ended.startswith(f'{name}=""; expires=') and ended.endswith(f"; HttpOnly; Max-Age=0; {rest}")


def test_a_session_is_read_from_its_cookie_alone(hub: FastAPI) -> None:
    name = auth.cookie_name(bool(hub.state.hub.settings.base_url))
    assert auth.session_token(asked(hub, cookie=f"{name}=word; other=x")) == "word"
    for cookie in ("", "other=word", f"{name}=", f"{name}=é", f"{name}={'x' * 201}"):
        assert auth.session_token(asked(hub, cookie=cookie)) is None
