"""Where in a text a number can be that is personal: a look at each character, none at most of them twice.

Patterns are slow (about 100 MB/s each) and most text holds no number of any length, so they are tried only
in windows around digits that lie close together. One pass of numpy over one byte a code point finds these.
"""

import string
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REACH = 48  # code points on either side of what was seen: no number is longer than twice that
NUMBER_DIGITS, NUMBER_CHARS = 7, 22  # so many digits within so many characters may be a phone or a card
QUAD_DOTS, QUAD_CHARS = 3, 9  # the dots of 255.255.255.255

_DIGIT, _DOT, _COLON, _CLOSING = 1, 2, 3, 4


def _table(*groups: tuple[bytes, int]) -> bytes:
    """A table for bytes.translate: the class of each byte, 0 for those in no group."""
    classes = bytearray(256)
    for members, number in groups:
        for member in members:
            classes[member] = number
    return bytes(classes)


_CLASSES = _table((b"0123456789", _DIGIT), (b".", _DOT), (b":", _COLON), (b")]}", _CLOSING))
_HEX = np.frombuffer(_table((b"0123456789abcdefABCDEF", 1)), np.bool_)
_ALNUM = np.frombuffer(_table((string.digits.encode() + string.ascii_letters.encode(), 1)), np.bool_)
_LAST_OF_AT = np.frombuffer(_table((b"tT@", 1)), np.bool_)

Window = tuple[int, int]
Positions = NDArray[np.int64]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Places:
    """Windows of a text, as (start, end) in code points: in order, not overlapping."""

    numbers: list[Window]  # seven digits close together
    quads: list[Window]  # three dots close together, digits about them
    colons: list[Window]  # what a public IPv6 address begins with: 2 or 3, three hex digits, a colon
    accounts: list[int]  # where an IBAN may begin: two capitals and two digits
    disguises: list[int]  # where the bracket of `[at]` may close

    @staticmethod
    def of(text: str) -> "Places":
        """The windows of `text`."""
        # One byte a code point, so that positions are the same; what is not ASCII becomes a question mark.
        data = text.encode("ascii", "replace")
        flat, classes = (np.frombuffer(each, np.uint8) for each in (data, data.translate(_CLASSES)))
        at = np.flatnonzero(classes)
        digits, dots, colons, closing = (at[classes[at] == n] for n in (_DIGIT, _DOT, _COLON, _CLOSING))
        # A short text takes the time of numpy's calls, not of its work: none where there is nothing.
        return Places(
            numbers=_numbers(digits, len(flat)) if len(digits) >= NUMBER_DIGITS else [],
            quads=_quads(classes, dots) if len(dots) >= QUAD_DOTS else [],
            colons=_colons(flat, colons) if len(colons) else [],
            accounts=_accounts(flat, classes, digits) if len(digits) >= NUMBER_DIGITS else [],
            disguises=_disguises(flat, closing) if len(closing) else [],
        )


def _numbers(digits: Positions, length: int) -> list[Window]:
    return _windows(*_close(digits, NUMBER_DIGITS, NUMBER_CHARS), length)


def _close(positions: Positions, count: int, chars: int) -> tuple[Positions, Positions]:
    """First and last position of each `count` neighbours that lie within `chars` characters."""
    first, last = positions[: -(count - 1)], positions[count - 1 :]
    near = last - first < chars
    return first[near], last[near]


def _quads(classes: Bytes, dots: Positions) -> list[Window]:
    dots = dots[(dots > 0) & (dots < len(classes) - 1)]
    dots = dots[(classes[dots - 1] == _DIGIT) & (classes[dots + 1] == _DIGIT)]
    return _windows(*_close(dots, QUAD_DOTS, QUAD_CHARS), len(classes))


def _colons(flat: Bytes, colons: Positions) -> list[Window]:
    colons = colons[colons >= 4]
    colons = colons[(flat[colons - 4] == ord("2")) | (flat[colons - 4] == ord("3"))]
    for before in (3, 2, 1):
        colons = colons[_HEX[flat[colons - before]]]
    return _windows(colons, colons, len(flat))


def _accounts(flat: Bytes, classes: Bytes, digits: Positions) -> list[int]:
    at = digits[(digits >= 2) & (digits < len(flat) - 1)]
    for before in (1, 2):
        at = at[(flat[at - before] >= ord("A")) & (flat[at - before] <= ord("Z"))]
    at = at[classes[at + 1] == _DIGIT]
    inside = (at >= 3) & _ALNUM[flat[at - 3]]
    return list((at[~inside] - 2).tolist())


def _disguises(flat: Bytes, closing: Positions) -> list[int]:
    closing = closing[closing >= 3]
    before = np.where(flat[closing - 1] == ord(" "), flat[closing - 2], flat[closing - 1])
    return list(closing[_LAST_OF_AT[before]].tolist())


def _windows(first: Positions, last: Positions, length: int) -> list[Window]:
    return list(_merged(first.tolist(), last.tolist(), length))


def _merged(first: list[int], last: list[int], length: int) -> Iterator[Window]:
    """The windows that reach REACH beyond each pair; those that touch are one."""
    start = end = -1
    for low, high in zip(first, last, strict=True):
        if low - REACH > end:
            if end >= 0:
                yield start, end
            start = max(low - REACH, 0)
        end = min(high + REACH, length)
    if end >= 0:
        yield start, end
