"""The CSV in every dress: one set of days, one set of readings."""

import codecs
import random
from datetime import date

import pytest

from tests.connectors.reading import by_slot, parse, readings, unrevised
from tests.payloads import smt
from wattledger.model import NO_REVISION

DAYS = [
    *smt.days(date(2025, 10, 31), 4),
    *smt.days(smt.SPRING, 2, seed=2, esiid=smt.CENTERPOINT),
    *smt.days(smt.FALL, 1, seed=3, flow="Surplus Generation"),
]
DAYS[0].letters = "A" * 5 + "E" * 16 + "A" * 75
DAYS[1].wh[40] = None
RAW = smt.csv(*DAYS)


def shuffled_columns() -> bytes:
    rows = [line.split(",") for line in RAW.decode().splitlines()]
    order = [5, 3, 7, 0, 2, 6, 1, 4]
    return "\n".join(",".join(row[k] for k in order) for row in rows).encode()


def quoted() -> bytes:
    rows = [line.split(",") for line in RAW.decode().splitlines()]
    return "\r\n".join(",".join(f'"{cell}"' for cell in row) for row in rows).encode()


FORMS = {
    "raw": RAW,
    "crlf": RAW.replace(b"\n", b"\r\n"),
    "lone cr": RAW.replace(b"\n", b"\r"),
    "no final newline": RAW.rstrip(b"\n"),
    "byte-order mark": codecs.BOM_UTF8 + RAW,
    "utf-16": RAW.decode().encode("utf-16"),
    "utf-16 big-endian": codecs.BOM_UTF16_BE + RAW.decode().encode("utf-16-be"),
    "padded kWh": smt.csv(*DAYS, kwh=smt.padded),
    "no apostrophe": RAW.replace(b"'", b""),
    "blanks before times": RAW.replace(b",00:", b", 00:").replace(b",1", b", 1"),
    "quoted": quoted(),
    "columns in another order": shuffled_columns(),
    "spaced header": RAW.replace(b"USAGE_DATE", b"Usage Date").replace(b"ESIID", b"ES I.I-D"),
    "blank lines": RAW.replace(b"\n", b"\n\n").replace(b"\n\n", b"\n \n", 7),
    "rows of commas only": RAW + b",,,,,,,\n" * 5,
    "header again in the middle": smt.csv(*DAYS[:3]) + smt.csv(*DAYS[3:]),
    "channel in one word": RAW.replace(b"Surplus Generation", b"SURPLUSGENERATION"),
    "generation": RAW.replace(b"Surplus Generation", b"generation"),
    "small letters": RAW.replace(b",A,", b",a,"),
    "seconds in times": RAW.replace(b":15,", b":15:00,"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_says_the_same_as_the_raw_export(form: str) -> None:
    parsed = parse(FORMS[form])
    assert not parsed.rejected
    assert parsed.blank == 5
    assert parsed.rows == RAW.count(b"\n") - 1
    assert readings(parsed) == readings(parse(RAW))
    assert by_slot(parsed) == smt.true_days(DAYS)


def test_excel_loses_the_seconds_of_the_revision_and_nothing_else() -> None:
    parsed = parse(smt.excel(*DAYS))
    assert unrevised(parsed) == unrevised(parse(RAW))
    raw, excel = parse(RAW).days, parsed.days
    assert sorted(raw.revision // 60) == sorted(excel.revision // 60)


def test_the_older_report_has_no_revision() -> None:
    parsed = parse(smt.older(*DAYS))
    assert unrevised(parsed) == unrevised(parse(RAW))
    assert set(parsed.days.revision.tolist()) == {NO_REVISION}


def test_both_flows_and_several_meters_interleaved_row_by_row() -> None:
    same = [
        smt.days(smt.FALL, 1, seed=n, esiid=esiid, flow=flow)[0]
        for n, (esiid, flow) in enumerate(
            [(e, f) for e in (smt.ONCOR, smt.CENTERPOINT) for f in ("Consumption", "Surplus Generation")]
        )
    ]
    parsed = parse(smt.interleaved(*same))
    assert by_slot(parsed) == smt.true_days(same)
    assert len(parsed.days) == 4
    assert [p.external_id for p in parsed.points] == [smt.ONCOR, smt.CENTERPOINT]


def test_days_and_meters_in_any_order() -> None:
    rows = [smt.rows(day) for day in DAYS]
    random.Random(5).shuffle(rows)
    assert readings(parse(smt.text(r for day in rows for r in day))) == readings(parse(RAW))


def test_rows_shuffled_outside_the_doubled_hour() -> None:
    """The END label decides; in the doubled hour the order in the file does."""
    day = smt.days(smt.FALL, 1)[0]
    rows = smt.rows(day)
    doubled, others = rows[4:12], rows[:4] + rows[12:]
    random.Random(3).shuffle(others)
    mixed = others[:50] + doubled[:4] + others[50:70] + doubled[4:] + others[70:]
    assert by_slot(parse(smt.text(mixed))) == smt.true_days([day])
    spread = list(others)
    for k, row in enumerate(doubled):
        spread.insert(9 * k + 3, row)
    assert by_slot(parse(smt.text(spread))) == smt.true_days([day])


def test_a_file_in_reverse() -> None:
    body = smt.text(row for day in reversed(DAYS) for row in reversed(smt.rows(day)))
    assert readings(parse(body)) == readings(parse(RAW))


def test_a_file_twice_over_keeps_both_passes_apart() -> None:
    rows = RAW.split(b"\n", 1)[1]
    parsed = parse(RAW + rows)
    once = parse(RAW)
    assert readings(parsed) == readings(once) + readings(once)
    assert len(parsed.days) == 2 * len(once.days)


@pytest.mark.parametrize(
    "header",
    [
        "ESIID,Usage Date,Interval Start Time,Interval End Time,kWh,Meter",
        "ESIID,Usage Date,Interval End Time,kWh",
        "ESIID,Date,Start Time,kWh",
    ],
)
def test_other_headers_without_quality_and_channel(header: str) -> None:
    day = smt.days(smt.FALL, 1)[0] if "Start Time,Int" in header else smt.days(smt.NORMAL, 1)[0]
    rows = []
    for row in smt.rows(day):
        esiid, used, _, start, end, kwh, *_ = row.split(",")
        cell = {"ESIID": esiid, "Usage Date": used, "Date": used, "kWh": kwh, "Meter": "M1",
                "Interval Start Time": start, "Start Time": start, "Interval End Time": end}  # fmt: skip
        rows.append(",".join(cell[name] for name in header.split(",")))
    assert by_slot(parse(smt.text(rows, header=header))) == smt.true_days([day])


@pytest.mark.parametrize("name", ["Interval End Time", "Start Time"])
@pytest.mark.parametrize("true", ["start", "end"])
@pytest.mark.parametrize("day", [smt.NORMAL, smt.FALL])
def test_the_order_of_labels_tells_what_they_mean_whatever_the_column_says(
    name: str, true: str, day: date
) -> None:
    made = smt.days(day, 1)[0]
    rows = []
    for (start, end, _), row in zip(smt.labels(day), smt.rows(made), strict=True):
        label = smt.clock(end - 1 if true == "start" else end)
        cells = row.split(",")
        rows.append(f"{cells[0]},{cells[1]},{label},{cells[5]}")
        assert start >= 0
    parsed = parse(smt.text(rows, header=f"ESIID,Usage Date,{name},kWh"))
    assert by_slot(parsed) == smt.true_days([made])
    assert bool(parsed.notes) == (true not in name.lower())


def test_a_file_without_esiid_takes_the_one_given() -> None:
    rows = [row.split(",", 1)[1] for row in smt.rows(smt.days(smt.NORMAL, 1)[0])]
    body = smt.text(rows, header=smt.HEADER.split(",", 1)[1])
    assert parse(body, esiid=smt.CENTERPOINT).points[0].external_id == smt.CENTERPOINT


def test_am_and_pm() -> None:
    row = f"{smt.ONCOR},7/4/2025,7/5/2025 6:00:00 AM,11:45 PM,12:00 AM,1.5,A,Consumption"
    parsed = parse(smt.text([row]))
    assert parsed.days.values[0, 95] == 1500
