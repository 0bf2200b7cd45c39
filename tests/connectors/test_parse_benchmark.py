"""The parser's benchmark measures the same rows with every reader."""

from pathlib import Path

from benchmarks import parse


def test_every_reader_counts_the_same_rows(tmp_path: Path) -> None:
    path = parse.make(tmp_path / "small.csv", meters=2, days=3)
    speeds = parse.measure(path, runs=1)
    assert {s.reader for s in speeds} == set(parse.READERS)
    assert {s.rows for s in speeds} == {2 * 3 * 96}
    assert all(s.rows_per_second > 0 for s in speeds)
    assert "wattledger" in parse.table(speeds)
