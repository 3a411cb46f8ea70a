"""One walk over the bytes of a CSV file, compiled: how many records it has, and whatever in it is not plain.

A file is plain where every reader of RFC 4180 agrees: each record has as many fields as the header, each quote mark opens
a field, closes one, or is doubled, and one kind of line end is used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, uint8, void
from numpy.typing import NDArray

from features.kernel import compiled

RAGGED, AFTER, OPEN, BLANK, STRAY, SPACED, BREAKS, LF, CR, CRLF, QUOTES = (1 << bit for bit in range(11))
"""What a walk meets, as flags of one number.

RAGGED: a record with too few or too many fields; AFTER: text after a closing quote mark; OPEN: a quote mark that is never
closed; BLANK: a blank line; STRAY: a quote mark within an unquoted field; SPACED: such a one after blanks; BREAKS: a line
break within quotes; LF, CR, CRLF: the line ends used; QUOTES: any quote mark.
"""
STATE, FLAGS, FIELDS, RECORDS, START, LONGEST, PLACE, LAST_CR, SIZE = range(9)
"""The places of what a walk holds between two blocks."""
RECORD, FIELD, PLAIN, BLANKS, QUOTED, CLOSING = range(6)
"""States: before a record, before a field, within an unquoted one (of blanks so far), within a quoted one, after a quote mark."""
COMMON = (CR, CRLF, LF)

_BLOCK = uint8[::1].copy(readonly=True)


@compiled(void(_BLOCK, int64[::1], int64, int64))
def walk(block: NDArray[np.uint8], held: NDArray[np.int64], delimiter: int, expected: int) -> None:  # noqa: C901, PLR0912, PLR0915
    """Take in one block of bytes, in their order; `held` (SIZE,) int64 begins as zeros and is carried on."""
    state, flags, fields, records = held[0], held[1], held[2], held[3]
    start, longest, place, last_cr = held[4], held[5], held[6], held[7]
    for byte in block:
        place += 1
        if last_cr:
            last_cr = 0
            if byte == 10:
                flags |= CRLF
                start = place
                continue
            flags |= CR
        if state == QUOTED:
            if byte == 34:
                state = CLOSING
            elif byte in (10, 13):
                flags |= BREAKS
            continue
        if byte in (10, 13):
            if byte == 13:
                last_cr = 1
            else:
                flags |= LF
            if state == RECORD:
                flags |= BLANK
            else:
                if fields + 1 != expected:
                    flags |= RAGGED
                records += 1
                longest = max(longest, place - start)
            state, fields, start = RECORD, 0, place
        elif byte == delimiter:
            fields += 1
            state = FIELD
        elif byte == 34:
            flags |= QUOTES
            if state in (RECORD, FIELD, CLOSING):
                state = QUOTED
            elif state == BLANKS:
                flags |= SPACED
                state = PLAIN
            else:
                flags |= STRAY
        elif state == CLOSING:
            flags |= AFTER
            state = PLAIN
        elif state in (RECORD, FIELD):
            state = BLANKS if byte in (32, 9) else PLAIN
        elif state == BLANKS and byte not in (32, 9):
            state = PLAIN
    held[0], held[1], held[2], held[3] = state, flags, fields, records
    held[4], held[5], held[6], held[7] = start, longest, place, last_cr


def finished(held: NDArray[np.int64], expected: int) -> None:
    """Take in the end of the file."""
    if held[LAST_CR]:
        held[FLAGS] |= CR
    if held[STATE] == RECORD:
        return
    if held[STATE] == QUOTED:
        held[FLAGS] |= OPEN
    if held[FIELDS] + 1 != expected:
        held[FLAGS] |= RAGGED
    held[RECORDS] += 1
    held[LONGEST] = max(held[LONGEST], held[PLACE] - held[START])


def begun() -> NDArray[np.int64]:
    """Return what a walk holds before the first byte."""
    return np.zeros(SIZE, dtype=np.int64)


def walked(block: bytes, held: NDArray[np.int64], delimiter: int, expected: int) -> None:
    """Take in one block of bytes."""
    bytes_of: NDArray[Any] = np.frombuffer(block, dtype=np.uint8)
    walk(bytes_of, held, delimiter, expected)


def is_plain(flags: int, columns: int) -> bool:
    """Tell whether DuckDB may read a file as it lies, given what a walk met."""
    ends = sum(bool(flags & kind) for kind in COMMON)
    blank = flags & BLANK and columns == 1
    return ends <= 1 and not blank and not flags & (RAGGED | AFTER | OPEN | SPACED)
