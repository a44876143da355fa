"""A small GPT, trained on a release: the proof that what was curated can be learned from."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from curation.pretrain.result import TrainingResult, identity, read
from curation.recipe import Pretrain

__all__ = ["TrainingResult", "identity", "pretrain"]


def pretrain(
    release: Path,
    out: Path,
    settings: Pretrain,
    on_step: Callable[[Mapping[str, Any]], None] | None = None,
) -> TrainingResult:
    """Train on the release in the folder `release`; the result lies in `out/<identity>`.

    Both are local. On CUDA (bf16 autocast) if there is one, else on the processor. Killed and called again it
    goes on from its last checkpoint with the same batches; finished before, it computes nothing (`found`).
    `on_step` is called with each row of `telemetry.STEPS`, in order, once it has been read from the device;
    steps after the last checkpoint of a killed training come again.

    Trainings in one `out` share what is packed in `out/packed`. Raises InputError if `release` is none or has
    no documents; RecipeError if no model has the asked shape, or if the loss stays not finite; LakeError if
    another process is at this training or its checkpoint cannot be read.
    """
    if finished := read(out / identity(release, settings)):
        return finished
    from curation.pretrain.train import train

    return train(release, out, settings, on_step)
