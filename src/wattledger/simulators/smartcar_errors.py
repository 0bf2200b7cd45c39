"""Error bodies of the simulated Smartcar in both generations, by type and code."""

from __future__ import annotations

from typing import Any

STATUS = {
    "VALIDATION": 400,
    "CONNECTED_SERVICES_ACCOUNT": 400,
    "AUTHENTICATION": 401,
    "PERMISSION": 403,
    "RESOURCE_NOT_FOUND": 404,
    "VEHICLE_STATE": 409,
    "RATE_LIMIT": 429,
    "BILLING": 430,
    "SERVER": 500,
    "COMPATIBILITY": 501,
    "UPSTREAM": 502,
}
RESOLUTION = {
    "PERMISSION": "REAUTHENTICATE",
    "RATE_LIMIT": "RETRY_LATER",
    "SERVER": "RETRY_LATER",
    "UPSTREAM": "RETRY_LATER",
    "BILLING": "CONTACT_SUPPORT",
    "COMPATIBILITY": "CONTACT_SUPPORT",
}
FORMS = ("object", "string", "null", "empty")
"""how v2 writes a resolution: {"type": ..}, "TYPE", null, {"type": null}"""
REQUEST = "7c1f0b52-86ad-4a0e-9f43-51c8a4d2e6b0"


def resolution_of(type: str, code: str | None) -> str | None:
    """What the vendor advises to do."""
    if type == "CONNECTED_SERVICES_ACCOUNT":
        return "REAUTHENTICATE" if code in {"AUTHENTICATION_FAILED", "PERMISSION"} else "ACTION_REQUIRED"
    return RESOLUTION.get(type)


def v2_error(type: str, code: str | None = None, *, form: str = "object", **more: Any) -> dict[str, Any]:
    """A v2 error body; `more` goes over its fields."""
    return {
        "type": type,
        "code": code,
        "description": _words(type, code),
        "docURL": f"https://smartcar.com/docs/errors/v2.0/{_slug(type)}/#{(code or type).lower()}",
        "statusCode": STATUS.get(type, 500),
        "requestId": REQUEST,
        "resolution": _resolution(resolution_of(type, code), form),
        **more,
    }


def v3_error(type: str, code: str | None = None, **more: Any) -> dict[str, Any]:
    """A v3 error body; `more` goes over the fields of its one error."""
    error: dict[str, Any] = {
        "status": str(STATUS.get(type, 500)),
        "type": type,
        "code": code or type,
        "detail": _words(type, code),
        "links": {"about": f"https://smartcar.com/docs/errors/api-errors/{_slug(type)}-errors"},
        "meta": {"debug": {"requestId": REQUEST}},
    }
    if advice := resolution_of(type, code):
        error["resolution"] = {"type": advice}
    return {"errors": [{**error, **more}]}


def signal_error(type: str, code: str) -> dict[str, Any]:
    """The error within one signal's status."""
    return {
        "type": type,
        "code": code,
        "title": (code or type).replace("_", " ").title(),
        "detail": _words(type, code),
        "description": "Deprecated. Use detail",
        "resolution": {"type": resolution_of(type, code) or "UNKNOWN_RESOLUTION_TYPE"},
    }


def _resolution(advice: str | None, form: str) -> Any:
    forms: dict[str, Any] = {"object": {"type": advice}, "string": advice, "null": None}
    return forms.get(form, {"type": None})


def _words(type: str, code: str | None) -> str:
    return f"Simulated {type.replace('_', ' ').lower()} error" + (f", {code}." if code else ".")


def _slug(type: str) -> str:
    return type.replace("_", "-").lower()
