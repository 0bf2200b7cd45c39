"""Settings of the mail server by which sign-in links and invitations are sent."""

from __future__ import annotations

from pydantic import BaseModel, Field, SecretStr


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
