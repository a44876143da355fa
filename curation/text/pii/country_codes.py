"""International phone numbers: which country codes there are, and how many digits follow each (ITU E.164)."""

import re

# digits after the country code, at least and at most (ITU E.164 national plans); others: 6 to 12
_COUNTRIES = """
1:10-10 7:10-10 20:8-10 27:9-9 30:10-10 31:9-9 32:8-9 33:9-9 34:9-9 36:8-9 39:6-11 40:9-9 41:9-9 43:7-12
44:9-10 45:8-8 46:7-9 47:8-8 48:9-9 49:7-11 51:8-9 52:10-10 53:6-8 54:10-11 55:10-11 56:9-9 57:8-10 58:10-10
60:8-10 61:9-9 62:8-12 63:8-10 64:8-10 65:8-8 66:8-9 81:9-10 82:8-10 84:9-10 86:10-11 90:10-10 91:10-10
92:9-10 93:9-9 94:9-9 95:7-10 98:10-10 351:9-9 353:7-9 354:7-7 358:6-11 359:8-9 370:8-8 371:8-8 372:7-8
380:9-9 381:8-9 385:8-9 386:8-8 420:9-9 421:9-9 852:8-8 853:8-8 886:8-9 966:8-9 971:8-9 972:8-9 211 212 213
216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 238 239 240 241 242 243 244
245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 266 267 268 269 290 291 297
298 299 350 352 355 356 357 373 374 375 376 377 378 382 383 387 389 423 500 501 502 503 504 505 506 507 508
509 590 591 592 593 594 595 596 597 598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686 687
688 689 690 691 692 800 808 850 855 856 870 880 881 882 883 888 960 961 962 963 964 965 967 968 970 973 974
975 976 977 979 992 993 994 995 996 998
"""
_LENGTHS = {
    code: tuple(map(int, (lengths or "6-12").split("-")))
    for code, _, lengths in (entry.partition(":") for entry in _COUNTRIES.split())
}


def number_length(number: str) -> int | None:
    """How many characters of `number`, in whole groups of digits, are a number of its country.

    None if none are. With 00 instead of + it must be all of them, and in more than one group: 00 begins
    many an identifier.
    """
    plus = "+" in number
    groups = [(group[0], group.end()) for group in re.finditer(r"[0-9]+", number) if not _is_trunk(group)]
    digits = "".join(group for group, _ in groups)[0 if plus else 2 :]
    code = next((digits[:n] for n in (1, 2, 3) if digits[:n] in _LENGTHS), None)
    if code is None or (code == "1" and digits[1:2] in ("0", "1")):
        return None
    if not plus:
        if len(groups) == 1 or len(groups[0][0]) > 5:
            return None
        groups = [(digits, groups[-1][1])]
    least, most = _LENGTHS[code]
    best, count = None, -len(code)
    for group, end in groups:
        count += len(group)
        if least <= count <= most:
            best = end
    return best


def _is_trunk(group: re.Match[str]) -> bool:
    """Whether it is the (0) of +49 (0)30, which is not dialled."""
    return group.string[max(group.start() - 1, 0) : group.end() + 1] == "(0)"
