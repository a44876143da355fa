"""Phone numbers: international, national of a clear shape, and any that a word such as `Tel.` announces.

International: `+` or `00`, a country code that exists, as many digits as that country has. National: the
shapes below, which are those of North America, of countries whose numbers begin with 0, and of Brazil,
Russia and China. What stands in a URL, goes on as a longer number, or is a date, a range of years, an IPv4
address or an ISBN is none. Short numbers (fewer than seven digits) are nobody's.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from curation.text.pii.around import in_url, is_word
from curation.text.pii.country_codes import number_length
from curation.text.pii.places import Places

_SEP = r"[ \u00a0\u202f.\-\u2010-\u2013/]"
_LEFT = r"(?<![A-Za-z0-9_.,$€£¥#/=+%&@-])(?<!\d:)(?<!\d[ \u00a0])(?<!\d\()"
_RIGHT = r"(?![\w%])(?![.,\-]\d)"
_ALONE = rf"(?![\w%])(?!{_SEP}{{0,2}}\(?\d)(?!,\d)"  # a number of spaces: none may follow
_AREA = r"(?!.11|.9\d|37|96|[234]00)[2-9]\d\d"  # never given out: N11, N9X, 37X, 96X, 200, 300, 400


def _compiled(*shapes: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(_LEFT + shape, re.ASCII) for shape in shapes)


_international = re.compile(
    r"(?:(?<![\w+])(?:\+ ?\(?|\(\+)(?=[1-9])|(?<![\w.,+/:-])(?<!\d )00[ -]?(?=[1-9]))"
    r"[0-9](?:[0-9]|[ \u00a0\u202f.\-\u2010-\u2013/()]{1,3}(?=[0-9])){6,24}",
    re.ASCII,
)
_run = re.compile(r"[0-9](?:[0-9]|[ \u00a0\u202f.\-\u2010-\u2013/()]{1,4}(?=[0-9])){6,}")
_group = re.compile(r"(?<![0-9])[0-9]")
# by the first character
_SHAPES = {
    "(": _compiled(
        rf"\({_AREA}\)[ \u00a0-]{{0,3}}[2-9]\d\d[ .-]\d{{4}}{_RIGHT}",  # (212) 555-0100
        rf"\(0[1-9]\d{{0,3}}\)[ \u00a0]?\d{{2,4}}(?:[ -]?\d{{2,5}}){{1,3}}{_ALONE}",  # (030) 23125 100
        rf"\(\d\d\) ?9\d{{4}}-\d{{4}}{_RIGHT}",  # Brazil: (11) 90000-0000
    ),
    "0": _compiled(
        rf"0[1-9]([ \u00a0.-])\d\d(?:\1\d\d){{3}}{_ALONE}",  # France: 01 99 00 12 34
        rf"0[1-9]\d{{0,3}}[-/\u2010-\u2013]\d{{2,4}}-\d{{4}}{_ALONE}",  # Japan: 03-0000-0000
        rf"0[1-9]\d{{9}}{_RIGHT}(?!\.[a-z])",  # in one piece: 07700900123 (ten digits may be an ISBN)
        rf"0120-\d{{3}}-\d{{3}}{_ALONE}",
        rf"0[1-9]\d{{1,3}}(?: ?[/\u2013] ?|[ -])\d{{5,8}}(?:-\d{{1,4}})?{_ALONE}",  # Germany: 030/12345678
        rf"0[1-9]-\d{{7,8}}{_ALONE}",
        rf"0[1-9]\d{{0,3}} \d{{3,4}} \d{{3,4}}{_ALONE}",  # Britain, Australia: 020 7946 0018
        rf"0[1-9]\d{{0,2}}[ /-]\d{{2,3}} \d{{2,3}} \d\d{_ALONE}",  # Switzerland: 044 000 00 00
    ),
    "1": _compiled(
        rf"1[ .-]\({_AREA}\)[ \u00a0-]{{0,3}}[2-9]\d\d[ .-]\d{{4}}{_RIGHT}",
        rf"1[ .-]{_AREA}([.-])[2-9]\d\d\1\d{{4}}{_RIGHT}",  # 1-212-555-0100
        rf"1[3-9]\d([ -])\d{{4}}\1\d{{4}}{_ALONE}",  # China: 138-0000-0000
    ),
    "8": _compiled(
        rf"{_AREA}([.-])[2-9]\d\d\1\d{{4}}{_RIGHT}",
        rf"8[ -]?\(\d{{3,5}}\)[ -]?\d{{1,3}}-\d\d-\d\d{_RIGHT}",  # Russia: 8 (495) 000-00-00
        rf"8[ -]\d{{3}}[ -]\d{{3}}-\d\d-\d\d{_RIGHT}",
    ),
    **dict.fromkeys("2345679", _compiled(rf"{_AREA}([.-])[2-9]\d\d\1\d{{4}}{_RIGHT}")),  # 212-555-0100
}
_announced = re.compile(
    rf"(?<![\w$€£¥])\(?[0-9](?:[0-9]|(?:\){_SEP}{{0,2}}|{_SEP}{{1,2}}\(?|\()(?=[0-9])){{6,18}}"
    r"(?![A-Za-z0-9_%])(?!-[A-Za-z])(?![.,]\d)",
    re.ASCII,
)
_SPACED = """
tel tél tels telephone téléphone telefon telefono teléfono telefone telefoon telefax phone phones mobile
mobil móvil mobiel cell cellulare cellular handy portable gsm fax hotline whatsapp tlf tfn puhelin puh
ring bel call dial text sms тел телефон факс τηλ τηλέφωνο thoại
"""
_UNSPACED = """
电话 電話 手机 手機 传真 热线 拨打 携帯 フリーダイヤル
전화 휴대폰 팩스 연락처 هاتف تلفون جوال اتصل טלפון נייד फ़ोन फोन ☎ ☏ 📞 📱
"""
# with other objects, too: not those on a later paragraph or after #
_OTHERWISE = "call dial text ring bel cell mobile portable"
_VERBS = frozenset(_OTHERWISE.split())
_after_verb = re.compile(r"[^#\n]*\n? *[^#\n]*")
_BETWEEN = "no nr number num us me at on is now free here kom моб n"
_WORDS, _FILLERS = frozenset(_SPACED.split()), frozenset(_BETWEEN.split())
_UNSPACED_WORDS = tuple(_UNSPACED.split())
_PUNCTUATION = " \n\t\u00a0.,:：-–([/#°№*_"
_last_word = re.compile(r"[^\W\d_]{1,16}\Z")
_and = re.compile(r"[ ,;/]{0,3}(?:or|and|oder|und|ou|et|o|y|e|или|и)?[ ,;/]{0,2}")
_no_phone = re.compile(
    r"\d{1,3}(?:\.\d{1,3}){3}|(?:1\d|20)\d\d\D{1,3}(?:1\d|20)\d\d|(?:1[89]|20)\d\d([-/.])\d\d\1\d\d.*|\d\d([-/.])\d\d\2\d{4}"
    r"|97[89][- ]\d.*",
    re.ASCII | re.DOTALL,
)


def find(text: str, places: Places) -> Iterator[tuple[int, int]]:
    """(start, end) of each phone number, in code points."""
    last = -1
    for start, end in places.numbers:
        for run in _run.finditer(text, start, end):
            for group in _group.finditer(text, run.start(), run.end()):
                first = group.start()
                if first < last:
                    continue
                found = (
                    _international_at(text, first)
                    or _shape_at(text, first)
                    or _announced_at(text, first, last)
                )
                if found and not in_url(text, found[0]):
                    yield found
                    last = found[1]


def _international_at(text: str, first: int) -> tuple[int, int] | None:
    """The international number whose first digit is at `first`."""
    plus = text.find("+", max(first - 3, 0), first)
    start = first if plus < 0 else _with_bracket(text, plus)
    found = _international.match(text, start)
    length = number_length(found[0]) if found else None
    if found is None or length is None or is_word(text[found.start() + length : found.start() + length + 1]):
        return None
    return found.start(), found.start() + length


def _shape_at(text: str, first: int) -> tuple[int, int] | None:
    """The national number of a clear shape whose first digit is at `first`."""
    for start in (_with_bracket(text, first), first):
        for shape in _SHAPES[text[start]]:
            found = shape.match(text, start)
            if found and 9 <= sum(map(str.isdigit, found[0])) <= 12 and not _counts_up(found[0]):
                return found.span()
    return None


def _counts_up(number: str) -> bool:
    """Whether the groups are a row of a table: 01 02 03 04 05."""
    groups = [int(group) for group in re.findall(r"\d+", number)]
    return len(groups) > 2 and all(b - a == groups[1] - groups[0] for a, b in pairwise(groups))


def _announced_at(text: str, first: int, last: int) -> tuple[int, int] | None:
    """The number at `first` if a word before it says what it is, or it goes on a list after `last`."""
    start = _with_bracket(text, first)
    found = _announced.match(text, start)
    if not found or not 7 <= sum(map(str.isdigit, found[0])) <= 13 or _no_phone.fullmatch(found[0]):
        return None
    goes_on = 0 < last < start <= last + 8 and _and.fullmatch(text, last, start)
    return found.span() if goes_on or _is_announced(text[max(start - 40, 0) : start]) else None


def _is_announced(text: str) -> bool:
    """Whether the end of `text` says that a phone number follows."""
    before = text
    for _ in range(4):
        before = before.rstrip(_PUNCTUATION)
        for number in ("番号", "号码", "號碼", "번호"):
            before = before.removesuffix(number)
        if before.endswith(_UNSPACED_WORDS):
            return True
        found = _last_word.search(before)
        word = found[0].lower() if found else ""
        before = before.removesuffix(found[0] if found else "")
        if word in _VERBS and not _after_verb.fullmatch(text, len(before) + len(word)):
            return False
        if word in _WORDS:
            return not before.endswith((".", "-", "/"))
        if word not in _FILLERS:
            return False
    return False


def _with_bracket(text: str, start: int) -> int:
    return start - 1 if text[start - 1 : start] == "(" else start
