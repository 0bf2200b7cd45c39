"""Settings: which source wins, which database is chosen, and what is refused before anything starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from wattledger.config import Settings, database_url, load_settings, variable
from wattledger.errors import Misconfigured
from wattledger.settings_sources import Lookup, env_pairs

GOOD = "a-long-enough-word-1"
OTHER = "a-long-enough-word-2"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()


# What is set -> the database, the table of docs/deployment.md.
DATABASES = [
    ({}, "sqlite:///{data}/wattledger.db"),
    ({"DATABASE_URL": "postgresql://a:b@h/n"}, "postgresql://a:b@h/n"),
    ({"DATABASE_URL": "postgresql://a@h/n", "DB_HOST": "other"}, "postgresql://a@h/n"),
    ({"DB_HOST": "db"}, "postgresql://postgres@db/postgres"),
    (
        {"DB_HOST": "/run/postgresql", "DB_NAME": "energy"},
        "postgresql://postgres@/energy?host=%2Frun%2Fpostgresql",
    ),
    (
        {"DB_HOST": "db", "DB_USER": "me", "DB_PASSWORD": "p@ss/:w", "DB_NAME": "energy"},
        "postgresql://me:p%40ss%2F%3Aw@db/energy",
    ),
    ({"DB_USER": "me", "DB_PASSWORD": "x", "DB_NAME": "energy"}, "sqlite:///{data}/wattledger.db"),
]


@pytest.mark.parametrize(("environ", "expected"), DATABASES)
def test_database_choice(environ: dict[str, str], expected: str, tmp_path: Path) -> None:
    settings = load_settings(tmp_path, environ)
    assert database_url(settings) == expected.format(data=tmp_path)


def test_sources_win_in_order(tmp_path: Path) -> None:
    """Environment, secret file, credential, .env of the data folder, the two shared env files."""
    secret, credentials = tmp_path / "secret", tmp_path / "credentials"
    secret.write_text("from-file\n")
    credentials.mkdir()
    (credentials / "SMT_USERNAME").write_text("from-credential")
    data = tmp_path / "data"
    data.mkdir()
    (data / ".env").write_text("SMT_USERNAME=from-data\n")
    first, second = tmp_path / "first.env", tmp_path / "second.env"
    first.write_text("SMT_USERNAME=from-first\n")
    second.write_text("SMT_USERNAME=from-second\n")
    environ = {
        "SMT_USERNAME": "from-environment",
        "SMT_USERNAME_FILE": str(secret),
        "CREDENTIALS_DIRECTORY": str(credentials),
    }
    seen = []
    steps: list[str | Path] = [*environ, data / ".env", first, second]
    for step in steps:
        seen.append(Lookup(environ, data, (first, second)).get("SMT_USERNAME"))
        if isinstance(step, Path):
            step.unlink()
        else:
            del environ[step]
    assert seen == [
        "from-environment",
        "from-file",
        "from-credential",
        "from-data",
        "from-first",
        "from-second",
    ]
    assert Lookup(environ, data, (first, second)).get("SMT_USERNAME") is None


def test_the_home_env_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "home" / ".intelliwatt.env").write_text(f"export INTELLIWATT_WEBHOOK_SECRET='{GOOD}'\n")
    settings = load_settings(tmp_path, {})
    assert settings.webhook_secret is not None
    assert settings.webhook_secret.get_secret_value() == GOOD


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("export A=1", "1"),
        ("  export A = 1  ", "1"),
        ("A='x y'", "x y"),
        ('A="x=y"', "x=y"),
        ("A='x", "'x"),
        ("A=", ""),
        ("\ufeffA=1", "1"),
        ("#A=1", None),
        ("A", None),
        ("A=1\r", "1"),
    ],
)
def test_env_file_lines(line: str, value: str | None, tmp_path: Path) -> None:
    path = tmp_path / "x.env"
    path.write_bytes(f"{line}\n".encode())
    assert env_pairs(path).get("A") == value


SECRET_NAMES = (
    "ADMIN_TOKEN",
    "ADMIN_TOKEN_NEXT",
    "INTELLIWATT_WEBHOOK_SECRET",
    "INTELLIWATT_WEBHOOK_SECRET_NEXT",
    "DROPLET_WEBHOOK_SECRET",
    "DROPLET_WEBHOOK_SECRET_NEXT",
)


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize("value", ["short", "x" * 15, "Your-Secret-Here", "changeme"])
def test_a_weak_secret_is_refused_by_name_and_never_shown(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as error:
        load_settings(tmp_path, {name: value})
    assert name in str(error.value)
    assert value not in str(error.value)


@pytest.mark.parametrize("name", SECRET_NAMES[2:])
def test_the_admin_token_must_not_equal_a_webhook_secret(name: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=f"ADMIN_TOKEN must differ from {name}"):
        load_settings(tmp_path, {"ADMIN_TOKEN": GOOD, name: GOOD})
    load_settings(tmp_path, {"ADMIN_TOKEN": GOOD, name: OTHER})


def test_both_webhook_secrets_may_be_equal(tmp_path: Path) -> None:
    load_settings(tmp_path, {"INTELLIWATT_WEBHOOK_SECRET": GOOD, "DROPLET_WEBHOOK_SECRET": GOOD})


WRONG = [
    ("SMARTCAR_MODE", "production"),
    ("SMT_SFTP_PORT", "0"),
    ("SMT_SFTP_PORT", "twenty-two"),
    ("SMT_REQUESTOR_AUTH_ID", "12345678"),
    ("SMT_REQUESTER_TYPE", "OWNER"),
    ("WATTLEDGER_LOG", "xml"),
    ("WATTLEDGER_RELAY_EVERY_MINUTES", "-7"),
    ("ADMIN_TOKEN_FILE", "/does/not/exist"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_ends_with_78_and_one_line_naming_the_variable(
    name: str, value: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "wattledger", "db", "digest", "--data", str(tmp_path)]
    environ = {"HOME": str(tmp_path), name: value}
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert done.returncode == 78
    assert name in done.stderr
    assert value not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_nothing_needs_to_be_set(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    assert settings.smt_api_base_url == "https://services.smartmetertexas.net"
    assert settings.smt_username == "INTELLIPATH"
    assert (settings.smt_sftp_host, settings.smt_sftp_port) == ("ftp.smartmetertexas.biz", 22)
    assert settings.smt_sftp_remote_dir == "/adhocusage"


def test_every_setting_has_a_variable_and_a_description() -> None:
    for name, field in Settings.model_fields.items():
        assert variable(name).isupper()
        assert (field.description or "").endswith((".", ")"))


def test_secrets_stay_out_of_repr(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {"ADMIN_TOKEN": GOOD, "SMT_PASSWORD": "hush-hush-hush"})
    assert GOOD not in repr(settings)
    assert "hush" not in repr(settings)
