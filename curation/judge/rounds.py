"""Rounds: a sample is judged, a classifier learns from it, and what it is unsure of is judged next.

Round 1 judges a keyed sample; each later one the documents that `relabel` chooses by the scores of the
classifier before. A classifier learns from the judgments of its round and of all before it. Both are stages:
a round's judgments follow from the first decisions and the classifier before, a classifier from the
judgments, so a loop that was stopped goes on where it was, and a recipe that asks for more rounds has had
those that it asked for before. What follows a loop knows of the last classifier alone, so a loop that a
budget ended gives what a recipe with so many rounds gives.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np
import pyarrow as pa

from curation import stage
from curation.judge import classifier, frame, judgments, relabel
from curation.judge.frame import AUDIT, UNCERTAIN, Drawn, Frame
from curation.judge.relabel import Rows, Why
from curation.layout import Layout
from curation.recipe import Judge
from curation.stage import Published


@dataclass(frozen=True)
class Taught:
    """A finished round: its judgments, and the classifier that has learned from them and from all before."""

    judgments: Published
    classifier: Published


@dataclass(frozen=True)
class Loop:
    """What is judged in rounds: of what these decisions keep, by runs that may cost `run_usd` each."""

    lake: Layout
    settings: Judge
    decisions: Published
    run_usd: Decimal | None = None

    @property
    def where(self) -> tuple[Layout, Judge, Published]:
        return self.lake, self.settings, self.decisions


End = Why | Literal["rounds", "budget"]

ENDS: Mapping[End, str] = {
    "rounds": "there are as many as judge.rounds asks for",
    "gate": "the gate is passed",
    "all_judged": "every document is judged",
    "no_gain": "the last two gained nothing",
    "budget": "budget.run_usd leaves no room for the next; raise it to go on",
}


def finished(loop: Loop) -> list[Taught]:
    """The rounds that are published, in their order; none after the one that ended the loop."""
    found: list[Taught] = []
    while not why_over(loop, found):
        judged = judgments.find(*loop.where, last(found))
        if judged is None:
            break
        every = [*(taught.judgments for taught in found), judged]
        learned = classifier.find(loop.lake, loop.settings, every)
        if learned is None:
            break
        found.append(Taught(judged, learned))
    return found


def judged(loop: Loop) -> list[Published]:
    """The judgments of all rounds, that among them from which nothing is learned yet."""
    done = finished(loop)
    more = None if why_over(loop, done) else judgments.find(*loop.where, last(done))
    return [*(taught.judgments for taught in done), *([more] if more else [])]


def why_over(loop: Loop, done: Sequence[Taught]) -> End | None:
    """Why no round follows those that are `done`; None if one does."""
    if len(done) >= loop.settings.rounds:
        return "rounds"
    if not done:
        return None
    return classifier.why_over(done[-1].classifier) or ("budget" if _is_too_dear(loop, done) else None)


def end(loop: Loop, done: Sequence[Taught]) -> None:
    """The cap of a run leaves no room for what the next round asks: no run with this cap, or a lower one,
    begins it again. Else the result of a recipe would follow from how often it is run."""
    assert done, "without a first round there is nothing to go on with"
    assert loop.run_usd is not None, "a run that has no cap does not meet it"
    judgments.say_too_dear(*loop.where, done[-1].classifier, loop.run_usd)


def _is_too_dear(loop: Loop, done: Sequence[Taught]) -> bool:
    """Whether a run with as much to spend did not get through the next round, and none with more did."""
    if loop.run_usd is None:
        return False
    next_one = (*loop.where, done[-1].classifier)
    tried_usd = judgments.too_dear(*next_one)
    return tried_usd is not None and loop.run_usd <= tried_usd and judgments.find(*next_one) is None


def last(done: Sequence[Taught]) -> Published | None:
    """The classifier by whose scores the next round is chosen; None before the first."""
    return done[-1].classifier if done else None


def column_of(published: Iterable[Published], name: str) -> list[str]:
    """A column of judgments, row for row."""
    uris = (uri for one in published for uri in one.part_uris())
    return [value for uri in uris for value in stage.read_table(uri, [name]).column(name).to_pylist()]


def draw(of: Frame, settings: Judge, done: Sequence[Taught]) -> pa.Table:
    """What the next round judges, as a table of `frame.SAMPLE`, the audit slice first: `settings.round`
    documents that no round has judged, or all that there are. `of` has the scores of the last classifier.

    What is chosen for its score stands for no others; one of the audit slice for as many of those that are
    not judged as it is drawn from. Two passes over the columns; held are three times as many as are drawn.
    """
    judged = frozenset(column_of((taught.judgments for taught in done), "digest"))
    at: float = done[-1].classifier.manifest.details["threshold"]
    held: list[Drawn] = []
    every = 0
    for documents in of.candidates(of.cells(), "relabel", str(settings.seed)):
        new = [document for document in documents if document.digest not in judged]
        every += len(new)
        held = _shortlist([*held, *new], at, settings.round)

    def texts_of(rows: Rows) -> list[str]:
        asked = [held[row] for row in rows]
        texts = frame.read(asked)
        return [texts[document.id].column("text")[0].as_py() for document in asked]

    scores = np.array([document.score for document in held], dtype=np.float64)
    chosen = relabel.choose(scores, [document.hash for document in held], at, settings.round, texts_of)
    audit, uncertain = ([held[row] for row in rows] for rows in (chosen.audit, chosen.uncertain))
    weights = [every / len(audit) for _ in audit] + [0.0 for _ in uncertain]
    drawn_for = [AUDIT] * len(audit) + [UNCERTAIN] * len(uncertain)
    return frame.table([*audit, *uncertain], drawn_for, weights)


def _shortlist(documents: Iterable[Drawn], at: float, count: int) -> list[Drawn]:
    """Those of which some may be chosen, by hash; of documents that say the same the first, by id."""
    first: dict[str, Drawn] = {}
    for document in sorted(documents):
        first.setdefault(document.digest, document)
    known = list(first.values())
    rows = relabel.shortlist([(document.score or 0.0, document.hash) for document in known], at, count)
    return [known[row] for row in rows]
