"""The operator that has requests answered by message batches, and gives its worker back while it waits.

All that it knows lies in the ledger. So there is one way through it, whether the task is new, resumed,
retried after a kill or cleared by hand: `curation.claude.drive` acts until it must wait, and is made anew
when the waiting is over. What was sent is never sent again and never cancelled: it is paid for.
"""

import asyncio
import logging
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
    from curation.claude.run import Report

CONNECTION = "anthropic"


def hook(conn_id: str) -> "AnthropicHook":
    """The connection to Claude. Its HTTP client would log a line for each request: hundreds, among which a
    task's own few could not be seen."""
    from airflow.providers.anthropic.hooks.anthropic import AnthropicHook

    logging.getLogger("httpx2").setLevel(logging.WARNING)
    return AnthropicHook(conn_id)


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
            self._tell(finished.value)
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

        self._tell(direct.ask(self._clients(), asked))

    def _tell(self, report: "Report") -> None:
        # Not what was sent: that may have been by an earlier process of this task.
        self.log.info("of %d requests: %s", report.requested, dict(report.outcomes))

    def _clients(self) -> "Clients":
        from curation.claude.client import Connection

        made = hook(self.conn_id)
        found = made.get_connection(self.conn_id)
        if found.host and not found.password and not found.extra_dejson:  # a server that asks for no key
            return Connection("no-key", found.host)
        return HookClients.of(made)

    def _client(self) -> "Anthropic":
        from curation.claude.client import sealed

        client: Anthropic = hook(self.conn_id).get_conn()  # type: ignore[assignment]
        return sealed(client)


@dataclass(frozen=True)
class HookClients:
    """Clients by all that a connection says: key, headers, another platform, an identity instead of a key."""

    one: "Anthropic"
    many: "AsyncAnthropic"

    @classmethod
    def of(cls, made: "AnthropicHook") -> "HookClients":
        from curation.claude.client import sealed

        one, many = made.get_conn(), asyncio.run(made.get_async_conn())
        return cls(sealed(one), sealed(many))  # type: ignore[arg-type, type-var]  # all platforms speak alike

    def client(self) -> "Anthropic":
        return self.one

    def async_client(self, concurrency: int) -> "AsyncAnthropic":
        from curation.claude.client import each_once

        return each_once(self.many, concurrency)
