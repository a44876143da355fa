"""Message batches from intent to landed rows, as verbs that a loop or an Airflow operator can call.

    plan     which requests the ledger lacks, claimed and split into batches
    submit   intent into the ledger, one POST without retries, id into the ledger
    resolve  an intent without an id: was the batch made? (the process died, or the answer got lost)
    poll     ask for the status; the decision is `decide.after_poll`
    land     raw results into a folder, then from there into the ledger
    advance  the one of resolve, poll and land that a batch needs next

Each is safe to repeat and safe to kill. A batch that was paid for is never sent again without being told to.
"""

import logging
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import anthropic
from anthropic.types.messages import MessageBatch as Listed

from curation.claude import decide
from curation.claude.client import described
from curation.claude.decide import Decision, Fate, Patience, Verdict
from curation.claude.ledger import Ledger, MessageBatch
from curation.claude.prices import is_free
from curation.claude.request import NONCE_CHARS, Request, canonical, key_of
from curation.claude.results import first_custom_id, land
from curation.errors import ClaudeError

__all__ = ["Limits", "Planned", "advance", "land", "plan", "poll", "resolve", "split", "submit"]

log = logging.getLogger(__name__)

CREATE_TIMEOUT_SECONDS = 300.0  # below Patience.create_grace_seconds
CLOCK_SKEW_SECONDS = 3600.0  # between this machine and the service
_LIST_PAGE = 100
_ENVELOPE_BYTES = len('{"requests":[]}')


@dataclass(frozen=True)
class Limits:
    """Of one message batch; the defaults are the API's."""

    requests: int = 100_000
    bytes: int = 256_000_000


@dataclass(frozen=True)
class Planned:
    """A message batch that may be submitted: claimed in the ledger, not sent."""

    nonce: str
    requests: tuple[Request, ...]


