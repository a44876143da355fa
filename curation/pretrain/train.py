"""A training, from a release to a result; killed at any instant it goes on from its last checkpoint.

The same release and settings give the same batches, and a loss that is the same within tolerance: neither
threads nor devices promise the order in which they add.
"""

import contextlib
import fcntl
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from curation.document import content_hash
from curation.errors import LakeError, RecipeError
from curation.pretrain import checkpoint, packing, plot, release, result, step, telemetry, tokenizer
from curation.pretrain.evaluate import bits_per_byte
from curation.pretrain.model import GPT
from curation.pretrain.optimizer import AdamW
from curation.pretrain.order import batch_rows
from curation.pretrain.rows import Packed
from curation.recipe import Pretrain

MOST_SKIPPED = 8  # steps in a row; after that many, waiting for a finite loss is in vain
_CUDA_WINDOW = 16  # steps between two readings of what the device measured

OnStep = Callable[[Mapping[str, Any]], None]


def train(source: Path, out: Path, settings: Pretrain, on_step: OnStep | None) -> result.TrainingResult:
    """What `curation.pretrain.pretrain` does where the training is not finished."""
    folder = out / result.identity(source, settings)
    with _alone(folder):
        packed = _packed(source, out, settings.context)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        _leave_a_core()
        torch.manual_seed(settings.seed)
        model = GPT(settings, tokenizer.load().get_vocab_size()).to(device)
        _run(model, packed, folder, settings, on_step)
        steps = telemetry.read_steps(folder / "telemetry")
        done = result.TrainingResult(
            folder,
            settings.steps,
            _final_loss(steps["loss"].to_pylist()),
            bits_per_byte(model, packed.held_out, settings.batch_rows),
            found=False,
        )
        plot.loss_curve(steps, _title(done, model), done.plot)
        result.write(done)
    return done


def _run(model: GPT, packed: Packed, folder: Path, settings: Pretrain, on_step: OnStep | None) -> None:
    """Take every step that is not yet behind a checkpoint."""
    optimizer = AdamW(model)
    first = checkpoint.restore(folder / "checkpoints", model, optimizer)
    device = model.embedding.weight.device
    log = telemetry.Telemetry(
        folder / "telemetry", packed, first, _CUDA_WINDOW if device.type == "cuda" else 1
    )
    skipped = 0
    for number in range(first, settings.steps):
        began = telemetry.now(device)
        rows = batch_rows(number, len(packed.train), settings.batch_rows, settings.seed)
        batch, rate = packed.train.batch(rows), step.learning_rate(number, settings)
        measured = step.take(model, optimizer, batch, rate)
        read = log.add(number, batch, rate, began, measured)
        due = (number + 1) % settings.checkpoint_every == 0 or number + 1 == settings.steps
        if due:
            read += log.read()
        for row in read:
            skipped = skipped + 1 if row["skipped"] else 0
            if on_step:
                on_step(row)
            if skipped >= MOST_SKIPPED:
                log.publish()
                raise RecipeError(_not_finite(row, skipped, settings))
        if due:
            log.publish()
            checkpoint.save(folder / "checkpoints", number + 1, model, optimizer)


def _leave_a_core() -> None:
    """One thread fewer than cores: where threads outnumber free cores, they spin as they wait for each other.

    Measured on two cores under a load of 6 to 8, 30 steps: 90 and 125 s with two threads, 7 and 8 s with one.
    """
    torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) - 1))


def _packed(source: Path, out: Path, context: int) -> Packed:
    """The release packed with this tokenizer and context; trainings of one `out` share it."""
    key = content_hash(str(packing.VERSION), release.digest(source), tokenizer.digest(), str(context))[:16]
    packing.pack(source, out / "packed" / key, context)
    return Packed(out / "packed" / key, context)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which ends with the process however it ends; remove what a killed one left."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LakeError(f"{folder} is being trained by another process: wait for it") from error
        for left in folder.rglob(".scratch-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def _final_loss(losses: list[float]) -> float:
    last = [loss for loss in losses if math.isfinite(loss)][-10:]
    return sum(last) / len(last)


def _not_finite(row: Mapping[str, Any], skipped: int, settings: Pretrain) -> str:
    return (
        f"loss or gradient was not finite in {skipped} steps in a row, up to step {row['step']}; the limit "
        f"is {MOST_SKIPPED}. Lower pretrain.learning_rate {settings.learning_rate:g} or raise "
        "pretrain.warmup_steps"
    )


def _title(done: result.TrainingResult, model: GPT) -> str:
    weights = sum(p.numel() for p in model.parameters())
    held_out = done.held_out_bits_per_byte
    measured = f", held out {held_out:.3f} bits per byte" if held_out is not None else ""
    return f"GPT of {weights / 1e6:.1f}M weights: final loss {done.final_loss:.3f}{measured}"
