"""The operator that has requests answered by message batches, and gives its worker back while it waits.

All that it knows lies in the ledger. So there is one way through it, whether the task is new, resumed,
retried after a kill or cleared by hand: take what lives a step further, send what has no answer, and defer
while anything lives. What was sent is never sent again and never cancelled: it is paid for.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context
    from anthropic import Anthropic

    from curation.claude.ledger import Ledger, MessageBatch
    from curation.claude.request import Request

CONNECTION = "anthropic"
_PLANNED_SECONDS = 1.0  # until a batch is looked at again that the service was too busy to take


class MessageBatchOperator(BaseOperator):
    """Have requests to Claude answered, in the ledger.

    :param asked: from the task's context: the requests, the ledger, and the folder for raw result lines.
    :param conn_id: the `anthropic` connection: its password is the key, its host (if any) the base URL.

    Gives nothing to XCom: the answers are in the ledger, and the stage that follows reads them there.
    """

    def __init__(
        self,
        *,
        asked: "Callable[[Mapping[str, Any]], tuple[list[Request], Ledger, str]]",
        conn_id: str = CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(do_xcom_push=False, **kwargs)
        self.asked = asked
        self.conn_id = conn_id

    def execute(self, context: "Context") -> None:
        requests, ledger, raw = self.asked(dict(context))
        waiting = {request.key: request for request in requests}
        unanswered = len(ledger.missing(waiting))
        self.log.info("%d requests, %d of them answered before", len(waiting), len(waiting) - unanswered)
        self._go_on(ledger, raw, waiting, replan=unanswered > 0, failures={})

    def resume(self, context: "Context", event: Mapping[str, Any]) -> None:
        """After the trigger has fired. Only what a message batch holds is waited for: what the service
        failed to answer goes again with the next run, not in a circle."""
        requests, ledger, raw = self.asked(dict(context))
        by_key = {request.key: request for request in requests}
        held = [key for batch in ledger.live(by_key) for key in ledger.held(batch.nonce) if key in by_key]
        self._go_on(ledger, raw, {key: by_key[key] for key in held}, False, event.get("failures", {}))

    def _go_on(
        self,
        ledger: "Ledger",
        raw: str,
        waiting: "dict[str, Request]",
        replan: bool,
        failures: Mapping[str, int],
    ) -> None:
        live, seconds, failed = step(self._client(), ledger, raw, waiting, replan=replan, failures=failures)
        if not live:
            self.log.info("every request has its answer in the ledger")
            return
        from curation_airflow.triggers import MessageBatchTrigger, waited

        self.log.info("waiting for %d message batches", len(live))
        trigger = MessageBatchTrigger(self.conn_id, waited(live, failed), seconds)
        self.defer(trigger=trigger, method_name="resume")

    def _client(self) -> "Anthropic":
        from airflow.providers.anthropic.hooks.anthropic import AnthropicHook

        return AnthropicHook(self.conn_id).get_conn()  # type: ignore[return-value]


def step(
    client: "Anthropic",
    ledger: "Ledger",
    raw: str,
    waiting: "dict[str, Request]",
    *,
    replan: bool,
    failures: Mapping[str, int],
) -> "tuple[list[MessageBatch], float, dict[str, int]]":
    """Take every live message batch one step, then send what is `waiting` and free (if `replan`, or if a
    batch gave its requests back). (what lives now, seconds until the next look, failed polls by nonce)."""
    from curation.claude.batches import advance, plan, submit

    seconds, failed = float("inf"), {}
    for batch in ledger.live(waiting):
        if batch.state == "planned":
            replan = True
            continue
        keys = ledger.held(batch.nonce)
        decision = advance(client, ledger, raw, batch, failures=failures.get(batch.nonce, 0))
        failed[batch.nonce] = decision.failures
        seconds = min(seconds, decision.seconds) if decision.seconds else seconds
        after = ledger.batch(batch.nonce).state
        replan |= after in ("planned", "failed")
        if after == "landed":
            waiting = {key: request for key, request in waiting.items() if key not in keys}
    if replan:
        for planned in plan(ledger, waiting.values()):
            busy = submit(client, ledger, planned)
            seconds = min(seconds, busy or _PLANNED_SECONDS)
    live = ledger.live(waiting)
    return live, seconds if seconds != float("inf") else _PLANNED_SECONDS, failed
