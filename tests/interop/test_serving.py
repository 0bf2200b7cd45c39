"""`wattledger serve` with a broker: online while it runs, offline after a stop and after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interop.listening import until
from tests.interop.mosquitto import Mosquitto

STATUS = "wattledger/status"


def serve(folder: Path, url: str) -> subprocess.Popen[bytes]:
    env = {
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "WATTLEDGER_DATA": str(folder / "data"),
        "WATTLEDGER_MQTT_URL": url,
    }
    command = (sys.executable, "-m", "wattledger", "serve", "--port", "0")
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_online_while_it_runs(tmp_path: Path, broker: Mosquitto, how: int) -> None:
    hub = serve(tmp_path, f"mqtt://127.0.0.1:{broker.port}")
    try:
        await until(broker.port, STATUS, "online", 40)
        hub.send_signal(how)
        await until(broker.port, STATUS, "offline")
    finally:
        hub.kill()
        hub.wait()


def test_a_wrong_address_stops_the_start(tmp_path: Path) -> None:
    hub = serve(tmp_path, "http://127.0.0.1")
    said, _ = hub.communicate(timeout=60)
    assert (hub.returncode, b"WATTLEDGER_MQTT_URL" in said) == (78, True)
