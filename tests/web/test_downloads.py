"""What the meter's page offers to take away, read back by others and by ourselves: the totals are equal."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from httpx2 import AsyncClient

from tests.payloads import smt
from tests.web.helpers import FakeClock
from wattledger import connectors
from wattledger.model import Flow, Payload, Source
from wattledger.secrets import Vault
from wattledger.store import Store, open_store
from wattledger.store.people.sites import DEFAULT_SITE

LINK = re.compile(r'href="(/v1/usage-points/[^"]*format=(csv|parquet|greenbutton))"')
DAYS = smt.days(smt.FALL - timedelta(2), 5)
"""around the autumn day of 100 quarter-hours"""


@pytest.fixture
async def links(owner: AsyncClient, store: Store, clock: FakeClock) -> dict[str, str]:
    body = smt.csv(*DAYS)
    made = Payload("smart_meter_texas", Source.UPLOAD, body, clock.now(), "x.csv", "text/csv")
    await store.payloads.deliver(DEFAULT_SITE, made)
    text = (await owner.get("/meter?by=month", headers={"accept": "text/html"})).text
    return {kind: link.replace("&amp;", "&") for link, kind in LINK.findall(text)}


def shown() -> int:
    """Wh of the newest month of the file."""
    last = DAYS[-1].day
    return sum(sum(filter(None, d.wh)) for d in DAYS if (d.day.year, d.day.month) == (last.year, last.month))


async def test_csv_and_parquet_of_the_shown_period(
    owner: AsyncClient, links: dict[str, str], tmp_path: Path
) -> None:
    assert set(links) == {"csv", "parquet", "greenbutton"}
    rows = list(csv.DictReader(io.StringIO((await owner.get(links["csv"])).text)))
    assert round(sum(1000 * float(row["kwh"] or 0) for row in rows)) == shown()
    body = (await owner.get(links["parquet"])).content
    assert pc.sum(pq.read_table(io.BytesIO(body))["wh"]).as_py() == shown()
    (tmp_path / "energy.parquet").write_bytes(body)
    (total,) = duckdb.sql(f"SELECT sum(kwh) FROM '{tmp_path / 'energy.parquet'}'").fetchall()
    assert round(1000 * float(total[0])) == shown()


async def test_green_button_is_read_by_another_hub(
    owner: AsyncClient, links: dict[str, str], tmp_path: Path, clock: FakeClock
) -> None:
    body = (await owner.get(links["greenbutton"])).content
    path = f"sqlite:///{tmp_path / 'other.db'}"
    other = await open_store(path, data=tmp_path / "o", parse=connectors.parse, vault=Vault({}), clock=clock)
    made = Payload("green_button", Source.UPLOAD, body, clock.now(), "energy.xml", "application/atom+xml")
    receipt = await other.payloads.deliver(DEFAULT_SITE, made)
    assert receipt.state == "read"
    point = await other.points.by_external(smt.ONCOR)
    first, last = DAYS[0].day, DAYS[-1].day + timedelta(1)
    series = await other.energy.series(point, Flow.DELIVERED, first, last, "day")
    assert sum(day.wh or 0 for day in series) == shown()
    await other.close()
