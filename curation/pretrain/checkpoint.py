"""Where a training can be resumed from: weights, optimizer, step and random state, in one file.

`checkpoints/step-00000020.pt` holds the state after 20 steps. The batch at each step is a function of the
step, so there is no loader state. The last two are kept, in case the newest is lost with a disk.
"""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from curation import storage
from curation.errors import LakeError
from curation.pretrain.model import GPT
from curation.pretrain.optimizer import AdamW

KEPT = 2


def save(folder: Path, step: int, model: GPT, optimizer: AdamW) -> Path:
    """Write the state after `step` steps, whole or not at all; remove all but the last KEPT."""
    state: dict[str, Any] = {
        "step": step,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    path = folder / f"step-{step:08d}.pt"
    with storage.scratch(str(folder)) as scratch:
        torch.save(state, scratch / path.name)
        storage.publish(scratch / path.name, str(path))
    for old in sorted(folder.glob("step-*.pt"))[:-KEPT]:
        old.unlink()
    return path


def restore(folder: Path, model: GPT, optimizer: AdamW) -> int:
    """Set the state to that of the newest checkpoint and return its step; 0 if there is none.

    LakeError if the checkpoint cannot be read or is of a model of another shape.
    """
    found = sorted(folder.glob("step-*.pt"))
    if not found:
        return 0
    device = model.embedding.weight.device
    try:
        state = torch.load(found[-1], map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
    except (RuntimeError, KeyError, ValueError, EOFError, UnpicklingError) as error:
        message = f"{found[-1]} cannot be resumed from ({error}): remove it, and the one before is taken"
        raise LakeError(message) from error
    torch.set_rng_state(state["random"].cpu())
    if state["random_cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([one.cpu() for one in state["random_cuda"]])
    return int(state["step"])
