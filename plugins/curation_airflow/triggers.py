"""The trigger that waits for message batches in the triggerer, a coroutine for any number of them.

What an answer or a failure means is `curation.claude.decide`'s to say; here is only the waiting. A trigger
that is killed (a cleared task, a triggerer that stops) cancels nothing at the service: what was paid for is
taken up again from the ledger. That is why there is no `on_kill`.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

_JITTER = 0.2  # of a wait, either way: many tasks deferred together do not ask together


@dataclass(frozen=True)
class Waited:
    """A message batch that is waited for. Without `batch_id` it is not known whether the service has it."""

    nonce: str
    model: str
    batch_id: str | None
    since: float  # Unix seconds, when it was submitted (or sent)
    failures: int = 0  # polls in a row that failed


class MessageBatchTrigger(BaseTrigger):
    """Fires as soon as one of the message batches needs its task: ended, lost, or not to be asked for.

    :param conn_id: the `anthropic` connection.
    :param batches: what is waited for, each as the fields of `Waited`.
    :param seconds: how long to wait before the first poll.
    :param retry_seconds: when to fire at the latest, because something waits to be sent, or has no id yet to
        be asked for by.

    The event is `{"failures": {nonce: failed polls in a row}}`.
    """

    def __init__(
        self,
        conn_id: str,
        batches: list[dict[str, Any]],
        seconds: float,
        retry_seconds: float | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_id = conn_id
        self.batches = batches
        self.seconds = seconds
        self.retry_seconds = retry_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        names = ("conn_id", "batches", "seconds", "retry_seconds")
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {name: getattr(self, name) for name in names},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        waited = [Waited(**batch) for batch in self.batches]
        left = float("inf") if self.retry_seconds is None else self.retry_seconds
        seconds = self.seconds
        async with await self._client() as client:
            while True:
                wait = min(seconds * random.uniform(1 - _JITTER, 1), left)
                await asyncio.sleep(wait * random.uniform(1, 1 + _JITTER))
                left -= wait
                waited, seconds, call = await _look(client, waited)
                if call or left <= 0 or not any(each.batch_id for each in waited):
                    failures = {each.nonce: each.failures for each in waited}
                    yield TriggerEvent({"failures": failures})  # type: ignore[no-untyped-call]
                    return

    async def _client(self) -> "AsyncAnthropic":
        from airflow.providers.anthropic.hooks.anthropic import AnthropicHook

        from curation.claude.client import sealed

        # Here is the loop that waits; the SDK's own retries would wait inside it, for an hour if told to.
        client: AsyncAnthropic = await AnthropicHook(self.conn_id).get_async_conn()  # type: ignore[assignment]
        return sealed(client).with_options(max_retries=0)


async def _look(client: "AsyncAnthropic", waited: list[Waited]) -> tuple[list[Waited], float, bool]:
    """Poll each batch once: (them with their failures, seconds until the next look, whether to fire)."""
    from curation.claude.decide import Patience, Verdict, after_poll

    looked, pause, call = [], float("inf"), False
    for batch in waited:
        if batch.batch_id is None:  # only its task can find out, from a listing, when its time has come
            looked.append(batch)
            continue
        decision = after_poll(
            await _status(client, batch.batch_id),
            failures=batch.failures,
            age_seconds=time.time() - batch.since,
            patience=Patience.of(batch.model),
        )
        call |= decision.verdict is not Verdict.WAIT
        pause = min(pause, decision.seconds)
        looked.append(replace(batch, failures=decision.failures))
    return looked, pause, call


async def _status(client: "AsyncAnthropic", batch_id: str) -> Any:
    """The message batch, or the error that the service or the network gave instead."""
    from anthropic import APIError

    from curation.claude.client import whole_async

    try:
        return await whole_async(client.messages.batches.retrieve(batch_id), "processing_status", client)
    except APIError as error:
        return error


def waited(batches: Iterable[Any], failures: Mapping[str, int]) -> list[dict[str, Any]]:
    """The ledger's live message batches as a trigger is given them."""
    return [
        asdict(
            Waited(
                batch.nonce,
                batch.model,
                batch.batch_id,
                batch.submitted_at or batch.submitting_at or time.time(),
                failures.get(batch.nonce, 0),
            )
        )
        for batch in batches
    ]
