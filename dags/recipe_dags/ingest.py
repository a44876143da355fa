"""`ingest_R`: the facts of each day, as it ends."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from airflow.sdk import DAG, CronPartitionTimetable, Param, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from curation.recipe import Recipe
from curation_airflow.tasks import DEFAULT_ARGS, asked_day, open_job
from recipe_dags import assets
from recipe_dags.facts import facts

DOC = """
Turns the archives of a day into documents and the columns beside them, once. **{name}**: {description}

* **Schedule** `{schedule}`, UTC. The run takes the day that has just ended, from {start} to {end}.
* **Backfill** by the button, or by
  `airflow backfill create --dag-id {dag_id} --from-date {start} --to-date {end}`; add
  `--reprocess-behavior completed` to look again at days that have run: a late archive makes a new
  generation of its day, the same archives are skipped.
* **By hand**: a partition key such as `{start}`, or `day` in the form.
* A day without archives is skipped and publishes nothing. A published one is left as it is, and says so.

Each published day is an event of the asset `documents_{name}`, on which `release_{name}` waits.
"""


def _day(context: dict[str, Any]) -> str:
    return asked_day(context.get("partition_key"), context["params"].get("day"))


def ingest_dag(recipe: Recipe, path: str) -> DAG:
    """The DAG that makes the facts of the recipe at `path`, a run a day."""
    published = assets.documents(recipe.name)
    dag_id, days = f"ingest_{recipe.name}", recipe.interval.days

    @task(outlets=[published])
    def publish(recipe: str, plan_uris: list[str]) -> list[str]:
        """Write the manifests of the day: from here on its documents exist. Gives their URIs and tells the
        release. Where a release of all this exists, there is nothing to tell, and it is skipped."""
        from curation import pipeline

        context = get_current_context()
        asked, job = _day(dict(context)), open_job(recipe)
        manifests = pipeline.publish(job, list(plan_uris))
        if not manifests:
            raise AirflowSkipException(f"no input for {asked}: nothing is published")
        if released := pipeline.already_released(job):
            raise AirflowSkipException(f"{asked} was published before, and is in {released.uri}")
        event = context["outlet_events"][published]
        event.extra = {"day": asked, "manifests": [*manifests]}
        event.add_partitions(asked)  # a run by hand has no partition key, and its event would wake nobody
        return manifests

    with DAG(
        dag_id,
        description=f"Archives of a day → documents and columns ({recipe.name})",
        schedule=CronPartitionTimetable(
            recipe.schedule, timezone="UTC", run_offset=-1, key_format="%Y-%m-%d"
        ),
        # The first run takes the first day, once it has ended, and the last run the last day.
        start_date=datetime.combine(recipe.interval.start, time(), UTC) + timedelta(days=1),
        end_date=datetime.combine(recipe.interval.end, time.max, UTC),
        catchup=False,
        default_args=DEFAULT_ARGS,
        params={
            "day": Param(
                None,
                "The day to ingest, for a run by hand without a partition key. Scheduled and backfilled runs "
                "know theirs.",
                title="Day",
                type=["null", "string"],
                format="date",
            )
        },
        doc_md=DOC.format(
            name=recipe.name,
            description=recipe.description,
            schedule=recipe.schedule,
            start=days[0],
            end=days[-1],
            dag_id=dag_id,
        ),
        tags=["curation", recipe.name],
    ) as dag:
        facts(path, _day, publish)
    return dag
