"""Payment cards: the numbers of the large issuers (ISO/IEC 7812), by prefix, length and Luhn's check digit.

Found in one piece or grouped as cards are (4-4-4-4, Amex 4-6-5, Diners 4-6-4), with spaces or hyphens. One
number in ten passes Luhn's check, so a number in a URL, a decimal fraction or a longer number is left alone.
Visa's old numbers of 13 digits are not looked for: article numbers (EAN) look the same.
"""

import re
from collections.abc import Iterator

from curation.text.pii.around import in_url
from curation.text.pii.places import Places

_card = re.compile(
    r"(?<![\w.,#=+/$€£¥-])(?<!\d[ \u00a0])"
    r"(?:\d{14,19}|\d{4}([ \u00a0-])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?"
    r"|\d{4}([ \u00a0-])\d{6}\2\d{4,5}|6\d{5} \d{13})"
    r"(?![\d_A-Za-z%])(?![ \u00a0]\d{4}(?!\d))(?![.,-]\d)",
    re.ASCII,
)
# first and last prefix of an issuer, and the lengths of its numbers
_ISSUERS = (
    ("4", "4", (16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("6011", "6011", (16, 19)),  # Discover
    ("644", "659", (16, 19)),
    ("300", "305", (14,)),  # Diners Club
    ("309", "309", (14,)),
    ("36", "36", (14,)),
    ("38", "39", (14,)),
    ("3528", "3589", (16, 19)),  # JCB
    ("62", "62", (16, 17, 18, 19)),  # UnionPay
    ("2200", "2204", (16,)),  # Mir
    ("5018", "5018", (16,)),  # Maestro
    ("5020", "5020", (16,)),
    ("5038", "5038", (16,)),
    ("5893", "5893", (16,)),
    ("6304", "6304", (16,)),
    ("6759", "6763", (16,)),
    ("636297", "636297", (16,)),  # Elo
    ("636368", "636368", (16,)),
)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # the sum of the digits of twice a digit


def find(text: str, places: Places) -> Iterator[tuple[int, int]]:
    """(start, end) of each card number, in code points."""
    for start, end in places.numbers:
        for found in _card.finditer(text, start, end):
            digits = "".join(filter(str.isdigit, found[0]))
            if _has_issuer(digits) and _passes_luhn(digits) and not in_url(text, found.start()):
                yield found.span()


def _has_issuer(digits: str) -> bool:
    return any(
        len(digits) in lengths and first <= digits[: len(first)] <= last for first, last, lengths in _ISSUERS
    )


def _passes_luhn(digits: str) -> bool:
    backwards = [int(digit) for digit in reversed(digits)]
    return (sum(backwards[::2]) + sum(_DOUBLED[digit] for digit in backwards[1::2])) % 10 == 0
