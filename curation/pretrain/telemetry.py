"""What a training says about each step, as Parquet; each step exactly once, however often it was killed.

    telemetry/steps/00000000-00000020.parquet      one row a step: steps 0 to 19
    telemetry/segments/00000000-00000020.parquet   one row a step and segment: whose text had which loss

A part is published just before the checkpoint of its last step. So what a checkpoint covers is published, and
what is published beyond the checkpoint that a training resumes from is removed, for those steps come again.
Measurements stay on the device until a window of steps is read in one go.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from curation import storage
from curation.pretrain.rows import Batch, Packed
from curation.pretrain.step import Measured

STEPS = pa.schema(
    [
        ("step", pa.int64()),  # from 0
        ("loss", pa.float64()),  # nats per predicted token
        ("grad_norm", pa.float64()),  # before clipping
        ("learning_rate", pa.float64()),
        ("tokens", pa.int64()),  # predicted
        ("seconds", pa.float64()),  # from reading the batch to the end of the update
        ("tokens_per_second", pa.float64()),
        ("logsumexp_squared", pa.float64()),  # mean over predicted tokens; z-loss without its coefficient
        ("skipped", pa.bool_()),  # loss or grad_norm was not finite: nothing was changed
        ("rows", pa.list_(pa.int64())),  # row numbers of the batch
    ]
)
SEGMENTS = pa.schema(
    [
        ("step", pa.int64()),
        ("row", pa.int64()),
        ("document", pa.string()),  # id
        ("tokens", pa.int64()),  # predicted
        ("loss", pa.float64()),  # nats per predicted token; null if none is
    ]
)
_NUMBERS = 4  # of a step, before those of its segments


@dataclass(frozen=True)
class _Waiting:
    """A step whose numbers are still on the device."""

    facts: dict[str, Any]
    batch: Batch
    began: Any
    ended: Any
    numbers: torch.Tensor  # (_NUMBERS + S,)


class Telemetry:
    """Collects steps from `first` on; `window` of them are read from the device at a time."""

    def __init__(self, folder: Path, packed: Packed, first: int, window: int) -> None:
        self._folder, self._packed, self._first, self._window = folder, packed, first, window
        self._waiting: list[_Waiting] = []
        self._steps: list[dict[str, Any]] = []
        self._segments: list[pa.Table] = []
        discard(folder, first)

    def add(
        self, step: int, batch: Batch, rate: float, began: Any, measured: Measured
    ) -> list[dict[str, Any]]:
        """Take in one step; the rows of STEPS that could be read by this, often none."""
        m = measured
        numbers = torch.stack([m.loss, m.grad_norm, m.logsumexp_squared, m.skipped])
        ended = now(numbers.device)
        facts = {
            "step": step,
            "learning_rate": rate,
            "tokens": int(batch.predicted.sum()),
            "rows": batch.rows.tolist(),
        }
        numbers = torch.cat([numbers, m.segment_losses])
        self._waiting.append(_Waiting(facts, batch, began, ended, numbers))
        return self.read() if len(self._waiting) >= self._window else []

    def read(self) -> list[dict[str, Any]]:
        """Read what is still on the device; its rows of STEPS."""
        if not self._waiting:
            return []
        numbers = torch.cat([one.numbers for one in self._waiting]).cpu().numpy().astype(np.float64)
        sizes = [len(one.numbers) for one in self._waiting]
        rows = []
        for one, own in zip(self._waiting, np.split(numbers, np.cumsum(sizes)[:-1]), strict=True):
            loss, grad_norm, logsumexp_squared, skipped = own[:_NUMBERS].tolist()
            seconds = _seconds(one.began, one.ended)
            measured = {
                "loss": loss,
                "grad_norm": grad_norm,
                "seconds": seconds,
                "tokens_per_second": one.facts["tokens"] / seconds,
                "logsumexp_squared": logsumexp_squared,
                "skipped": bool(skipped),
            }
            rows.append(one.facts | measured)
            self._segments.append(self._segment_rows(one, own[_NUMBERS:]))
        self._waiting.clear()
        self._steps += rows
        return rows

    def publish(self) -> None:
        """Publish all steps since the last part, as one part of each table."""
        self.read()
        if not self._steps:
            return
        end = int(self._steps[-1]["step"]) + 1
        name = f"{self._first:08d}-{end:08d}.parquet"
        _write(pa.concat_tables(self._segments), self._folder / "segments" / name)
        _write(pa.Table.from_pylist(self._steps, STEPS), self._folder / "steps" / name)
        self._first = end
        self._steps.clear()
        self._segments.clear()

    def _segment_rows(self, one: _Waiting, losses: np.ndarray[Any, np.dtype[np.float64]]) -> pa.Table:
        batch = one.batch
        counts = np.bincount(batch.segments[:, 1:][batch.predicted], minlength=len(losses))
        columns = [
            pa.array(np.full(len(losses), one.facts["step"])),
            pa.array(batch.segment_rows),
            pa.array(self._packed.ids(batch.documents), pa.string()),
            pa.array(counts),
            pa.array(losses, mask=counts == 0),
        ]
        return pa.table(columns, schema=SEGMENTS)


def discard(folder: Path, step: int) -> None:
    """Remove the parts that begin at `step` or later: those steps are taken again."""
    for part in folder.glob("*/*.parquet"):
        if int(part.name[:8]) >= step:
            part.unlink()


def read_steps(folder: Path) -> pa.Table:
    """All published rows of STEPS, in order."""
    return pa.concat_tables([pq.read_table(part) for part in sorted((folder / "steps").glob("*.parquet"))])


def now(device: torch.device) -> Any:
    """This moment of the device's work: the clock, or an event among what CUDA still has to do."""
    if device.type != "cuda":
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record()
    return event


def _seconds(began: Any, ended: Any) -> float:
    return float(ended - began) if isinstance(began, float) else float(began.elapsed_time(ended)) / 1000


def _write(table: pa.Table, path: Path) -> None:
    with storage.scratch(str(path.parent)) as scratch:
        pq.write_table(table, scratch / path.name)
        storage.publish(scratch / path.name, str(path))
