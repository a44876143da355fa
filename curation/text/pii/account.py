"""IBANs: International Bank Account Numbers (ISO 13616), by country, length and check digits.

Found in one piece or with single spaces or hyphens, in capitals. The check (mod 97) lets one wrong number in
97 through; the length and the country remove most of these.
"""

import re
from collections.abc import Iterator

from curation.text.pii.around import is_word
from curation.text.pii.places import Places

# SWIFT's IBAN registry: the length of the whole number by country
_LENGTHS = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29
ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20
LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29
PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20
YE30
"""
LENGTHS = {entry[:2]: int(entry[2:]) for entry in _LENGTHS.split()}

_characters = re.compile(r"[A-Z]{2}[0-9]{2}(?:[ \u00a0-]?[A-Z0-9]){11,30}")


def find(text: str, places: Places) -> Iterator[tuple[int, int]]:
    """(start, end) of each IBAN, in code points."""
    for start in places.accounts:
        length = LENGTHS.get(text[start : start + 2])
        found = _characters.match(text, start) if length else None
        end = _end(found, length) if found and length else None
        if end and not is_word(text[end : end + 1]):
            yield start, end


def _end(found: re.Match[str], length: int) -> int | None:
    """Where the number of `length` characters ends, if its check digits are right."""
    places = [n for n, char in enumerate(found[0]) if char.isalnum()]
    if len(places) < length:
        return None
    end = places[length - 1] + 1
    number = "".join(filter(str.isalnum, found[0][:end]))
    if int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 != 1:
        return None
    return found.start() + end
