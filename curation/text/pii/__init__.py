"""Personal data that has a form of its own: e-mail addresses, IP addresses, phone numbers, IBANs, cards.

What is found, and what on purpose is not, is said in each file. Names and postal addresses have no such
form and are not looked for. Time is linear in the text: every pattern is of bounded length and is only tried
near characters without which it cannot match (`places`).
"""

import re
from collections.abc import Iterable

from curation.text.pii import account, card, email, ip, phone
from curation.text.pii.places import Places

FINDERS = {"email": email.find, "iban": account.find, "card": card.find, "ip": ip.find, "phone": phone.find}
"""By kind, in the order of precedence: of two that overlap the first is the span."""

KINDS = tuple(FINDERS)

_strange = re.compile(r"[^\D0-9]|[＋－]")

Span = tuple[int, int, str]


def spans(text: str) -> list[Span]:
    """(start, end, kind) of what is personal in `text`: bytes into its UTF-8, in order, not overlapping."""
    plain = _plain(text)
    places = Places.of(plain)
    found = [(start, end, kind) for kind, find in FINDERS.items() for start, end in find(plain, places)]
    return _in_bytes(text, _without_overlap(found))


def _plain(text: str) -> str:
    """`text` with ASCII digits, plus and hyphen for those of any script and width, each one code point."""
    return text if text.isascii() else _strange.sub(lambda found: _ascii(found[0]), text)


def _ascii(sign: str) -> str:
    return "+-"["＋－".index(sign)] if sign in "＋－" else str(int(sign))


def _without_overlap(found: Iterable[Span]) -> list[Span]:
    kept: list[Span] = []
    for span in sorted(found):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
        elif KINDS.index(span[2]) < KINDS.index(kept[-1][2]):
            kept[-1] = span
    return kept


def _in_bytes(text: str, found: list[Span]) -> list[Span]:
    """The same spans, counted in bytes of UTF-8 instead of code points."""
    if text.isascii():
        return found
    counted: list[Span] = []
    chars = size = 0
    for start, end, kind in found:
        first = size + _bytes(text[chars:start])
        chars, size = end, first + _bytes(text[start:end])
        counted.append((first, size, kind))
    return counted


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
