"""What the operators share that wait for a person: the question, the field for the reason, and the answer."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import TaskAwaitingInput

from curation_airflow.failures import send

if TYPE_CHECKING:
    from airflow.sdk import Context

    from curation.approvals import Approval


def why() -> ParamsDict:
    """The field for the reason. To be set on an operator that is made: given as an argument, the form of its
    DAG would be asked for too."""
    return ParamsDict(
        {"why": Param("", "It is kept with the approval.", title="Why", type="string", source="task")}
    )


def waiting(
    operator: ApprovalOperator, context: "Context", subject: str, body: str, **shown: Any
) -> TaskAwaitingInput:
    """Ask; to be raised, and the task waits without a worker. `execute_complete` is given what was `shown`:
    the answer is about that, whatever is there by then."""
    operator.subject, operator.body = subject, body
    operator.log.warning("%s:\n%s", subject, body)
    send(f"{context['ti'].dag_id}.{operator.task_id} waits for approval. {subject}:\n{body}")
    try:
        ApprovalOperator.execute(operator, context)
    except TaskAwaitingInput as asked:
        asked.kwargs = shown
        return asked
    raise AssertionError("an approval is waited for by an exception")


def answer(event: Mapping[str, Any]) -> "Approval":
    """Who answered, and why, if it was said."""
    from curation.approvals import Approval

    why = str((event.get("params_input") or {}).get("why") or "")
    return Approval(why, (event.get("responded_by_user") or {}).get("name"))


def rejected(given: "Approval") -> str:
    """That the answer was no, by whom and why."""
    return f"rejected by {given.by or 'someone'}{f' ({given.why})' if given.why else ''}"
