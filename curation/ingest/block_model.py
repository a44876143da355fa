"""The weights of the block model: the file that ships, read once a process."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from curation.text.block_scores import BlockModel, Trees

WEIGHTS = Path(__file__).with_name("blocks.npz")


@cache
def shipped() -> BlockModel:
    """The model that ships. What it was trained on: `blocks.md` beside the weights."""
    with np.load(WEIGHTS) as file:
        return load(file, "")


def load(file: Any, prefix: str) -> BlockModel:
    """The model that `store` put under `prefix`."""
    arrays = {name: file[prefix + name] for name in Trees._fields}
    trees = Trees(**arrays | {"base": float(arrays["base"])})
    words, hints = ((file[f"{prefix}{n}_keys"], file[f"{prefix}{n}_odds"]) for n in ("words", "hints"))
    return BlockModel(words, hints, trees, float(file[prefix + "keep"]))


def store(model: BlockModel, prefix: str) -> dict[str, Any]:
    """The arrays of a model by name, for `np.savez`."""
    arrays = {prefix + name: np.asarray(value) for name, value in model.trees._asdict().items()}
    arrays[prefix + "keep"] = np.asarray(model.keep)
    for name, (keys, odds) in (("words", model.words), ("hints", model.hints)):
        arrays |= {f"{prefix}{name}_keys": keys, f"{prefix}{name}_odds": odds}
    return arrays
