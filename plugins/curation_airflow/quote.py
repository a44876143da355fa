"""The operator that says what a step that asks Claude will cost and, above the recipe's `budget.ask_usd`,
waits until a person agrees.

It comes before the task that sends. One task, not three: where the quote is small, nothing waits.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.exceptions import HITLRejectException
from airflow.providers.standard.operators.hitl import ApprovalOperator

from curation.errors import BudgetError
from curation_airflow import approval
from curation_airflow.operators import CONNECTION, hook

if TYPE_CHECKING:
    from airflow.sdk import Context

    from curation.claude.quote import Quote
    from curation.pipeline import Job

SUBJECT = "{step} of {recipe} is expected to cost {usd}"
BODY = """{quote}
You are asked because the recipe's `budget.ask_usd` is {limit}. **Approve**, and it is sent, unless more than
{high} is expected by then. **Reject**, and the task fails with nothing sent. Then ask for a smaller sample
or for another model; cleared, the task asks again."""


class QuoteOperator(ApprovalOperator):
    """Quote a step that asks; have a person agree above the recipe's threshold. Gives the USD expected, low
    and high.

    :param job: from the task's context: the recipe at work in the lake.
    :param step: as `curation.asking` names it.
    :param conn_id: the `anthropic` connection, by which tokens are counted.
    """

    def __init__(
        self,
        *,
        job: "Callable[[Mapping[str, Any]], Job]",
        step: str,
        conn_id: str = CONNECTION,
        **kwargs: Any,
    ) -> None:
        # Subject and body are written once there is something to ask.
        super().__init__(subject="", body="", fail_on_reject=True, **kwargs)
        self.job = job
        self.step = step
        self.conn_id = conn_id

    def execute(self, context: "Context") -> dict[str, float]:
        from curation import asking
        from curation.claude.quote import money

        job = self.job(dict(context))
        told = quote(job, self.step, self.conn_id)
        if asking.is_agreed(job.recipe, told):
            self.log.info("the quote of %s:\n%s", self.step, told.markdown())
            return vars(told.usd)
        usd = money(told.usd.expected)
        subject = SUBJECT.format(step=self.step, recipe=job.recipe.name, usd=usd)
        limit, high = money(float(job.recipe.budget.ask_usd or 0)), money(told.usd.high)
        body = BODY.format(quote=told.markdown(), limit=limit, high=high)
        raise approval.waiting(self, context, subject, body, agreed_usd=told.usd.high)

    def execute_complete(
        self, context: "Context", event: dict[str, Any], agreed_usd: float = 0.0
    ) -> dict[str, float]:
        """After the answer. BudgetError if it was no, or if by now it costs more than what was shown."""
        from curation.claude.quote import money

        told = quote(self.job(dict(context)), self.step, self.conn_id)
        given = approval.answer(event)
        by = given.by or "someone"
        expected = (
            f"{self.step} is expected to cost {money(told.usd.expected)}: nothing was sent. Clear this task"
        )
        try:
            super().execute_complete(context, event)
        except HITLRejectException as error:
            raise BudgetError(
                f"{approval.rejected(given)}; {expected} to be asked again, or ask for a smaller sample"
            ) from error
        if told.usd.expected > agreed_usd:
            raise BudgetError(
                f"{by} agreed to {money(agreed_usd)} at most, and now {expected} to be asked again"
            )
        self.log.info("%s agreed to %s at most", by, money(agreed_usd))
        return vars(told.usd)


def quote(job: "Job", step: str, conn_id: str = CONNECTION) -> "Quote":
    """What it would cost by now to have the requests of a step answered."""
    from curation import asking
    from curation.claude.client import sealed

    found = asking.step(job.recipe, step)
    assert found is not None, "the recipe has the step for which this task was made"
    client = sealed(hook(conn_id).get_conn())  # type: ignore[type-var]
    return asking.quote(job, found, found.requests(job), client)  # type: ignore[arg-type]


def check_agreed(job: "Job", step: str, task_id: str, context: "Mapping[str, Any]") -> None:
    """BudgetError for a step that by now is expected to cost more than the recipe allows without asking, and
    than what the task `task_id` of this DAG run has quoted: the recipe may have changed, and the sending task
    been cleared alone."""
    from curation import asking
    from curation.claude.quote import money

    if job.recipe.budget.ask_usd is None:
        return
    told = quote(job, step)
    agreed_usd = (context["ti"].xcom_pull(task_ids=task_id) or {}).get("high", 0.0)
    if not asking.is_agreed(job.recipe, told) and told.usd.expected > agreed_usd:
        raise BudgetError(
            f"{step} is expected to cost {money(told.usd.expected)}, and {money(agreed_usd)} at most was "
            f"quoted in this run: nothing was sent. Clear the task {task_id}, and you are asked again"
        )
