"""An intent to send without an id: was the message batch made? (Its process died, or the answer got lost.)"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import anthropic
from anthropic.types.messages import MessageBatch as Listed

from curation.claude import decide
from curation.claude.client import described, whole
from curation.claude.decide import Decision, Patience, Verdict
from curation.claude.ledger import Ledger
from curation.claude.request import key_of
from curation.claude.results import first_custom_id
from curation.claude.rows import MessageBatch

log = logging.getLogger(__name__)

CREATE_TIMEOUT_SECONDS = 300.0  # below Patience.create_grace_seconds
CLOCK_SKEW_SECONDS = 3600.0  # between this machine and the service
_LIST_PAGE = 100


def resolve(
    client: anthropic.Anthropic,
    ledger: Ledger,
    batch: MessageBatch,
    *,
    failures: int = 0,
    patience: Patience | None = None,
) -> Decision:
    """Find out whether a batch in `submitting` was made: adopt it, or tell that it is absent, or leave it for
    later while that cannot be told.

    A message batch lists no custom ids. One of our size and time that this ledger does not know may be ours
    until it has ended and its first result line says whose it is; others' batches are only looked at.
    """
    patience = patience or Patience.of(batch.model)
    age_seconds = time.time() - _last_heard(batch)

    def failed(error: anthropic.APIError) -> Decision:
        log.warning("message batch %s cannot be looked for: %s", batch.nonce, described(error, client))
        return decide.after_poll(error, failures=failures, age_seconds=age_seconds, patience=patience)

    try:
        look = _look_for(client, ledger, batch)
    except anthropic.APIError as error:
        return failed(error)
    if look.found:
        log.info("message batch %s: found again, taken up", look.found)
        ledger.submitted(batch.nonce, look.found)
        return Decision(Verdict.WAIT, patience.poll_seconds)
    # What is lost for good is not waited for: it has no answers, whosever it was.
    unread = [each for each in map(failed, look.unread) if each.verdict is not Verdict.LOST]
    if unread:
        return unread[0]
    if not look.undecided and age_seconds > patience.create_grace_seconds:
        return Decision(Verdict.ABSENT, reason=f"not found {age_seconds:.0f} seconds after it was sent")
    return Decision(Verdict.WAIT, decide.look_again_seconds(age_seconds, patience))


@dataclass
class _Look:
    """One search of the listing for a batch: its id, or whether some batch may yet turn out to be it, and why
    those could not be read that have ended."""

    found: str | None = None
    undecided: bool = False
    unread: list[anthropic.APIError] = field(default_factory=list)


def _look_for(client: anthropic.Anthropic, ledger: Ledger, batch: MessageBatch) -> _Look:
    look = _Look()
    for listed in _listing(client):
        if listed.created_at.timestamp() < (batch.submitting_at or 0.0) - CLOCK_SKEW_SECONDS:
            break
        if not _may_be(listed, batch) or ledger.known([listed.id]):
            continue
        if listed.processing_status != "ended":
            look.undecided = True
            continue
        try:
            custom_id = first_custom_id(client, listed.id)
        except anthropic.APIError as error:
            look.unread.append(error)
            continue
        if key_of(custom_id, batch.nonce) is not None:
            return _Look(listed.id)
    return look


def _listing(client: anthropic.Anthropic) -> Iterator[Listed]:
    """All message batches of the workspace, newest first."""
    after: str | anthropic.Omit = anthropic.omit
    once = client.with_options(max_retries=0).messages.batches
    while True:
        ask = partial(once.list, limit=_LIST_PAGE, after_id=after)
        page = whole(ask, "data", client)
        yield from page.data
        if not (page.has_more and page.last_id):
            return
        after = page.last_id


def _last_heard(batch: MessageBatch) -> float:
    """When the process that sends the batch was certainly alive: sending can take long."""
    return max(batch.submitting_at or 0.0, batch.beat_at or 0.0)


def _may_be(listed: Listed, batch: MessageBatch) -> bool:
    """By its size and time; one that is archived has no answers any more, whosever it was."""
    counts = listed.request_counts
    total = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
    latest = _last_heard(batch) + CREATE_TIMEOUT_SECONDS + CLOCK_SKEW_SECONDS
    is_its_time = listed.created_at.timestamp() <= latest
    return total == batch.request_count and is_its_time and listed.archived_at is None