def plan(ledger: Ledger, requests: Iterable[Request], *, limits: Limits | None = None) -> list[Planned]:
    """The requests that the ledger lacks and no live batch holds, claimed, in batches within the limits.

    Batches that a killed run planned and never sent are taken over. Raises ClaudeError for a model
    without a price.
    """
    by_key = {request.key: request for request in requests}
    for model in {request.model for request in by_key.values()}:
        is_free(model)
    planned = list(_taken_over(ledger, by_key))
    missing = ledger.missing(by_key)
    held = ledger.claimed(missing)
    for part in split([by_key[key] for key in missing if key not in held], limits or Limits()):
        nonce = secrets.token_hex(NONCE_CHARS // 2)
        got = ledger.plan(nonce, part)
        if got:
            planned.append(Planned(nonce, tuple(request for request in part if request.key in got)))
    return planned


def _taken_over(ledger: Ledger, by_key: dict[str, Request]) -> Iterator[Planned]:
    for batch in ledger.live(by_key):
        if batch.state != "planned":
            continue
        keys = ledger.held(batch.nonce)
        if keys and all(key in by_key for key in keys):
            yield Planned(batch.nonce, tuple(by_key[key] for key in keys))
        else:  # it holds requests that this run cannot write out
            ledger.unplan(batch.nonce)


def split(requests: Sequence[Request], limits: Limits) -> Iterator[list[Request]]:
    """Groups of one model each, within the limits, in order. ClaudeError for a request beyond the bytes."""
    parts: dict[str, list[Request]] = {}
    sizes: dict[str, int] = {}
    for request in requests:
        size = len(canonical(request.entry("-" * NONCE_CHARS)).encode()) + 1  # and a comma
        if _ENVELOPE_BYTES + size > limits.bytes:
            raise ClaudeError(
                f"a request of {size:,} bytes (text {request.text_digest}) is beyond the {limits.bytes:,} of "
                "a message batch; truncate the text"
            )
        part = parts.setdefault(request.model, [])
        if part and (len(part) == limits.requests or sizes[request.model] + size > limits.bytes):
            yield part
            part = parts[request.model] = []
        sizes[request.model] = size + (sizes[request.model] if part else _ENVELOPE_BYTES)
        part.append(request)
    yield from (part for part in parts.values() if part)


def submit(client: anthropic.Anthropic, ledger: Ledger, planned: Planned) -> float | None:
    """Send a planned batch, once. Seconds to wait before it may be tried again, 0.0 unless the service is
    busy; None where another process has sent or dissolved it meanwhile. Where the answer is lost the batch
    stays `submitting`, for `resolve`.
    Raises ClaudeError where the service refuses or cannot be reached."""
    if not ledger.submitting(planned.nonce):
        return None
    entries = [request.entry(planned.nonce) for request in planned.requests]
    once = client.with_options(max_retries=0, timeout=CREATE_TIMEOUT_SECONDS)
    try:
        created = once.messages.batches.create(requests=entries)  # type: ignore[arg-type]
    except anthropic.AnthropicError as error:
        return _not_created(client, ledger, planned.nonce, error)
    if isinstance(getattr(created, "id", None), str):  # else the answer was garbled: unknown
        ledger.submitted(planned.nonce, created.id)
        log.info("message batch %s: %d requests sent", created.id, len(entries))
    return 0.0


def _not_created(
    client: anthropic.Anthropic, ledger: Ledger, nonce: str, error: anthropic.AnthropicError
) -> float:
    fate = decide.after_create(error)
    what = described(error, client)
    if fate is Fate.UNKNOWN:
        log.warning("message batch %s may or may not have been made: %s", nonce, what)
        return 0.0
    if fate is Fate.REFUSED:
        ledger.failed(nonce, what)
        raise ClaudeError(f"the message batch was refused: {what}") from error
    ledger.not_submitted(nonce)
    if fate is Fate.BUSY and isinstance(error, anthropic.APIError):
        return decide.retry_after(error) or Patience().poll_seconds
    raise ClaudeError(
        f"no message batch could be made: {what}; check the key, the base URL and the account, then run again"
    ) from error


def resolve(
    client: anthropic.Anthropic,
    ledger: Ledger,
    batch: MessageBatch,
    *,
    failures: int = 0,
    patience: Patience | None = None,
) -> Decision:
    """Find out whether a batch in `submitting` was made: adopt it, or allow it to be sent again, or leave
    it for later while that cannot be told.

    A message batch lists no custom ids. One of our size and time that this ledger does not know may be ours
    until it has ended and its first result line says whose it is; others' batches are only looked at.
    """
    patience = patience or Patience.of(batch.model)
    age_seconds = time.time() - (batch.submitting_at or 0.0)
    try:
        found, undecided = _look_for(client, ledger, batch)
    except anthropic.APIError as error:
        log.warning("message batch %s cannot be looked for: %s", batch.nonce, described(error, client))
        return decide.after_poll(error, failures=failures, age_seconds=age_seconds, patience=patience)
    if found:
        log.info("message batch %s: found again, taken up", found)
        ledger.submitted(batch.nonce, found)
    elif not undecided and age_seconds > patience.create_grace_seconds:
        ledger.not_submitted(batch.nonce)
    return Decision(Verdict.WAIT, patience.poll_seconds)


def _look_for(client: anthropic.Anthropic, ledger: Ledger, batch: MessageBatch) -> tuple[str | None, bool]:
    """The id of `batch` at the service, and whether some batch there may yet turn out to be it."""
    since = batch.submitting_at or 0.0
    undecided = False
    for listed in client.messages.batches.list(limit=_LIST_PAGE):
        if listed.created_at.timestamp() < since - CLOCK_SKEW_SECONDS:
            break
        if not _may_be(listed, batch, since) or ledger.known([listed.id]):
            continue
        if listed.processing_status != "ended":
            undecided = True
        elif key_of(first_custom_id(client, listed.id) or "", batch.nonce) is not None:
            return listed.id, False
    return None, undecided


def _may_be(listed: Listed, batch: MessageBatch, since: float) -> bool:
    counts = listed.request_counts
    total = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
    latest = since + CREATE_TIMEOUT_SECONDS + CLOCK_SKEW_SECONDS
    return total == batch.request_count and listed.created_at.timestamp() <= latest


def poll(
    client: anthropic.Anthropic,
    ledger: Ledger,
    batch: MessageBatch,
    *,
    failures: int = 0,
    patience: Patience | None = None,
) -> Decision:
    """Ask for the status of a submitted batch; one that has ended is `ended` in the ledger too."""
    seen: Listed | anthropic.APIError
    try:
        seen = client.with_options(max_retries=0).messages.batches.retrieve(batch.batch_id or "")
    except anthropic.APIError as error:
        log.warning("message batch %s: %s", batch.batch_id, described(error, client))
        seen = error
    decision = decide.after_poll(
        seen,
        failures=failures,
        age_seconds=time.time() - (batch.submitted_at or 0.0),
        patience=patience or Patience.of(batch.model),
    )
    if decision.verdict is Verdict.ENDED:
        ledger.ended(batch.nonce)
    return decision


def advance(
    client: anthropic.Anthropic,
    ledger: Ledger,
    raw: str,
    batch: MessageBatch,
    *,
    failures: int = 0,
    patience: Patience | None = None,
) -> Decision:
    """Take a live batch (submitting, submitted or ended) one step further. ENDED when it holds no requests
    any more (landed, or free and lost), else WAIT. Raises ClaudeError for a paid batch that cannot be had:
    nothing is sent again."""
    patience = patience or Patience.of(batch.model)
    if batch.state in ("submitting", "submitted"):
        step = resolve if batch.state == "submitting" else poll
        decision = step(client, ledger, batch, failures=failures, patience=patience)
        if decision.verdict in (Verdict.LOST, Verdict.FAILED):
            return _given_up(ledger, batch, decision)
        if decision.verdict is Verdict.WAIT:
            return decision
    land(client, ledger, raw, batch.nonce, patience=patience)
    return Decision(Verdict.ENDED)


def _given_up(ledger: Ledger, batch: MessageBatch, decision: Decision) -> Decision:
    if decision.verdict is Verdict.LOST and is_free(batch.model):
        log.warning("message batch %s is lost, and was free: %s", batch.batch_id, decision.reason)
        ledger.failed(batch.nonce, decision.reason)
        return Decision(Verdict.ENDED)
    raise ClaudeError(
        f"message batch {batch.batch_id or batch.nonce} of {batch.request_count:,} requests: "
        f"{decision.reason}. It is paid for and not sent again: use the key and base URL it was sent with, "
        f"and run again; or give it up with Ledger.failed({batch.nonce!r}, …) and pay for it again"
    )
