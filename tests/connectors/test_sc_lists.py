"""Lists of cars, single cars, and what came instead of an answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.connectors.smartcar_said import read, said
from tests.payloads.smartcar import ABOUT, CAR, RECEIVED, USER, connection, payload, raw
from wattledger import connectors
from wattledger.connectors.smartcar import CONNECTOR
from wattledger.connectors.smartcar.lists import granted, vehicles_of
from wattledger.connectors.smartcar.parse import CONNECTIONS, TROUBLE, VEHICLE, VEHICLES
from wattledger.errors import BadPayload
from wattledger.model import PointKind

OTHER = "another-car"


def names(body: Any, kind: str, vehicle: str | None = None, **headers: str) -> list[tuple[str, str]]:
    parsed = read(payload(body, kind, vehicle, **headers))
    assert all(p.kind is PointKind.VEHICLE for p in parsed.points)
    return [(p.external_id, p.name) for p in parsed.points]


def test_bare_ids_are_no_cars_before_their_names_were_asked() -> None:
    body = {"vehicles": [CAR, OTHER, CAR, None, "a/b", 5], "paging": {"count": 2, "offset": 0}}
    assert list(vehicles_of(raw(body))) == [CAR, OTHER]
    assert names(body, VEHICLES) == []
    known = '{"%s": {"make": "POLESTAR", "model": "2", "year": 2023}}' % CAR  # noqa: UP031
    assert names(body, VEHICLES, names=known) == [(CAR, "Polestar 2 2023"), (OTHER, "Car")]


def test_a_list_may_have_names_itself() -> None:
    assert names({"vehicles": [ABOUT, {"id": OTHER}, {}]}, VEHICLES) == [
        (CAR, "Polestar 2 2023"),
        (OTHER, "Car"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        ABOUT,
        {"data": {"id": CAR, "type": "vehicle", "attributes": ABOUT}},
        {"id": CAR, "type": "vehicle", "attributes": {"make": "POLESTAR", "model": "2", "year": "2023"}},
    ],
)
def test_one_car_in_either_generation(body: Any) -> None:
    assert names(body, VEHICLE, CAR) == names(body, VEHICLE) == [(CAR, "Polestar 2 2023")]
    with pytest.raises(BadPayload):
        names(body, VEHICLE, OTHER)


@pytest.mark.parametrize(
    ("about", "name"),
    [
        ({"make": "KIA", "model": "EV6", "year": 2024}, "KIA EV6 2024"),
        ({"make": "KIA", "model": None, "year": 0}, "KIA"),
        ({"make": " K\x00I\nA ", "model": "\ud800", "year": True}, "K I A"),
        ({"year": 99999}, "Car"),
        ({"make": 5, "model": [], "year": {}}, "Car"),
        ({"make": "x" * 500}, "x" * 200),
    ],
)
def test_names(about: dict[str, Any], name: str) -> None:
    assert names({"id": CAR, **about}, VEHICLE) == [(CAR, name)]


def test_connections_name_their_cars() -> None:
    body = {"data": [connection(), connection(OTHER)], "meta": {"totalCount": 2}}
    assert [n for _, n in names(body, CONNECTIONS)] == ["Polestar 2 2023"] * 2
    assert names({"data": connection()}, CONNECTIONS) == [(CAR, "Polestar 2 2023")]


@pytest.mark.parametrize(
    "foreign",
    [connection(OTHER, "another-user"), connection(OTHER, external="x-2"), connection(OTHER, external=None),
     connection(OTHER, mode="simulated"), {"id": "c", "attributes": {}}, None, 5],
)  # fmt: skip
def test_rows_of_others_are_left_alone(foreign: Any) -> None:
    headers = {"user": USER, "external_id": "x-1", "mode": "live"}
    made = payload({"data": [foreign, connection()]}, CONNECTIONS, None)
    made = type(made)(**{**vars(made), "headers": {**made.headers, **headers}})
    assert [p.external_id for p in read(made).points] == [CAR]


def test_a_row_in_full() -> None:
    row = granted(raw({"data": [connection()]}))[0]
    assert (row.vehicle, row.user, row.external_id, row.mode) == (CAR, USER, "x-1", "live")
    assert row.permissions == {"read_battery"}
    older = connection()
    del older["attributes"]["user"]
    assert granted(raw({"data": [older]}))[0].user == USER


@pytest.mark.parametrize("kind", [VEHICLES, VEHICLE, CONNECTIONS])
@pytest.mark.parametrize("body", [{}, {"vehicles": {}}, {"data": None}, {"data": "x"}, [], b"", b"<html>"])
def test_what_is_no_list_is_a_bad_payload(kind: str, body: Any) -> None:
    with pytest.raises(BadPayload):
        names(body, kind)


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        ("409", {"type": "VEHICLE_STATE", "code": "ASLEEP", "resolution": None}, "VEHICLE_STATE/ASLEEP"),
        ("403", {"type": "PERMISSION", "code": None}, "PERMISSION"),
        (
            "502",
            {"errors": [{"status": "502", "type": "UPSTREAM", "code": "INVALID_DATA"}]},
            "UPSTREAM/INVALID_DATA",
        ),
        ("503", b"<html>busy</html>", "HTTP 503"),
        ("500", b"", "HTTP 500"),
        ("", b"", "NO_ANSWER"),
        ("²", b"{}", "NO_ANSWER"),
        ("200", b"[]", "HTTP 200"),
        (
            "400",
            {"error": "invalid_grant", "error_description": "Invalid refresh_token: secret."},
            "HTTP 400",
        ),
    ],
)
def test_trouble_in_one_word(status: str, body: Any, trouble: str) -> None:
    made = payload(body, TROUBLE, status=status)
    assert said(made) == {"trouble": trouble}
    assert [o.at for o in read(made).observations] == [RECEIVED]


@pytest.mark.parametrize("filename", [None, "", "devices.json", "BATCH.JSON"])
def test_an_unknown_kind_is_a_bad_payload(filename: Any) -> None:
    with pytest.raises(BadPayload):
        CONNECTOR.parse(payload({"responses": []}, filename))


@pytest.mark.parametrize("body", [{"vehicles": [ABOUT]}, {"responses": []}, {"data": [connection()]}])
def test_a_saved_answer_is_nobodys_file(body: Any) -> None:
    assert connectors.recognise(raw(body)) is None


@pytest.mark.parametrize(
    ("zone", "kept"), [("Europe/Oslo", "Europe/Oslo"), ("", "America/Chicago"), ("Mars", "America/Chicago")]
)
def test_a_new_cars_days_are_the_sites(zone: str, kept: str) -> None:
    made = payload(ABOUT, VEHICLE, timezone=zone) if zone else payload(ABOUT, VEHICLE)
    made = type(made)(**{**vars(made), "headers": {"timezone": zone}})
    assert read(made).points[0].timezone == kept
