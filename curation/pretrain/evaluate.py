"""How well held-out text is predicted, in bits per byte of it."""

import math

import numpy as np
import torch

from curation.pretrain.model import GPT
from curation.pretrain.order import permute
from curation.pretrain.rows import Rows
from curation.pretrain.step import token_losses
from curation.pretrain.tokenizer import load, token_bytes

MOST_ROWS = 256  # read at most: enough to compare trainings of this size, a second or two on a processor


@torch.no_grad()
def bits_per_byte(model: GPT, rows: Rows, batch_rows: int) -> float | None:
    """Mean over at most MOST_ROWS rows, the same for every model and seed; None without a held-out byte.

    The sum of the losses of the predicted tokens that stand for bytes, over their bytes, in bits: unlike loss
    per token it can be compared between tokenizers. The first token of a segment is not predicted and its
    bytes are not counted.
    """
    chosen = permute(np.arange(min(len(rows), MOST_ROWS)), len(rows), 0, 0) if len(rows) else np.empty(0, int)
    lengths = token_bytes(load())
    device = model.embedding.weight.device
    nats, count = torch.zeros((), device=device), 0
    for first in range(0, len(chosen), batch_rows):
        batch = rows.batch(chosen[first : first + batch_rows])
        sizes = lengths[batch.tokens[:, 1:]] * batch.predicted
        losses, _, _ = token_losses(model, batch)
        nats += (losses * torch.from_numpy(sizes > 0).to(device)).sum()
        count += int(sizes.sum())
    return float(nats) / math.log(2) / count if count else None
