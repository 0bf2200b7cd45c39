"""What a Smartcar payload says. Pure.

A payload's file name is its kind, its headers carry what the bytes alone don't say (`timezone` always):

    vehicles.json      v2: the list of vehicles                               names
    vehicle.json       v2, v3: make, model and year of one                    vehicle
    batch.json         v2: paths of one, each with code, time and units       vehicle, make, model, year
    answer.json        v2: one path of one                                    the same, path, sc-*
    connections.json   v3: the list of connections                            user, external_id, mode
    signals.json       v3: signals of one, a list or a single one             vehicle, make, model, year
    webhook.json       a call to our webhook, of any version                  vehicle
    trouble.json       what came instead of an answer about one               the same as a batch, status

`names` is JSON, {id: {make, model, year}}; without it bare ids in a list are no usage points yet, since a
usage point keeps the name with which it began. `user`, `external_id`, `mode` and, of a webhook, `vehicle`
narrow what is read to rows that agree with them.

A usage point is a vehicle; its external id is Smartcar's. Values are grouped by the instant at which the car
said them, so one payload gives one observation for each (vehicle, instant):

    soc_pct, charge_limit_pct, low_voltage_soc_pct     percent, 0 to 100
    charging_state        CHARGING, FULLY_CHARGED, NOT_CHARGING or UNKNOWN
    plugged_in, fast_charger, at_home, is_asleep, is_online          true or false
    odometer_km, range_km, capacity_kwh, charge_kw, charge_voltage, charge_amperage
    energy_added_wh       the car's own counter of the charge
    time_to_complete_min
    trouble, resolved     TYPE/CODE of an error that began, that ended
    latitude, longitude   apart from the others, in `private`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wattledger.connectors.reading import mapping, number, rows
from wattledger.connectors.smartcar import events, paths, signals
from wattledger.connectors.smartcar.errors import understand
from wattledger.connectors.smartcar.lists import granted, vehicles_of
from wattledger.connectors.smartcar.reading import identifier, load
from wattledger.connectors.smartcar.record import Record, attributes, car_of, zone_of
from wattledger.errors import BadPayload
from wattledger.model import Parsed, Payload

VEHICLES, VEHICLE, BATCH, ANSWER = "vehicles.json", "vehicle.json", "batch.json", "answer.json"
CONNECTIONS, SIGNALS = "connections.json", "signals.json"
WEBHOOK, TROUBLE = "webhook.json", "trouble.json"


def parse(payload: Payload) -> Parsed:
    """Usage points and observations. Raises BadPayload for what can't be read, or is of no known kind."""
    read = READERS.get(payload.filename or "")
    if read is None:
        raise BadPayload("The payload is of no kind that Smartcar sends.", "no_kind")
    record = Record(payload.received_at, zone_of(payload.headers))
    try:
        read(record, payload)
    except RecursionError:
        raise BadPayload("Smartcar's answer is nested deeper than any that is real.", "too_deep") from None
    return record.parsed()


def _vehicles(record: Record, payload: Payload) -> None:
    raw = payload.headers.get("names")
    names = mapping(load(raw.encode())) if raw else None
    for id, said in vehicles_of(payload.body).items():
        if said:
            record.car(id, said)
        elif names is not None:
            record.car(id, mapping(names.get(id)))


def _vehicle(record: Record, payload: Payload) -> None:
    """v2 says it plainly, v3 below `data` and `attributes`."""
    said = load(payload.body)
    said = said.get("data", said) if "make" not in said else said
    id = identifier(mapping(said).get("id"))
    named = payload.headers.get("vehicle")
    if id is None or named not in (None, id):
        raise BadPayload("The answer is about no vehicle, or about another one.", "other_vehicle")
    record.car(id, attributes(said))


def _batch(record: Record, payload: Payload) -> None:
    listed = load(payload.body).get("responses")
    if not isinstance(listed, list):
        raise BadPayload("The batch has no responses.", "no_responses")
    car, around = _car(record, payload), _vendor_headers(payload.headers)
    paths.read(record, car, (paths.entry_of(one, around) for one in listed))


def _answer(record: Record, payload: Payload) -> None:
    said = {"path": payload.headers.get("path", ""), "body": load(payload.body), "code": 200}
    entry = paths.entry_of(said, _vendor_headers(payload.headers))
    paths.read(record, _car(record, payload), [entry])


def _connections(record: Record, payload: Payload) -> None:
    wanted = [payload.headers.get(name) for name in ("user", "external_id", "mode")]
    for row in granted(payload.body):
        found = (row.user, row.external_id, row.mode)
        if all(want is None or want == is_ for want, is_ in zip(wanted, found, strict=True)):
            record.car(row.vehicle, row.vehicle_said)


def _signals(record: Record, payload: Payload) -> None:
    said = load(payload.body)
    data = said.get("data", said)
    included = mapping(mapping(said.get("included")).get("vehicle"))
    car, named = identifier(included.get("id")), payload.headers.get("vehicle")
    if named is not None and car not in (None, named):
        raise BadPayload("The signals are of another vehicle.", "other_vehicle")
    if not isinstance(data, list) and signals.signal_of(data) is None:
        raise BadPayload("The answer has no signals.", "no_signals")
    about = {**payload.headers, **attributes(included)} if included else payload.headers
    car = car if named is None and car else car_of(payload.headers)
    record.car(car, about)
    whole = number(mapping(said.get("meta")).get("totalCount"))
    if isinstance(data, list) and whole is not None and whole > len(data):
        record.note(f"{len(data)} of {whole:.0f} signals came; the others are on further pages")
    signals.read(record, car, rows(data) if isinstance(data, list) else [data])


def _webhook(record: Record, payload: Payload) -> None:
    events.read(record, payload.body, payload.headers.get("vehicle"))


def _trouble(record: Record, payload: Payload) -> None:
    """Its body may be anything."""
    status = payload.headers.get("status", "")
    try:
        said: Mapping[str, Any] = load(payload.body)
    except BadPayload:
        said = {}
    found = understand(int(status) if status.isdecimal() and len(status) < 4 else 0, said).kind
    record.put(_car(record, payload), payload.received_at, "trouble", found.replace("HTTP 0", "NO_ANSWER"))


def _car(record: Record, payload: Payload) -> str:
    id = car_of(payload.headers)
    record.car(id, payload.headers)
    return id


def _vendor_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.casefold().startswith("sc-")}


READERS: Mapping[str, Callable[[Record, Payload], None]] = {
    VEHICLES: _vehicles,
    VEHICLE: _vehicle,
    BATCH: _batch,
    ANSWER: _answer,
    CONNECTIONS: _connections,
    SIGNALS: _signals,
    WEBHOOK: _webhook,
    TROUBLE: _trouble,
}
