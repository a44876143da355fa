"""The funnel as a picture. The same numbers give the same bytes."""

import io

from curation.funnel import ENTERED, Funnel

_KEPT, _LOST = "#2a6f97", "#d9a08b"


def funnel_png(funnel: Funnel, title: str) -> bytes:
    """A PNG: a bar for what comes out of each step, and below it one for each reason of loss."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    labels: list[str] = []
    values: list[int] = []
    colours: list[str] = []
    for step in funnel.steps:
        if step.name in ENTERED:
            labels.append(ENTERED[step.name])
            values.append(step.rows_in)
            colours.append(_KEPT)
        for reason, count in step.dropped.items():
            labels.append(f"{step.name}: {reason}")
            values.append(count)
            colours.append(_LOST)
        labels.append(f"after {step.name}")
        values.append(step.rows_out)
        colours.append(_KEPT)
    figure = Figure(figsize=(9, 0.32 * len(labels) + 1.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    bars = axes.barh(labels[::-1], values[::-1], color=colours[::-1])
    axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=8)
    axes.set_title(title, loc="left")
    axes.set_xlabel("documents")
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110, metadata={"Software": None})
    return out.getvalue()
