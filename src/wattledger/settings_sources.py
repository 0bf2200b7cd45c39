"""Where a variable's value is looked for: environment, secret files, env files; first found wins."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from wattledger.errors import Misconfigured

ENV_FILES = (Path("~/.intelliwatt.env"), Path("/home/deploy/smt_ingest/.env"))


class Lookup:
    """One look-up order over all sources."""

    def __init__(
        self, environ: Mapping[str, str], data: Path | None, files: tuple[Path, ...] = ENV_FILES
    ) -> None:
        self._environ = environ
        self._data = data
        self._files = files

    def get(self, name: str) -> str | None:
        """The value of a variable, None where no source has it or has it empty.

        Raises Misconfigured when a named secret file can't be read.
        """
        if value := self._environ.get(name):
            return value
        if path := self._environ.get(f"{name}_FILE"):
            return _read(Path(path), f"{name}_FILE") or None
        if value := self._credential(name):
            return value
        return next((v for pairs in self._pairs if (v := pairs.get(name))), None)

    def _credential(self, name: str) -> str | None:
        folder = self._environ.get("CREDENTIALS_DIRECTORY")
        path = Path(folder) / name if folder else None
        return _read(path, name) if path and path.is_file() else None

    @cached_property
    def _pairs(self) -> list[dict[str, str]]:
        data = self._data or (Path(d) if (d := self._environ.get("WATTLEDGER_DATA")) else None)
        own = (data / ".env",) if data else ()
        return [env_pairs(p.expanduser()) for p in (*own, *self._files)]


def _read(path: Path, name: str) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise Misconfigured(
            f"{name} names a file that cannot be read; check its path and permissions."
        ) from None


def env_pairs(path: Path) -> dict[str, str]:
    """KEY=VALUE lines of an env file; comments, `export `, and matching quotes are tolerated."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError):
        raise Misconfigured(
            f"The env file {path} cannot be read; check its permissions and encoding."
        ) from None
    pairs = {}
    for line in lines:
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if separator and not name.startswith("#"):
            pairs[name.strip()] = _unquote(value.strip())
    return pairs


def _unquote(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
