"""The operator that lets a classifier decide: at once where it has passed the gate, else when a person has
seen what it is worth and promotes it.

It comes between the last score and the decisions by it, where the recipe requires the gate.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.exceptions import HITLRejectException
from airflow.providers.standard.operators.hitl import ApprovalOperator

from curation.errors import NotPromoted
from curation_airflow import approval

if TYPE_CHECKING:
    from airflow.sdk import Context

    from curation.pipeline import Job

SUBJECT = "The classifier of {recipe} has not passed the gate"
BODY = """{worth}

The card says more: `{card}`

You are asked because the recipe says `judge.gate: required`. **Approve**, and the classifier is promoted: its
score decides all the same; the promotion is kept in the lake, for this classifier alone. **Reject**, and the
task fails. Then raise `judge.sample` in the recipe; cleared, the task asks again."""


class GateOperator(ApprovalOperator):
    """Check that the last classifier may decide; ask where it has not passed the gate. Gives its URI.

    :param job: from the task's context: the recipe at work in the lake.
    """

    def __init__(self, *, job: "Callable[[Mapping[str, Any]], Job]", **kwargs: Any) -> None:
        # Subject and body are written once there is something to ask.
        super().__init__(subject="", body="", fail_on_reject=True, **kwargs)
        self.params = approval.why()
        self.job = job

    def execute(self, context: "Context") -> str:
        from curation import pipeline, storage
        from curation.judge.classifier import read_report
        from curation.judge.classifier.card import worth

        job = self.job(dict(context))
        trained = pipeline.learned(job)
        try:
            pipeline.check_gate(job, trained)
            return trained.uri
        except NotPromoted:  # which says how to promote it from the command line
            card = storage.join(trained.directory, trained.manifest.details["card"])
        body = BODY.format(worth=worth(read_report(trained)), card=card)
        raise approval.waiting(
            self, context, SUBJECT.format(recipe=job.recipe.name), body, classifier=trained.uri
        )

    def execute_complete(self, context: "Context", event: dict[str, Any], classifier: str = "") -> str:
        """After the answer: promote the classifier that was shown; NotPromoted if the answer was no, or if by
        now another one needs a promotion."""
        from curation import approvals, pipeline, stage
        from curation.judge.classifier import gate, read_report

        job, shown = self.job(dict(context)), stage.open_manifest(classifier)
        given = approval.answer(event)
        try:
            super().execute_complete(context, event)
        except HITLRejectException as error:
            failed = gate.error(shown.uri, read_report(shown)["gate"]["failed"])
            raise NotPromoted(f"{approval.rejected(given)}; {failed}") from error
        approvals.promote(job.lake, shown, given)
        trained = pipeline.learned(job)
        pipeline.check_gate(job, trained)
        return trained.uri
