"""Lines of a CSV -> one column of distinct texts per field, in pieces of bounded size.

Every physical line is one row. Lines without quotes go through pyarrow's splitter; quoted ones, which
only files that were saved again have, through the csv module.
"""

from __future__ import annotations

import csv

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as pacsv

from wattledger.connectors.smart_meter_texas.interval.fields import Column
from wattledger.connectors.smart_meter_texas.interval.pieces import LONGEST, Piece


class Split:
    """The rows that have the right number of fields, and the lines of those that don't."""

    def __init__(self, line: NDArray[np.int64], columns: list[Column], wrong: NDArray[np.int64]) -> None:
        self.line, self.columns, self.wrong = line, columns, wrong


def split_span(piece: Piece, begin: int, end: int, width: int) -> Split:
    """Fields of a piece's lines `begin` to `end`; at once where all are alike."""
    if piece.even(begin, end, width):
        return _split_plain(
            piece.text[piece.starts[begin] : piece.ends[end - 1]], piece.numbers(begin, end), width
        )
    kept = [k for k in range(begin, end) if not blank(piece.at(k))]
    return split([piece.at(k) for k in kept], np.array(kept, np.int64) + piece.line, width)


def blank(line: bytes) -> bool:
    """Whether nothing stands in a line; Excel likes to add such."""
    return not line.strip(b' \t,"\xa0')


def split(lines: list[bytes], numbers: NDArray[np.int64], width: int) -> Split:
    """Fields of these lines. `width` is the header's number of columns."""
    quoted = any(b'"' in line for line in lines)
    right = np.array(
        [len(line) <= LONGEST and (quoted or line.count(b",") == width - 1) for line in lines], bool
    )
    kept = [line for line, keep in zip(lines, right.tolist(), strict=True) if keep]
    if not kept:
        return Split(numbers[:0], [], numbers)
    if quoted:
        found = _split_quoted(kept, numbers[right], width)
    else:
        found = _split_plain(b"\n".join(kept), numbers[right], width)
    found.wrong = np.concatenate([found.wrong, numbers[~right]])
    return found


def _split_plain(joined: bytes, numbers: NDArray[np.int64], width: int) -> Split:
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
