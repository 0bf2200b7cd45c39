"""What the operator set for a vendor's application, merged under the connections of that vendor."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from wattledger.config import Settings
from wattledger.connectors.base import App
from wattledger.web.contracts.ev.cars import version_of


def apps_of(settings: Settings) -> Mapping[str, App]:
    """By connector. What is not set is left out, so that the connector can name it."""
    return {"smartcar": _smartcar(settings)}


def ending(settings: Settings) -> str | None:
    """What the operator should know of an API that its vendor will switch off; None where it is not used."""
    used = settings.smartcar_client_id and settings.smartcar_client_secret
    if not used or version_of(settings) != "v2":
        return None
    return (
        "Smartcar's API v2 is used, which its maker has announced to end in the last quarter of 2026; "
        "make API credentials in its dashboard, set SMARTCAR_API_CLIENT_ID and "
        "SMARTCAR_API_CLIENT_SECRET, and connect the cars again."
    )


def _smartcar(settings: Settings) -> App:
    secrets = {
        "client_id": settings.smartcar_client_id,
        "client_secret": _opened(settings.smartcar_client_secret),
        "redirect_uri": settings.smartcar_redirect_uri,
        "api_client_id": settings.smartcar_api_client_id,
        "api_client_secret": _opened(settings.smartcar_api_client_secret),
    }
    options = {
        "management_url": settings.smartcar_management_url,
        "webhook_id": settings.smartcar_webhook_id,
        "monthly_calls": settings.smartcar_monthly_calls,
    }
    return App(
        {name: value for name, value in options.items() if value is not None},
        {name: value.strip() for name, value in secrets.items() if value},
    )


def _opened(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
