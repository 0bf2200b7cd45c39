"""Logs: canaries go in by every door, and none comes out; one event is one line."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from wattledger.config import load_settings
from wattledger.logs import HIDDEN, REDACTOR, Redactor, configure

CANARY = "canary/Zk7+93 é"


@pytest.fixture(params=["console", "json"])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure(request.param, stream)
    yield stream
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def test_canaries_by_every_door_stay_inside(log: io.StringIO) -> None:
    REDACTOR.register(CANARY)
    logger = structlog.get_logger("t")
    logger.info(
        "signed in", password="p4-canary", nested={"api_key": "k-canary", "deep": [{"Cookie": "c-canary"}]}
    )
    logger.warning(f"told {CANARY}", note={"x": [CANARY]}, encoded=b64encode(CANARY.encode()).decode())
    logging.getLogger("other").warning(
        "header Authorization: Bearer b-canary sent to %s", "http://u:w-canary@h/?token=q-canary"
    )
    try:
        raise RuntimeError(f"it said {CANARY}\nand access_token=e-canary")
    except RuntimeError:
        logger.exception("failed")
        logging.getLogger("other").exception("failed too")
    assert "anary" not in log.getvalue()
    assert log.getvalue().count("failed") == 2
    assert HIDDEN in log.getvalue()


def test_one_event_is_one_line_whatever_is_in_it(log: io.StringIO) -> None:
    structlog.get_logger("t").info("one\r\ntwo \x1b[31m\x00\u2028", name="a\nb")
    (line,) = log.getvalue().strip("\n").split("\n")
    assert "\x1b[31m\x00" not in line
    assert "two" in line


def test_client_libraries_do_not_log_addresses(log: io.StringIO) -> None:
    for name in ("httpx2", "httpcore2", "asyncssh", "uvicorn.access"):
        logging.getLogger(name).info("GET http://vendor/?code=x")
    assert log.getvalue() == ""


def test_json_lines_carry_level_time_and_fields() -> None:
    stream = io.StringIO()
    handlers = logging.getLogger().handlers[:]
    configure("json", stream)
    structlog.get_logger("t").info("cycle", sent=3, ok=True, token_generation=4)
    logging.getLogger().handlers[:] = handlers
    structlog.reset_defaults()
    line = json.loads(stream.getvalue())
    assert line["at"].endswith("Z")
    assert {k: line[k] for k in ("event", "level", "sent", "ok", "token_generation")} == {
        "event": "cycle", "level": "info", "sent": 3, "ok": True, "token_generation": 4
    }  # fmt: skip


def test_settings_are_registered_by_value(tmp_path: Path) -> None:
    redactor = Redactor()
    redactor.register_settings(load_settings(tmp_path, {"ADMIN_TOKEN": "an-admin-canary-1234"}))
    assert redactor.text("x an-admin-canary-1234 y") == f"x {HIDDEN} y"


def test_a_secret_that_is_no_utf8_is_hidden_too() -> None:
    redactor = Redactor()
    redactor.register("canary-\udcff-x")
    assert "canary" not in redactor.text("it is canary-%FF-x")


def test_short_values_do_not_blank_out_words() -> None:
    redactor = Redactor()
    redactor.register("at", "", None)
    assert redactor.text("at the gate") == "at the gate"


@given(st.text())
def test_no_control_character_survives(text: str) -> None:
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in Redactor().text(text))


def test_settings_stay_hidden_however_many_tokens_come_and_go(tmp_path: Path) -> None:
    redactor = Redactor()
    redactor.register_settings(load_settings(tmp_path, {"ADMIN_TOKEN": "an-admin-canary-1234"}))
    redactor.register("first-canary")
    for n in range(2000):
        redactor.register(f"token-{n}")
    assert "canary" not in redactor.text("an-admin-canary-1234")
    assert redactor.text("token-1999 first-canary") == f"{HIDDEN} first-canary"


def test_a_full_disk_under_the_log_costs_lines_not_the_service(capfd: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers = root.handlers[:]
    with Path("/dev/full").open("w") as full:
        configure("json", full)
        structlog.get_logger("t").info("lost", password="p-canary")
        logging.getLogger("other").warning("lost too, token=t-canary")
        root.handlers[:] = handlers
        with contextlib.suppress(OSError):
            full.close()
    structlog.reset_defaults()
    assert capfd.readouterr().err == ""
