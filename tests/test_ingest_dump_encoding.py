"""The encoding of a dump's text: GB18030 and UTF-16 are read as their UTF-8 is, anything else stops with its name and line."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from features.errors import SourceError
from features.home import home
from features.ingest.dump.encoding import CHUNK, encoding_of, utf8_file
from features.ingest.fingerprint import fingerprint
from features.ingest.source import find_source
from features.store.opening import open_store
from tests.test_sources_core_platform import SOURCE, live, only

UNITS = """AAB001(单位编号),AAE006(地址),AAB013(法定代表人),AAE036(经办日期)
E1,市南区香港中路10号,张三,20100110
E2,"崂山区松岭路,238号",李四,2010年1月10日
E3,䶮家庄𠮷祥街·二巷,王|五,20100110
"""
Written = Callable[..., Path]


@pytest.fixture
def file(tmp_path: Path) -> Written:
    """`file(b"...", name="AB01.csv")`: a file of these bytes in a dump complete to 2015-06-30."""

    def write(content: bytes, name: str = "AB01.csv") -> Path:
        folder = tmp_path / "dump"
        folder.mkdir(exist_ok=True)
        (folder / "dump.toml").write_text("complete_to = 2015-06-30\n", "utf-8")
        (folder / name).write_bytes(content)
        return folder / name

    return write


def addresses(folder: Path) -> list[tuple[object, ...]]:
    return list(
        only(
            live(open_store(SOURCE, folder), "enterprises"),
            "enterprise",
            "address",
            "representative",
        )
    )


PLAIN = [
    ("E1", "市南区香港中路10号", "张三"),
    ("E2", "崂山区松岭路,238号", "李四"),
    ("E3", "䶮家庄𠮷祥街·二巷", "王|五"),
]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("AB01.csv", UNITS.encode("gb18030")),
        ("AB01.csv.gz", gzip.compress(UNITS.encode("gb18030"))),
        ("AB01.csv", UNITS.encode()),
        ("AB01.csv", UNITS.encode("utf-8-sig")),
        ("AB01.txt", UNITS.encode("utf-16")),
        ("AB01.csv", UNITS.replace("\n", "\r\n").encode("utf-16-be").join((b"\xfe\xff", b""))),
        ("AB01.csv", UNITS.replace("\n", "\r").encode("gb18030")),
    ],
)
def test_text_is_read_alike_in_every_encoding(file: Written, name: str, content: bytes) -> None:
    assert addresses(file(content, name).parent) == PLAIN


def test_parts_may_differ_in_encoding_and_a_check_says_which_were_copied(file: Written) -> None:
    one, two, three = (
        UNITS.splitlines(keepends=True)[0] + line for line in UNITS.splitlines(keepends=True)[1:]
    )
    folder = file(b"", "AC01.csv").parent
    (folder / "AC01.csv").unlink()
    (folder / "AB01").mkdir()
    for part, content in (
        ("1.csv", one.encode()),
        ("2.csv", two.encode("gbk")),
        ("3.csv", three.encode("gb18030")),
    ):
        (folder / "AB01" / part).write_bytes(content)
    assert addresses(folder) == PLAIN
    assert (
        "read from a copy in UTF-8: 2.csv (GB18030), 3.csv (GB18030)"
        in find_source(SOURCE, folder).dump.notes
    )


def test_a_file_is_copied_once_and_again_when_it_changed(file: Written) -> None:
    part = file(UNITS.encode("gb18030"))
    first, mark = utf8_file(part, home() / "texts"), fingerprint(find_source(SOURCE, part.parent))
    assert utf8_file(part, home() / "texts") == first != part
    part.write_bytes(UNITS.replace("张三", "赵六").encode("gb18030"))
    assert utf8_file(part, home() / "texts") != first
    assert fingerprint(find_source(SOURCE, part.parent)) != mark


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            UNITS.encode("gb18030")[:-1] + "青".encode("gb18030")[:1],
            "breaks off within a letter at its end; export it again whole",
        ),
        (
            UNITS.encode() + "青岛".encode()[:-1],
            "breaks off within a letter at its end; export it again whole",
        ),
        (
            UNITS.encode() + "青岛".encode()[:-2],
            "breaks off within a letter at its end; export it again whole",
        ),
        (UNITS.encode("utf-16")[:-1], "has the mark of UTF-16 and breaks its rules"),
        (UNITS.encode("utf-16-le"), "line 1 holds a zero byte"),
        (UNITS.encode("gb18030") + UNITS.encode(), "mixes GB18030 and UTF-8: line 5 is UTF-8"),
        (
            "AAB001,AAE006,AAE036\nE1,香港中路,20100110\n".encode("gbk")
            + "E2,青岛,20100110\n".encode(),
            "mixes GB18030 and UTF-8: line 3 is UTF-8",
        ),
        (
            UNITS.encode() + "E4,香港中路,李,20100110\n".encode("gb18030"),
            "mixes GB18030 and UTF-8: line 1 is UTF-8",
        ),
        ("AAB001,AAE036\ncafé,20100110\n".encode("latin-1"), "line 2 is neither UTF-8 nor GB18030"),
        (b"AAB001,AAE036\nE1\0,20100110\n", "line 2 holds a zero byte"),
    ],
)
def test_text_that_is_none_of_these_or_mixed_stops_by_name(
    file: Written, content: bytes, message: str
) -> None:
    with pytest.raises(SourceError, match=f"^AB01.csv:? ({message})") as caught:
        find_source(SOURCE, file(content).parent)
    assert not set(str(caught.value)) & set("香港张三")


def test_a_letter_across_two_blocks_and_letters_that_could_be_latin_are_read(file: Written) -> None:
    for shift in (0, 1):
        text = "AAB001,AAE006,AAE036\n" + f"E,{'青' * 99}{'a' * shift},20100110\n" * (CHUNK // 200)
        copy = utf8_file(file(text.encode("gbk"), f"AB0{shift}.csv"), home() / "texts")
        assert copy.read_text("utf-8") == text
    assert (
        encoding_of(file("AAC001,XB,AAE036\nW1,女,20100110\nW2,路,20100110\n".encode("gbk")))
        == "GB18030"
    )
    assert encoding_of(file("AAC001,XB,AAE036\nW1,女,20100110\n".encode())) == "UTF-8"
    assert encoding_of(file("AAC001,JE,AAE036\nW1,¥12.00,20100110\n".encode())) == "UTF-8"
