"""What a finished training says; written last, so that a training without it is not finished."""

import json
from dataclasses import dataclass
from pathlib import Path

from curation import storage


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
