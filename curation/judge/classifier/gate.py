"""The gate: does a classifier tell good documents of one source from the others, better than what says
nothing of their worth?

It passes if, for every baseline, the interval of the difference of the two AUCs within source lies above 0
(paired: of the same bootstrap draws, on the documents held out). AUC, as it asks of the score, whatever
threshold is chosen; within source, as what has only learned where a document is from is no judge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from curation.errors import NotPromoted
from curation.judge.classifier.measures import Numbers
from curation.judge.intervals import interval


@dataclass(frozen=True)
class Passage:
    """Whether the gate is passed; `ahead_by` has the interval for each baseline, `failed` says in words where
    it is not passed."""

    passed: bool
    ahead_by: Mapping[str, tuple[float, float] | None]
    failed: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "figure": "AUC within source, classifier less baseline, 95% interval"}


def ask(classifier: Numbers, baselines: Mapping[str, Numbers]) -> Passage:
    """Whether a classifier passes, by the AUC within source of it and of each baseline in the same draws, the
    first of which is the documents as they are."""
    ahead_by = {name: interval((classifier - values)[1:]) for name, values in baselines.items()}
    failed = tuple(_said(name, found) for name, found in ahead_by.items() if found is None or found[0] <= 0)
    return Passage(not failed, ahead_by, failed)


def error(classifier: str, failed: Sequence[str]) -> NotPromoted:
    """What is said when the gate is required and the classifier at this URI did not pass."""
    listed = "\n".join(f"- {why}" for why in failed)
    return NotPromoted(
        f"the classifier {classifier} did not pass the gate, so its score decides nothing:\n{listed}\n"
        "Raise judge.sample; or write judge.gate: reported; or read its card, which lies beside it, and "
        "promote it: `curation promote --why TEXT`, with the same --recipe and --lake"
    )


def _said(name: str, found: tuple[float, float] | None) -> str:
    if found is None:
        return f"{name}: too few good documents and others of one source are held out to tell"
    return f"{name}: ahead by {found[0]:+.3f} to {found[1]:+.3f} of AUC within source, which is not above 0"
