"""Message batches from intent to landed rows, as verbs that a loop or an Airflow operator can call.

    submit   intent into the ledger, one POST without retries, id into the ledger
    resolve  an intent without an id: was the batch made? (the process died, or the answer got lost)
    poll     ask for the status; the decision is `decide.after_poll`
    land     raw results into a folder, then from there into the ledger
    advance  the one of resolve, poll and land that a batch needs next

Each is safe to repeat and safe to kill. A batch that was paid for is never sent again without being told to.
"""

import logging
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import anthropic
from anthropic.types.messages import MessageBatch as Listed

from curation.claude import decide
from curation.claude.budget import NO_CAP, Admission, Budget, dollars
from curation.claude.client import described, whole
from curation.claude.decide import Decision, Fate, Patience, Verdict
from curation.claude.ledger import Ledger
from curation.claude.prices import is_free
from curation.claude.request import Request
from curation.claude.resolve import CREATE_TIMEOUT_SECONDS, resolve
from curation.claude.results import NotWhole, land
from curation.claude.rows import MessageBatch
from curation.errors import ClaudeError

log = logging.getLogger(__name__)

_BEATS = 3  # before a silent submitter is taken for dead
_FETCHES = 5  # of results, before the run ends


@dataclass(frozen=True)
class Planned:
    """A message batch that may be submitted: claimed in the ledger, not sent. `cached`: with a cache
    breakpoint after the system prompt."""

    nonce: str
    requests: tuple[Request, ...]
    cached: bool = True


def submit(
    client: anthropic.Anthropic,
    ledger: Ledger,
    planned: Planned,
    *,
    budget: Budget = NO_CAP,
    queue: int | None = None,
    patience: Patience | None = None,
) -> float | None:
    """Send a planned batch, once; 0.0 then, and where the answer got lost: it stays `submitting`, for
    `resolve`. Where the service, its queue or a cap has no room, the batch is dissolved: seconds to wait
    before the same may be planned again. None where another process has sent or dissolved it meanwhile.
    Raises ClaudeError where the service refuses or cannot be reached."""
    patience = patience or Patience.of(planned.requests[0].model)
    admission = ledger.submitting(planned.nonce, budget=budget, queue=queue)
    if admission is Admission.TAKEN:
        return None
    if admission is Admission.FULL:
        ledger.unplan(planned.nonce)
        return patience.poll_seconds
    entries = [request.entry(planned.nonce, cached=planned.cached) for request in planned.requests]
    once = client.with_options(max_retries=0, timeout=CREATE_TIMEOUT_SECONDS)
    try:
        ask = partial(once.messages.batches.create, requests=entries)  # type: ignore[arg-type]
        with _beating(ledger, planned.nonce, patience.create_grace_seconds / _BEATS):
            created = whole(ask, "id", client)
    except anthropic.AnthropicError as error:
        return _not_created(client, ledger, planned.nonce, error, patience)
    if ledger.submitted(planned.nonce, created.id):
        log.info("message batch %s: %d requests sent", created.id, len(entries))
    elif (batch := ledger.batch(planned.nonce)).state == "failed":
        log.warning(
            "message batch %s was given up while it was being sent (%s); it may cost %s, and its answers are "
            "not kept",
            *(created.id, batch.reason, dollars(batch.reserved)),
        )
    return 0.0


