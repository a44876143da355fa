"""Requests in message batches: of one model and one prompt each, within the API's limits. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from curation.claude.request import Request
from curation.errors import ClaudeError

_ENVELOPE_BYTES = len('{"requests":[]}')

_Kind = tuple[str, str]  # model and prompt digest


@dataclass(frozen=True)
class Limits:
    """`requests` and `bytes` of one message batch, by default the API's; `queue` is how many requests may be
    with the service in batches that have not ended, by default the smallest account's."""

    requests: int = 100_000
    bytes: int = 256_000_000
    queue: int = 200_000


OF_THE_API = Limits()


def split(requests: Iterable[Request], limits: Limits) -> Iterator[list[Request]]:
    """Groups of one model and prompt within the limits, each request once, read as they come: no more than
    one message batch is held. ClaudeError for a request that is beyond the bytes by itself."""
    filling: dict[_Kind, dict[str, Request]] = {}
    sizes: dict[_Kind, int] = {}
    room = limits.bytes - _ENVELOPE_BYTES
    for request in requests:
        size = request.bytes + 1  # and a comma
        if size > room:
            raise ClaudeError(
                f"a request of {size:,} bytes (text {request.text_digest}) is beyond the {limits.bytes:,} of "
                "a message batch; truncate the text"
            )
        kind = (request.model, request.prompt_digest)
        if request.key in filling.get(kind, ()):
            continue
        while sum(sizes.values()) + size > room or sum(map(len, filling.values())) >= limits.requests:
            fullest = max(sizes, key=sizes.__getitem__)
            del sizes[fullest]
            yield list(filling.pop(fullest).values())
        filling.setdefault(kind, {})[request.key] = request
        sizes[kind] = sizes.get(kind, 0) + size
    yield from (list(group.values()) for group in filling.values())
