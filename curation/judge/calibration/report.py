"""A calibration as a page for people: Markdown from its figures, and two pictures. The same figures give the
same bytes."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from curation.claude.outcome import Outcome
from curation.judge.calibration.figures import GOLD

Figures = Mapping[str, Any]  # as `calibration_figures.measure` gives them

_BLUE = "#2a6f97"
SOURCES_SHOWN = 20
MAPPINGS = {
    "as they are": "the labels are scores of the rubric's scale",
    "order": "the labels are words, spread evenly over the scale in the order given",
    "quantiles": "the labels are numbers of another scale, cut so that each score has an equal share of the "
    "documents; kappa and the error depend on this cut, Spearman does not",
}
PROMPT = {"digest": "its words", "parameters": "its parameters", "truncate": "what is read of long texts"}
WHO = {
    "judge": "judge",
    "judge_cut": "judge, cut like the gold",
    "word_count": "length in words",
    "stop_word_ratio": "stop-word ratio",
    "terminal_line_ratio": "punctuation at line ends",
    "source_alone": "source alone",
}


def estimate(told: Mapping[str, float | None] | None) -> str:
    """An estimate as `0.50 [0.47, 0.53]`; a dash where there is none."""
    if told is None or told["value"] is None:
        return "–"
    value, low, high = told["value"], told["low"], told["high"]
    return (
        _number(value)
        if low is None or high is None
        else f"{_number(value)} [{_number(low)}, {_number(high)}]"
    )


def markdown(told: Figures, confusion: str, scores: str) -> str:
    """The report; `confusion` and `scores` are the names of the pictures beside it."""
    sections = [
        *_head(told),
        *_overall(told),
        f"![How often each score was given at each level of the gold]({confusion})",
        f"![The gold's labels at each score]({scores})",
        *_by_source(told),
        *_itself(told),
        *_probes(told),
        *_rates(told),
        *_drift(told),
    ]
    return "\n\n".join(sections) + "\n"


def _head(told: Figures) -> list[str]:
    gold, dropped = told["gold"], told["gold"]["dropped"]
    lost = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items()) or "none"
    failed = ", ".join(
        f"{count:,} {outcome}" for outcome, count in told["outcomes"].items() if outcome != "ok"
    )
    by = ", ".join(told["answered_by"]) or "nobody"
    return [
        f"# {told['model']} held to {gold['name']}",
        f"Rubric {told['rubric']} (`{told['prompt']['digest']}`), answered by {by}. {told['documents']:,} "
        f"documents with labels, rows left out: {lost}. Answered: {estimate(told['coverage'])}"
        f"{f' (others: {failed})' if failed else ''}. Scale {told['scale'][0]} to {told['scale'][-1]}: "
        f"{MAPPINGS[gold['mapping']]}.",
        "In brackets: 95 % of 1,000 bootstrap draws of the documents within their source. Baselines are "
        "helped: read in the direction that suits this gold, and cut so that each score is as frequent as in "
        "it.",
    ]


def _overall(told: Figures) -> list[str]:
    header = ["", "κ (quadratic)", "Spearman", "mean abs. error", "Spearman, judge ahead by"]
    rows = []
    for who, figures in told["overall"].items():
        rows.append([WHO[who], *_three(figures), estimate(figures.get("spearman_lead"))])
    parts = ["## Against the gold", _table(header, rows)]
    if len(told["by_source"]) > 1:
        inside = [[WHO[who], *_three(figures)] for who, figures in told["within_source"].items()]
        parts += [
            "### Within source",
            "The mean over sources of 10 documents or more, weighted by their documents.",
            _table(header[:-1], inside),
        ]
    return parts


def _by_source(told: Figures) -> list[str]:
    sources, figures = told["coverage_by_source"], {s["source"]: s for s in told["by_source"]}
    if len(sources) < 2:
        return ["All documents are of one source, or of sources too small: nothing is said within sources."]
    rows = []
    for s in sources[:SOURCES_SHOWN]:
        of_source = _three(figures.get(s["source"], {}))
        rows.append([_cell(s["source"]), f"{s['documents']:,}", estimate(s["coverage"]), *of_source])
    more = len(sources) - SOURCES_SHOWN
    table = _table(["source", "documents", "answered", "κ", "Spearman", "mean abs. error"], rows)
    return ["### Each source", table, *([f"And {more} smaller sources."] if more > 0 else [])]


def _itself(told: Figures) -> list[str]:
    found = told["itself"]
    if not found["documents"]:
        return []
    return [
        "## Against itself",
        f"{found['documents']:,} documents asked about twice: κ {estimate(found['kappa'])}, mean absolute "
        f"difference {estimate(found['mae'])}, on the other side of {told['threshold']} the second time: "
        f"{estimate(found['flip_rate'])}.",
    ]


def _probes(told: Figures) -> list[str]:
    if not told["probes"]:
        return ["No document was asked about in other dress: none was to be, or none is read whole in both."]
    header = ["dress", "documents", "mean shift", f"flipped at {told['threshold']}", "to good", "to poor"]
    rows = [
        [name, str(p["documents"]), estimate(p["shift"]), estimate(p["flip_rate"]), str(p["flipped_to_good"]),
         str(p["flipped_to_poor"])]
        for name, p in told["probes"].items()
    ]  # fmt: skip
    return [
        "## The same documents in other dress",
        "Edits made by rules, which add nothing about the subject; `halved` leaves half of it out. The "
        "documents are those that the judge reads whole before and after. A judge that looks at what is said "
        "has a shift of 0, and no more flips than against itself.",
        _table(header, rows),
    ]


def _rates(told: Figures) -> list[str]:
    found = told["errors"]
    good, poor = found["sensitivity"], found["specificity"]
    return [
        "## Errors at the threshold",
        f"Of {good['documents']:,} documents that the gold has at {told['threshold']} or more, the judge "
        f"takes {good['good']:,} for good; of {poor['documents']:,} below, {poor['good']:,} for poor. By "
        "these a rate that the judge reports of a corpus is corrected, if it errs there as it does here.",
    ]


def _drift(told: Figures) -> list[str]:
    changes = [_change(found, told["prompt"]) for found in told["drift"]]
    return ["## Against calibrations before", *(changes or ["There is none with the same documents."])]


def _change(found: Figures, prompt: Mapping[str, Any]) -> str:
    other = [what for name, what in PROMPT.items() if found["prompt_before"][name] != prompt[name]]
    by = f"another prompt ({', '.join(other)})" if other else "the same prompt"
    return (
        f"The {found['which']}, {found['model_before']} with {by}, on {found['documents']:,} documents that "
        f"both answered: κ {estimate(found['kappa_before'])}, now higher by {estimate(found['kappa'])}; mean "
        f"absolute error {estimate(found['mae_before'])}, now higher by {estimate(found['mae'])}."
    )


def confusion_png(told: Figures) -> bytes:
    """A PNG: how many documents of each level got each score."""
    scale, counts = told["scale"], told["confusion"]
    figure, axes = _axes(4.8, 4.4)
    axes.imshow(counts, cmap="Blues", origin="lower")
    largest = max(max(row) for row in counts) or 1
    for level, row in enumerate(counts):
        for score, count in enumerate(row):
            colour = "white" if count > largest / 2 else "black"
            axes.text(score, level, f"{count:,}", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(scale)), [str(s) for s in scale])
    axes.set_yticks(range(len(scale)), [str(s) for s in scale])
    axes.set_xlabel("judge")
    axes.set_ylabel("gold")
    axes.set_title(f"{told['model']}: documents", loc="left")
    return _png(figure)


def scores_png(told: Figures, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """A PNG: for each score the labels, as given, of the documents that got it."""
    scale = told["scale"]
    answered = [row for row in rows if row["asked"] == GOLD and row["outcome"] == Outcome.OK]
    labels = [[row["label"] for row in answered if row["score"] == score] for score in scale]
    figure, axes = _axes(4.8, 4.4)
    filled = [place for place, of_score in enumerate(labels) if of_score]
    axes.boxplot(
        [labels[place] for place in filled], positions=filled, widths=0.6, showfliers=False,
        medianprops={"color": _BLUE, "linewidth": 2},
    )  # fmt: skip
    axes.set_xticks(range(len(scale)), [f"{s}\n{len(of):,}" for s, of in zip(scale, labels, strict=True)])
    axes.set_xlim(-0.5, len(scale) - 0.5)
    axes.set_xlabel("judge's score, and documents")
    axes.set_ylabel("gold's label")
    axes.set_title(f"{told['model']}: labels at each score", loc="left")
    return _png(figure)


def _axes(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _png(figure: Any) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110, metadata={"Software": None})
    return out.getvalue()


def _three(figures: Mapping[str, Any]) -> list[str]:
    return [estimate(figures.get(name)) for name in ("kappa", "spearman", "mae")]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split()) or "(none)"


def _number(value: float) -> str:
    text = f"{value:.2f}"
    return text.removeprefix("-") if float(text) == 0 else text
