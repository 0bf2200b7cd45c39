"""`wattledger doctor` against a simulated utility and a running hub: each verdict, and each reason."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wattledger.cli.checks import Verdict
from wattledger.cli.checks_hub import hub_checks
from wattledger.cli.checks_relay import relay_checks
from wattledger.cli.hub_server import bind, hub_running, url_of
from wattledger.cli.runtime import opened
from wattledger.config import Settings
from wattledger.relay.service import Relay
from wattledger.simulators.pgp import PgpPair
from wattledger.simulators.smart_meter_texas import SmtSimulator
from wattledger.web.app import create_app

SECRETS = {
    "ADMIN_TOKEN": "an-admin-token-for-tests",
    "INTELLIWATT_WEBHOOK_SECRET": "a-webhook-secret-for-tests",
}


@pytest.fixture
async def vendor(tmp_path: Path) -> AsyncIterator[SmtSimulator]:
    async with SmtSimulator(tmp_path / "utility") as running:
        yield running


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Settings]:
    """A running hub; its settings, with its address as INTELLIWATT_BASE_URL."""
    bound = bind("127.0.0.1", 0)
    variables = {"WATTLEDGER_DATA": str(tmp_path / "hub"), "INTELLIWATT_BASE_URL": url_of(bound, "127.0.0.1")}
    settings = Settings.model_validate({**variables, **SECRETS})
    async with opened(None, settings=settings) as runtime:
        app = create_app(runtime.store, settings, clock=runtime.clock)
        async with hub_running(runtime, bound, "127.0.0.1", app):
            yield settings


def relay_settings(tmp_path: Path, vendor: SmtSimulator, hub: Settings, **changes: str) -> Settings:
    own = {"WATTLEDGER_DATA": str(tmp_path / "relay"), "INTELLIWATT_BASE_URL": hub.hub_url, **SECRETS}
    return Settings.model_validate({**own, **vendor.environment(tmp_path / "keys"), **changes})


async def verdicts(settings: Settings) -> dict[str, tuple[Verdict, str]]:
    return {c.name: (c.verdict, c.text) async for c in relay_checks(settings)}


async def test_a_sound_relay_is_all_ok(tmp_path: Path, vendor: SmtSimulator, hub: Settings) -> None:
    found = await verdicts(relay_settings(tmp_path, vendor, hub))
    assert {name: verdict for name, (verdict, _) in found.items()} == dict.fromkeys(
        (
            "sftp sign-in",
            "list /adhocusage",
            "list /EnrollmentReports",
            "decrypt",
            "api token",
            "api with token",
            "api without token",
            "deliver",
        ),
        Verdict.OK,
    )


async def test_a_second_canary_changes_nothing(tmp_path: Path, vendor: SmtSimulator, hub: Settings) -> None:
    settings = relay_settings(tmp_path, vendor, hub)
    first = (await verdicts(settings))["deliver"][1]
    second = (await verdicts(settings))["deliver"][1]
    assert second == first.replace(".", " (from before).")


@pytest.mark.parametrize(
    ("changes", "check", "says"),
    [
        ({"SMT_SFTP_USER": "stranger"}, "sftp sign-in", "stranger"),
        ({"SMT_SFTP_KEY_PATH": "/does/not/exist"}, "sftp sign-in", "SMT_SFTP_KEY_PATH"),
        ({"SMT_SFTP_KNOWN_HOSTS": "/does/not/exist"}, "sftp sign-in", "SMT_SFTP_KNOWN_HOSTS"),
        ({"SMT_SFTP_REMOTE_DIR": "/elsewhere"}, "list /elsewhere", "/elsewhere"),
        ({"SMT_PGP_KEY_PATH": "/does/not/exist"}, "decrypt", "SMT_PGP_KEY_PATH"),
        ({"SMT_PASSWORD": "wrong-password"}, "api token", "SMT_PASSWORD"),
        ({"ADMIN_TOKEN": "another-admin-token"}, "deliver", "ADMIN_TOKEN"),
        ({"INTELLIWATT_BASE_URL": "http://127.0.0.1:9"}, "deliver", "reached"),
    ],
)
async def test_what_is_wrong_is_named(
    tmp_path: Path, vendor: SmtSimulator, hub: Settings, changes: dict[str, str], check: str, says: str
) -> None:
    verdict, text = (await verdicts(relay_settings(tmp_path, vendor, hub, **changes)))[check]
    assert verdict == Verdict.FAILED
    assert says in text


async def test_a_missing_report_folder_only_warns(
    tmp_path: Path, vendor: SmtSimulator, hub: Settings
) -> None:
    settings = relay_settings(tmp_path, vendor, hub, SMT_SFTP_REPORT_DIR="/nowhere")
    assert (await verdicts(settings))["list /nowhere"][0] == Verdict.WARNING


async def test_without_a_password_the_api_is_skipped(
    tmp_path: Path, vendor: SmtSimulator, hub: Settings
) -> None:
    settings = relay_settings(tmp_path, vendor, hub).model_copy(update={"smt_password": None})
    found = await verdicts(settings)
    assert found["api token"][0] == Verdict.SKIPPED
    assert vendor.token_calls() == 0


async def test_a_key_file_that_holds_no_key_is_named(
    tmp_path: Path, vendor: SmtSimulator, hub: Settings
) -> None:
    public = tmp_path / "public.asc"
    public.write_text(PgpPair.make().public)
    found = await verdicts(relay_settings(tmp_path, vendor, hub, SMT_PGP_KEY_PATH=str(public)))
    assert found["decrypt"][0] == Verdict.FAILED


async def test_a_hub_with_its_relay(tmp_path: Path, vendor: SmtSimulator, hub: Settings) -> None:
    edge = relay_settings(tmp_path, vendor, hub, WATTLEDGER_RELAY_PORT="0")
    async with Relay(edge, timer=False, say=lambda line: None) as relay:
        await relay.run_once()
        here = hub.model_copy(update={"droplet_url": f"{relay.url}/trigger/smt-now"})
        found = {c.name: c.verdict async for c in hub_checks(here)}
    assert found.pop("people") == Verdict.WARNING
    assert found.pop("mail") == Verdict.SKIPPED
    assert found.pop("data folder") in {Verdict.OK, Verdict.WARNING}
    assert set(found.values()) == {Verdict.OK}


async def test_a_bare_hub_says_what_is_missing(tmp_path: Path) -> None:
    settings = Settings.model_validate({"WATTLEDGER_DATA": str(tmp_path)})
    found = {c.name: c.verdict async for c in hub_checks(settings)}
    assert found["machine secrets"] == Verdict.WARNING
    assert found["relay trigger"] == Verdict.SKIPPED
    assert found["database"] == Verdict.OK


async def test_a_database_that_does_not_answer_is_named(tmp_path: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:9/none"
    settings = Settings.model_validate({"WATTLEDGER_DATA": str(tmp_path), "DATABASE_URL": url})
    found = {c.name: c.verdict async for c in hub_checks(settings)}
    assert found["database"] == Verdict.FAILED
    assert "vault" not in found


@pytest.mark.postgres
async def test_a_server_that_does_not_sync_is_named(tmp_path: Path, postgres_url: str) -> None:
    """The tests' own server is such a one."""
    settings = Settings.model_validate({"WATTLEDGER_DATA": str(tmp_path), "DATABASE_URL": postgres_url})
    found = {c.name: (c.verdict, c.text) async for c in hub_checks(settings)}
    verdict, said = found["durability"]
    assert verdict == Verdict.WARNING and "fsync = off and full_page_writes = off" in said
