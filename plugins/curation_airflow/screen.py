"""The operator that takes a step which may raise alarms, and waits, if it does, until a person approves.

One task, not three: where nothing is out of the ordinary, nothing waits and nothing is skipped.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.exceptions import HITLRejectException
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import TaskAwaitingInput

from curation.errors import AlarmError
from curation_airflow.failures import send

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
        # Not as an argument: a DAG that has a form gives its own there.
        why = Param("", "It is kept with the approval.", title="Why", type="string", source="task")
        self.params = ParamsDict({"why": why})
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
        self.subject = alarms.subject(made)
        self.body = BODY.format(evidence=alarms.listed(pending), made=made.manifest.stage)
        self.log.warning("%s:\n%s", self.subject, alarms.listed(pending))
        send(f"{context['ti'].dag_id}.{self.task_id} waits for approval. {self.subject}:\n{self.body}")
        try:
            super().execute(context)
        except TaskAwaitingInput as asked:  # the answer is about what was shown, whatever is there by then
            asked.kwargs = {"made": made.uri, "shown": [alarm.name for alarm in pending]}
            raise
        raise AssertionError("an approval is waited for by an exception")

    def execute_complete(
        self, context: "Context", event: dict[str, Any], made: str = "", shown: Sequence[str] = ()
    ) -> str:
        """After the answer: approve of the alarms that were shown; AlarmError if there are others by now."""
        from curation import alarms, approvals, pipeline, stage

        job, asked = self.job(dict(context)), stage.open_manifest(made)
        pending = [
            alarm for alarm in approvals.pending(job.lake, job.recipe.alarms, asked) if alarm.name in shown
        ]
        why = str((event.get("params_input") or {}).get("why") or "")
        by = (event.get("responded_by_user") or {}).get("name")
        try:
            super().execute_complete(context, event)
        except HITLRejectException as error:
            said = f"{by or 'someone'}{f' ({why})' if why else ''}"
            raise AlarmError(f"rejected by {said}; {alarms.error(pending, asked)}") from error
        approvals.add(job.lake, asked, pending, approvals.Approval(why, by))
        step = getattr(pipeline, self.step)
        pipeline.check_alarms(job, step)
        return step(job).uri
