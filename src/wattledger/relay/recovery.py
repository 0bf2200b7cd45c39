"""What a start finds after a kill or a power cut, and how it is made whole again.

Nothing that lies in the spool may stop a start: what can't be understood goes to bad/ with a reason.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from wattledger.errors import BadPayload
from wattledger.relay.durable import SUFFIX, durable_write, settle_all
from wattledger.relay.item import Item, Stage
from wattledger.relay.spool import FOLDERS, RECEIPT, SIDECAR, Spool

STAGES: tuple[Stage, ...] = ("enc", "out")


def recover(spool: Spool) -> list[str]:
    """Cleans up after the last run; needs the lock. Returns sentences about what was found wrong.

    done/ grows for thirty days, so it is looked through at the first run of a process alone.
    """
    found: list[str] = []
    _empty(spool.root / "part")
    for name in ("bad", *STAGES) if spool.recovered else FOLDERS:
        for path in (spool.root / name).glob("*" + SUFFIX):
            path.unlink()
    for stage in STAGES:
        found += _damaged_sidecars(spool, stage)
        found += _orphans(spool, stage)
    for name in ("bad", *STAGES):
        _hollow(spool, name)
    _delivered(spool)
    spool.ledger.load()
    spool.ledger.add([i.id for i in spool.items("enc")] + ([] if spool.recovered else _taken(spool)))
    spool.recovered = True
    return found


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _damaged_sidecars(spool: Spool, stage: Stage) -> list[str]:
    damaged = []
    for path in (spool.root / stage).glob("*" + SIDECAR):
        try:
            if Item.load(path.read_bytes()).id == path.name.removesuffix(SIDECAR):
                continue
        except BadPayload:
            pass  # said below
        path.unlink()
        damaged.append(f"The sidecar {stage}/{path.name} was damaged and is set aside with its file.")
    return damaged


def _orphans(spool: Spool, stage: Stage) -> list[str]:
    found = []
    for path in (spool.root / stage).iterdir():
        if path.name.endswith(SIDECAR) or spool.sidecar(stage, path.name).exists():
            continue
        reason = f"It lay in {stage}/ without a readable sidecar; its name on the other side is not known."
        item = Item(path.name, path.name, "", path.stat().st_size, 0, stage=stage)
        item.code, item.last_error = "sidecar_damaged", reason
        durable_write(spool.sidecar("bad", path.name), item.dump())
        settle_all([(path, spool.path("bad", path.name))])
        found.append(f"{stage}/{path.name}: {reason}")
    return found


def _hollow(spool: Spool, name: str) -> None:
    for path in (spool.root / name).glob("*" + SIDECAR):
        if not path.with_name(path.name.removesuffix(SIDECAR)).exists():
            path.unlink()


def _delivered(spool: Spool) -> None:
    for path in (spool.root / "out").glob("*" + SIDECAR):
        item_id = path.name.removesuffix(SIDECAR)
        if spool.path("done", item_id + RECEIPT).exists():
            spool.path("out", item_id).unlink(missing_ok=True)
            path.unlink()


def _taken(spool: Spool) -> list[str]:
    return [
        p.name.removesuffix(SIDECAR)
        for name in ("done", "bad")
        for p in (spool.root / name).glob("*" + SIDECAR)
    ]
