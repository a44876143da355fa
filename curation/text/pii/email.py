"""E-mail addresses.

Found: `local@domain` whose domain ends in a top-level domain that exists (or is reserved for examples), with
letters of any script; the full-width ＠; and the bracketed disguise `name [at] host [dot] org`.
Not: `user@host` without a dot, user and password in a URL, `git@host:path`, file names (`logo@2x.png`) and
versions (`react@18.2.0`), quoted local parts, disguises without brackets (`name at host`: too often prose).
"""

import re
from collections.abc import Iterator

from curation.text.pii.places import Places
from curation.text.pii.top_level_domains import TOP_LEVEL_DOMAINS

MAX_LOCAL, MAX_DOMAIN = 64, 253  # code points; RFC 5321 says octets

_LETTERS = r"A-Za-z\u00c0-\u024f\u0300-\u036f\u0370-\u052f"  # scripts that put spaces between words
_local = re.compile(rf"[{_LETTERS}0-9._%+\-'’&]{{1,{MAX_LOCAL}}}\Z")
_local_anywhere = re.compile(rf"[^\W_]{{1,{MAX_LOCAL}}}\Z")
_domains = (
    re.compile(rf"[{_LETTERS}0-9][{_LETTERS}0-9.\-]{{2,{MAX_DOMAIN}}}"),
    re.compile(rf"[^\W_][\w.\-]{{2,{MAX_DOMAIN}}}"),  # 例え.テスト
)
_bracketed = re.compile(r" ?[\[({<] ?(?:at|AT|At|ät|@) ?[\])}>] ?")
_dot = r"(?:\.| ?[\[({<] ?(?:\.|dot|DOT|Dot|punkt|punto|point|ponto) ?[\])}>] ?| dot | DOT )"
_disguised_domain = re.compile(rf"[A-Za-z0-9-]{{1,63}}(?:{_dot}[A-Za-z0-9-]{{1,63}}){{1,6}}")
_before_dot = re.compile(
    r"(?:[\w+-]{1,32} ?[\[({<] ?(?:dot|DOT|Dot|punkt|punto|point|ponto) ?[\])}>] ?){1,4}\Z", re.ASCII
)  # anna (dot) mueller (at) ...
_split = re.compile(_dot)
_in_url = re.compile(r"(?<!mailto)://[^\s/@]{0,80}\Z")
_REPOSITORY_USERS = {"git", "hg", "svn"}


def find(text: str, places: Places) -> Iterator[tuple[int, int]]:
    """(start, end) of each address, in code points."""
    for sign in "@＠":
        at = text.find(sign)
        while at >= 0:
            found = _around(text, at)
            if found:
                yield found
            at = text.find(sign, at + 1)
    for close in places.disguises:
        found = _disguised(text, close)
        if found:
            yield found


def _around(text: str, at: int) -> tuple[int, int] | None:
    end = _domain_end(text, at + 1)
    if end is None:
        return None
    start = _local_start(text, at)
    if start is None or _is_no_mail(text, start, at, end):
        return None
    return start, end


def _local_start(text: str, at: int) -> int | None:
    before = text[max(at - MAX_LOCAL, 0) : at]
    found = _local.search(before) or _local_anywhere.search(before)
    if not found:
        return None
    local = found[0].lstrip(".-'’&%")
    return at - len(local) if any(map(str.isalnum, local)) else None


def _domain_end(text: str, start: int) -> int | None:
    """Where the longest domain name that begins at `start` ends; None if there is none."""
    for pattern in _domains:
        found = pattern.match(text, start)
        if found:
            labels = found[0].split(".")
            while len(labels) > 1 and not _is_domain(labels):
                labels.pop()
            if len(labels) > 1:
                return start + len(".".join(labels))
    return None


def _is_domain(labels: list[str]) -> bool:
    *names, top = labels
    if names[-1].islower() and top.istitle():  # the end of a sentence: `mail me@host.org.It works`
        return False
    if not all(name and len(name) < 64 and name[0] != "-" and name[-1] != "-" for name in names):
        return False
    if names[0].isdigit() and len(names) > 1 and names[1][:1].isdigit():  # a version
        return False
    return _is_top(top) and not (len(names) == 1 and names[0] in ("2x", "3x"))


def _is_top(label: str) -> bool:
    lower = label.lower()
    return lower in TOP_LEVEL_DOMAINS or (lower.startswith("xn--") and len(lower) > 6)


def _is_no_mail(text: str, start: int, at: int, end: int) -> bool:
    if text[start:at].lower() in _REPOSITORY_USERS:
        return True
    if text[end : end + 1] in ("(", "_") or _in_url.search(text, max(start - 90, 0), start):
        return True  # a method call, or user:password@host
    return text[end : end + 2] == ":/" or text[end : end + 2] == ":~"


def _disguised(text: str, close: int) -> tuple[int, int] | None:
    sign = _bracketed.search(text, max(close - 6, 0), close + 2)
    domain = _disguised_domain.match(text, sign.end()) if sign else None
    if sign is None or domain is None or not _is_top(_split.split(domain[0])[-1]):
        return None
    start = _local_start(text, sign.start())
    if start is None:
        return None
    first = _before_dot.search(text[max(start - MAX_LOCAL * 2, 0) : start])
    return start - len(first[0] if first else ""), domain.end()
