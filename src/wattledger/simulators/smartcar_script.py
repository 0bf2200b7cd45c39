"""What the simulated Smartcar is told to do wrong, and what it was asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from wattledger.simulators.smartcar_errors import STATUS, v2_error, v3_error

HTML = b"<!DOCTYPE html><html><head><title>Sign in to the network</title></head><body></body></html>"
ALWAYS = -1

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Fault:
    """What happens to a request whose path has `path` in it, instead of its real answer."""

    path: str
    method: str | None = None
    status: int | None = None
    """None: the real answer follows the delay"""
    body: bytes = b"{}"
    mime: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    served: bool = False
    """whether the request takes effect all the same"""
    cut: bool = False
    """whether the connection drops in place of an answer"""


@dataclass(frozen=True)
class Part:
    """One read that fails, alone or within a batch: a v2 path or a v3 signal, of one vehicle or of all."""

    name: str
    type: str
    code: str | None
    vehicle: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Script:
    """Troubles to come; each is used up after its number of times, with `ALWAYS` never."""

    faults: list[tuple[Fault, int]] = field(default_factory=list)
    parts: list[tuple[Part, int]] = field(default_factory=list)
    delay: float = 0.0
    """seconds before every answer"""

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this request, if any."""
        for n, (fault, times) in enumerate(self.faults):
            if fault.path in path and fault.method in (None, method):
                _use(self.faults, n, times)
                return fault
        return None

    def part(self, vehicle: str, name: str) -> Part | None:
        """The trouble with this read, if any."""
        for n, (part, times) in enumerate(self.parts):
            if part.name == name and part.vehicle in (None, vehicle):
                _use(self.parts, n, times)
                return part
        return None

    def fail(self, path: str, status: int, body: Any = None, times: int = 1, **more: Any) -> None:
        """That status, with this JSON body."""
        said = json.dumps({} if body is None else body).encode()
        self.faults.append((Fault(path, status=status, body=said, **more), times))

    def error(
        self, path: str, type: str, code: str | None = None, times: int = 1, *, v3: bool = False, **more: Any
    ) -> None:
        """An error of the vendor for whole requests, in v2's shape or v3's; `more` as for `Fault`."""
        body = v3_error(type, code) if v3 else v2_error(type, code)
        self.fail(path, STATUS[type], body, times, **more)

    def refuse(
        self, name: str, type: str, code: str | None = None, times: int = 1, vehicle: str | None = None,
        headers: Mapping[str, str] | None = None, **more: Any,
    ) -> None:  # fmt: skip
        """An error for one v2 path (`/battery`) or v3 signal, within a batch or alone."""
        self.parts.append((Part(name, type, code, vehicle, more, headers or {}), times))

    def throttle(self, path: str, seconds: int, times: int = 1, *, v3: bool = False) -> None:
        """429 for a vehicle, with Retry-After."""
        self.error(path, "RATE_LIMIT", "VEHICLE", times, v3=v3, headers={"Retry-After": str(seconds)})

    def exhaust(self, path: str = "/v", times: int = 1, *, v3: bool = False) -> None:
        """429 for the whole application."""
        self.error(path, "RATE_LIMIT", "SMARTCAR_API", times, v3=v3)

    def lose(self, path: str, times: int = 1, method: str | None = None) -> None:
        """The request takes effect, then the connection drops before an answer."""
        self.faults.append((Fault(path, method, served=True, cut=True), times))

    def drop(self, path: str, times: int = 1, method: str | None = None) -> None:
        """The connection drops and nothing takes effect."""
        self.faults.append((Fault(path, method, cut=True), times))

    def html(self, path: str, status: int = 200, times: int = 1) -> None:
        """A page for people where JSON was asked for."""
        self.raw(path, HTML, status, times, "text/html")

    def raw(
        self, path: str, body: bytes, status: int = 200, times: int = 1, mime: str = "application/json"
    ) -> None:
        """These bytes."""
        self.faults.append((Fault(path, status=status, body=body, mime=mime), times))

    def slow(self, path: str, seconds: float, times: int = 1) -> None:
        """The real answer, late."""
        self.faults.append((Fault(path, delay=seconds), times))


def _use(found: list[tuple[Kind, int]], n: int, times: int) -> None:
    thing, _ = found[n]
    found[n : n + 1] = [(thing, times - 1 if times > 0 else times)] if times != 1 else []
