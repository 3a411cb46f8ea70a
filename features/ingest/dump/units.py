"""Units in a dump: which words around the name of a quantity's column are known, and what a stated unit is worth."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

BLANKS = " \t\r\n\u00a0\u3000\ufeff"
UNITS: dict[str, dict[str, str]] = {
    "yuan": {
        "yuan": "1",
        "元": "1",
        "人民币": "1",
        "人民币元": "1",
        "元人民币": "1",
        "rmb": "1",
        "cny": "1",
        "renminbi": "1",
        "rmb元": "1",
        "元rmb": "1",
        "¥": "1",
        "li": "0.001",
        "厘": "0.001",
        "fen": "0.01",
        "分": "0.01",
        "jiao": "0.1",
        "角": "0.1",
        "十元": "10",
        "百元": "100",
        "千元": "1000",
        "万元": "10000",
        "十万元": "100000",
        "百万元": "1000000",
        "千万元": "10000000",
        "亿元": "100000000",
    },
    "kwh": {
        "kwh": "1",
        "千瓦时": "1",
        "千瓦小时": "1",
        "度": "1",
        "wh": "0.001",
        "瓦时": "0.001",
        "mwh": "1000",
        "兆瓦时": "1000",
        "gwh": "1000000",
        "百度": "100",
        "千度": "1000",
        "万度": "10000",
        "万千瓦时": "10000",
        "万kwh": "10000",
        "亿千瓦时": "100000000",
    },
    "minutes": {
        "minutes": "1",
        "minute": "1",
        "min": "1",
        "mins": "1",
        "分": "1",
        "分钟": "1",
        "hours": "60",
        "hour": "60",
        "h": "60",
        "小时": "60",
        "时": "60",
    },
    "persons": {
        "persons": "1",
        "人": "1",
        "人数": "1",
        "名": "1",
        "百人": "100",
        "千人": "1000",
        "万人": "10000",
    },
    "number": {
        "number": "1",
        "个": "1",
        "张": "1",
        "台": "1",
        "件": "1",
        "次": "1",
        "百": "100",
        "千": "1000",
        "万": "10000",
    },
    "microdegree": {"microdegree": "1", "微度": "1", "degree": "1000000", "度": "1000000"},
    "probability": {
        "probability": "1",
        "概率": "1",
        "%": "0.01",
        "百分之一": "0.01",
        "‰": "0.001",
        "千分之一": "0.001",
    },
}
"""By kind of quantity, the words for its units and what each is worth in the kind's own unit, the first."""
SAFE = (
    "字段名",
    "字段",
    "列名",
    "备注",
    "注释",
    "说明",
    "必填",
    "选填",
    "计量",
    "单位",
    "金额",
    "数据",
    "数值",
    "人民币",
    "部分",
    "分摊",
    "分担",
    "分项",
    "分类",
    "为",
    "以",
    "按",
    "计",
)
"""Words of a description which say nothing of a unit."""
TYPES = (
    "number",
    "numeric",
    "decimal",
    "double",
    "float",
    "int",
    "integer",
    "bigint",
    "amount",
    "value",
    "field",
    "column",
)
_SCALES = "十百千万亿兆拾佰仟萬億比率倍成折每年周季天微毫"
_SUSPECT = {
    "yuan": f"{_SCALES}元圆圓币幣镑鎊铢盾分角厘日美欧英韩港澳台刀汇郎克卢索拉令",
    "kwh": f"{_SCALES}元瓦时度焦吨日月",
    "minutes": f"{_SCALES}时秒日月刻工",
    "persons": f"{_SCALES}次户家组月日",
    "number": f"{_SCALES}次箱盒组打对双",
    "microdegree": f"{_SCALES}度分秒弧",
    "probability": f"{_SCALES}分",
}
"""Letters which, left in a description that is not known, may name a unit."""
_LETTERS = {
    "yuan": "kmwbe",
    "kwh": "kmgtjw",
    "minutes": "sd",
    "persons": "kmw",
    "number": "kmw",
    "microdegree": "",
    "probability": "",
}
"""Lone Latin letters that may stand for a unit or a scale, such as W for ten thousand; another is a mark of the export."""
FOREIGN = (
    "林吉特",
    "兰特",
    "第纳尔",
    "福林",
    "兹罗提",
    "谢克尔",
    "塔卡",
    "坚戈",
    "雷亚尔",
    "里亚尔",
    "迪拉姆",
    "列弗",
    "基普",
    "瑞尔",
    "图格里克",
)
"""Names of currencies that hold none of those letters."""
_BRACKETS = "()[]{}<>《》〔〕【】「」"
_BETWEEN = re.compile(r"[\s\\/|_,;:、。.'\"“”‘’·*—–-]+|[" + re.escape(_BRACKETS) + "]+")
_CURRENCIES = frozenset(
    (
        "usd",
        "eur",
        "hkd",
        "jpy",
        "gbp",
        "krw",
        "twd",
        "mop",
        "cad",
        "aud",
        "sgd",
        "chf",
        "rub",
        "inr",
        "thb",
        "nzd",
        "vnd",
        "cnh",
        "myr",
        "idr",
        "php",
    )
)


