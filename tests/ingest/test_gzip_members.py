"""Members are found where they begin, and damage to one is not damage to the next."""

import gzip
import io
import random

from curation.ingest.gzip_members import members


def read(data: bytes) -> list[tuple[int, bytes, str | None]]:
    found = []
    for member in members(io.BytesIO(data), b"text"):
        content = b"".join(member.content())
        found.append((member.offset, content, member.damage and member.damage[0]))
    return found


def test_members_come_with_their_offsets() -> None:
    one, two = gzip.compress(b"text one"), gzip.compress(b"")
    assert read(one + two + one) == [
        (0, b"text one", None),
        (len(one), b"", None),
        (len(one + two), b"text one", None),
    ]


def test_content_comes_in_chunks_of_bounded_size() -> None:
    member = next(members(io.BytesIO(gzip.compress(b"x" * 10_000_000)), b""))
    sizes = [len(chunk) for chunk in member.content()]
    assert sum(sizes) == 10_000_000
    assert max(sizes) <= 1 << 16


def test_a_false_beginning_within_damage_is_not_taken_for_a_member() -> None:
    other = gzip.compress(b"not what is looked for")
    good = gzip.compress(b"text")
    damaged = bytearray(gzip.compress(random.Random(0).randbytes(1_000)))
    damaged[-5] ^= 1  # the checksum
    assert [(at, fault) for at, _, fault in read(bytes(damaged) + other + good)] == [
        (0, "damaged_gzip"),
        (len(damaged + other), None),
    ]
