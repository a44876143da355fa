"""One training step: loss, gradients, clipping, AdamW; left out on the device if a number is not finite.

Nothing here waits for the device: what is measured stays a tensor until someone reads it.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from curation.pretrain.model import GPT
from curation.pretrain.optimizer import AdamW
from curation.pretrain.rows import Batch
from curation.recipe import Pretrain

CLIP = 1.0  # the largest gradient norm that is applied as it is
_FINAL_RATIO = 0.1  # of the learning rate at the end


@dataclass(frozen=True)
class Measured:
    """What one step measured, on the device."""

    loss: Tensor  # (), nats per predicted token
    grad_norm: Tensor  # (), before clipping
    logsumexp_squared: Tensor  # (), mean over predicted tokens
    skipped: Tensor  # (), 1.0 if the step changed nothing because loss or grad_norm is not finite
    segment_losses: Tensor  # (S,), nats per predicted token of each segment; NaN if it has none


def learning_rate(step: int, settings: Pretrain) -> float:
    """Linear warm-up over `warmup_steps`, then a cosine to a tenth at the last step."""
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    done = (step - settings.warmup_steps) / max(1, settings.steps - 1 - settings.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return settings.learning_rate * (_FINAL_RATIO + (1 - _FINAL_RATIO) * cosine)


def take(model: GPT, optimizer: AdamW, batch: Batch, rate: float) -> Measured:
    """Train on `batch` at learning rate `rate`."""
    losses, logsumexp, predicted = token_losses(model, batch)
    count = predicted.sum().clamp(min=1)
    loss = (losses * predicted).sum() / count
    model.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    grad_norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    skipped = (~(torch.isfinite(loss) & torch.isfinite(grad_norm))).float()
    optimizer.step(rate, skipped)
    with torch.no_grad():
        return Measured(
            loss=loss.detach(),
            grad_norm=grad_norm,
            logsumexp_squared=(logsumexp.square() * predicted).sum() / count,
            skipped=skipped,
            segment_losses=_by_segment(losses.detach(), predicted, batch),
        )


def token_losses(model: GPT, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """(B, T-1) each: loss in nats, log of the sum of exponentials (no gradient), whether it is predicted."""
    device = model.embedding.weight.device
    tokens, predicted = _moved(batch.tokens, device), _moved(batch.predicted, device)
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        logits = model(tokens[:, :-1])
    logits, targets = logits.float(), tokens[:, 1:]
    losses = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    losses = losses.view_as(targets)
    of_targets = logits.detach().gather(-1, targets[..., None]).squeeze(-1)
    return losses, losses.detach() + of_targets, predicted  # a loss is logsumexp less the target's logit


def _by_segment(losses: Tensor, predicted: Tensor, batch: Batch) -> Tensor:
    """(S,) the mean over each segment's predicted tokens."""
    segments = _moved(batch.segments[:, 1:], losses.device).clamp(min=0)  # padding adds nothing to segment 0
    sums, counts = (torch.zeros(len(batch.documents), device=losses.device) for _ in range(2))
    sums.index_add_(0, segments.flatten(), (losses * predicted).flatten())
    counts.index_add_(0, segments.flatten(), predicted.float().flatten())
    return sums / counts


def _moved(array: object, device: torch.device) -> Tensor:
    """An array on the device; from pinned memory, so that the copy is not waited for."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor
