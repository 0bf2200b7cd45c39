"""Settings: every variable, where it is looked for, and what is refused at start.

Order: process environment, `NAME_FILE` or a systemd credential, `.env` in the data folder,
`~/.intelliwatt.env`, `/home/deploy/smt_ingest/.env`. An `export ` prefix and quotes are tolerated.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from wattledger.errors import Misconfigured
from wattledger.settings_mail import MailSettings
from wattledger.settings_mqtt import MqttSettings
from wattledger.settings_sources import Lookup
from wattledger.settings_vendors import SmartcarSettings, SmartThingsSettings, SmtSettings

SAMPLES = frozenset(
    {"changeme", "change-me", "secret", "password", "example", "your-secret-here", "replace-me"}
)
SHORTEST_SECRET = 16


class General(BaseModel):
    """Settings of hub, worker and relay that concern no vendor."""

    data: Path = Field(
        Path.home() / ".local/share/wattledger", alias="WATTLEDGER_DATA", description="Data folder."
    )
    keys: SecretStr | None = Field(
        None,
        alias="WATTLEDGER_KEYS",
        description="Sealing keys, `id:base64` separated by commas, newest first.",
    )
    objects: str | None = Field(
        None,
        alias="WATTLEDGER_OBJECTS",
        description="Where large payloads are kept: a folder or an s3://, gs://, az:// URL. Default: `objects` in the data folder.",
    )
    base_url: str | None = Field(
        None, alias="WATTLEDGER_BASE_URL", description="Public address of the hub, for links in mails."
    )
    allowed_origins: tuple[str, ...] = Field(
        (),
        alias="WATTLEDGER_ALLOWED_ORIGINS",
        description="Origins that may call the API from a browser, comma separated. Default: the origin of FRONTEND_URL.",
    )
    frontend_url: str | None = Field(
        None, alias="FRONTEND_URL", description="Address of a separate front end."
    )
    log_format: str = Field(
        "console", alias="WATTLEDGER_LOG", description="`console` or `json`.", pattern="^(console|json)$"
    )

    database_url: SecretStr | None = Field(
        None, alias="DATABASE_URL", description="postgresql://… ; default: SQLite in the data folder."
    )
    db_host: str | None = Field(
        None, alias="DB_HOST", description="PostgreSQL host, where DATABASE_URL is not set."
    )
    db_user: str = Field("postgres", alias="DB_USER", description="PostgreSQL user.")
    db_password: SecretStr | None = Field(None, alias="DB_PASSWORD", description="PostgreSQL password.")
    db_name: str = Field("postgres", alias="DB_NAME", description="PostgreSQL database.")

    admin_token: SecretStr | None = Field(
        None,
        alias="ADMIN_TOKEN",
        description="Header x-admin-token: reads admin routes; with the webhook secret it writes on machine routes.",
    )
    admin_token_next: SecretStr | None = Field(
        None, alias="ADMIN_TOKEN_NEXT", description="A second accepted value while ADMIN_TOKEN is rotated."
    )
    webhook_secret: SecretStr | None = Field(
        None,
        alias="INTELLIWATT_WEBHOOK_SECRET",
        description="Header x-intelliwatt-secret between relay and hub.",
    )
    webhook_secret_next: SecretStr | None = Field(
        None, alias="INTELLIWATT_WEBHOOK_SECRET_NEXT", description="A second accepted value during rotation."
    )
    droplet_secret: SecretStr | None = Field(
        None,
        alias="DROPLET_WEBHOOK_SECRET",
        description="Header x-intelliwatt-secret from hub to relay; default: INTELLIWATT_WEBHOOK_SECRET.",
    )
    droplet_secret_next: SecretStr | None = Field(
        None, alias="DROPLET_WEBHOOK_SECRET_NEXT", description="A second accepted value during rotation."
    )
    droplet_url: str | None = Field(
        None,
        alias="DROPLET_WEBHOOK_URL",
        description="Where the hub triggers the relay: http(s)://host:8787/trigger/smt-now.",
    )
    hub_url: str | None = Field(
        None, alias="INTELLIWATT_BASE_URL", description="Where the relay delivers: the hub's address."
    )

    relay_host: str = Field(
        "127.0.0.1", alias="WATTLEDGER_RELAY_HOST", description="Address the relay's trigger listens on."
    )
    relay_port: int = Field(
        8787, alias="WATTLEDGER_RELAY_PORT", description="Port of the relay's trigger.", ge=0, le=65535
    )
    relay_every_minutes: float = Field(
        30,
        alias="WATTLEDGER_RELAY_EVERY_MINUTES",
        description="Minutes between the relay's own cycles.",
        gt=0,
    )
    relay_name: str = Field(
        "relay", alias="WATTLEDGER_RELAY_NAME", description="Name of this relay in heartbeats."
    )
    tls_cert: Path | None = Field(
        None, alias="WATTLEDGER_TLS_CERT", description="TLS certificate of the relay's or the hub's port."
    )
    tls_key: Path | None = Field(None, alias="WATTLEDGER_TLS_KEY", description="TLS key.")

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(v.strip() for v in value.split(",") if v.strip()) if isinstance(value, str) else value


class Settings(SmartcarSettings, SmartThingsSettings, SmtSettings, MqttSettings, MailSettings, General):
    """All settings of hub, worker and relay. The alias is the variable's name."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    @model_validator(mode="after")
    def _refuse_weak_secrets(self) -> Settings:
        for name in SECRETS:
            _refuse_weak(name, getattr(self, name))
        if self.admin_token is not None:
            for name in ("webhook_secret", "webhook_secret_next", "droplet_secret", "droplet_secret_next"):
                other: SecretStr | None = getattr(self, name)
                if other and _equal(other, self.admin_token):
                    raise ValueError(f"ADMIN_TOKEN must differ from {variable(name)}")
        return self


