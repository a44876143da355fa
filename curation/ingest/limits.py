"""What a page may not be for a parser to be let near it: tags nested too deep, or too many of them."""

import numpy as np

from curation.ingest.outcome import UnreadableError
from curation.text.nesting import deepest

MAX_DEPTH = 2_000
"""Open tags at a time; 50 is the most that 2,528 real pages had. Resiliparse takes time that grows with the
square of the depth: 20 ms at 1,000 nested `<div>`, 1.8 s at 10,000, minutes at 100,000; `<font>` and `<p>`
in turns take memory that grows so."""
MAX_TAGS = 400_000
"""And comments; 25,496 is the most that 2,528 real pages had. A tag takes about 700 bytes of memory for the
while."""


def check(html: bytes) -> None:
    """Raises UnreadableError for a page, in UTF-8, beyond these limits: `nested_too_deep`, `too_many_tags`.
    What they do not foresee is caught by `sandbox`."""
    codes = np.frombuffer(html, np.uint8)
    signs = np.count_nonzero(codes == ord("<"))
    if signs <= MAX_DEPTH:
        return
    closing = np.count_nonzero((codes[:-1] == ord("<")) & (codes[1:] == ord("/")))
    if signs <= MAX_TAGS and signs - closing <= MAX_DEPTH:
        return
    most, tags = map(int, deepest(codes))
    if tags > MAX_TAGS:
        raise UnreadableError("too_many_tags", f"{tags} tags; the limit is {MAX_TAGS}")
    if most > MAX_DEPTH:
        raise UnreadableError("nested_too_deep", f"{most} tags in each other; the limit is {MAX_DEPTH}")
