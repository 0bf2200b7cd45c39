"""What the simulated vendor API is told to do wrong, and what it was asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

TOKEN_PATH = "/v2/token/"
WALL = b"<!DOCTYPE html><html><head><title>Rejected</title></head><body>Request rejected.</body></html>"


@dataclass(frozen=True)
class Call:
    """One request as received."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    """the JSON body, or the raw text where it was none"""


@dataclass(frozen=True)
class Fault:
    """An answer given instead of the real one."""

    status: int
    body: bytes
    mime: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    path: str | None = None
    """only for this path; None for any but the token's"""


@dataclass
class Script:
    """Faults to come, in order, each used once; and the form of the token answer."""

    faults: list[Fault] = field(default_factory=list)
    delay: float = 0.0
    """seconds before every answer"""
    status_code: Any = 200
    expires_in: Any = "3600"
    zoneless: bool = True
    """expiresAt as `MM/DD/YYYY HH:MM:SS` in Central time; else ISO with Z"""
    token_fields: dict[str, Any] = field(default_factory=dict)
    """fields put over the token answer; None removes one"""

    def take(self, path: str) -> Fault | None:
        """The next fault for this path, used up."""
        for fault in self.faults:
            if fault.path == path or (fault.path is None and path != TOKEN_PATH):
                self.faults.remove(fault)
                return fault
        return None

    def answer(self, status: int, body: Any, path: str | None = None, times: int = 1, **more: Any) -> None:
        """`times` next answers have this status and JSON body."""
        self.faults.extend([Fault(status, json.dumps(body).encode(), path=path, **more)] * times)

    def business_error(self, code: str, message: str, path: str | None = None) -> None:
        """HTTP 200 with errorCode: the vendor's way to say no."""
        self.answer(200, {"errorCode": code, "errorMessage": message}, path)

    def no_data(self, path: str | None = None) -> None:
        """The utility has sent nothing for that time."""
        self.business_error("1", "No data received from the respective TDSP", path)

    def maintenance(self, path: str | None = None, times: int = 1) -> None:
        """503 in plain text, as during a weekend's maintenance."""
        fault = Fault(503, b"Service is under maintenance", "text/plain", path=path)
        self.faults.extend([fault] * times)

    def wall(self, path: str | None = None, status: int = 200) -> None:
        """A bot wall: HTML with HTTP 200 or 403."""
        self.faults.append(Fault(status, WALL, "text/html", path=path))

    def throttled(self, seconds: int, path: str | None = None) -> None:
        """429 with Retry-After."""
        self.answer(429, {"error": "Too many requests"}, path, headers={"Retry-After": str(seconds)})

    def slow(self, seconds: float, path: str | None = None) -> None:
        """An answer that takes its time, then an empty object."""
        self.faults.append(Fault(200, b"{}", delay=seconds, path=path))
