"""Which training it is, and what it says when finished; neither needs torch.

result.json is written last: a training without it is not finished.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from curation import storage
from curation.document import content_hash
from curation.fingerprint import fingerprint
from curation.pretrain import release, tokenizer
from curation.recipe import Pretrain

VERSION = 1  # raised when the same release and settings would train otherwise


@dataclass(frozen=True)
class TrainingResult:
    """A finished training and where its files lie, all in `folder`."""

    folder: Path
    steps: int
    final_loss: float  # nats per token, mean of the last ten steps that were not skipped
    held_out_bits_per_byte: float | None  # None if the release has too few documents to hold one out
    found: bool  # it was finished before; nothing was computed now

    @property
    def telemetry(self) -> Path:
        """The folder of `steps/*.parquet` and `segments/*.parquet`."""
        return self.folder / "telemetry"

    @property
    def plot(self) -> Path:
        """The loss curve, a PNG."""
        return self.folder / "loss.png"

    @property
    def checkpoint(self) -> Path:
        """The state after the last step."""
        return self.folder / "checkpoints" / f"step-{self.steps:08d}.pt"


def mark(settings: Pretrain) -> str:
    """The fingerprint of a training, without the release that it reads.

    How often a checkpoint is written is left out: it changes no weight.
    """
    return fingerprint("pretrain", VERSION, settings.model_dump(exclude={"checkpoint_every"}))


def identity(source: Path, settings: Pretrain) -> str:
    """16 hex digits that name the training of a release by these settings: its folder. InputError if `source`
    is no release."""
    return content_hash(mark(settings), release.digest(source), tokenizer.digest())[:16]


def write(result: TrainingResult) -> None:
    """Write result.json."""
    said = {
        "steps": result.steps,
        "final_loss": result.final_loss,
        "held_out_bits_per_byte": result.held_out_bits_per_byte,
    }
    storage.write_bytes(str(result.folder / "result.json"), json.dumps(said, indent=1).encode())


def read(folder: Path) -> TrainingResult | None:
    """The result of a finished training in `folder`, or None."""
    path = folder / "result.json"
    return TrainingResult(folder, **json.loads(path.read_text()), found=True) if path.exists() else None
