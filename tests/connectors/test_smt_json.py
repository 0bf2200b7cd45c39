"""REST energy data (RD) and the portal's JSON."""

import json
from datetime import date

import pytest

from tests.connectors.reading import by_slot, parse, readings
from tests.payloads import smt, smt_other
from wattledger.errors import BadPayload

DAYS = [smt.days(day, 1, seed=n)[0] for n, day in enumerate([smt.NORMAL, smt.FALL, smt.SPRING])]
DAYS[0].letters = "E" * 16 + "A" * 80
SOLAR = smt.days(smt.FALL, 1, seed=9, flow="Surplus Generation")[0]


def test_rd_says_what_the_csv_says() -> None:
    parsed = parse(smt_other.rd(*DAYS, SOLAR))
    assert readings(parsed) == readings(parse(smt.csv(*DAYS, SOLAR)))
    assert (parsed.rows, parsed.blank, parsed.rejected) == (96 + 100 + 92 + 100, 0, [])


@pytest.mark.parametrize(
    "wrap", ['{{"data":{0}}}', "[{0}]", "{0}\n{0}", ' {{"response":[{0}]}} ', "\ufeff{0}"]
)
def test_rd_in_every_wrapping(wrap: str) -> None:
    body = wrap.format(smt_other.rd(*DAYS).decode()).encode()
    assert by_slot(parse(body)) == smt.true_days(DAYS)


def test_rd_blank_slots_are_blank() -> None:
    day = smt.days(smt.NORMAL, 1)[0]
    day.wh[50] = day.wh[51] = None
    parsed = parse(smt_other.rd(day))
    assert (parsed.rows, parsed.blank) == (96, 2)
    assert by_slot(parsed) == smt.true_days([day])


def changed(**fields: object) -> bytes:
    answer = json.loads(smt_other.rd(*DAYS))
    answer["energyData"][1].update(fields)
    return json.dumps(answer).encode()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"DT": "/02/2020"}, "MM/DD/YYYY"),
        ({"RD": ".1-A,.2-A,.3-A,.4-A,.5-A"}, "100 slots"),
        ({"RD": None}, "100 slots"),
        ({"RT": "X"}, "RT"),
        ({"RevTS": "soon"}, "revision"),
        ({"esiid": "12"}, "17 or 22"),
    ],
)
def test_a_bad_record_is_refused_by_itself(fields: dict[str, object], reason: str) -> None:
    parsed = parse(changed(**fields))
    assert by_slot(parsed) == smt.true_days([DAYS[0], DAYS[2]])
    assert len(parsed.rejected) == 1
    assert parsed.rejected[0].line == 2
    assert reason in parsed.rejected[0].reason


@pytest.mark.parametrize("token", ["x-A", "1-B", "1", "-1-A", "NaN-A", "1e400-A", "-A"])
def test_a_bad_token_is_refused_by_itself(token: str) -> None:
    answer = json.loads(smt_other.rd(DAYS[0]))
    cells = answer["energyData"][0]["RD"].split(",")
    cells[20] = token
    answer["energyData"][0]["RD"] = ",".join(cells)
    parsed = parse(json.dumps(answer).encode())
    assert (parsed.rows, sum(r.count for r in parsed.rejected)) == (96, 1)
    assert by_slot(parsed)[smt.ONCOR, 1, smt.NORMAL][16] is None


@pytest.mark.parametrize(("day", "at"), [(smt.NORMAL, 9), (smt.SPRING, 13), (smt.SPRING, 8)])
def test_a_value_in_an_hour_that_is_not_there_is_refused(day: date, at: int) -> None:
    answer = json.loads(smt_other.rd(*smt.days(day, 1)))
    cells = answer["energyData"][0]["RD"].split(",")
    cells[at] = "9-A"
    answer["energyData"][0]["RD"] = ",".join(cells)
    parsed = parse(json.dumps(answer).encode())
    assert by_slot(parsed) == smt.true_days(smt.days(day, 1))
    assert "does not exist" in parsed.rejected[0].reason


def test_portal_json() -> None:
    day = smt.days(date(2026, 3, 24), 1)[0]
    day.letters = "E" * 4 + "A" * 92
    day.wh[7] = None
    parsed = parse(smt_other.portal(day), esiid=smt.ONCOR)
    assert by_slot(parsed) == smt.true_days([day])
    assert parsed.blank == 1


def test_portal_json_with_generation() -> None:
    day = smt.days(smt.NORMAL, 1)[0]
    sent = [n * 3 for n in range(96)]
    found = by_slot(parse(smt_other.portal(day, sent), esiid=smt.CENTERPOINT))
    assert found[smt.CENTERPOINT, 19, smt.NORMAL] == sent
    assert found[smt.CENTERPOINT, 1, smt.NORMAL] == day.wh


@pytest.mark.parametrize(("esiid", "code"), [("", "esiid_missing"), ("123", "esiid_wrong")])
def test_portal_json_needs_the_esiid(esiid: str, code: str) -> None:
    with pytest.raises(BadPayload) as caught:
        parse(smt_other.portal(DAYS[0]), esiid=esiid)
    assert caught.value.code == code
    assert "--esiid" in str(caught.value) or code == "esiid_wrong"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"errorCode":"1","errorMessage":"No data received from the respective TDSP"}', "status"),
        ('{"trans_id":"a","correlationId":"b","statusCode":"0"}', "status"),
        ('{"trans_id":"a","esiid":"b","registeredReads":[{"readDate":"04/21/2020"}]}', "daily"),
        ('{"billingdata":[{"actualkWh":"1000.684"}]}', "monthly"),
        ('{"agreementList":[]}', "enrollment"),
        ("[]", "opaque"),
        ('{"energyData":[]}', "interval"),
    ],
)
def test_other_answers_are_kept_unread(body: str, kind: str) -> None:
    parsed = parse(body.encode())
    assert (parsed.kind, parsed.rows, len(parsed.days)) == (kind, 0, 0)


@pytest.mark.parametrize(
    "body", ['{"energyData":', "[" * 100_000, '{"a":' * 100_000, '{"a":1}}', "{'a':1}", "[\xff"]
)
def test_damaged_json(body: str) -> None:
    with pytest.raises(BadPayload) as caught:
        parse(body.encode("latin-1"))
    assert caught.value.code == "json_damaged"


@pytest.mark.parametrize(
    "value", ["3", "null", '"x"', "[1]", "{}", '[{"RD":[1]}]', '[{"RD":{"a":1},"DT":[]}]']
)
def test_energy_data_of_a_strange_type(value: str) -> None:
    parse(f'{{"esiid":"{smt.ONCOR}","energyData":{value}}}'.encode())
    parse(f'{{"intervaldata":{value}}}'.encode(), esiid=smt.ONCOR)
