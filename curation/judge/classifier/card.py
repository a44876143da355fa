"""A classifier's card: what it is, what it learned from, what it is worth and what it is not."""

from collections.abc import Mapping, Sequence
from typing import Any

from curation.judge.suspicion import DOCUMENTS_MIN

_CARD = """# {column}

Scores a text in [0, 1] by how likely it is *good*: judged {good_from} or more by the rubric `{rubric}`
({rubric_digest}) of `{model}`. `{column}_good` says whether the score reaches {at:g}{chosen}.

| | |
|---|---|
| head | {head} |
| learned from | {training} |
| measured on | {held_out}, one in five by a hash, near copies on one side |
| left out | {dropped} |
| model | `{model_file}` |

## What it is worth

On the documents held out; 95% intervals by bootstrap within sources, near copies drawn together. Precision,
recall and F1 at the threshold, of a baseline at the cut that is best on what was learned from; its AUC in the
direction that is better there. AUC within source is the probability that of two documents of one source the
better has the higher score: .5 is a coin.

{figures}

### By source

| source | held out | precision | recall | F1 | AUC |
|---|---|---|---|---|---|
{sources}

## The gate

{gate}
{rounds}
## Limits

- It says what the judge would say, not what is true: its worth is the judge's at best.
- It reads the first {read_bytes:,} bytes of a text.
- It has seen these sources; of others, languages among them, it knows nothing.
- The score is not calibrated: .8 is not eight in ten.
{moved}"""

_ROUNDS = """
## Rounds

Each learned from what was judged until then, the later ones from what the one before was least sure of, too.
All are measured on the documents above, from which none has learned, and all call the same good: judged
{good_from} or more, as the first round chose.

| judged | precision | recall | F1 | AUC | AUC within source |
|---|---|---|---|---|---|
{rows}

{stop}
"""

_STOPS = {
    "gate": "It stopped here: the gate is passed.",
    "all_judged": "It stopped here: every document is judged.",
    "no_gain": "It stopped here: the last two rounds gained nothing: surely less than .02 of AUC.",
    None: "Nothing says that another round would gain nothing.",
}

_FIGURES = ("precision", "recall", "f1", "auc")

_TABLE = """| | precision | recall | F1 | AUC | AUC within source |
|---|---|---|---|---|---|
{rows}"""

_WORTH = """{gate}

{figures}

On {held_out}, held out, with 95% intervals; good is a judgment of {good_from} or more. AUC within source
is the probability that of two documents of one source the better has the higher score: .5 is a coin."""


def card(details: Mapping[str, Any], report: Mapping[str, Any], dropped: Mapping[str, int]) -> str:
    """The card in Markdown, of a classifier's manifest and report."""
    judged, gate = details["judgments"], report["gate"]
    by_source = report["figures"]["classifier"]["by_source"]
    held = report["held_out"]["by_source"]
    of = " of the first round" if "rounds" in report else ""
    moved = f"- Good starts at {details['good_from']}, as too few judgments{of} lie on both sides of 3.\n"
    return _CARD.format(
        column=details["column"],
        good_from=details["good_from"],
        rubric=judged["rubric"],
        rubric_digest=judged["rubric_digest"],
        model=judged["model"],
        at=details["threshold"],
        chosen=_chosen(report),
        head=details["head"],
        training=_counted(report["training"]),
        held_out=_counted(report["held_out"]),
        dropped=(", ".join(f"{n} {why}" for why, n in dropped.items()) or "nothing")
        + _not_compared(details["comparable"]),
        model_file=details["model"],
        figures=_table(report),
        sources="\n".join(
            f"| {s} | {held[s]} | {' | '.join(_told(found[f]) for f in _FIGURES)} |"
            for s, found in by_source.items()
        ),
        gate=_gate(gate),
        rounds=_rounds(report),
        read_bytes=report["read_bytes"],
        moved=moved if report["good_from_moved"] else "",
    )


def worth(report: Mapping[str, Any]) -> str:
    """In short, in Markdown: the gate, and the figures beside the baselines'."""
    held_out = _counted(report["held_out"])
    at = report["good_from"]
    return _WORTH.format(gate=_gate(report["gate"]), figures=_table(report), held_out=held_out, good_from=at)


def _table(report: Mapping[str, Any]) -> str:
    return _TABLE.format(rows="\n".join(_row(name, found) for name, found in report["figures"].items()))


def _row(name: str, measured: Mapping[str, Any]) -> str:
    overall, within = measured["overall"], measured["within_source"]["auc"]
    return f"| {name} | {' | '.join(_told(overall[f]) for f in _FIGURES)} | {_told(within)} |"


def _rounds(report: Mapping[str, Any]) -> str:
    if "rounds" not in report:
        return ""
    figures = (*_FIGURES, "auc_within_source")
    rows = (f"| {row['judged']} | {' | '.join(_told(row[f]) for f in figures)} |" for row in report["rounds"])
    stop = _STOPS[report["stop"]]
    return _ROUNDS.format(rows="\n".join(rows), stop=stop, good_from=report["good_from"])


def _told(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return "–"
    interval = figure["interval"]
    return f"{figure['value']:.2f}" + (f" ({interval[0]:.2f}–{interval[1]:.2f})" if interval else "")


def _counted(counts: Mapping[str, Any]) -> str:
    scores = ", ".join(f"{n} of score {score}" for score, n in counts["by_score"].items())
    return f"{counts['documents']} documents, {counts['good']} good ({scores})"


def _not_compared(comparable: Sequence[int]) -> str:
    """Of which rounds nothing could be suspected for its score."""
    few = {n: count for n, count in enumerate(comparable, start=1) if count < DOCUMENTS_MIN}
    if not few:
        return ""
    said = ", ".join(f"{count} in round {n}" for n, count in few.items())
    return f"; no score could be suspected where fewer than {DOCUMENTS_MIN} can be compared: {said}"


def _chosen(report: Mapping[str, Any]) -> str:
    if report["threshold_asked"] is None:
        return ""
    [(by, value)] = report["threshold_asked"].items()
    said = f", chosen by {by} {value:,g} on {report['threshold_chosen_on']}"
    if by != "precision":
        return said
    return (
        f"{said}; on what is held out it has {_told(report['figures']['classifier']['overall']['precision'])}"
    )


def _gate(gate: Mapping[str, Any]) -> str:
    if gate["passed"]:
        return "Passed: within sources it is ahead of every baseline; no interval holds 0."
    return "Not passed:\n\n" + "\n".join(f"- {why}" for why in gate["failed"])
