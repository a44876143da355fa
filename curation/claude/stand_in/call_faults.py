"""What goes wrong with calls: functions from the reply that there would be to the one that there is.

Each raises ApiError where the service says what is wrong, and draws what it needs from the generator given.
"""

import random
from dataclasses import replace
from typing import NoReturn

from curation.claude.stand_in.reply import HANG_UP, LINES_KIND, Reply
from curation.claude.stand_in.wire import ApiError, not_found

_REPEATED_RATIO = 0.3  # of result lines
_BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


def unknown(reply: Reply, rng: random.Random) -> NoReturn:
    """As seen in anthropics/anthropic-sdk-python#1432: seconds and minutes after the batch was made."""
    raise not_found("message batch: not found")


def rate_limited(reply: Reply, rng: random.Random) -> NoReturn:
    raise ApiError(429, "rate_limit_error", "too many requests", headers={"retry-after": "1"})


def rate_limited_bare(reply: Reply, rng: random.Random) -> NoReturn:
    raise ApiError(429, "rate_limit_error", "too many requests")


def spend_limited(reply: Reply, rng: random.Random) -> NoReturn:
    details = {"error_code": "enforced_spend_limit_reached"}
    raise ApiError(429, "rate_limit_error", "the account's spend limit is reached", details=details)


def overloaded(reply: Reply, rng: random.Random) -> NoReturn:
    raise ApiError(529, "overloaded_error", "overloaded")


def failed(reply: Reply, rng: random.Random) -> Reply:
    status = rng.choice((500, 502, 504))
    if status == 502:  # a proxy's page, not the API's words
        return Reply(502, _BAD_GATEWAY, "text/html")
    raise ApiError(status, "api_error" if status == 500 else "timeout_error", "the service failed")


def lost(reply: Reply, rng: random.Random) -> Reply:
    return HANG_UP


def garbled(reply: Reply, rng: random.Random) -> Reply:
    """A success in name: a login page, the beginning of a JSON object, or nothing."""
    body, kind = rng.choice(
        (
            (b"<html><body>Log in to the hotel's network</body></html>", "text/html"),
            (reply.read()[: reply.size // 2], reply.kind),
            (b"", reply.kind),
        )
    )
    return replace(reply, body=body, kind=kind)


def cut(reply: Reply, rng: random.Random) -> Reply:
    """The first lines, or these and a part of one; with the length of all promised, or no length."""
    whole = reply.read()
    part = whole[: rng.randrange(len(whole))] if whole else b""
    if rng.random() < 0.5:
        part = part[: part.rfind(b"\n") + 1]
    unsent = len(whole) - len(part) if rng.random() < 0.5 else None
    return replace(reply, body=part, unsent=unsent)


def repeated(reply: Reply, rng: random.Random) -> Reply:
    lines = reply.read().splitlines(keepends=True)
    twice = [line for line in lines if rng.random() < _REPEATED_RATIO] or lines[:1]
    return Reply(reply.status, b"".join(lines + twice), LINES_KIND)


def shuffled(reply: Reply, rng: random.Random) -> Reply:
    lines = reply.read().splitlines(keepends=True)
    rng.shuffle(lines)
    return Reply(reply.status, b"".join(lines), LINES_KIND)
