"""Tells systemd that the service is ready and alive; does nothing where no systemd asks."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


class Notifier:
    """sd_notify: `READY=1`, `WATCHDOG=1`, `STOPPING=1` on the socket that NOTIFY_SOCKET names."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        found = os.environ if environ is None else environ
        self._address = found.get("NOTIFY_SOCKET", "")
        microseconds = found.get("WATCHDOG_USEC", "")
        self.every = int(microseconds) / 2_000_000 if microseconds.isdigit() else None
        """seconds between signs of life, half of what systemd allows; None where it expects none"""

    def say(self, state: str) -> None:
        """Sends one state; a socket that is gone is no reason to stop."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
            try:
                line.sendto(state.encode(), address)
            except OSError:
                self._address = ""
