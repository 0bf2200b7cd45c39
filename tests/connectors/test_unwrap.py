"""ZIP and gzip: opened within limits, whatever their names and sizes claim."""

import io
import zipfile

import pytest

from tests.connectors.reading import by_slot, parse
from tests.payloads import smt
from tests.payloads.smt_other import DAILY, green_button, gzipped, zip_of
from wattledger.connectors import unwrap
from wattledger.errors import BadPayload
from wattledger.faults import sabotage

DAYS = smt.days(smt.FALL, 2)
CSV = smt.csv(*DAYS)
TRUE = smt.true_days(DAYS)


@pytest.mark.parametrize(
    "body",
    [
        zip_of({"IntervalMeterUsage.CSV": CSV}),
        zip_of({"deep/folder/a.txt": CSV}),
        zip_of({"Billing.CSV": DAILY, "Interval.CSV": CSV}),
        zip_of({"a.csv": smt.csv(DAYS[0]), "b.csv": smt.csv(DAYS[1])}),
        zip_of({"a.csv.gz": gzipped(CSV)}),
        zip_of({"../../etc/passwd": CSV}),
        zip_of({"C:\\x.csv": CSV}),
        zip_of({"empty.csv": b"", "a.csv": CSV}),
        zip_of({"bad.xml": b"<feed", "a.csv": CSV}),
        zip_of({"inner.zip": zip_of({"a.csv": CSV})}),
        gzipped(CSV),
        gzipped(CSV[:900]) + gzipped(CSV[900:]),
        gzipped(CSV) + bytes(50),
        gzipped(zip_of({"a.csv": CSV})),
    ],
)
def test_an_archive_says_what_its_members_say(body: bytes) -> None:
    parsed = parse(body)
    assert parsed.kind == "interval"
    assert by_slot(parsed) == TRUE


def test_every_kind_of_member_is_told() -> None:
    parsed = parse(zip_of({"Daily.CSV": DAILY, "x.xml": green_button(DAYS[0]), "gone.csv": b""}))
    assert parsed.kind == "interval"
    assert any("Daily.CSV" in note and "daily" in note for note in parsed.notes)
    assert any("gone.csv" in note and "empty" in note for note in parsed.notes)


def test_refusals_name_their_member() -> None:
    bad = CSV.replace(b",A,", b",X,", 1)
    parsed = parse(zip_of({"a.csv": bad, "b.csv": CSV}))
    assert parsed.rejected[0].reason.startswith("a.csv: ")
    assert parsed.rejected[0].line == 2


def test_a_zip_without_interval_data_is_kept() -> None:
    assert parse(zip_of({"Daily.CSV": DAILY})).kind == "daily"


def with_flag(body: bytes) -> bytes:
    """Mark the members of a ZIP as locked with a password."""
    out = bytearray(body)
    out[6] |= 1
    out[out.find(b"PK\x01\x02") + 8] |= 1
    return bytes(out)


BOMBS = {
    "zip": (zip_of({"a.csv": bytes(8 << 20)}), "bomb"),
    "gzip": (gzipped(bytes(8 << 20)), "bomb"),
    "zip in gzip": (gzipped(zip_of({"a.csv": bytes(8 << 20)})), "bomb"),
    "33 members": (zip_of({f"{n}.csv": CSV for n in range(33)}), "zip_members"),
    "three layers": (zip_of({"a.zip": zip_of({"b.gz": gzipped(CSV)})}), "nested_archive"),
    "cut zip": (zip_of({"a.csv": CSV})[:-30], "zip_damaged"),
    "flipped zip": (zip_of({"a.csv": CSV}).replace(CSV[:3], b"", 1)[:60] + bytes(900), "zip_damaged"),
    "cut gzip": (gzipped(CSV)[:-9], "gzip_truncated"),
    "half a gzip header": (gzipped(CSV)[:5], "gzip_truncated"),
    "flipped gzip": (gzipped(CSV)[:40] + b"\xff\xff\xff" + gzipped(CSV)[43:], "gzip_damaged"),
    "junk behind gzip": (gzipped(CSV) + b"junk", "gzip_damaged"),
    "locked": (with_flag(zip_of({"a.csv": CSV})), "zip_encrypted"),
    "nothing inside": (zip_of({}), "empty"),
    "folders only": (zip_of({"a/": b""}), "empty"),
    "workbook": (zip_of({"[Content_Types].xml": b"<Types/>", "xl/sheet1.xml": b"<a/>"}), "workbook"),
    "empty member": (zip_of({"a.csv": b""}), "empty"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_and_damage_are_refused_with_a_reason(name: str) -> None:
    body, code = BOMBS[name]
    with pytest.raises(BadPayload) as caught:
        parse(body)
    assert caught.value.code == code
    assert str(caught.value).endswith(".")


def test_the_total_of_all_members_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unwrap, "MOST_BYTES", len(CSV) * 2)
    parse(zip_of({"a.csv": CSV, "b.csv": CSV}))
    with pytest.raises(BadPayload) as caught:
        parse(zip_of({"a.csv": CSV, "b.csv": CSV, "c.csv": CSV}))
    assert caught.value.code == "bomb"


def test_a_lying_size_is_not_believed() -> None:
    body = bytearray(zip_of({"a.csv": bytes(8 << 20)}))
    directory = body.find(b"PK\x01\x02")
    for at in (22, directory + 24):
        body[at : at + 4] = (100).to_bytes(4, "little")
    with pytest.raises(BadPayload):
        parse(bytes(body))


def test_other_compressions() -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_LZMA):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            archive.writestr("a.csv", CSV)
        assert by_slot(parse(out.getvalue())) == TRUE


def test_names_are_fit_to_be_shown() -> None:
    parsed = parse(zip_of({"a\n\x1b[31m.csv": DAILY, "b.csv": CSV}))
    assert all(note.isprintable() for note in parsed.notes)


@pytest.mark.parametrize("wrap", [gzipped, lambda b: zip_of({"x.bin": b})])
def test_peek_shows_the_beginning(wrap) -> None:  # type: ignore[no-untyped-def]
    assert unwrap.peek(wrap(CSV)[:2000]).startswith(b"ESIID,")
    assert unwrap.peek(wrap(CSV)[:7]) == b""


def test_sabotage_unwrap_limits_is_noticed() -> None:
    body, _ = BOMBS["gzip"]
    with sabotage("unwrap_limits"), pytest.raises(AssertionError):
        assert len(unwrap.opened(body).members[0].body) < 8 << 20
