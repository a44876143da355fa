"""A person, as an operator that waits for one meets them."""

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import TaskAwaitingInput

CONTEXT: dict[str, Any] = {
    "task_instance": SimpleNamespace(id="1"),
    "ti": SimpleNamespace(dag_id="release_small"),
    "params": {},
}


def parked(task: ApprovalOperator) -> dict[str, Any]:
    """What Airflow keeps for a task that waits."""
    with pytest.raises(TaskAwaitingInput) as waiting:
        task.execute(CONTEXT)
    assert waiting.value.method_name == "execute_complete"
    return dict(waiting.value.kwargs or {})


def answer(
    task: ApprovalOperator, chosen: str, kept: dict[str, Any], why: str = "a mirror, as agreed"
) -> Any:
    """Ada answers. The task, one that knows nothing of what came before, is given what was kept."""
    event = {
        "chosen_options": [chosen],
        "params_input": {"why": why} if task.params else {},
        "responded_at": SimpleNamespace(isoformat=str),
        "responded_by_user": {"id": "1", "name": "Ada"},
        "timedout": False,
    }
    return task.execute_complete(CONTEXT, event=event, **kept)
