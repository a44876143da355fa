"""A training on a release, found where it is finished."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curation import release as releases
from curation import storage
from curation.errors import RecipeError
from curation.pipeline.job import Job

if TYPE_CHECKING:
    from curation.pretrain import TrainingResult


def pretrain(
    job: Job, release_uri: str, on_step: Callable[[Mapping[str, Any]], None] | None = None
) -> "TrainingResult":
    """Train on the release at `release_uri`; found, not computed, if the same training is finished.

    `on_step` is called with each row of telemetry. A release on S3 is copied to the user's cache folder, and
    the training stays there too.
    """
    from curation import pretrain as training  # torch: only where it is used

    if job.recipe.pretrain is None:
        raise RecipeError(f"recipe {job.recipe.name} has no `pretrain`: write one, or leave this step out")
    source, out = _training_folders(job, release_uri)
    if not storage.is_local(release_uri):
        releases.fetch(release_uri, source)
    return training.pretrain(source, out, job.recipe.pretrain, on_step)


def trained(job: Job, release_uri: str) -> "TrainingResult | None":
    """The finished training on a release, if it is on this machine. Computes nothing."""
    from curation.pretrain import result

    source, out = _training_folders(job, release_uri)
    if job.recipe.pretrain is None or not source.exists():
        return None
    return result.read(out / result.identity(source, job.recipe.pretrain))


def _training_folders(job: Job, release_uri: str) -> tuple[Path, Path]:
    """Where the release and its trainings lie on this machine."""
    if storage.is_local(release_uri):
        return Path(release_uri), Path(job.lake.trainings(job.recipe.name))
    cache = Path.home() / ".cache" / "curation" / job.recipe.name
    return cache / release_uri.rsplit("/", 1)[-1], cache / "trainings"
