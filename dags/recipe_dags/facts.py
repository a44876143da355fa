"""The tasks that turn archives into documents and columns, for a day or for the sources without time."""

from collections.abc import Callable
from typing import Any

from airflow.sdk import TaskGroup, get_current_context, task, task_group
from airflow.sdk.exceptions import AirflowSkipException

from curation_airflow.tasks import PIECE, open_job, piece_name


def facts(recipe: str, day: Callable[[dict[str, Any]], str | None], publish: Callable[..., Any]) -> TaskGroup:
    """plan → (ingest → annotate), mapped over groups of files → publish.

    `day` reads the run's day from a task's context, None for the sources without time. `publish` is the
    task that ends it: it takes the recipe's path and the plans' URIs.
    """

    @task
    def plan(recipe: str) -> list[str]:
        """Group the files of the day: one group is a piece of work worth minutes. Gives the URI of a plan for
        each. No files: the run is skipped, and nothing is published."""
        from curation import pipeline

        asked = day(dict(get_current_context()))
        job = open_job(recipe)
        plans = pipeline.plan(job, asked)
        if not plans:
            patterns = [s.path for s in job.recipe.sources if s.timed == (asked is not None)]
            raise AirflowSkipException(
                f"no input for {asked or 'the sources without time'}: looked at {patterns}"
            )
        return plans

    @task(map_index_template=PIECE)
    def ingest(recipe: str, plan_uri: str) -> str:
        """Read the archives of one plan and write its documents, once. What is damaged becomes a quarantine
        row with its offset and reason. Done before for the same files: nothing is read again."""
        from curation import pipeline

        get_current_context()["piece"] = piece_name(plan_uri)  # type: ignore[typeddict-unknown-key]
        return pipeline.ingest(open_job(recipe), plan_uri)

    @task(map_index_template=PIECE)
    def annotate(recipe: str, plan_uri: str) -> None:
        """Compute the recipe's columns beside the documents of one plan: language, quality, repetition,
        signatures. Values, not verdicts: a rule can change without this running again."""
        from curation import pipeline

        get_current_context()["piece"] = piece_name(plan_uri)  # type: ignore[typeddict-unknown-key]
        pipeline.annotate(open_job(recipe), plan_uri)

    @task_group
    def part(plan_uri: str) -> None:
        """One group of files."""
        ingest(recipe, plan_uri) >> annotate(recipe, plan_uri)

    with TaskGroup("facts", tooltip="Archives → documents and the columns beside them") as group:
        plans = plan(recipe)
        part.expand(plan_uri=plans) >> publish(recipe, plans)
    return group
