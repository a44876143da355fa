"""The operator that takes a step which may raise alarms, and waits, if it does, until a person approves.

One task, not three: where nothing is out of the ordinary, nothing waits and nothing is skipped.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.exceptions import HITLRejectException
from airflow.providers.standard.operators.hitl import ApprovalOperator

from curation.errors import AlarmError
from curation_airflow import approval

if TYPE_CHECKING:
    from airflow.sdk import Context

    from curation.pipeline import Job

BODY = """{evidence}

**Approve**, and the run goes on; the approval is kept in the lake, for these {made} alone.
**Reject**, and the task fails. Then remove the cause or raise the limits under `alarms` in the recipe."""


class ScreenOperator(ApprovalOperator):
    """Make the first decisions, or calibrate; ask where that raises alarms. Gives the manifest's URI.

    :param job: from the task's context: the recipe at work in the lake.
    :param step: the function of `pipeline` that makes what is looked at: `screen` or `calibrate`.
    """

    def __init__(
        self, *, job: "Callable[[Mapping[str, Any]], Job]", step: str = "screen", **kwargs: Any
    ) -> None:
        # Subject and body are written once there is something to ask.
        super().__init__(subject="", body="", fail_on_reject=True, **kwargs)
        self.params = approval.why()
        self.job = job
        self.step = step

    def execute(self, context: "Context") -> str:
        from curation import alarms, approvals, pipeline, recipe_history

        job = self.job(dict(context))
        recipe_history.keep(job)
        made = getattr(pipeline, self.step)(job)
        pending = approvals.pending(job.lake, job.recipe.alarms, made)
        if not pending:
            return made.uri
        body = BODY.format(evidence=alarms.listed(pending), made=made.manifest.stage)
        shown = [alarm.name for alarm in pending]
        raise approval.waiting(self, context, alarms.subject(made), body, made=made.uri, shown=shown)

    def execute_complete(
        self, context: "Context", event: dict[str, Any], made: str = "", shown: Sequence[str] = ()
    ) -> str:
        """After the answer: approve of the alarms that were shown; AlarmError if there are others by now."""
        from curation import alarms, approvals, pipeline, stage

        job, asked = self.job(dict(context)), stage.open_manifest(made)
        pending = [
            alarm for alarm in approvals.pending(job.lake, job.recipe.alarms, asked) if alarm.name in shown
        ]
        given = approval.answer(event)
        try:
            super().execute_complete(context, event)
        except HITLRejectException as error:
            raise AlarmError(f"{approval.rejected(given)}; {alarms.error(pending, asked)}") from error
        approvals.add(job.lake, asked, pending, given)
        step = getattr(pipeline, self.step)
        pipeline.check_alarms(job, step)
        return step(job).uri
