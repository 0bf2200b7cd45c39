"""Memory and open files of the children over time, each life of a child by itself."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from time import monotonic

import numpy as np

from tests.chaos.children import Child

WARM = 120.0
"""seconds of a life that do not count: imports, caches, pools"""


@dataclass
class Growth:
    """`note` often; then `slope` and `descriptors`."""

    _rss: dict[tuple[str, float], list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))
    _files: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def note(self, child: Child) -> None:
        age, rss = monotonic() - child.started, child.rss()
        if child.alive and age > WARM and rss:
            self._rss[child.name, child.started].append((monotonic(), rss))
            self._files[child.name].append(child.descriptors())

    def slope(self) -> dict[str, float]:
        """MB an hour by name: one slope through all lives, each from a level of its own."""
        found: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        for (name, _), points in self._rss.items():
            at, size = np.array(points, float).T
            at, size = at - at.mean(), size - size.mean()
            up, down = found[name]
            found[name] = up + float(at @ size), down + float(at @ at)
        return {name: up / down * 3600 / 1e6 for name, (up, down) in found.items() if down}

    def descriptors(self) -> dict[str, tuple[int, int]]:
        """First and most open files by name."""
        return {name: (counts[0], max(counts)) for name, counts in self._files.items()}
