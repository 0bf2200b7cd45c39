"""`wattledger site`, `wattledger meter`, and inviting from the command line."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from typer.testing import Result

from tests.cli.conftest import inside
from wattledger.cli.runtime import Runtime

Run = Callable[..., Result]
ME, FRIEND, ESIID = "me@example.org", "friend@example.org", "10443720000000001"


def audited(site: str | None = None) -> list[str]:
    async def ask(runtime: Runtime) -> list[str]:
        return [f"{row.actor} {row.action}" for row in await runtime.store.audit.list(site=site)]

    return inside(ask)


def test_a_site_is_made_for_an_owner(run: Run) -> None:
    run("user", "add", ME, "--operator")
    made = run("site", "add", "Maple Street", "--owner", ME, "--timezone", "America/Denver")
    assert made.exit_code == 0
    assert f"{made.stdout.strip()}  Maple Street  America/Denver" in run("site", "list").stdout
    assert run("site", "members", "Maple Street").stdout.split() == ["owner", ME]
    assert audited(made.stdout.strip()) == ["command line site.made"]
    assert run("site", "add", "X", "--owner", "nobody@example.org").exit_code == 1
    assert run("site", "members", "Nowhere").exit_code == 1


def test_somebody_is_invited_promoted_signed_out_and_removed(run: Run) -> None:
    run("user", "add", ME)
    link = urlsplit(run("user", "invite", FRIEND, "--role", "admin").stdout.strip())
    assert link.path == "/invitation"
    (word,) = parse_qs(link.query)["token"]

    async def accept(runtime: Runtime) -> str:
        session = await runtime.store.people.accept(word, runtime.clock.now())
        assert session is not None
        return session

    session = inside(accept)
    assert run("site", "role", "Home", FRIEND, "owner").exit_code == 0
    assert run("user", "sign-out", FRIEND).exit_code == 0

    async def gone(runtime: Runtime) -> bool:
        return await runtime.store.people.session(session, runtime.clock.now()) is None

    assert inside(gone)
    assert run("site", "remove", "Home", FRIEND).exit_code == 0
    assert run("site", "members", "Home").stdout.split() == ["owner", ME]
    last = run("site", "remove", "Home", ME)
    assert last.exit_code == 1 and "last owner" in last.stderr
    assert "command line member.removed" in audited()
    assert run("user", "invite", FRIEND, "--role", "king").exit_code == 1


def test_a_token_is_for_one_site(run: Run) -> None:
    run("user", "add", ME)
    run("site", "add", "Maple Street", "--owner", ME)
    word = run("user", "token", ME, "--site", "Maple Street").stdout.split()[-1]

    async def where(runtime: Runtime) -> str:
        person = await runtime.store.people.principal_for_api_token(word, runtime.clock.now())
        assert person is not None
        return (await runtime.store.sites.get(person.site)).name

    assert inside(where) == "Maple Street"


def test_a_meter_is_assigned_before_its_first_reading(run: Run) -> None:
    run("site", "add", "Maple Street")
    assert run("meter", "assign", ESIID, "--site", "Maple Street").exit_code == 0
    assert run("meter", "list").stdout.split("\n")[0] == f"{ESIID}  Maple Street"
    assert run("meter", "assign", ESIID, "--site", "Home").exit_code == 0
    assert run("meter", "list").stdout.split("\n")[0] == f"{ESIID}  Home"
    assert run("meter", "assign", "12", "--site", "Home").exit_code == 1
