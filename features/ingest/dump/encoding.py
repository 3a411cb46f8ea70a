"""The encoding of a dump's text: UTF-8 is read where it lies, GB18030 (GBK) and UTF-16 from a copy in UTF-8."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from features.errors import SourceError
from features.files import built

UTF8, UTF16, GB = "UTF-8", "UTF-16", "GB18030"
MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
CHUNK = 1 << 20
"""Bytes that are read at one time, and so the longest line; a choice: a file of any size is read with this little memory."""
AGAIN = f"export it again as {UTF8} or {GB}"
BROKEN = "{} breaks off within a letter at its end; export it again whole"
MIXED = f"{{}} mixes {GB} and {UTF8}: line {{}} is {UTF8}, others are not; {AGAIN}"
SIGNS = "¥·°±×÷§"
LONG_FORMS = bytes(range(0xE0, 0xF5))
"""Bytes that begin a letter of three bytes or four in UTF-8, as all of Chinese is."""


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Whole lines of a file, the number of the first, and whether the file ends with them."""

    lines: bytes
    first: int
    last: bool

    def line_at(self, place: int) -> int:
        """Return the number of the line that a byte stands in."""
        return self.first + self.lines.count(b"\n", 0, place)


def utf8_file(part: Path, copies: Path) -> Path:
    """Return a file of text that is UTF-8: the file itself, else its copy under `copies`, made once.

    SourceError with name and line, if it is not text, has another encoding or two, or ends within a character.
    """
    status = part.stat()
    file_version = f"{part.absolute()}\0{status.st_size}\0{status.st_mtime_ns}"
    digest = hashlib.sha256(file_version.encode("utf-8", "surrogateescape")).hexdigest()
    folder = copies / digest[:16]
    if not folder.exists():
        _settle(part, folder)
    return next((place / part.name for place in folder.iterdir()), part)


def _settle(part: Path, folder: Path) -> None:
    """Make the folder of a file: empty where it is UTF-8, else with its copy in a folder named after its encoding."""
    try:
        with built(folder) as unfinished:
            encoding = encoding_of(part)
            if encoding != UTF8:
                _copy(part, unfinished / encoding / part.name, encoding)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise SourceError(f"{part.name} cannot be read as gzip; write it again") from None


def _copy(part: Path, place: Path, encoding: str) -> None:
    place.parent.mkdir()
    texts = _gb_texts(part) if encoding == GB else _utf16_texts(part)
    with gzip.open(place, "wb", 1) if part.suffix.lower() == ".gz" else place.open("wb") as out:
        for text in texts:
            out.write(text.encode())
    status = part.stat()
    os.utime(place, ns=(status.st_mtime_ns, status.st_mtime_ns))


def encoding_of(part: Path) -> str:
    """Return the encoding that a file of text seems to have: UTF-16 by its mark, UTF-8 by its every line, else GB18030."""
    with _opened(part) as file:
        if file.read(2) in MARKS:
            return UTF16
    foreign, long_forms = False, False
    for block in text_blocks(part):
        if b"\0" in block.lines:
            raise SourceError(
                f"{part.name}: line {block.line_at(block.lines.index(0))} holds a zero byte; {AGAIN}"
            )
        if block.lines.isascii():
            continue
        if not _is(block.lines, UTF8):
            if long_forms and block.last and _breaks_off(block.lines, UTF8):
                raise SourceError(BROKEN.format(part.name))
            return GB
        foreign = True
        long_forms = long_forms or len(block.lines.translate(None, LONG_FORMS)) < len(block.lines)
    return GB if foreign and not long_forms and _is_chinese(part) else UTF8


def _is_chinese(part: Path) -> bool:
    """Tell whether letters of two bytes, which could be Latin in UTF-8, are all of the commonest Chinese set, no mere signs."""
    signs = True
    for block in text_blocks(part):
        if not _is(block.lines, "gb2312"):
            return False
        signs = signs and all(
            letter.isascii() or letter in SIGNS for letter in set(block.lines.decode())
        )
    return not signs


def _gb_texts(part: Path) -> Iterator[str]:
    for block in text_blocks(part):
        text = _gb_text(part, block)
        if not _fits(text, "gb2312") and (line := _line_of_utf8(block)):
            raise SourceError(MIXED.format(part.name, line))
        yield text


def _gb_text(part: Path, block: TextBlock) -> str:
    try:
        return block.lines.decode(GB)
    except UnicodeDecodeError as error:
        if block.last and (_breaks_off(block.lines, GB) or _breaks_off(block.lines, UTF8)):
            raise SourceError(BROKEN.format(part.name)) from None
        number = block.line_at(error.start)
        if _is(block.lines.split(b"\n")[number - block.first], UTF8):
            raise SourceError(MIXED.format(part.name, number)) from None
        raise SourceError(
            f"{part.name}: line {number} is neither {UTF8} nor {GB}; {AGAIN}"
        ) from None


def _breaks_off(lines: bytes, encoding: str) -> bool:
    """Tell whether lines are good but for a letter that they end within."""
    try:
        lines.decode(encoding)
    except UnicodeDecodeError as error:
        return error.end == len(lines) and error.reason in (
            "incomplete multibyte sequence",
            "unexpected end of data",
        )
    return False


def _line_of_utf8(block: TextBlock) -> int | None:
    """Return the number of the first line that is good Chinese in UTF-8 and odd in GB18030; None if there is none."""
    for number, line in enumerate(block.lines.split(b"\n"), block.first):
        if (
            not line.isascii()
            and not _is(line, "gb2312")
            and _is(line, UTF8)
            and _fits(line.decode(), "gb2312")
        ):
            return number
    return None


def _utf16_texts(part: Path) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(UTF16)()
    with _opened(part) as file:
        try:
            while chunk := file.read(CHUNK):
                text = decoder.decode(chunk)
                if "\0" in text:
                    raise SourceError(
                        f"{part.name} has the mark of {UTF16} and holds zero characters; {AGAIN}"
                    )
                yield text
            yield decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise SourceError(
                f"{part.name} has the mark of {UTF16} and breaks its rules; {AGAIN}"
            ) from None


def _is(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def text_blocks(part: Path) -> Iterator[TextBlock]:
    """Yield a file in whole lines of about CHUNK bytes; SourceError where one line alone is longer."""
    begun_line, first = b"", 1
    with _opened(part) as file:
        while chunk := file.read(CHUNK):
            cut = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
            if not cut and len(chunk) == CHUNK:
                raise SourceError(
                    f"{part.name}: line {first} is longer than a megabyte; close its quote mark or split its lines"
                )
            if cut:
                lines = begun_line + chunk[:cut]
                yield TextBlock(lines, first, last=False)
                first, begun_line = first + lines.count(b"\n"), b""
            begun_line += chunk[cut:]
    yield TextBlock(begun_line, first, last=True)


@contextmanager
def _opened(part: Path) -> Iterator[BinaryIO]:
    """Yield a file's bytes, unpacked."""
    with gzip.open(part) if part.suffix.lower() == ".gz" else part.open("rb") as file:
        yield cast(BinaryIO, file)
