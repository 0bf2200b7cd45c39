"""Logs: one line an event, for people or machines, with secrets and control characters taken out."""

from __future__ import annotations

import logging
import logging.config
import re
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO
from urllib.parse import quote

import structlog
from pydantic import SecretStr
from structlog.typing import EventDict, Processor, WrappedLogger

from wattledger.config import Settings
from wattledger.faults import sabotaged

HIDDEN = "[hidden]"
SHORTEST = 6
"""shorter values are not searched for: they would blank out ordinary words"""
MOST_VALUES = 3_000
QUIET = ("httpx", "httpx2", "httpcore", "httpcore2", "asyncssh", "uvicorn.access", "aiosqlite", "alembic")

_SECRET_KEY = re.compile(
    r"(?i)secret|passw|passphrase|token|authorization|cookie|credential|api[-_]?key|private[-_]?key|code_verifier"
)
_HARMLESS_KEY = re.compile(r"(?i)_(count|state|generation|type|expires_at)$|^tokens$")
_IN_TEXT = (
    re.compile(r"(?i)(\bbearer\s+)[^\s\"',;]+"),
    re.compile(
        r"(?i)(\b(?:access_token|refresh_token|token|client_secret|password|passwd|secret)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;]+"
    ),
    re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)"),
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Redactor:
    """Takes secrets out by the name they stand under, by their shape, and by value once registered."""

    def __init__(self) -> None:
        self._settings: tuple[str, ...] = ()
        self._values: OrderedDict[str, None] = OrderedDict()

    def register(self, *values: str | None) -> None:
        """Do not show these, nor their base64 and URL forms; past MOST_VALUES the oldest are forgotten."""
        for form in _forms(values):
            self._values[form] = None
            self._values.move_to_end(form)
        while len(self._values) > MOST_VALUES:
            self._values.popitem(last=False)

    def register_settings(self, settings: Settings) -> None:
        """Never show any secret setting."""
        values = (getattr(settings, name) for name in type(settings).model_fields)
        secrets = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        self._settings = (*self._settings, *_forms(secrets))

    def text(self, text: str) -> str:
        """`text` without secrets, control characters escaped."""
        if sabotaged("redaction"):
            return text
        for value in (*self._settings, *self._values):
            if value in text:
                text = text.replace(value, HIDDEN)
        for pattern in _IN_TEXT:
            text = pattern.sub(rf"\1{HIDDEN}", text)
        return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)

    def value(self, key: str, value: Any) -> Any:
        """What may be shown of `value` under `key`: numbers as they are, text cleaned, secrets hidden."""
        if isinstance(value, bool | int | float) or value is None:
            return value
        if _SECRET_KEY.search(key) and not _HARMLESS_KEY.search(key):
            return HIDDEN
        if isinstance(value, Mapping):
            return {self.text(str(k)): self.value(str(k), v) for k, v in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(key, v) for v in value]
        return self.text(str(value))

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        """The structlog processor: cleans every item; a traceback keeps its lines, each marked."""
        for key, value in event.items():
            if key in {"exception", "stack"}:
                event[key] = "\n".join(f"  | {self.text(line)}" for line in str(value).splitlines())
            elif not key.startswith("_"):
                event[key] = self.value(key, value)
        return event


def _forms(values: Iterable[str | None]) -> Iterator[str]:
    for value in values:
        if value and len(value) >= SHORTEST:
            data = value.encode("utf-8", "surrogateescape")
            yield from (value, quote(data, safe=""), b64encode(data).decode().rstrip("="))


REDACTOR = Redactor()
"""The one of this process: whoever holds a secret registers it here."""


def configure(format: str, stream: TextIO) -> None:
    """Send all logs of this process to `stream`, as `console` or `json` lines, through REDACTOR."""
    handler = logging.StreamHandler(stream)
    handler.addFilter(_wanted)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                REDACTOR,
                _renderer(format, stream),
            ],
            foreign_pre_chain=_shared(),
        )
    )
    logging.raiseExceptions = False  # a full or closed stream costs lines, not the service
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _wanted(record: logging.LogRecord) -> bool:
    """Not what QUIET libraries tell of requests and statements, even at DEBUG: it has addresses in it."""
    quiet = any(record.name == name or record.name.startswith(f"{name}.") for name in QUIET)
    return not quiet or record.levelno >= logging.WARNING or sabotaged("quiet_libraries")


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]


def _renderer(format: str, stream: TextIO) -> Processor:
    if format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=stream.isatty(), timestamp_key="at")