@dataclass(frozen=True, slots=True)
class HeaderWords:
    """What stands around the name of a column: the units that it names, and words that are none of those known."""

    units: tuple[str, ...]
    strange: tuple[str, ...]


def plain_text(text: str) -> str:
    """Return a text with full-width letters made plain, in lower case, without blanks around it.

    >>> plain_text("（ＵＳＤ） ")
    '(usd)'
    """
    return unicodedata.normalize("NFKC", text).casefold().strip(BLANKS)


def words_of(text: str) -> list[str]:
    """Return the words of a header, split at brackets, blanks and signs.

    >>> words_of("金额：万（元）")
    ['金额', '万', '元']
    """
    joined = re.sub("(?<=kw)[.·](?=h)|(?<=瓦)[.·](?=时)", "", plain_text(text))
    return [word for word in _BETWEEN.split(joined) if word]


def words_beside(header: str, code: str) -> str:
    """Return what stands in a header beside a code, the tables and schemas before it left out.

    >>> words_beside("SICP3.AC43.AAE180(缴费基数)", "AAE180"), words_beside("AAE180", "AAE180")
    (' (缴费基数)', '')
    """
    text = plain_text(header)
    code_word = re.compile(rf"((?:[a-z0-9_]+\.)*){re.escape(plain_text(code))}(?![a-z0-9])")
    code_place = code_word.search(text)
    if code_place is None:
        return text
    # A schema may be named after a currency, which then says what its amounts are in.
    qualifiers = [word for word in code_place[1].split(".") if word in _CURRENCIES]
    before, after = text[: code_place.start()], text[code_place.end() :]
    beside = " ".join([before, *qualifiers, after])
    if not beside.strip():
        return ""
    return beside


def words_around(beside: str, kind: str, names: Collection[str]) -> HeaderWords:
    """Return what the words beside a column's name say of the unit of its quantity.

    `names` are what the column is called besides, such as its Chinese names and its table.

    >>> words_around("(缴费基数,万元)", "yuan", ["缴费基数"]), words_around("(usd)", "yuan", [])
    (HeaderWords(units=('万元',), strange=()), HeaderWords(units=(), strange=('usd',)))
    """
    units: list[str] = []
    strange: list[str] = []
    harmless = {plain_text(name) for name in (*names, *TYPES)}
    for word in words_of(beside):
        if unit := unit_in(word, kind, names):
            units.append(unit)
        elif word not in harmless:
            pieces = _pieces(word, names)
            if any(_is_strange(piece, kind) for piece in pieces):
                strange.append(word)
    return HeaderWords(tuple(units), tuple(strange))


def unit_in(word: str, kind: str, names: Iterable[str]) -> str | None:
    """Return the unit that a word is, alone or with a description: 万元, 单位万元, 缴费基数元."""
    if word in UNITS[kind]:
        return word
    pieces = list(_pieces(word, names))
    if len(pieces) == 1 and pieces[0] in UNITS[kind]:
        return pieces[0]
    return None


def _pieces(word: str, names: Iterable[str]) -> Iterator[str]:
    """Yield what a word holds besides the column's own names and words that say nothing of a unit."""
    # Longest first, as a short name may be the beginning of a long one.
    plain_names = sorted((plain_text(name) for name in names), key=len, reverse=True)
    texts = [text for text in (*plain_names, *SAFE) if text]
    pattern = "|".join(map(re.escape, texts))
    for piece in re.split(pattern, word):
        if piece:
            yield piece


def _is_strange(piece: str, kind: str) -> bool:
    if len(piece) == 1 and piece.isascii() and piece.isalpha():
        return piece in _LETTERS[kind]
    if piece.isascii() and piece.isdigit():
        return len(piece) > 2 or piece == "10"
    if not all("\u4e00" <= letter <= "\u9fff" for letter in piece):
        return True
    suspect = len(piece) == 1 or any(letter in _SUSPECT[kind] for letter in piece)
    return suspect or any(currency in piece for currency in FOREIGN)