SECRETS = (
    "admin_token",
    "admin_token_next",
    "webhook_secret",
    "webhook_secret_next",
    "droplet_secret",
    "droplet_secret_next",
)


def _equal(one: SecretStr, other: SecretStr) -> bool:
    return hmac.compare_digest(one.get_secret_value().encode(), other.get_secret_value().encode())


def variable(field: str) -> str:
    """The variable's name of a settings field."""
    return Settings.model_fields[field].alias or field


def _refuse_weak(name: str, value: SecretStr | None) -> None:
    if value is None:
        return
    text = value.get_secret_value()
    if len(text) < SHORTEST_SECRET or text.lower() in SAMPLES:
        raise ValueError(
            f"{variable(name)} must have at least {SHORTEST_SECRET} characters and be no sample value"
        )


def load_settings(
    data: Path | None = None, environ: Mapping[str, str] | None = None, **overrides: Any
) -> Settings:
    """The settings of this process. `data` and `overrides` (by field name) win over every source.

    Raises Misconfigured naming the variable, never its value.
    """
    lookup = Lookup(os.environ if environ is None else environ, data)
    names = {f.alias or n: n for n, f in Settings.model_fields.items()}
    found = {names[alias]: value for alias in names if (value := lookup.get(alias)) is not None}
    if data is not None:
        found["data"] = str(data)
    try:
        return Settings(**{**found, **overrides})
    except ValidationError as error:
        raise Misconfigured(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    parts = []
    for item in error.errors(include_input=False, include_url=False):
        name = str(item["loc"][0]) if item["loc"] else ""
        text = item["msg"].removeprefix("Value error, ")
        parts.append(
            f"{variable(name)}: {text}" if name in Settings.model_fields else f"{name} {text}".strip()
        )
    return "Settings: " + "; ".join(parts) + "."


def database_url(settings: Settings) -> str:
    """DATABASE_URL, else PostgreSQL from DB_*, else SQLite in the data folder."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    if settings.db_host:
        from urllib.parse import quote

        password = (
            f":{quote(settings.db_password.get_secret_value(), safe='')}" if settings.db_password else ""
        )
        who = f"{quote(settings.db_user, safe='')}{password}"
        name = quote(settings.db_name, safe="")
        if settings.db_host.startswith("/"):  # the folder of a Unix socket
            return f"postgresql://{who}@/{name}?host={quote(settings.db_host, safe='')}"
        return f"postgresql://{who}@{settings.db_host}/{name}"
    return f"sqlite:///{settings.data / 'wattledger.db'}"
