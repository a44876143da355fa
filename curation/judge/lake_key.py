"""The lake's secret: what makes the delimiters of documents impossible to foresee.

Made once for a lake, 32 random bytes. It changes no request's key in the ledger, so the same question in
another lake, or after the secret was lost, is the same question.
"""

import re
import secrets

from curation import storage
from curation.errors import LakeError
from curation.layout import Layout

KEY_BYTES = 32
_WRITTEN = re.compile(rb"[0-9a-f]{%d}" % (2 * KEY_BYTES))


def read(lake: Layout) -> bytes:
    """The secret of `lake`, made now if it has none; of several that make it at once one does. LakeError if
    the file is not one, or is not this user's to read."""
    if not storage.exists(lake.key):
        storage.create(lake.key, secrets.token_hex(KEY_BYTES).encode(), private=True)
    return _read(lake)


def look(lake: Layout) -> bytes:
    """The secret of `lake`; where it has none, one that is kept nowhere, to count and price what would be
    sent, never to send it."""
    return _read(lake) if storage.exists(lake.key) else secrets.token_bytes(KEY_BYTES)


def _read(lake: Layout) -> bytes:
    try:
        written = storage.read_bytes(lake.key)
    except PermissionError as error:
        raise LakeError(
            f"{lake.key} is another user's: run as the user who made the lake, or let a group read it"
        ) from error
    if not _WRITTEN.fullmatch(written):
        raise LakeError(
            f"{lake.key} has {len(written)} bytes and is no key of a lake: remove it, and a new one is made"
        )
    return bytes.fromhex(written.decode())
