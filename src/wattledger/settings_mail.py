"""Settings of the mail server by which sign-in links and invitations are sent, and of the proxy before us."""

from __future__ import annotations

import ipaddress

from pydantic import BaseModel, Field, SecretStr, field_validator


class MailSettings(BaseModel):
    """Without a host no mail is sent: on loopback the link is printed in the terminal instead."""

    smtp_host: str | None = Field(None, alias="WATTLEDGER_SMTP_HOST", description="Mail server (SMTP).")
    smtp_port: int = Field(587, alias="WATTLEDGER_SMTP_PORT", description="Its port.", ge=1, le=65535)
    smtp_user: str | None = Field(None, alias="WATTLEDGER_SMTP_USER", description="Its user.")
    smtp_password: SecretStr | None = Field(
        None, alias="WATTLEDGER_SMTP_PASSWORD", description="Its password."
    )
    smtp_from: str | None = Field(
        None, alias="WATTLEDGER_SMTP_FROM", description="Sender of our mails. Default: SMTP_USER."
    )
    smtp_security: str = Field(
        "starttls",
        alias="WATTLEDGER_SMTP_SECURITY",
        description="`starttls`, `tls` or, for a server on this machine only, `none`.",
        pattern="^(starttls|tls|none)$",
    )
    trusted_proxy: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = Field(
        (),
        alias="WATTLEDGER_TRUSTED_PROXY",
        description="Addresses or networks of proxies whose X-Forwarded-For is believed, comma separated.",
    )

    @field_validator("trusted_proxy", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        return tuple(v.strip() for v in value.split(",") if v.strip()) if isinstance(value, str) else value
