"""How fast a service is asked: decided from what it answers. Pure: no clock, no network, no chance.

As many requests are in flight as are allowed: half as many after a refusal, one more after each round of
answers (additive increase, multiplicative decrease: Chiu and Jain 1989, as TCP does). Nothing is sent before
the time that a `retry-after` names, nor while the headers `anthropic-ratelimit-*` say that nothing is left.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime

_LOOK_SECONDS = 0.05  # between looks whether another request has come back
_DOUBLINGS_MAX = 6  # of the time between failures in a row
_FAILURES_MAX = 20  # in a row
_KEPT_RATIO = 0.9  # of the mean of tokens, as each answer moves it

_LIMITED = ("requests", "input-tokens", "output-tokens")


@dataclass
class Pace:
    """Times are seconds of one clock that only goes forward."""

    concurrency: int  # in flight at most
    allowed: float = field(init=False)  # in flight at most, for now
    resume_at: float = 0.0
    failures: int = 0  # in a row; what was sent before one of them was known belongs to the same
    _failed_at: float = float("-inf")
    _left: float = float("inf")  # requests that may be begun until `_more_at`
    _more_at: float = 0.0
    _tokens: dict[str, float] = field(default_factory=dict)  # that a request takes, by kind

    def __post_init__(self) -> None:
        self.allowed = float(self.concurrency)

    def wait_seconds(self, in_flight: int, now: float) -> float:
        """Until one more may be sent beside those in flight, or until that should be asked again; 0 to send
        it now."""
        if now < self.resume_at:
            return self.resume_at - now
        if in_flight >= int(self.allowed):
            return _LOOK_SECONDS
        if self._left < 1 and now < self._more_at:
            return self._more_at - now
        return 0.0

    def sent(self) -> None:
        self._left -= 1

    def answered(self, headers: Mapping[str, str], tokens: Mapping[str, int], now: float) -> None:
        """An answer came with these headers (lower case), and took so many `input-tokens` and
        `output-tokens`."""
        self.failures = 0
        self.allowed = min(float(self.concurrency), self.allowed + 1 / self.allowed)
        if "anthropic-ratelimit-requests-remaining" in headers:
            for kind, count in tokens.items():
                mean = self._tokens.get(kind, float(count))
                self._tokens[kind] = _KEPT_RATIO * mean + (1 - _KEPT_RATIO) * count
            self._left, seconds = headroom(headers, self._tokens)
            self._more_at = now + seconds

    def failed(
        self,
        sent_at: float,
        now: float,
        *,
        busy: bool,
        pause_seconds: float,
        retry_after: float | None = None,
        jitter: float = 0.0,
    ) -> None:
        """A request that was sent at `sent_at` was not answered: the service is `busy` (429, 529) or not
        there, or else something went wrong, which alone is no reason to slow down. `pause_seconds` is the
        shortest pause; `jitter` in [0, 1)."""
        if retry_after is not None:
            self.resume_at = max(self.resume_at, now + retry_after * (1 + jitter / 5))
        if sent_at < self._failed_at:
            return
        self._failed_at = now
        self.failures += 1
        if not busy and self.failures == 1:
            return
        self.allowed = max(1.0, self.allowed / 2)
        if retry_after is None:
            pause = pause_seconds * 2 ** min(self.failures - 1, _DOUBLINGS_MAX)
            self.resume_at = max(self.resume_at, now + pause * (1 + jitter) / 2)

    @property
    def is_hopeless(self) -> bool:
        return self.failures >= _FAILURES_MAX


def headroom(headers: Mapping[str, str], tokens: Mapping[str, float]) -> tuple[float, float]:
    """How many requests the tightest of the limits in `headers` leaves, and in how many seconds it leaves
    more; infinitely many if there are none. `tokens` are those that a request takes, by kind. The service's
    clock is read from its own `date`, so that it need not agree with ours."""
    found = [(float("inf"), 0.0)]
    for kind in _LIMITED if "date" in headers else ():
        left = headers.get(f"anthropic-ratelimit-{kind}-remaining")
        reset = headers.get(f"anthropic-ratelimit-{kind}-reset")
        if left and reset:
            try:
                until = datetime.fromisoformat(reset) - parsedate_to_datetime(headers["date"])
                begun = float(left) / max(tokens.get(kind, 1.0), 1.0)
                found.append((begun, max(until.total_seconds(), 0.0)))
            except (ValueError, TypeError):  # a proxy's own format, or a time without a zone
                continue
    return min(found)
