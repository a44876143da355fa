"""What the tasks of every DAG share: how they fail, how a mapped one is named, and the job that they work on.

Nothing here imports the library's engines: `curation.pipeline` is imported by the tasks themselves, in their
own processes.
"""

import logging
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from curation.errors import CurationError, RecipeError
from curation_airflow import forms
from curation_airflow.failures import report_failure

if TYPE_CHECKING:
    from curation.pipeline import Job

log = logging.getLogger(__name__)

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "curation",
    "retries": 2,
    "retry_delay": timedelta(seconds=10),
    # A stage goes on where a killed one stopped, so a retry is cheap; what a person must mend is not retried.
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(
                exception=CurationError,
                action=RetryAction.FAIL,
                reason="this needs a person: a retry would fail in the same way",
            )
        ]
    ),
    "on_failure_callback": report_failure,
}

PIECE = "{{ piece | default('') }}"
"""The name of a mapped task in the UI. The default matters: a template that names something undefined fails
the task after its work is done."""


def lake() -> str:
    """Where the lake is; an error that says how to name it if nothing does."""
    where = os.environ.get("CURATION_LAKE")
    if not where:
        raise RecipeError(
            "CURATION_LAKE is not set: give every worker the lake's path or s3:// address in it"
        )
    return where


def open_job(
    recipe: str, params: Mapping[str, Any] | None = None, fields: tuple[forms.Field, ...] = ()
) -> "Job":
    """The recipe at the path `recipe`, as this run's form changes it, at work in the lake.

    CURATION_LEDGER, if set, is the URL of the database that many machines share."""
    from curation import pipeline

    asked = forms.overrides(fields, params or {})
    return pipeline.open_job(recipe, lake(), asked, os.environ.get("CURATION_LEDGER"))


def piece_name(plan_uri: str) -> str:
    """`source partition key` of a plan, from where it lies in the lake."""
    *_, source, partition, _plans, key = plan_uri.removesuffix(".json").split("/")
    return f"{source.rpartition('-')[0]} {partition} {key[:6]}"


def asked_day(partition_key: str | None, day: str | None) -> str:
    """The day that a run is for: its partition key, or the day given in the form."""
    if partition_key and day and day != partition_key:
        raise RecipeError(
            f"the partition key says {partition_key}, the form says {day}: give one of the two, not both"
        )
    if not (partition_key or day):
        raise RecipeError(
            "this run has no day: give a partition key such as 2025-11-03, or fill in `day` in the form"
        )
    return partition_key or day or ""
