"""The loss curve: drawn also where steps were skipped, and by hand the mean that it shows."""

import struct
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation.pretrain.plot import loss_curve, running_mean
from curation.pretrain.telemetry import STEPS


def test_the_running_mean_leaves_out_what_is_not_finite() -> None:
    values = np.array([np.nan, 4.0, 2.0, np.inf, 6.0])
    assert running_mean(values, 3)[1:].tolist() == [4.0, 3.0, 3.0, 4.0]
    assert np.isnan(running_mean(values, 3)[0])


def test_a_curve_with_skipped_steps_is_drawn_as_a_png(tmp_path: Path) -> None:
    rows = [
        {"step": n, "loss": float("nan") if n == 3 else 8 - n / 10, "tokens": 100, "skipped": n == 3}
        for n in range(20)
    ]
    loss_curve(pa.Table.from_pylist(rows, STEPS), "A title", tmp_path / "loss.png")
    data = (tmp_path / "loss.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert struct.unpack(">II", data[16:24]) == (960, 540)
    assert [path.name for path in tmp_path.iterdir()] == ["loss.png"]
