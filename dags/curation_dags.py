"""The DAGs of every recipe: `ingest_R`, `release_R` and, where it trains, `pretrain_R`.

Recipes are the files `*.yaml` that ship with curation and those in the folder that CURATION_RECIPES names;
the lake is what CURATION_LAKE names. A recipe that cannot be read becomes a DAG that says why, so that it
does not take the others with it.
"""

import os
from importlib.resources import files
from pathlib import Path

from airflow.sdk import DAG, task

from curation.claude.prices import check_model
from curation.errors import CurationError
from curation.recipe_file import load
from curation_airflow.tasks import DEFAULT_ARGS
from recipe_dags.ingest import ingest_dag
from recipe_dags.pretrain import pretrain_dag
from recipe_dags.release import release_dag


def recipe_paths() -> list[Path]:
    """The recipes that ship, then the user's own, each by name."""
    folders = [Path(str(files("curation"))) / "recipes"]
    if os.environ.get("CURATION_RECIPES"):
        folders.append(Path(os.environ["CURATION_RECIPES"]))
    return [path for folder in folders for path in sorted(folder.glob("*.yaml"))]


def broken_dag(path: Path, error: str) -> DAG:
    """A DAG that stands for a recipe that cannot be read."""

    @task
    def read_recipe(error: str) -> None:
        """Fails with what is wrong in the recipe."""
        raise CurationError(error)

    with DAG(
        f"broken_{path.stem}",
        description=f"{path.name} cannot be read",
        default_args=DEFAULT_ARGS,
        doc_md=f"**`{path}` cannot be read.**\n\n```\n{error}\n```\nMend it; its DAGs appear by themselves.",
        tags=["curation", "broken"],
    ) as dag:
        read_recipe(error)
    return dag


def make_dags() -> dict[str, DAG]:
    """Every DAG by its id."""
    made: dict[str, DAG] = {}
    read_from: dict[str, Path] = {}
    for path in recipe_paths():
        try:
            recipe = load(str(path))
            for part in filter(None, (recipe.judge, recipe.synthesize)):
                check_model(part.model)
            if recipe.name in read_from:
                raise CurationError(
                    f"name: {recipe.name!r} is the name of {read_from[recipe.name]} too: rename one"
                )
        except CurationError as error:
            made[f"broken_{path.stem}"] = broken_dag(path, str(error))
            continue
        read_from[recipe.name] = path
        dags = [ingest_dag(recipe, str(path)), release_dag(recipe, str(path))]
        if recipe.pretrain:
            dags.append(pretrain_dag(recipe, str(path)))
        made |= {dag.dag_id: dag for dag in dags}
    return made


globals().update(make_dags())
