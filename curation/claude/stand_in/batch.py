"""A message batch as the stand-in keeps it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

COUNTS = ("succeeded", "errored", "canceled", "expired")


@dataclass(frozen=True)
class Batch:
    """Times are ISO 8601 in UTC. `counts` is empty until the batch has ended."""

    id: str
    number: int  # in the order of creation
    size: int
    created_at: str
    delay_ratio: float | None = 1.0  # of the time that others take; None: it never ends
    is_foreign: bool = False  # another user's: none of its requests is answered
    is_canceled_midway: bool = False
    cancel_initiated_at: str | None = None
    ended_at: str | None = None
    counts: dict[str, int] | None = None

    def wire(self, url: str) -> dict[str, Any]:
        """The API's object; `url` is the server's own address."""
        ended = self.ended_at is not None
        canceling = self.cancel_initiated_at is not None
        counts = dict.fromkeys(COUNTS, 0) | (self.counts or {})
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": "ended" if ended else "canceling" if canceling else "in_progress",
            "request_counts": {"processing": 0 if ended else self.size, **counts},
            "created_at": self.created_at,
            "expires_at": self.expires_at.isoformat(),
            "ended_at": self.ended_at,
            "cancel_initiated_at": self.cancel_initiated_at,
            "archived_at": None,
            "results_url": f"{url}/v1/messages/batches/{self.id}/results" if ended else None,
        }

    @property
    def expires_at(self) -> datetime:
        return datetime.fromisoformat(self.created_at) + timedelta(hours=24)
