"""Lines of a CSV -> one column of distinct texts per field, in pieces of bounded size.

Every physical line is one row. Lines without quotes go through pyarrow's splitter; quoted ones, which
only files that were saved again have, through the csv module.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as pacsv

from wattledger.connectors.smart_meter_texas.fields import Column

PIECE = 8 * 1024 * 1024
_LONGEST = 4096
"""No row of ours comes near; a longer line is refused as one with a wrong number of fields."""


@dataclass(slots=True)
class Split:
    """The rows of one piece that have the right number of fields, and the lines of those that don't."""

    line: NDArray[np.int64]
    columns: list[Column]
    wrong: NDArray[np.int64]


def pieces(body: bytes, first_line: int) -> Iterator[tuple[list[bytes], NDArray[np.int64]]]:
    """Non-blank lines and their numbers, about 8 MiB at a time. The body has `\\n` line ends only."""
    at, number = 0, first_line
    while at < len(body):
        end = body.find(b"\n", min(at + PIECE, len(body)))
        end = len(body) if end < 0 else end + 1
        found = body[at:end].split(b"\n")
        if found[-1] == b"":
            found.pop()
        kept = [k for k, line in enumerate(found) if line.strip(b" \t,\"'\xa0")]
        yield (
            found if len(kept) == len(found) else [found[k] for k in kept],
            np.array(kept, np.int64) + number,
        )
        at, number = end, number + len(found)


def split(lines: list[bytes], numbers: NDArray[np.int64], width: int) -> Split:
    """Fields of these lines. `width` is the header's number of columns."""
    commas = np.fromiter((line.count(b",") for line in lines), np.int64, len(lines))
    lengths = np.fromiter(map(len, lines), np.int64, len(lines))
    quoted = b'"' in b"".join(lines)
    right = lengths <= _LONGEST
    if not quoted:
        right &= commas == width - 1
    kept = lines if right.all() else [line for line, keep in zip(lines, right.tolist(), strict=True) if keep]
    if not kept:
        return Split(numbers[:0], [], numbers)
    found = (_split_quoted if quoted else _split_plain)(kept, numbers[right], width)
    found.wrong = np.concatenate([found.wrong, numbers[~right]])
    return found


def _split_plain(lines: list[bytes], numbers: NDArray[np.int64], width: int) -> Split:
    joined = b"\n".join(lines)
    names = [str(n) for n in range(width)]
    table = pacsv.read_csv(
        pa.BufferReader(joined),
        read_options=pacsv.ReadOptions(
            use_threads=False, column_names=names, block_size=max(len(joined) + 1, 1024)
        ),
        parse_options=pacsv.ParseOptions(quote_char=False, ignore_empty_lines=False),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.binary()), check_utf8=False, strings_can_be_null=False
        ),
    )
    return Split(numbers, [_distinct(table.column(name)) for name in names], numbers[:0])


def _distinct(column: pa.ChunkedArray) -> Column:
    if column.length() == 0:
        return np.zeros(0, np.int32), []
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded.indices.to_numpy(zero_copy_only=False), encoded.dictionary.to_pylist()


def _split_quoted(lines: list[bytes], numbers: NDArray[np.int64], width: int) -> Split:
    right = np.ones(len(lines), bool)
    known: list[dict[bytes, int]] = [{} for _ in range(width)]
    codes: list[list[int]] = [[] for _ in range(width)]
    for k, line in enumerate(lines):
        cells = _cells(line)
        if len(cells) != width:
            right[k] = False
            continue
        for cell, texts, column in zip(cells, known, codes, strict=True):
            column.append(texts.setdefault(cell, len(texts)))
    columns: list[Column] = [
        (np.array(column, np.int32), list(texts)) for column, texts in zip(codes, known, strict=True)
    ]
    return Split(numbers[right], columns, numbers[~right])


def _cells(line: bytes) -> list[bytes]:
    try:
        rows = list(csv.reader([line.decode("latin-1")], skipinitialspace=True))
    except csv.Error:
        return []
    return [cell.encode("latin-1") for cell in rows[0]] if len(rows) == 1 else []
