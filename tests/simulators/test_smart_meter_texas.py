"""The simulated vendor: what it drops, what it remembers of it, and the paths it answers."""

import io
import re
import time
import zipfile
from datetime import date
from pathlib import Path

import httpx2
import pytest

from wattledger.model import Flow
from wattledger.simulators.home import Home
from wattledger.simulators.smart_meter_texas import SmtSimulator
from wattledger.simulators.smt_api import RESOURCES

NAME = re.compile(r"IntervalMeterUsage\d{17}[0-9A-F]{32}\.CSV\.134642921\.asc")
HOME = Home(solar=True)


async def test_thirteen_months_are_a_few_dozen_files_within_three_seconds(tmp_path: Path) -> None:
    async with SmtSimulator(tmp_path, (HOME,)) as vendor:
        began = time.perf_counter()
        paths = vendor.drop_history(395, until=date(2026, 11, 19))
        assert time.perf_counter() - began < 3
        assert 24 <= len(paths) <= 48
        assert all(NAME.fullmatch(path.name) for path in paths)
        assert {path.parent.name for path in paths} == {"adhocusage", "EnrollmentReports"}
        message = vendor.pgp.decrypt(paths[0].read_bytes())
        members = zipfile.ZipFile(io.BytesIO(message)).namelist()
        assert [name[:5] for name in members] == ["Daily", "Inter"]


async def test_the_truth_is_the_corrected_value_where_one_was_dropped(tmp_path: Path) -> None:
    async with SmtSimulator(tmp_path, (HOME,)) as vendor:
        vendor.drop_history(395, until=date(2026, 11, 19))
        days = list(HOME.days(date(2025, 10, 21), 395))
        for flow in Flow:
            old = sum(int(d.actual[flow].sum()) for d in days[:-14])
            recent = sum(int(d.first[flow].sum()) for d in days[-14:])
            assert vendor.expected_wh(HOME.esiid, flow) == old + recent


async def test_a_first_reading_dropped_late_does_not_undo_a_correction(tmp_path: Path) -> None:
    async with SmtSimulator(tmp_path, (HOME,)) as vendor:
        wrong = next(d for d in HOME.days(date(2026, 1, 1), 300) if d.estimated.any())
        vendor.drop_file(HOME, [wrong], revised=True)
        vendor.drop_file(HOME, [wrong])
        assert vendor.expected_wh(HOME.esiid) == int(wrong.actual[Flow.DELIVERED].sum())


async def test_an_interval_request_drops_a_file(tmp_path: Path) -> None:
    async with SmtSimulator(tmp_path, (HOME,)) as vendor, httpx2.AsyncClient(base_url=vendor.api_url) as http:
        said = await http.post("/v2/token/", json={"username": vendor.username, "password": vendor.password})
        bearer = {"Authorization": f"Bearer {said.json()['accessToken']}"}
        wanted = {"startDate": "03/07/2026", "endDate": "03/09/2026", "deliveryMode": "FTP"}
        body = {"trans_id": "1", "esiid": [HOME.esiid], **wanted}
        ack = await http.post("/v2/15minintervalreads/", json=body, headers=bearer)
        assert ack.json()["correlationId"]
        [path] = vendor.sftp.folder().iterdir()
        assert NAME.fullmatch(path.name)


@pytest.mark.parametrize("path", [*RESOURCES, "/v2/energydata/", "/oauth/token"])
async def test_no_path_answers_without_a_token(tmp_path: Path, path: str) -> None:
    async with SmtSimulator(tmp_path) as vendor, httpx2.AsyncClient(base_url=vendor.api_url) as http:
        status = (await http.post(path, json={})).status_code
        assert status == (401 if path in RESOURCES else 404)
        assert (await http.post(path.rstrip("/") + "x", json={})).status_code == 404


async def test_settings_of_a_relay_point_here(tmp_path: Path) -> None:
    async with SmtSimulator(tmp_path / "drop") as vendor:
        settings = vendor.environment(tmp_path / "keys")
        assert settings["SMT_API_BASE_URL"] == vendor.api_url
        for name in ("SMT_SFTP_KEY_PATH", "SMT_PGP_KEY_PATH"):
            assert Path(settings[name]).stat().st_mode & 0o777 == 0o600
