"""A lake in a bucket is a lake in a folder; its journal lies there too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet import s3
from tests.fleet.world import World
from wattledger.errors import NotFound, TryLater
from wattledger.fleet import outcome
from wattledger.fleet.place import Place
from wattledger.fleet.run import run


def test_a_bucket_is_written_and_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    word = world.run(lambda store: store.digest())
    with s3.serving() as (variables, objects):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        lake = "s3://bucket/energy"
        order = world.order("replay", to=lake)
        result, journal = run(order, world.planned(order), lambda _done, _all: None)
        assert result.problems == []
        assert "energy/_fleet/journal/part-00002.json" in objects
        journal.clear()
        names = {key for key in objects if key.endswith(".parquet")}
        assert "energy/year=2026/month=03/part-00000.parquet" in names
        assert not any("journal" in key for key in objects)
        assert outcome.digest(world.here(world.order("digest", source=lake))) == word
        broken = "energy/year=2026/month=03/part-00001.parquet"
        objects[broken] = b"no parquet"
        done = world.here(world.order("digest", source=lake))
        assert [one.part for one in done if one.problem] == [1]


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_places_are_alike(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3.serving() as (variables, _):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        place = Place(str(tmp_path / "lake") if kind == "folder" else "s3://bucket/x")
        assert list(place.items()) == []
        place.put("a/b.json", b"1")
        place.put("a/b.json", b"22")
        place.put("c", b"")
        assert place.get("a/b.json") == b"22"
        assert [(item.key, item.size) for item in place.items()] == [("a/b.json", 2), ("c", 0)]
        assert [item.key for item in place.items("a")] == ["a/b.json"]
        place.delete(["a/b.json", "never was"])
        with pytest.raises(NotFound):
            place.get("a/b.json")


def test_a_silent_bucket_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with s3.serving() as (variables, _):
        pass
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    place = Place("s3://bucket/x")
    with pytest.raises(TryLater, match="does not answer"):
        place.put("a", b"1")
