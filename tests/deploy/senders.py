"""Senders at a steady pace: each file is sent until it is acknowledged; and what they met with."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType

from tests.deploy.hosts import RoundRobin
from tests.deploy.test_hosts import HEADERS, message
from wattledger.simulators.home import Home

Record = Callable[[str, object], None]


class Senders:
    """Use as `with`: they begin, and end when each has its last acknowledgement."""

    def __init__(self, addresses: list[str], threads: int = 3, pause: float = 0.15) -> None:
        self._addresses, self._pause = addresses, pause
        self._numbers, self._ended = itertools.count(), threading.Event()
        self._threads = [threading.Thread(target=self._go_on, args=(n,)) for n in range(threads)]
        self.clients = [RoundRobin(addresses[n:] + addresses[:n], HEADERS) for n in range(threads)]
        self.taken: dict[int, str] = {}
        """file number: sha256 as acknowledged"""
        self.waits: list[float] = []
        """seconds of each call that was answered"""
        self.whole: list[float] = []
        """seconds of each file until it was acknowledged"""
        self.answers: Counter[int] = Counter()

    def _go_on(self, n: int) -> None:
        client = self.clients[n]
        while not self._ended.is_set():
            number = next(self._numbers)
            body, begun = file_of(number), time.monotonic()
            while True:
                answer = client.post("/api/admin/smt/pull", body)
                self.answers[answer.status_code] += 1
                self.waits.append(answer.elapsed.total_seconds())
                if answer.status_code == 200:
                    break
                time.sleep(0.1)
            self.whole.append(time.monotonic() - begun)
            self.taken[number] = answer.json()["sha256"]
            time.sleep(self._pause)

    def __enter__(self) -> Senders:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def tell(self, record: Record) -> None:
        """What they met with, as figures of a test."""
        record("requests", len(self.taken))
        record("broken_off_and_sent_again", sum(client.again for client in self.clients))
        record("answers_but_200", sum(self.answers.values()) - self.answers[200])
        record("waits_over_2_s", sum(wait > 2 for wait in self.waits))
        record("slowest_wait_s", round(max(self.waits), 2))
        record("longest_until_acknowledged_s", round(max(self.whole), 2))


def file_of(number: int) -> dict[str, object]:
    """The message with file number so and so: three days of a meter of its own."""
    return message(Home(esiid=f"1044372000{number:07d}", seed=number % 50), number)
