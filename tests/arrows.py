"""Which part of the package may import which: the table, and the reader that finds what breaks it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "wattledger"
BASE = frozenset({"model", "errors", "units", "localday", "clock", "faults", "transport", "threads"})
EVERYTHING = frozenset({"*"})

ALLOWED: dict[str, frozenset[str]] = {
    **dict.fromkeys(BASE, BASE),
    "settings_sources": BASE,
    "settings_vendors": BASE,
    "settings_mail": BASE,
    "settings_mqtt": BASE,
    "config": BASE | {"settings_sources", "settings_vendors", "settings_mail", "settings_mqtt"},
    "keyfile": BASE | {"config"},
    "secrets": BASE | {"config", "keyfile"},
    "logs": BASE | {"config"},
    "merge": BASE,
    "accounting": BASE,
    "spreading": BASE | {"accounting"},
    "charging": BASE | {"accounting"},
    "insight": BASE | {"insight", "accounting", "charging"},
    "connectors": BASE | {"connectors"},
    "signing": BASE | {"connectors", "logs"},
    "collect": BASE | {"connectors", "logs", "signing"},
    "listen": BASE | {"connectors", "collect"},
    "store": BASE | {"store", "merge", "accounting", "spreading", "charging", "secrets"},
    "relay": BASE | {"relay", "collect", "connectors", "config", "logs", "secrets"},
    "web": BASE
    | {"web", "store", "insight", "charging", "collect", "config", "connectors", "secrets", "logs"},
    "interop": BASE | {"interop", "store", "config", "insight"},
    "fleet": BASE | {"fleet", "store", "merge", "config", "connectors", "secrets"},
    "simulators": BASE | {"simulators"},
    "demo": EVERYTHING,
    "demo_units": EVERYTHING,
    "demo_car": EVERYTHING,
    "__main__": EVERYTHING,
    "cli": EVERYTHING,
}
"""part -> parts it may import; the package's own __init__ (the version) is open to all"""

VENDOR_USERS = ("relay", "web.contracts", "cli", "demo", "demo_units", "demo_car")
"""parts besides the registry and the folder itself that may name a vendor's folder"""

EXCEPTIONS = {
    ("store", "connectors.base"): "the words of connections, tokens and points",
    ("store", "connectors.dispatch"): "the Dispatch protocol: the store is one Dispatch",
    (
        "connectors.smart_meter_texas",
        "config",
    ): "what calls the utility takes addresses and keys from settings",
}
"""(who, what) by dotted beginning: why an arrow of the table is crossed there"""


@dataclass(frozen=True, slots=True)
class Import:
    """`module` (dotted, without the package's name) imports `target` at `line`."""

    module: str
    target: str
    line: int


def imports(root: Path) -> Iterator[Import]:
    """Every import of our own package below `root`, wherever it stands in a file."""
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        package = parts[:-1]
        module = ".".join(package if parts[-1] == "__init__" else parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for target in _targets(node, package):
                yield Import(module, target, getattr(node, "lineno", 0))


def _targets(node: ast.AST, package: tuple[str, ...]) -> list[str]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        above = package[: len(package) - node.level + 1] if node.level else ()
        start = ".".join((*((PACKAGE,) if node.level else ()), *above, *filter(None, [node.module])))
        names = [f"{start}.{alias.name}" for alias in node.names]
    else:
        return []
    return [name.removeprefix(f"{PACKAGE}.") for name in names if name.startswith(f"{PACKAGE}.")]


def violations(root: Path, vendors: frozenset[str]) -> list[str]:
    """What breaks the table, a sentence each."""
    return [text for found in imports(root) if (text := _judge(found, vendors))]


def _judge(found: Import, vendors: frozenset[str]) -> str | None:
    part, target = found.module.partition(".")[0], found.target.partition(".")[0]
    where = f"{found.module}:{found.line} imports {found.target}"
    if not part or found.target == "__version__" or _excepted(found):
        return None
    if part not in ALLOWED:
        return f"{where}: {part} has no row in the table of arrows"
    allowed = ALLOWED[part]
    if target != part and target not in allowed and allowed != EVERYTHING:
        return f"{where}: {part} may not import {target}"
    if _names_vendor(found, vendors):
        return f"{where}: only the registry looks into vendor folders"
    return None


def _excepted(found: Import) -> bool:
    return any(
        f"{found.module}.".startswith(f"{who}.") and f"{found.target}.".startswith(f"{what}.")
        for who, what in EXCEPTIONS
    )


def _names_vendor(found: Import, vendors: frozenset[str]) -> bool:
    parts = found.target.split(".")
    if len(parts) < 2 or parts[0] != "connectors" or parts[1] not in vendors:
        return False
    own = found.module.startswith(f"connectors.{parts[1]}")
    return not own and not any(f"{found.module}.".startswith(f"{user}.") for user in VENDOR_USERS)
