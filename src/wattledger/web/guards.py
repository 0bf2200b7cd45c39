"""Who may call a route. Every route declares exactly one guard; a test holds the list against the routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

Guard = Literal["public", "session", "feed", "manager", "owner", "operator", "admin", "machine", "metrics"]
Dependency = TypeVar("Dependency", bound=Callable[..., Any])


def guards(word: Guard) -> Callable[[Dependency], Dependency]:
    """Mark a dependency as the guard of the routes that use it."""

    def mark(dependency: Dependency) -> Dependency:
        dependency.guard = word  # type: ignore[attr-defined]
        return dependency

    return mark


@guards("public")
async def public() -> None:
    """Anyone may call this route."""


def guards_of(dependant: Any) -> set[str]:
    """The guards among a route's dependencies, at any depth."""
    found = {word for d in dependant.dependencies for word in guards_of(d)}
    word = getattr(dependant.call, "guard", None)
    return found | {word} if word else found
