"""Identifiers: what a text must be to name one thing only, and what is wrong with one that is not.

An identifier is kept letter by letter, leading zeros and apostrophes included. Whatever looks like another
identifier on a screen, or came out of rounding, is refused: two writings of one number would be two enterprises,
and one writing of two numbers would be one. The rule is the same for files, databases, dumps and requests.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection

import polars as pl

from features.contract.tables import LONGEST, Column

Spans = tuple[tuple[int, int], ...]
INVISIBLE: Spans = (
    (0x00, 0x1F),
    (0x7F, 0xA0),
    (0xAD, 0xAD),  # controls, the no-break space, the soft hyphen
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),  # joiner, Arabic mark, Hangul fillers
    (0x1680, 0x1680),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),  # Ogham blank, Khmer and Mongolian marks
    (0x2000, 0x200F),
    (0x2028, 0x202F),
    (0x205F, 0x206F),  # blanks, zero widths, line ends, directions
    (0x2800, 0x2800),
    (0x3000, 0x3000),
    (0x3164, 0x3164),  # Braille blank, ideographic blank, filler
    (0xD800, 0xDFFF),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),  # halves of a pair, variants, byte order mark
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFF),  # filler, annotations and the lost letter
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),  # shorthand, music, tags, variants
)
"""Letters that show nothing of their own: every blank but the plain one, marks, controls, lost letters."""
WIDE: Spans = (
    (0xFF0B, 0xFF0B),
    (0xFF0D, 0xFF0F),
    (0xFF10, 0xFF19),
    (0xFF21, 0xFF3A),
    (0xFF41, 0xFF5A),
)
"""Full-width digits, letters and + - . /, which read like the plain ones."""


def _any_of(spans: Spans) -> str:
    """Return the pattern of one letter of some spans."""
    ranges = ""
    for first, last in spans:
        letters = f"{chr(first)}-{chr(last)}"
        ranges += letters.replace("]", r"\]")
    return f"[{ranges}]"


_INVISIBLE = re.compile(_any_of(INVISIBLE))
_WIDE = re.compile(_any_of(WIDE))
_DECIMAL = "([0-9]+[.,][0-9]*|[.,][0-9]+)"
_POWER = re.compile(f"[+-]?([0-9]+[eE][+][0-9]+|{_DECIMAL}[eE][+]?[0-9]+)")
_FLOAT = re.compile("[+-]?[0-9]{16,}[.,]0+")
PLAIN = r"^[!-*\-/-~一-鿿](?:[ -*\-/-~一-鿿]*[!-*\-/-~一-鿿])?$"
"""Texts in which nothing can be wrong but their length: ASCII without + , . and common Chinese characters."""


def fault(text: str) -> str | None:
    """Return what is wrong with an identifier, to be read after a column's name; None if it is one.

    >>> fault("'007"), fault("甲 1")
    (None, None)
    >>> fault("3.70202E+17")
    'was rounded to a power of ten: export it as text'
    """
    if len(text) > LONGEST:
        return f"is longer than {LONGEST} letters"
    if not text.strip(" "):
        return "holds nothing but blanks"
    if text != text.strip(" "):
        return "begins or ends with a blank"
    if unseen := _INVISIBLE.search(text):
        return f"holds the invisible letter U+{ord(unseen[0]):04X}"
    if _WIDE.search(text):
        return "holds full-width letters or digits; write them plain"
    if not unicodedata.is_normalized("NFC", text):
        return "holds a letter in parts or in an old form; write it in the form NFC"
    if _POWER.fullmatch(text):
        return "was rounded to a power of ten: export it as text"
    if _FLOAT.fullmatch(text):
        return "is a float of more than 15 digits written out: export it as text"
    return None


class IdentifierFault(ValueError):
    """What is wrong with an identifier, to be read after a column's name."""


def read_id(value: object) -> str:
    """Return the identifier that a value of JSON gives; Fault says what is wrong with it.

    A whole number is its digits; one with a fraction, or past 2^53 as a float, is none.
    """
    # Below 2^53 a float holds every whole number exactly; past it, some were rounded.
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise IdentifierFault(
            "should be an identifier, as text or a whole number that was never rounded"
        )
    if wrong := fault(str(value)):
        raise IdentifierFault(wrong)
    return str(value)


def faults(batch: pl.DataFrame, columns: Collection[Column]) -> pl.Expr:
    """Return the reasons why the identifiers of each row are none, a list of texts a row, empty where all are sound.

    A value that was no text stands in the column `raw NAME` where it may have been rounded.
    """
    reasons: list[pl.Expr] = []
    identifiers = [column for column in columns if column.kind == "id"]
    for column in identifiers:
        reasons += _reasons(_doubtful(batch[column.name]), column, fault)
        raw_name = f"raw {column.name}"
        if raw_name in batch.columns:
            reasons += _reasons(batch[raw_name], column, _no_text)
    if not reasons:
        return pl.lit([], pl.List(pl.String))
    return pl.concat_list(reasons).list.drop_nulls()


def _doubtful(texts: pl.Series) -> pl.Series:
    """Return the texts that may be no identifier: one pattern sorts out most, so that few are judged in Python."""
    is_plain = texts.str.contains(PLAIN)
    is_long = texts.str.len_bytes() > LONGEST
    return texts.filter(~is_plain | is_long)


def _reasons(
    values: pl.Series, column: Column, judge: Callable[[str], str | None]
) -> list[pl.Expr]:
    """Return a column of reasons, where any of some values of a column is no identifier."""
    reasons: dict[str, str] = {}
    for text in values.drop_nulls().unique().to_list():
        wrong = judge(text)
        if wrong:
            reasons[text] = f"{column.name} {wrong}"
    if not reasons:
        return []
    texts = pl.col(values.name)
    return [texts.replace_strict(reasons, default=None, return_dtype=pl.String)]


def _no_text(value: str) -> str:
    """Return why a value that was no text is no identifier: a whole number that a float holds only rounded, or any other."""
    is_number = re.fullmatch(r"-?[0-9.]+(e[+][0-9]+)?", value)
    if is_number and float(value).is_integer():
        return "is a number past what its float holds exactly: export it as text"
    return "should be an identifier"
