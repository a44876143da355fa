"""`pretrain_R`: a training run on the newest release."""

from typing import Any

from airflow.sdk import DAG, Param, PartitionedAssetTimetable, get_current_context, task

from curation.errors import LakeError
from curation.recipe import Recipe
from curation_airflow import forms
from curation_airflow.tasks import DEFAULT_ARGS, log, open_job
from recipe_dags import assets

DOC = """
Trains a small GPT on a release of **{name}**: a check that the data trains, with telemetry to compare.

* **Starts** when `release_{name}` has published.
* **By hand**: the form changes the training; `release` names another release than the newest.
* A training that was killed resumes from its last checkpoint; one that is done is not done again.
"""


def pretrain_dag(recipe: Recipe, path: str) -> DAG:
    """The DAG that trains on the releases of the recipe at `path`, one at a time."""
    released = assets.release(recipe.name)

    @task(inlets=[released])
    def pretrain(recipe: str) -> str:
        """Pack, train, and write telemetry and the loss curve. Gives the training's URI."""
        from curation import pipeline

        context = get_current_context()
        uri = _release_uri(dict(context), released)
        job = open_job(recipe, context["params"], forms.PRETRAIN)
        result = pipeline.pretrain(job, uri, lambda row: log.info("%s", row))
        log.info("%s on %s: %s", "trained before" if result.found else "trained", uri, result)
        return str(result.folder)

    with DAG(
        f"pretrain_{recipe.name}",
        description=f"A release → a small GPT, its telemetry and loss curve ({recipe.name})",
        schedule=PartitionedAssetTimetable(assets=released),
        catchup=False,
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
        params={
            **forms.params(recipe, forms.PRETRAIN),
            "release": Param(
                "",
                "The URI of the release to train on. Empty: the one that started this run, or the newest.",
                title="Release",
                type="string",
            ),
        },
        doc_md=DOC.format(name=recipe.name),
        tags=["curation", recipe.name],
    ) as dag:
        pretrain(path)
    return dag


def _release_uri(context: dict[str, Any], released: Any) -> str:
    """The release to train on: as the form says, else the one that started the run, else the newest."""
    asked = context["params"].get("release")
    started_by = context["triggering_asset_events"].get(released) or ()
    for event in [*started_by, *([] if started_by else context["inlet_events"][released])][::-1]:
        asked = asked or event.extra.get("release")
    if not asked:
        raise LakeError(f"there is no release yet: run {released.name} first, or name one in `release`")
    return str(asked)
