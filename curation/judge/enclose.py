"""A text that is asked about, enclosed so that it cannot end its own enclosure.

    <document-NONCE>
    "the text as one line of JSON"
    </document-NONCE>

The text is JSON, so it has no line of its own to close with; and the nonce depends on the text and on a key
that only the lake has, so whoever writes the text cannot put it in. Escaped is what JSON escapes and what
else ends a line: tags and quotation marks in the text stay readable to the model. `open_` is what a server
that stands in for a model reads the text with.
"""

import hashlib
import hmac
import json
import re

from curation.document import content_hash

NONCE_HEX_DIGITS = 16
_LINE_ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}  # JSON leaves these as they are

_ENCLOSED = re.compile(
    rf'^<document-([0-9a-f]{{{NONCE_HEX_DIGITS}}})>\n(".*")\n</document-\1>$', re.MULTILINE
)


def enclose(text: str, prompt_digest: str, key: bytes) -> str:
    """`text` as JSON between delimiters whose nonce it does not contain."""
    encoded = json.dumps(text, ensure_ascii=False).translate(_LINE_ENDS)
    mark = nonce(text, prompt_digest, key)
    return f"<document-{mark}>\n{encoded}\n</document-{mark}>"


def nonce(text: str, prompt_digest: str, key: bytes) -> str:
    """16 hex digits: HMAC-SHA256 of the digests of text and prompt, counted on until absent from the text."""
    digest = content_hash("enclosed", text)
    count = 0
    while True:
        message = f"{digest}{prompt_digest}{count}".encode()
        found = hmac.new(key, message, hashlib.sha256).hexdigest()[:NONCE_HEX_DIGITS]
        if found not in text:
            return found
        count += 1


def open_(message: str) -> str | None:
    """The text that `enclose` put into `message`, the first of several; None if there is none."""
    match = _ENCLOSED.search(message)
    return json.loads(match.group(2)) if match else None
