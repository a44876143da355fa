"""Message batches that a person wants to stop. Nothing else ever cancels one: it is paid for.

What the service has answered by then is billed and lands, the rest ends as `canceled`: a later run that wants
it sends it again. The reservation is settled as that of any other message batch, when it has landed.
"""

import time
from collections import Counter
from collections.abc import Sequence

import anthropic

from curation.claude.client import described
from curation.claude.decide import Patience
from curation.claude.drive import Asked, Watch
from curation.claude.ledger import Ledger
from curation.claude.rows import MessageBatch
from curation.errors import ClaudeError

_PATIENCE = Patience(poll_seconds=0.5)
_LAND_SECONDS = 15.0  # what has not ended by then lands with whatever run looks next


def find(ledger: Ledger, batch_ids: Sequence[str]) -> list[MessageBatch]:
    """The message batches in flight of these ids. ClaudeError for one that is another ledger's, or landed."""
    in_flight = {batch.batch_id: batch for batch in ledger.in_flight()}
    known = ledger.known(batch_ids)
    for batch_id in batch_ids:
        if batch_id not in in_flight:
            what = "is not in flight any more" if batch_id in known else "is not in this ledger: left alone"
            raise ClaudeError(
                f"message batch {batch_id!r} {what}; nothing was canceled. `curation report` lists those in "
                "flight"
            )
    return [in_flight[batch_id] for batch_id in dict.fromkeys(batch_ids)]


def cancel(
    client: anthropic.Anthropic, ledger: Ledger, raw: str, batches: Sequence[MessageBatch]
) -> list[MessageBatch]:
    """Have these message batches canceled, and land what has ended within some seconds, in the folder `raw`;
    their rows afterwards. Raises ClaudeError where the service refuses."""
    watch = Watch(client, Asked(ledger, (), raw, patience=_PATIENCE), time.time(), Counter())
    watch.take(batch.nonce for batch in batches)
    watch.advance()  # what has ended by itself lands, and cannot be canceled
    for batch in watch.live():
        try:
            client.messages.batches.cancel(batch.batch_id or "")
        except anthropic.APIError as error:
            raise ClaudeError(
                f"message batch {batch.batch_id} was not canceled: {described(error, client)}; use the key "
                "and base URL that it was sent with, and cancel it again"
            ) from error
    until = time.monotonic() + _LAND_SECONDS
    while watch.live() and time.monotonic() < until:
        time.sleep(watch.wait().seconds)
        watch.advance()
    return [ledger.batch(batch.nonce) for batch in batches]
