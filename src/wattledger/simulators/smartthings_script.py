"""What the simulated SmartThings is told to do wrong, and what it was asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HTML = b"<!DOCTYPE html><html><body><h1>Service Unavailable</h1></body></html>"


@dataclass(frozen=True)
class Fault:
    """An answer given instead of the real one, `times` times for paths that contain `path`; -1: always."""

    path: str
    status: int
    body: bytes = b"{}"
    mime: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    served: bool = False
    """whether the request takes effect before its answer is lost"""


@dataclass
class Script:
    """Faults to come. The first whose `path` is part of a request's path is used up by it."""

    faults: list[tuple[Fault, int]] = field(default_factory=list)
    delay: float = 0.0
    """seconds before every answer"""

    def take(self, path: str) -> Fault | None:
        """The fault for this request, if any."""
        for n, (fault, times) in enumerate(self.faults):
            if fault.path in path:
                self.faults[n : n + 1] = [(fault, times - 1)] if times != 1 else []
                return fault
        return None

    def fail(self, path: str, status: int, body: Any = None, times: int = 1, **more: Any) -> None:
        """A JSON answer with that status; without `body` an error in the vendor's shape."""
        said = error(status) if body is None else body
        self.faults.append((Fault(path, status, json.dumps(said).encode(), **more), times))

    def throttle(self, path: str, milliseconds: int, times: int = 1, *, header: bool = False) -> None:
        """429 that names its pause in its text, or in a header."""
        text = "Too Many Requests" if header else f"attempt 10 limit 10 - retry in {milliseconds} millis"
        detail = {"code": "TooManyRequestError", "message": text, "details": []}
        headers = {"x-ratelimit-reset": str(milliseconds)} if header else {}
        self.fail(path, 429, error(429, [detail]), times, headers=headers)

    def lose(self, path: str, times: int = 1) -> None:
        """The request takes effect, but a 504 stands in for its answer."""
        self.fail(path, 504, times=times, served=True)

    def html(self, path: str, status: int = 200, times: int = 1) -> None:
        """A page for people where JSON was asked for."""
        self.faults.append((Fault(path, status, HTML, "text/html"), times))

    def raw(self, path: str, body: bytes, times: int = 1, status: int = 200) -> None:
        """These bytes as JSON."""
        self.faults.append((Fault(path, status, body), times))

    def slow(self, path: str, seconds: float, times: int = 1) -> None:
        """An answer that takes its time, then an empty object."""
        self.faults.append((Fault(path, 200, delay=seconds), times))


CODES = {
    400: "PatternError",
    403: "ForbiddenError",
    422: "ConstraintViolationError",
    429: "TooManyRequestError",
}


def error(status: int, details: list[Any] | None = None) -> dict[str, Any]:
    """The vendor's error body."""
    code = CODES.get(status, "UnexpectedError")
    return {
        "requestId": "3051095549439698997",
        "error": {"code": code, "message": code, "details": details or []},
    }
