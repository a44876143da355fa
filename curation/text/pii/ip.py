"""IP addresses that can be a person's: public, of one host.

Not found: what is not public (private, loopback, link-local, shared, documentation, multicast, reserved),
the address of a network (ends in .0 or ::), the resolvers that everybody names (8.8.8.8), and dotted quads
that are rather versions or numbers of sections: all four numbers below 40 (one address in 1,700 is so), after
a word such as `version` or a name with a hyphen or slash (`Chrome/119.0.45.105`).
"""

import ipaddress
import re
from collections.abc import Iterator

from curation.text.pii.places import Places

SMALL = 40

_octet = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_v4 = re.compile(
    rf"(?<![A-Za-z0-9_.])(?<![A-Za-z]-)(?<![A-Za-z0-9]/)(?:{_octet}\.){{3}}{_octet}"
    r"(?![A-Za-z0-9_])(?!\.\d)(?!-\d{1,3}(?![\d.]))(?!-[A-Za-z])(?![~+]\w)",
    re.ASCII,
)
_v6 = re.compile(
    r"(?<![\w:.])[23][0-9a-fA-F]{3}:(?:[0-9a-fA-F]{0,4}:){1,6}[0-9a-fA-F]{1,4}(?![\w:])(?!\.\d)", re.ASCII
)
_version = re.compile(
    r"(?:\bv|\b(?:vers\w{0,4}|ver|wersj\w|verze|sürüm|release|rel|build|kernel|firmware|driver|software|update"
    r"|patch|chapter|section|sect?|clause|table|figure|fig|sdk|kapitel|abschnitt|cap[ií]tulo|sección"
    r"|OID)|верси[яию]|раздел|版本|版|バージョン|버전|§)[ .:#]{0,3}\Z",
    re.IGNORECASE,
)
_RESOLVERS = {
    "8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "208.67.222.222", "208.67.220.220",
    "2001:4860:4860::8888", "2001:4860:4860::8844", "2606:4700:4700::1111", "2606:4700:4700::1001",
}  # fmt: skip


def find(text: str, places: Places) -> Iterator[tuple[int, int]]:
    """(start, end) of each address, in code points."""
    for start, end in places.quads:
        for found in _v4.finditer(text, start, end):
            if _is_host(found[0]) and not _is_version(text, found):
                yield found.span()
    for start, end in places.colons:
        for found in _v6.finditer(text, start, end):
            if _is_host(found[0]):
                yield found.span()


def _is_host(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    network = ip.packed[-1] == 0 if ip.version == 4 else ip.packed[-8:] == bytes(8)
    return ip.is_global and not ip.is_multicast and not network and str(ip) not in _RESOLVERS


def _is_version(text: str, found: re.Match[str]) -> bool:
    if all(int(octet) < SMALL for octet in found[0].split(".")):
        return True
    return bool(_version.search(text, max(found.start() - 16, 0), found.start()))
