"""The operator that has requests answered by message batches, and gives its worker back while it waits.

All that it knows lies in the ledger. So there is one way through it, whether the task is new, resumed,
retried after a kill or cleared by hand: `curation.claude.drive` acts until it must wait, and is made anew
when the waiting is over. What was sent is never sent again and never cancelled: it is paid for.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.providers.anthropic.hooks.anthropic import AnthropicHook
    from airflow.sdk import Context
    from anthropic import Anthropic, AsyncAnthropic

    from curation.claude.client import Clients
    from curation.claude.drive import Asked

CONNECTION = "anthropic"


class MessageBatchOperator(BaseOperator):
    """Have requests to Claude answered, in the ledger.

    :param asked: from the task's context: the requests, the ledger, and all that `drive.Asked` says.
    :param at_cap: from the task's context: what is done where the cap of a run leaves no room for all of
        them, once what was sent has landed; it gives a sentence about that. Without it the task fails.
    :param conn_id: the `anthropic` connection: its password is the key, its host (if any) the base URL.

    Gives nothing to XCom: the answers are in the ledger, and the stage that follows reads them there.
    """

    def __init__(
        self,
        *,
        asked: "Callable[[Mapping[str, Any]], Asked]",
        at_cap: Callable[[Mapping[str, Any]], str] | None = None,
        conn_id: str = CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(do_xcom_push=False, **kwargs)
        self.asked = asked
        self.at_cap = at_cap
        self.conn_id = conn_id

    def execute(self, context: "Context") -> None:
        self._try(context, failures={})

    def resume(self, context: "Context", event: Mapping[str, Any]) -> None:
        """After the trigger has fired."""
        self._try(context, failures=event.get("failures", {}))

    def _try(self, context: "Context", failures: Mapping[str, int]) -> None:
        from curation.errors import RunBudgetError

        try:
            self._go_on(context, failures)
        except RunBudgetError as error:
            if self.at_cap is None:
                raise
            self.log.warning("%s %s", error, self.at_cap(dict(context)))

    def _go_on(self, context: "Context", failures: Mapping[str, int]) -> None:
        from curation.claude.drive import drive

        # Of the DAG run, not of the try: what a person has cancelled is not sent again by a retry.
        began = context["dag_run"].start_date
        assert began, "a run of which a task runs has begun"

        asked = self.asked(dict(context))
        if asked.direct:
            self._ask_here(asked)
            return
        steps = drive(self._client(), asked, since=began.timestamp(), failures=failures)
        try:
            wait = next(steps)
        except StopIteration as finished:
            self.log.info("done: %s", finished.value)
            return
        finally:
            steps.close()
        from curation_airflow.triggers import MessageBatchTrigger, waited

        self.log.info("waiting for %d message batches", len(wait.live))
        batches = waited(wait.live, wait.failures)
        trigger = MessageBatchTrigger(self.conn_id, batches, wait.seconds, wait.retry_seconds)
        self.defer(trigger=trigger, method_name="resume")

    def _ask_here(self, asked: "Asked") -> None:
        """One by one, without message batches: each answer takes seconds, so the worker is kept."""
        from curation.claude import direct

        self.log.info("done: %s", direct.ask(self._clients(), asked))

    def _clients(self) -> "Clients":
        from curation.claude.client import Connection

        hook = self._hook()
        found = hook.get_connection(self.conn_id)
        if found.host and not found.password and not found.extra_dejson:  # a server that asks for no key
            return Connection("no-key", found.host)
        return HookClients.of(hook)

    def _client(self) -> "Anthropic":
        from curation.claude.client import sealed

        client: Anthropic = self._hook().get_conn()  # type: ignore[assignment]
        return sealed(client)

    def _hook(self) -> "AnthropicHook":
        from airflow.providers.anthropic.hooks.anthropic import AnthropicHook

        return AnthropicHook(self.conn_id)


@dataclass(frozen=True)
class HookClients:
    """Clients by all that a connection says: key, headers, another platform, an identity instead of a key."""

    one: "Anthropic"
    many: "AsyncAnthropic"

    @classmethod
    def of(cls, hook: "AnthropicHook") -> "HookClients":
        from curation.claude.client import sealed

        one, many = hook.get_conn(), asyncio.run(hook.get_async_conn())
        return cls(sealed(one), sealed(many))  # type: ignore[arg-type, type-var]  # all platforms speak alike

    def client(self) -> "Anthropic":
        return self.one

    def async_client(self, concurrency: int) -> "AsyncAnthropic":
        from curation.claude.client import each_once

        return each_once(self.many, concurrency)
