"""Dockerfile and compose.yaml: names, ports and users fit, and nothing secret is inline."""

from __future__ import annotations

import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.image import steps
from tests.paths import ROOT
from wattledger.cli.serve import PORT
from wattledger.config import Settings, load_settings
from wattledger.secrets import load_vault

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("hub", "worker", "relay")
STEPS = steps((ROOT / "Dockerfile").read_text())
LOCK = (ROOT / "deploy/requirements.lock").read_text()
VARIABLES = {field.alias for field in Settings.model_fields.values()}
SECRET = re.compile(r"(TOKEN|SECRET|PASSWORD|KEYS|DATABASE_URL)$")


def said(word: str) -> list[str]:
    return [step.rest for step in STEPS if step.word == word]


@pytest.mark.parametrize("name", OURS)
def test_every_variable_of_compose_exists_and_no_secret_is_inline(name: str) -> None:
    for variable, value in SERVICES[name]["environment"].items():
        assert variable.removesuffix("_FILE") in VARIABLES
        assert not SECRET.search(variable), f"{variable} belongs into a file"
        if variable.endswith("_FILE"):
            mounted = value.removeprefix("/run/secrets/")
            assert mounted in SERVICES[name]["secrets"] and mounted in COMPOSE["secrets"]


def test_secrets_are_files_that_no_image_holds() -> None:
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"
    copied = " ".join(said("COPY"))
    assert "secrets" not in copied and " . ." not in copied


@pytest.mark.parametrize("name", ["postgres", *OURS])
def test_every_service_is_watched_restarted_and_bounded(name: str) -> None:
    service = SERVICES[name]
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= limits.keys()
    assert service["healthcheck"]["test"][0] == "CMD" and service["restart"] == "unless-stopped"
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", OURS)
def test_our_services_write_to_volumes_alone(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["stop_grace_period"] == "20s"


def test_two_workers_wait_for_a_hub_that_waits_for_the_database() -> None:
    assert SERVICES["worker"]["deploy"]["replicas"] == 2
    assert SERVICES["worker"]["depends_on"] == {"hub": {"condition": "service_healthy"}}
    assert SERVICES["hub"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_only_the_hub_has_a_port_and_only_on_this_machine() -> None:
    assert SERVICES["hub"]["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["hub"]
    assert COMPOSE["networks"]["inside"]["internal"] and SERVICES["postgres"]["networks"] == ["inside"]


def test_the_image_has_no_root_and_stops_as_asked() -> None:
    assert said("USER") == ["10001:10001"] and said("STOPSIGNAL") == ["SIGTERM"]
    assert len(said("FROM")) == 2 and len({rest.split()[0] for rest in said("FROM")}) == 1
    assert said("EXPOSE") == [f"{PORT} 8787"] and f":{PORT}/healthz" in said("HEALTHCHECK")[0]
    assert not SECRET.search(" ".join(said("ENV") + said("ARG")))
    assert "--require-hashes" in said("RUN")[2]


def test_the_lock_of_the_image_is_the_lock_without_tools() -> None:
    whole = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^([a-z0-9-]+(?:\[[^]]*\])?==\S+)", LOCK, re.M)
    assert pins and all(pin in whole for pin in pins), "run ./dev lock"
    names = {pin.partition("==")[0] for pin in pins}
    assert "hatchling" in names and not names & {"pytest", "ruff", "mypy", "playwright", "uv"}
    assert "://" not in LOCK and LOCK.count("--hash=sha256:") >= len(pins)


def test_the_secrets_that_are_made_can_be_used(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    for _ in range(2):
        subprocess.run(["sh", ROOT / "deploy/make-secrets.sh", folder], check=True, capture_output=True)
        made = {path.name: path.read_text() for path in folder.iterdir()}
        assert made.keys() == COMPOSE["secrets"].keys()
    first = made.copy()
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.iterdir())
    environ = {"WATTLEDGER_DATA": str(tmp_path)}
    for variable, value in SERVICES["hub"]["environment"].items():
        environ[variable] = str(value).replace("/run/secrets", str(folder))
    settings = load_settings(environ={k: v for k, v in environ.items() if "${" not in v})
    assert settings.db_host == "postgres" and settings.admin_token != settings.webhook_secret
    assert len(load_vault(settings, create=False).key_ids) == 1
    assert {path.name: path.read_text() for path in folder.iterdir()} == first


def test_an_empty_secret_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    environ = {"WATTLEDGER_DATA": str(tmp_path), "SMT_PASSWORD_FILE": str(tmp_path / "empty")}
    assert load_settings(environ=environ).smt_password is None
