"""Bombs on every road: refused within limits of processor, memory and disk; the next good file is read."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bombs import roads
from tests.bombs.measured import Measured, blown
from tests.bombs.packed import PACKED, Make, gzipped, zipped
from tests.bombs.roads import Road
from tests.bombs.spelled import SPELLED
from tests.relay import pgp_makers
from tests.relay.conftest import PAIR
from wattledger.faults import sabotage

MIB = 1 << 20
SMALL, LARGE = 16 * MIB, 320 * MIB
CPU_S, RSS_MIB, DISK_MIB, AFTER_S = 20.0, 256.0, 256.0, 5.0
VENDOR: dict[str, tuple[Road, Make]] = {
    "vendor's gzip": (roads.by_vendor("gzip"), gzipped),
    "vendor's deflate": (roads.by_vendor("deflate"), roads.deflated),
    "vendor's gzip, gzip": (roads.by_vendor("gzip, gzip"), roads.packed_twice),
    "vendor's endless body": (roads.by_vendor(""), lambda size: bytes(size // MIB)),
}
PGP: dict[str, tuple[Road, Make]] = {
    "PGP of ZIP": (roads.by_pgp, lambda size: PAIR.encrypt(zipped({"a.csv": bytes(size)}), armor=False)),
    "PGP of gzip": (roads.by_pgp, lambda size: PAIR.encrypt(gzipped(size), armor=False)),
    "PGP never encrypted": (
        roads.by_pgp,
        lambda size: pgp_makers.compressed(pgp_makers.literal(bytes(size // 4))),
    ),
    "PGP of zeros": (roads.by_pgp, lambda size: PAIR.encrypt(bytes(size // 8), armor=False)),
}
BOMBS: dict[str, tuple[Road, Make]] = {
    **{name: (roads.by_file, make) for name, make in {**PACKED, **SPELLED}.items()},
    **VENDOR,
    **PGP,
    "relay's base64 of gzip": (roads.by_pull, roads.pulled),
}
AT_THE_CAP = {"gzip below the ratio": 320.0}
"""MiB of memory: unfolds to 256 MiB, which an honest file may, before it is known to be one"""
Record = Callable[[str, object], None]


def too_much(found: Measured, rss_mib: float = RSS_MIB) -> list[str]:
    """Which limits were passed; none where all is well."""
    limits = {"cpu_s": CPU_S, "rss_mib": rss_mib, "disk_mib": DISK_MIB, "good_after_s": AFTER_S}
    wrong = [
        f"{name} {getattr(found, name):.1f}" for name, most in limits.items() if getattr(found, name) > most
    ]
    return wrong + [
        word for word, is_so in (("it was taken", not found.said), ("good file", not found.good)) if is_so
    ]


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_bomb_is_refused(name: str, tmp_path: Path) -> None:
    road, make = BOMBS[name]
    assert too_much(blown(road, make, SMALL, tmp_path / "b")) == []


def test_sabotage_unwrap_limits_is_noticed_by_a_bomb(tmp_path: Path) -> None:
    road, make = BOMBS["gzip of zeros"]
    with sabotage("unwrap_limits"):
        assert too_much(blown(road, make, LARGE, tmp_path / "b")) != []


def test_sabotage_json_values_is_noticed_by_a_bomb(tmp_path: Path) -> None:
    road, make = BOMBS["JSON of a million keys"]
    assert blown(road, make, LARGE // 2, tmp_path / "a").said == "bomb"
    with sabotage("json_values"):
        assert too_much(blown(road, make, LARGE // 2, tmp_path / "b")) != []


def test_sabotage_idle_lines_is_noticed_by_a_bomb(tmp_path: Path) -> None:
    road, make = BOMBS["CSV of empty lines"]
    assert blown(road, make, 16 * MIB, tmp_path / "a").said == "bomb"
    with sabotage("idle_lines"):
        assert blown(road, make, 16 * MIB, tmp_path / "b").said != "bomb"


@pytest.fixture
def by_gpg(tmp_path: Path) -> Iterator[dict[str, tuple[Road, Make]]]:
    """Bombs that only gpg makes: compressed within the encryption."""
    if shutil.which("gpg") is None:
        yield {}
        return
    (tmp_path / "gpg").mkdir()
    _, home = pgp_makers.gpg_key(tmp_path / "gpg")

    def of(algorithm: str) -> Make:
        return lambda size: pgp_makers.gpg_encrypt(home, bytes(size), "--compress-algo", algorithm)

    yield {f"PGP by {one}": (roads.by_gpg, of(one)) for one in ("zip", "zlib", "bzip2")}


@pytest.mark.soak
def test_large_bombs(tmp_path: Path, by_gpg: dict[str, tuple[Road, Make]], record_property: Record) -> None:
    found, wrong = {}, []
    for number, (name, (road, make)) in enumerate({**BOMBS, **by_gpg}.items()):
        try:
            found[name] = blown(road, make, LARGE, tmp_path / str(number))
            wrong += [f"{name}: {one}" for one in too_much(found[name], AT_THE_CAP.get(name, RSS_MIB))]
        except (TimeoutError, AssertionError) as error:
            wrong.append(f"{name}: {error}")
        shutil.rmtree(tmp_path / str(number))
    record_property("bombs", len(BOMBS) + len(by_gpg))
    record_property("each_unfolds_to_MiB", LARGE // MIB)
    record_property(
        "refused_within_limits", len(BOMBS) + len(by_gpg) - len({w.partition(":")[0] for w in wrong})
    )
    for name in ("cpu_s", "rss_mib", "disk_mib", "good_after_s"):
        worst = max(found, key=lambda one: getattr(found[one], name))
        record_property(f"most_{name}", f"{getattr(found[worst], name):.1f} ({worst})")
    assert wrong == []
