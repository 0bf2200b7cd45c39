"""What is not interval data is kept and named; what is no data at all is refused with a way out."""

import pytest

from tests.connectors.reading import parse
from tests.payloads import smt
from tests.payloads.smt_other import DAILY, gzipped, zip_of
from wattledger import connectors
from wattledger.errors import BadPayload

PGP = b"-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n"


@pytest.mark.parametrize(
    ("body", "name", "kind"),
    [
        (DAILY, None, "daily"),
        (b"A,B\n1,2\n", "DailyMeterUsage20251114.CSV", "daily"),
        (b"ESIID,START_DATE,END_DATE,BILLED_KWH\n1,2,3,4\n", None, "monthly"),
        (b"AGREEMENT_NUMBER,ESIID,STATUS\n1,2,ACT\n", None, "enrollment"),
        (b"X,Y\n1,2\n", "EnrollmentReport.csv", "enrollment"),
        (b"SUBSCRIPTION_NUMBER,TYPE\n1,DAILY\n", None, "subscription"),
        (b"00000001|MTRINT|1\n", "123IntervalData2025.lse", "report"),
        (b"hello\n", None, "opaque"),
        (b"Usage Type,Usage kWh Total,Interval End Time Zone\n1,2,3\n", None, "opaque"),
        (b"Date,Usage Type\n1,2\n", None, "opaque"),
    ],
)
def test_kinds(body: bytes, name: str | None, kind: str) -> None:
    parsed = parse(body, filename=name)
    assert (parsed.kind, parsed.rows, len(parsed.days), parsed.rejected) == (kind, 0, 0, [])


@pytest.mark.parametrize("name", ["EnrollmentReport.csv", "DailyMeterUsage.csv", "a.zip", ""])
def test_a_file_is_what_its_header_says_whatever_its_name(name: str) -> None:
    assert parse(smt.csv(*smt.days(smt.NORMAL, 1)), filename=name).kind == "interval"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (PGP, "encrypted"),
        (b"\n" + PGP, "encrypted"),
        (b"\x85\x01\x0c\x03" + bytes(range(200)), "encrypted"),
        (zip_of({"a.asc": PGP}), "encrypted"),
        (gzipped(b""), "empty"),
        (b"<!DOCTYPE html><p>Sign in", "html"),
        (b"\n<html><body>503", "html"),
        (b"\x00\x01\x02\x03" * 50, "not_text"),
        (b"%PDF-1.7 and so on", "not_text"),
        (b"\xff\xfeA\x00\x00\xd8", "encoding"),
    ],
)
def test_no_data_at_all(body: bytes, code: str) -> None:
    with pytest.raises(BadPayload) as caught:
        parse(body)
    assert caught.value.code == code
    assert str(caught.value)[0].isupper()
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("body", "known"),
    [
        (PGP, "smart_meter_texas"),
        (b"\xef\xbb\xbfESIID,Usage Date\n", "smart_meter_texas"),
        ("ESIID,USAGE_DATE\n".encode("utf-16"), "smart_meter_texas"),
        (b'{"esiid":"1"}', "smart_meter_texas"),
        (b"name,age\n", None),
        (b'{"name":1}', None),
        (b"<html>", None),
        (b"", None),
        (zip_of({"a.txt": b"name,age\n"}), None),
    ],
)
def test_recognising(body: bytes, known: str | None) -> None:
    assert connectors.recognise(body) == known


def test_a_file_without_readings_says_why() -> None:
    header = smt.HEADER.encode()
    assert parse(header).notes == parse(header + b"\n").notes == ["The file has a header and no rows."]
    other = parse(header.replace(b"USAGE_KWH", b"AMOUNT") + b"\n'10443720000000001,07/04/2025,,,,,,\n")
    assert other.kind == "opaque" and "no column for the energy" in other.notes[0]


async def test_nothing_is_fetched() -> None:
    from wattledger.connectors.base import Account

    account: Account = None  # type: ignore[assignment]
    for name in ("smart_meter_texas", "green_button"):
        assert [p async for p in connectors.connector(name).fetch(account)] == []
