"""`wattledger user`: owners, links, tokens."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import Result

from tests.cli.conftest import inside
from wattledger.cli.runtime import Runtime

Run = Callable[..., Result]
ME = "me@example.org"


def test_add_makes_an_owner_once(run: Run) -> None:
    assert run("user", "add", ME).exit_code == 0
    assert run("user", "add", "  ME@example.org ").exit_code == 0
    assert run("user", "list").stdout.split() == [ME]


def test_the_token_is_the_last_word_and_works(run: Run) -> None:
    run("user", "add", ME)
    word = run("user", "token", ME).stdout.split()[-1]

    async def ask(runtime: Runtime) -> str:
        person = await runtime.store.people.principal_for_api_token(word, runtime.clock.now())
        assert person is not None
        return f"{person.email} {person.role}"

    assert inside(ask) == f"{ME} owner"


def test_the_link_signs_in_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTLEDGER_BASE_URL", "https://home.example")
    run("user", "add", ME)
    address = urlsplit(run("user", "link", ME).stdout.strip())
    assert (address.scheme, address.netloc, address.path) == ("https", "home.example", "/auth/link")
    (word,) = parse_qs(address.query)["token"]

    async def use(runtime: Runtime) -> list[bool]:
        people, now = runtime.store.people, runtime.clock.now()
        return [await people.consume_link(word, now) is not None for _ in range(2)]

    assert inside(use) == [True, False]


@pytest.mark.parametrize("command", ["link", "token"])
def test_somebody_unknown_is_said_so(run: Run, command: str) -> None:
    result = run("user", command, ME)
    assert result.exit_code == 1
    assert f"user add {ME}" in result.stderr


def test_what_is_no_address_is_refused(run: Run) -> None:
    result = run("user", "add", "nonsense")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
