"""AdamW (Loshchilov and Hutter 2019) that can leave out a step on the device, unwaited for.

torch's own arithmetic, `torch.optim.adamw.adamw` in its fused form, without its Optimizer class: making one
imports all of torch.compile, six seconds of processor time, and has no public way to leave out a step.
"""

from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from curation.pretrain.model import GPT

WEIGHT_DECAY = 0.1  # of the blocks' matrices; embeddings are not decayed, rare tokens would fade
_BETA1, _BETA2, _EPSILON = 0.9, 0.95, 1e-8


class AdamW:
    """The moments of a model's weights, and the update that they make."""

    def __init__(self, model: GPT) -> None:
        self._groups: list[tuple[list[Tensor], float]] = [
            ([*model.blocks.parameters()], WEIGHT_DECAY),
            ([model.embedding.weight], 0.0),
        ]
        weights = [weight for group, _ in self._groups for weight in group]
        self._first = {weight: torch.zeros_like(weight) for weight in weights}
        self._second = {weight: torch.zeros_like(weight) for weight in weights}
        self._steps = {weight: torch.zeros((), device=weight.device) for weight in weights}

    @torch.no_grad()
    def step(self, rate: float, skipped: Tensor) -> None:
        """Update weights from their gradients at learning rate `rate`; where `skipped` () is 1.0, nothing."""
        for weights, decay in self._groups:
            adamw(
                weights,
                [weight.grad for weight in weights if weight.grad is not None],
                [self._first[weight] for weight in weights],
                [self._second[weight] for weight in weights],
                [],
                [self._steps[weight] for weight in weights],
                fused=True,
                found_inf=skipped,
                amsgrad=False,
                beta1=_BETA1,
                beta2=_BETA2,
                lr=rate,
                weight_decay=decay,
                eps=_EPSILON,
                maximize=False,
            )

    def state_dict(self) -> dict[str, list[Tensor]]:
        """The moments, in the order of the weights."""
        return {name: list(state.values()) for name, state in self._states()}

    def load_state_dict(self, saved: dict[str, list[Tensor]]) -> None:
        """Set the moments; ValueError or RuntimeError if they are of a model of another shape."""
        for name, state in self._states():
            for mine, other in zip(state.values(), saved[name], strict=True):
                mine.copy_(other)

    def _states(self) -> list[tuple[str, dict[Any, Tensor]]]:
        return [("first", self._first), ("second", self._second), ("steps", self._steps)]
