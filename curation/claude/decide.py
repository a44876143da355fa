"""Pure decisions about a message batch: what an answer of the service, or its silence, means.

No clock, no network, no ledger: the plain loop, a trigger in Airflow and the tests all ask these.
"""

from dataclasses import dataclass
from enum import StrEnum

import anthropic
import httpx2
from anthropic.types.messages import MessageBatch

from curation.claude.outcome import lacks_money
from curation.claude.prices import is_free

_LONGEST_WAIT_SECONDS = 600.0  # a service may ask for hours; asking again sooner costs nothing
_FAILURES_MAX = 20  # polls in a row
# A message batch can be unknown for a moment at any age (anthropic-sdk-python#1432): it takes so many failed
# polls in a row, and its age, to believe that it is lost.
_FLICKERS_MAX = 5


@dataclass(frozen=True)
class Patience:
    """How long to wait for what, in seconds."""

    poll_seconds: float = 30.0
    create_grace_seconds: float = 360.0  # until a batch that is not listed was never created
    lost_grace_seconds: float = 600.0  # until a 404 is believed (fresh batches flicker)
    retry_seconds: float = 1.0  # of a request asked by itself, before it is asked again; then twice as long …
    silent_seconds: float = 60.0  # until the process that asks one by one is taken for dead

    @classmethod
    def of(cls, model: str) -> "Patience":
        """A stand-in answers at once and costs nothing, so what it lost is soon sent again."""
        return cls(0.25, 5.0, 5.0, 0.25, 5.0) if is_free(model) else cls()


class Verdict(StrEnum):
    WAIT = "wait"
    ENDED = "ended"
    ABSENT = "absent"  # it was sent, perhaps, and the service does not have it
    LOST = "lost"  # the service does not know the batch, or its results are gone
    FAILED = "failed"  # it cannot be asked: the key, the address or the network must change first


@dataclass(frozen=True)
class Decision:
    verdict: Verdict
    seconds: float = 0.0  # for WAIT: until the next poll
    reason: str = ""
    failures: int = 0  # polls in a row that failed, to be handed to the next decision


def after_poll(
    seen: MessageBatch | anthropic.APIError, *, failures: int, age_seconds: float, patience: Patience
) -> Decision:
    """What to do after asking for a batch's status. `failures` counts polls in a row that failed before
    this one; `age_seconds` is how long ago the batch was submitted."""
    if isinstance(seen, anthropic.APIError):
        return _after_failed_poll(seen, failures, age_seconds, patience)
    if seen.archived_at is not None:
        return Decision(Verdict.LOST, reason="its results were archived 29 days after it was made")
    if seen.processing_status == "ended":
        return Decision(Verdict.ENDED, failures=failures)  # its results may have failed to come before
    return Decision(Verdict.WAIT, patience.poll_seconds)


def _after_failed_poll(
    seen: anthropic.APIError, failures: int, age_seconds: float, patience: Patience
) -> Decision:
    status = seen.status_code if isinstance(seen, anthropic.APIStatusError) else None
    if status == 404 and failures >= _FLICKERS_MAX and age_seconds > patience.lost_grace_seconds:
        reason = "the service at this address does not know it"
        return Decision(Verdict.LOST, reason=reason, failures=failures)
    if status is not None and 400 <= status < 500 and status not in (404, 408, 409, 429):
        return Decision(Verdict.FAILED, reason=f"its status is refused with {status}", failures=failures)
    if failures >= _FAILURES_MAX:
        reason = f"its status could not be read {failures} times in a row"
        return Decision(Verdict.FAILED, reason=reason, failures=failures)
    wait = retry_after(seen) or patience.poll_seconds * min(2.0**failures, 20)
    return Decision(Verdict.WAIT, min(wait, _LONGEST_WAIT_SECONDS), failures=failures + 1)


def look_again_seconds(age_seconds: float, patience: Patience) -> float:
    """Until the next look for a batch of unknown fate; the longer it has been, the rarer: others' batches
    that hide it take up to a day, and each look is a task's."""
    return max(patience.poll_seconds, min(age_seconds / 10, _LONGEST_WAIT_SECONDS))


class Fate(StrEnum):
    """What became of a batch whose creation raised."""

    BUSY = "busy"  # certainly not made; the same may be sent after a while
    UNREACHED = "unreached"  # certainly not made; the service was not reached, or wants another key or money
    REFUSED = "refused"  # certainly not made; the same will be refused again
    UNKNOWN = "unknown"  # it may have been made: never send again before that is known


def after_create(error: anthropic.AnthropicError) -> Fate:
    """The fate of a message batch whose creation raised `error`, with no retries by the SDK."""
    if isinstance(error, anthropic.APIStatusError):
        return _after_status(error)
    if isinstance(error, anthropic.APIConnectionError):
        unsent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)
        return Fate.UNREACHED if isinstance(error.__cause__, unsent) else Fate.UNKNOWN
    return Fate.UNKNOWN if isinstance(error, anthropic.APIError) else Fate.UNREACHED


def _after_status(error: anthropic.APIStatusError) -> Fate:
    status = error.status_code
    words = error.api_message or "" if status == 400 else ""
    if lacks_money(error.error_code or "", words):  # waiting does not help, whatever the status
        return Fate.UNREACHED
    if status in (409, 429, 529):
        return Fate.BUSY
    if status == 408 or status >= 500 or status < 400:
        return Fate.UNKNOWN
    return Fate.UNREACHED if status in (401, 402, 403, 404) else Fate.REFUSED


def retry_after(error: anthropic.APIError) -> float | None:
    """Seconds that the service asked to wait, if it named a number of them."""
    if not isinstance(error, anthropic.APIStatusError):
        return None
    try:
        seconds = float(error.response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT_SECONDS)
