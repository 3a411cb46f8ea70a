"""One compiled pass over the bytes of a CSV file: it counts the records and finds whatever is not plain.

A file is plain where every reader of RFC 4180 agrees: each record has as many fields as the header, each quote mark opens
a field, closes one, or is doubled, and one kind of line end is used.
"""

from __future__ import annotations

import numpy as np
from numba import int64, uint8, void
from numpy.typing import NDArray

from features.compiled import compiled

Bytes = NDArray[np.uint8]
Held = NDArray[np.int64]

RAGGED, AFTER, OPEN, BLANK, STRAY, SPACED, BREAKS, LF, CR, CRLF = (1 << bit for bit in range(10))
"""What a walk meets, as flags of one number.

RAGGED: a record with too few or too many fields; AFTER: text after a closing quote mark; OPEN: a quote mark that is never
closed; BLANK: a blank line; STRAY: a quote mark within an unquoted field; SPACED: such a one after blanks; BREAKS: a line
break within quotes; LF, CR, CRLF: the line ends used.
"""
STATE, FLAGS, FIELDS, RECORDS, START, LONGEST, PLACE, LAST_CR, SIZE = range(9)
"""The places of what a walk holds between two blocks."""
RECORD, FIELD, BLANKS, CLOSING, PLAIN, QUOTED = range(6)
"""States: before a record or a field, after blanks at its begin, after a quote mark within quotes, within a field."""

OTHER, NEWLINE, RETURN, QUOTE, COMMA, SPACE = range(6)
"""Kinds of byte."""

_BLOCK = uint8[::1].copy(readonly=True)


# Compiled, because each byte's meaning depends on the state that the bytes before it left.
@compiled(void(_BLOCK, int64[::1], uint8[::1], int64))
def walk(block: Bytes, held: Held, kinds: Bytes, expected: int) -> None:  # noqa: C901, PLR0912, PLR0915
    """Process one block of bytes, in order; `held` (SIZE,) is the state, which begins as zeros and is passed on.

    `kinds` (256,) has the kind of each byte. Most bytes have no kind and change no state, so they are tested first.
    """
    # Plain numbers stay in registers. An array, or a function for each state, would pass them on at every byte.
    state, flags, fields, records = held[STATE], held[FLAGS], held[FIELDS], held[RECORDS]
    place, start, longest, last_cr = held[PLACE], held[START], held[LONGEST], held[LAST_CR]
    for at in range(len(block)):
        kind = kinds[block[at]]
        # Within a field most bytes say nothing: one comparison passes them over.
        if kind == OTHER and state >= PLAIN:
            continue
        # What a CR ended is told by the byte after it: with an LF the two are one line end.
        if last_cr:
            last_cr = 0
            if kind == NEWLINE:
                flags |= CRLF
                start = place + at + 1
                continue
            flags |= CR
        if state == QUOTED:
            if kind == QUOTE:
                state = CLOSING
            elif kind in (NEWLINE, RETURN):
                flags |= BREAKS
        elif kind in (NEWLINE, RETURN):
            if kind == RETURN:
                last_cr = 1
            else:
                flags |= LF
            if state == RECORD:
                flags |= BLANK
            else:
                # Delimiters are counted, of which a record has one fewer than fields.
                if fields + 1 != expected:
                    flags |= RAGGED
                records += 1
                longest = max(longest, place + at + 1 - start)
            state, fields, start = RECORD, 0, place + at + 1
        elif kind == COMMA:
            fields += 1
            state = FIELD
        elif kind == QUOTE:
            # After a closing quote mark another is a doubled one, and the field goes on.
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
        # Blanks at the begin of a field are told apart: readers differ on a quote mark after them.
        elif state in (RECORD, FIELD):
            state = BLANKS if kind == SPACE else PLAIN
        elif state == BLANKS and kind != SPACE:
            state = PLAIN
    held[STATE], held[FLAGS], held[FIELDS], held[RECORDS] = state, flags, fields, records
    held[PLACE] = place + len(block)
    held[START], held[LONGEST], held[LAST_CR] = start, longest, last_cr


def kinds_of(delimiter: str) -> Bytes:
    """Return the kind of every byte, (256,) uint8, where this sign of ASCII parts fields."""
    kinds = np.zeros(256, dtype=np.uint8)
    # The delimiter comes last: a tab that parts fields is no blank.
    kinds_by_sign = {
        " ": SPACE,
        "\t": SPACE,
        "\n": NEWLINE,
        "\r": RETURN,
        '"': QUOTE,
        delimiter: COMMA,
    }
    for sign, kind in kinds_by_sign.items():
        kinds[ord(sign)] = kind
    return kinds


def walk_end(held: Held, expected: int) -> None:
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


def begun() -> Held:
    """Return what a walk holds before the first byte."""
    return np.zeros(SIZE, dtype=np.int64)


def walk_block(block: bytes, held: Held, kinds: Bytes, expected: int) -> None:
    """Take in one block of bytes."""
    walk(np.frombuffer(block, dtype=np.uint8), held, kinds, expected)


def is_plain(flags: int, columns: int) -> bool:
    """Tell whether DuckDB may read a file as it lies, given what a walk met."""
    line_ends = [kind for kind in (LF, CR, CRLF) if flags & kind]
    # Of one column a blank line may be a record with nothing in it.
    blank_is_doubtful = flags & BLANK and columns == 1
    is_odd = flags & (RAGGED | AFTER | OPEN | SPACED)
    return len(line_ends) <= 1 and not blank_is_doubtful and not is_odd
