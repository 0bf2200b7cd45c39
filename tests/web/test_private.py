"""A private payload is its site's to download; without its key the answer says so, and others are fine."""

from __future__ import annotations

from datetime import UTC, datetime

from httpx2 import AsyncClient

from wattledger.model import Payload, Source
from wattledger.secrets import Vault
from wattledger.store import Store
from wattledger.store.archive.bodies import sealed
from wattledger.store.tables import body

TOLD = b'{"data": {"latitude": 30.2671}}'


def payload(told: bytes, *, private: bool) -> Payload:
    return Payload("smartcar", Source.WEBHOOK, told, datetime.now(UTC), "webhook.json", private=private)


async def test_a_download_opens_what_is_sealed(owner: AsyncClient, store: Store) -> None:
    site = (await store.sites.default()).id
    kept = await store.payloads.receive(site, payload(TOLD, private=True), "1")
    answer = await owner.get(f"/v1/payloads/{kept.id}/download")
    assert (answer.status_code, answer.content) == (200, TOLD)
    assert "30.2671" not in (await owner.get(f"/v1/payloads/{kept.id}")).text


async def test_a_missing_key_is_said_and_hides_nothing_else(owner: AsyncClient, store: Store) -> None:
    site = (await store.sites.default()).id
    lost = payload(TOLD, private=True)
    hidden = await store.payloads.receive(site, lost, "1")
    other = await store.payloads.receive(site, payload(TOLD + b" ", private=True), "2")
    gone = sealed(Vault({"gone": b"g" * 32}), lost.sha256, TOLD)
    async with store.begin() as connection:
        mine = body.update().where(body.c.sha256 == lost.sha256)
        await connection.execute(mine.values(data=gone.data))
    answer = await owner.get(f"/v1/payloads/{hidden.id}/download")
    assert (answer.status_code, answer.json()["error"]) == (503, "SECRET_UNREADABLE")
    assert "'gone'" in answer.json()["message"] and "30.2671" not in answer.text
    assert (await owner.get(f"/v1/payloads/{other.id}/download")).content == TOLD + b" "