@contextmanager
def _beating(ledger: Ledger, nonce: str, seconds: float) -> Iterator[None]:
    """Say every so many seconds that the batch is being sent: 256 MB on a slow line take longer than another
    process would wait before it calls them absent."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(seconds):
            ledger.beat(nonce)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _not_created(
    client: anthropic.Anthropic,
    ledger: Ledger,
    nonce: str,
    error: anthropic.AnthropicError,
    patience: Patience,
) -> float:
    fate = decide.after_create(error)
    what = described(error, client)
    if fate is Fate.UNKNOWN:
        log.warning("message batch %s may or may not have been made: %s", nonce, what)
        return 0.0
    if fate is Fate.REFUSED:
        ledger.refused(nonce, what)
        raise ClaudeError(f"the message batch was refused: {what}") from error
    ledger.not_submitted(nonce)
    if fate is Fate.BUSY and isinstance(error, anthropic.APIError):
        log.info("the service is busy: %s", what)
        return decide.retry_after(error) or patience.poll_seconds
    raise ClaudeError(
        f"no message batch could be made: {what}; check the key, the base URL and the account, then run again"
    ) from error


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
        once = client.with_options(max_retries=0).messages.batches
        seen = whole(lambda: once.retrieve(batch.batch_id or ""), "processing_status", client)
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
    """Take a live batch one step further. ENDED when it holds no requests any more (landed, or free and
    lost), ABSENT when it was given up because the service does not have it, else WAIT. Raises ClaudeError for
    a paid batch that cannot be had: nothing is sent again."""
    patience = patience or Patience.of(batch.model)
    if batch.state == "planned":
        return _planned(ledger, batch, patience)
    if batch.kind == "direct":
        return _direct(ledger, batch, patience)
    if batch.state in ("submitting", "submitted"):
        step = resolve if batch.state == "submitting" else poll
        decision = step(client, ledger, batch, failures=failures, patience=patience)
        if decision.verdict in (Verdict.LOST, Verdict.FAILED):
            return _given_up(ledger, batch, decision)
        if decision.verdict is Verdict.ABSENT:
            return _absent(ledger, batch, decision.reason, patience)
        if decision.verdict is not Verdict.ENDED:
            return decision
        failures = 0  # those were of polls
    return _land(client, ledger, raw, batch, failures=failures, patience=patience)


def _land(
    client: anthropic.Anthropic,
    ledger: Ledger,
    raw: str,
    batch: MessageBatch,
    *,
    failures: int,
    patience: Patience,
) -> Decision:
    """Land an ended batch, or wait until its results may come whole; `failures` of that in a row before."""
    try:
        land(client, ledger, raw, batch.nonce)
    except NotWhole as error:
        if failures + 1 >= _FETCHES:
            raise
        log.warning("%s", error)
        seconds = patience.poll_seconds * (failures + 1)
        return Decision(Verdict.WAIT, seconds, failures=failures + 1)
    return Decision(Verdict.ENDED)


def land_others(client: anthropic.Anthropic, ledger: Ledger, raw: str, mine: Collection[str]) -> None:
    """Land what other runs have sent and has ended, all but `mine`. Of a run that died, of a recipe that has
    changed since, nobody else may ask for it; until it lands it takes room under caps and in the queue."""
    for batch in ledger.in_flight():
        if batch.nonce in mine or batch.state == "submitting":
            continue
        patience = Patience.of(batch.model)
        try:
            if poll(client, ledger, batch, failures=0, patience=patience).verdict is Verdict.ENDED:
                land(client, ledger, raw, batch.nonce)
        except ClaudeError as error:  # of another key or address, maybe: whoever wants it will be told
            log.info("message batch %s of another run cannot be had here: %s", batch.batch_id, error)


def _planned(ledger: Ledger, batch: MessageBatch, patience: Patience) -> Decision:
    """Its process is about to send it, or died before: then it is dissolved. One that was only slow finds
    that out, and plans again."""
    if time.time() - batch.planned_at < patience.poll_seconds:
        return Decision(Verdict.WAIT, patience.poll_seconds)
    ledger.unplan(batch.nonce)
    return Decision(Verdict.ENDED)


def _direct(ledger: Ledger, batch: MessageBatch, patience: Patience) -> Decision:
    """What another process asks one by one is waited for while that process is alive."""
    silent_seconds = time.time() - max(batch.beat_at or 0.0, batch.submitting_at or 0.0)
    if silent_seconds < patience.silent_seconds:
        return Decision(Verdict.WAIT, patience.poll_seconds)
    return _absent(ledger, batch, f"its process has been silent for {silent_seconds:.0f} seconds", patience)


def _absent(ledger: Ledger, batch: MessageBatch, reason: str, patience: Patience) -> Decision:
    """Free the requests of a batch that may have been billed, but has no answers."""
    give_up = ledger.close if batch.kind == "direct" else ledger.failed
    if not give_up(batch.nonce, reason):  # another process knows better, meanwhile
        return Decision(Verdict.WAIT, patience.poll_seconds)
    log.warning("message batch %s: %s; it may have cost %s", batch.nonce, reason, dollars(batch.reserved))
    return Decision(Verdict.ABSENT, reason=reason)


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
