"""Settings of the three vendors. Nothing that concerns one vendor stops the start of the others."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field, SecretStr


class SmtSettings(BaseModel):
    """Smart Meter Texas: the SFTP drop, PGP and the REST API."""

    smt_sftp_host: str = Field("ftp.smartmetertexas.biz", alias="SMT_SFTP_HOST", description="SFTP host.")
    smt_sftp_port: int = Field(22, alias="SMT_SFTP_PORT", description="SFTP port.", ge=1, le=65535)
    smt_sftp_user: str | None = Field(None, alias="SMT_SFTP_USER", description="SFTP user.")
    smt_sftp_key_path: Path | None = Field(
        None, alias="SMT_SFTP_KEY_PATH", description="OpenSSH private key file, mode 0600."
    )
    smt_sftp_remote_dir: str = Field(
        "/adhocusage", alias="SMT_SFTP_REMOTE_DIR", description="Folder of usage files."
    )
    smt_sftp_report_dir: str = Field(
        "/EnrollmentReports",
        alias="SMT_SFTP_REPORT_DIR",
        description="Folder of reports; missing is a warning.",
    )
    smt_sftp_known_hosts: Path | None = Field(
        None,
        alias="SMT_SFTP_KNOWN_HOSTS",
        description="OpenSSH known_hosts file with the pinned host key; `wattledger relay pin` writes it.",
    )
    smt_sftp_settle_seconds: float = Field(
        60,
        alias="SMT_SFTP_SETTLE_SECONDS",
        description="A remote file older than this is complete; a younger one is when two listings agree.",
        ge=0,
    )
    smt_inbox_dir: Path | None = Field(
        None,
        alias="SMT_INBOX_DIR",
        description="Spool folder of the relay. Default: `inbox` in the data folder.",
    )
    smt_pgp_key_path: Path | None = Field(
        None, alias="SMT_PGP_KEY_PATH", description="Armoured PGP secret key."
    )
    smt_pgp_passphrase: SecretStr | None = Field(
        None, alias="SMT_PGP_PASSPHRASE", description="Passphrase of the PGP key."
    )
    gnupg_home: Path | None = Field(
        None, alias="GNUPG_HOME", description="GnuPG home, where no SMT_PGP_KEY_PATH is set."
    )
    smt_api_base_url: str = Field(
        "https://services.smartmetertexas.net", alias="SMT_API_BASE_URL", description="SMT REST API."
    )
    smt_username: str = Field("INTELLIPATH", alias="SMT_USERNAME", description="SMT API service ID.")
    smt_password: SecretStr | None = Field(
        None, alias="SMT_PASSWORD", description="Password of the API service ID."
    )
    smt_requestor_auth_id: str | None = Field(
        None, alias="SMT_REQUESTOR_AUTH_ID", description="DUNS number, 9 to 13 digits.", pattern=r"^\d{9,13}$"
    )
    smt_requester_type: str = Field(
        "CSP",
        alias="SMT_REQUESTER_TYPE",
        description="RES, CSP, REP or BUSINESS.",
        pattern="^(RES|CSP|REP|BUSINESS)$",
    )


class SmartThingsSettings(BaseModel):
    """Samsung SmartThings."""

    smartthings_base_url: str = Field(
        "https://api.smartthings.com", alias="SMARTTHINGS_BASE_URL", description="SmartThings API."
    )
    smartthings_client_id: str | None = Field(
        None, alias="SMARTTHINGS_CLIENT_ID", description="Client id of your SmartThings OAuth-In app."
    )
    smartthings_client_secret: SecretStr | None = Field(
        None, alias="SMARTTHINGS_CLIENT_SECRET", description="Its client secret."
    )
    smartthings_redirect_uri: str | None = Field(
        None,
        alias="SMARTTHINGS_REDIRECT_URI",
        description="Its redirect address. Default: /oauth/smartthings/callback on the hub's address.",
    )


class SmartcarSettings(BaseModel):
    """Smartcar, both generations: v3 once its API credentials are set, v2 without them."""

    smartcar_client_id: str | None = Field(
        None,
        alias="SMARTCAR_CLIENT_ID",
        description="Application id (v3) or client id (v2) of your Smartcar application.",
    )
    smartcar_client_secret: SecretStr | None = Field(
        None, alias="SMARTCAR_CLIENT_SECRET", description="Client secret of v2."
    )
    smartcar_redirect_uri: str | None = Field(
        None,
        alias="SMARTCAR_REDIRECT_URI",
        description="Registered redirect address, ending in /oauth/smartcar/callback on the hub.",
    )
    smartcar_mode: str = Field(
        "live",
        alias="SMARTCAR_MODE",
        description="`live`, or `sandbox` for simulated vehicles.",
        pattern="^(live|sandbox|simulated)$",
    )
    smartcar_base_url: str = Field(
        "https://api.smartcar.com", alias="SMARTCAR_BASE_URL", description="Vehicles API of v2."
    )
    smartcar_auth_url: str = Field(
        "https://auth.smartcar.com", alias="SMARTCAR_AUTH_URL", description="Token endpoint of v2."
    )
    smartcar_connect_url: str = Field(
        "https://connect.smartcar.com", alias="SMARTCAR_CONNECT_URL", description="Connect, for the browser."
    )
    smartcar_api_version: str | None = Field(
        None,
        alias="SMARTCAR_API_VERSION",
        description="`v2` or `v3` forces one; default: v3 where its credentials are set.",
        pattern="^(v2|v3)$",
    )
    smartcar_api_client_id: str | None = Field(
        None, alias="SMARTCAR_API_CLIENT_ID", description="API credential of v3: client id."
    )
    smartcar_api_client_secret: SecretStr | None = Field(
        None, alias="SMARTCAR_API_CLIENT_SECRET", description="API credential of v3: secret."
    )
    smartcar_iam_url: str = Field(
        "https://iam.smartcar.com", alias="SMARTCAR_IAM_URL", description="Token endpoint of v3."
    )
    smartcar_vehicle_url: str = Field(
        "https://vehicle.api.smartcar.com", alias="SMARTCAR_VEHICLE_URL", description="Vehicles API of v3."
    )
    smartcar_management_url: str = Field(
        "https://management.api.smartcar.com",
        alias="SMARTCAR_MANAGEMENT_URL",
        description="Management API of v3: subscriptions to the webhook.",
    )
    smartcar_webhook_id: str | None = Field(
        None,
        alias="SMARTCAR_WEBHOOK_ID",
        description="Webhook that vehicles are subscribed to (v3). Default: the application's only one.",
    )
    smartcar_management_token: SecretStr | None = Field(
        None,
        alias="SMARTCAR_MANAGEMENT_TOKEN",
        description="Application management token: the key of webhook signatures.",
    )
    smartcar_management_token_next: SecretStr | None = Field(
        None,
        alias="SMARTCAR_MANAGEMENT_TOKEN_NEXT",
        description="A second accepted value while the management token is rotated.",
    )
    smartcar_monthly_calls: int = Field(
        500,
        alias="SMARTCAR_MONTHLY_CALLS",
        description="Calls a vehicle and month that your Smartcar plan allows.",
        ge=1,
    )
