"""The loss curve as a picture."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from curation import storage


def loss_curve(steps: pa.Table, title: str, path: Path) -> None:
    """Draw the rows of `telemetry.STEPS` as a PNG: each step's loss, the running mean, what was skipped."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    step, loss = steps["step"].to_numpy(), steps["loss"].to_numpy()
    tokens = np.cumsum(steps["tokens"].to_numpy())
    skipped = steps["skipped"].to_numpy()
    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    axes = FigureCanvasAgg(figure).figure.add_subplot()
    axes.plot(step, loss, color="tab:blue", alpha=0.35, linewidth=1, label="each step")
    axes.plot(step, running_mean(loss), color="tab:blue", linewidth=2, label="running mean of 10 steps")
    for at in step[skipped]:
        axes.axvline(at, color="tab:red", linewidth=1, label="skipped" if at == step[skipped][0] else None)
    axes.set_title(title)
    axes.set_xlabel(f"Step ({tokens[-1]:,} tokens in all)")
    axes.set_ylabel("Training loss (nats per token)")
    axes.grid(alpha=0.3)
    axes.legend()
    with storage.scratch(str(path.parent)) as scratch:
        figure.savefig(scratch / path.name)
        storage.publish(scratch / path.name, str(path))


def running_mean(values: np.ndarray, width: int = 10) -> np.ndarray:
    """The mean of each value and up to `width` - 1 before it; what is not finite is left out."""
    windows = [values[max(0, end - width) : end] for end in range(1, len(values) + 1)]
    finite = [window[np.isfinite(window)] for window in windows]
    return np.array([window.mean() if len(window) else np.nan for window in finite])
