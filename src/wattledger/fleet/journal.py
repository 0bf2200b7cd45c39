"""Which partitions of a run are done, and what they came to: one small object each, beside the output."""

from __future__ import annotations

import json
from typing import Any

from wattledger.errors import NotFound
from wattledger.faults import sabotaged
from wattledger.fleet.place import Place
from wattledger.fleet.plan import Done


class Journal:
    """The journal of one run below `folder` of a place. It is gone once everything was done."""

    def __init__(self, place: Place, folder: str) -> None:
        self._place = place
        self._folder = folder

    def resume(self, plan: dict[str, Any], anew: bool) -> tuple[dict[str, Any], dict[int, Done]]:
        """The plan that holds and what is done of it: an earlier one where it asks for the same.

        `now` is what the earlier run took as the present.
        """
        before = None if anew or sabotaged("fleet_journal") else self._plan()
        if before is not None and {**before, "now": plan["now"]} == plan:
            return before, dict(self._done())
        self.clear()
        self._place.put(f"{self._folder}/plan.json", _bytes(plan))
        return plan, {}

    def add(self, done: Done) -> None:
        """A partition is done, for good."""
        self._place.put(f"{self._folder}/part-{done.part:05d}.json", _bytes(done.to_json()))

    def clear(self) -> None:
        """Forget the run."""
        self._place.delete([item.key for item in self._place.items(self._folder)])

    def _plan(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads(self._place.get(f"{self._folder}/plan.json"))
        except (NotFound, ValueError):
            return None
        return found

    def _done(self) -> list[tuple[int, Done]]:
        keys = [item.key for item in self._place.items(self._folder) if "/part-" in item.key]
        found = [Done(**json.loads(self._place.get(key))) for key in keys]
        return [(one.part, one) for one in found]


def _bytes(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
