"""A token bucket of requests a minute, as the Messages API limits them and tells of it in headers."""

import math
import threading
from datetime import UTC, datetime, timedelta

from curation.claude.stand_in.wire import ApiError


class Bucket:
    """Full at first; it fills evenly. A request takes one."""

    def __init__(self, requests_a_minute: int) -> None:
        self._size = requests_a_minute
        self._left = float(requests_a_minute)
        self._read_at = 0.0
        self._lock = threading.Lock()

    def take(self, now: float) -> dict[str, str]:
        """The headers of a request at `now`, seconds of a monotonic clock; ApiError 429 where the bucket is
        empty."""
        a_second = self._size / 60
        with self._lock:
            if self._read_at:
                self._left = min(self._size, self._left + (now - self._read_at) * a_second)
            self._read_at = now
            taken = self._left >= 1
            self._left -= taken
            left = self._left
        full_at = datetime.now(UTC) + timedelta(seconds=(self._size - left) / a_second)
        headers = {
            "anthropic-ratelimit-requests-limit": str(self._size),
            "anthropic-ratelimit-requests-remaining": str(int(left)),
            "anthropic-ratelimit-requests-reset": full_at.isoformat(timespec="seconds").replace(
                "+00:00", "Z"
            ),
        }
        if taken:
            return headers
        wait = {"retry-after": str(math.ceil((1 - left) / a_second))}
        message = f"{self._size} requests a minute are allowed"
        raise ApiError(429, "rate_limit_error", message, headers=headers | wait)
