"""Rounds: a sample is judged, a classifier learns from it, and what it is unsure of is judged next.

Round 1 judges a keyed sample; each later one the documents that `relabel` chooses by the scores of the
classifier before. A classifier learns from the judgments of its round and of all before it. Both are stages:
a round's judgments follow from the first decisions and the classifier before, a classifier from the
judgments, so a loop that was stopped goes on where it was, and a recipe that asks for more rounds has had
those that it asked for before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from curation import stage
from curation.judge import classifier, frame, judgments, relabel
from curation.judge.frame import AUDIT, UNCERTAIN, Drawn, Frame
from curation.judge.relabel import Rows
from curation.layout import Layout
from curation.recipe import Judge
from curation.stage import Published


@dataclass(frozen=True)
class Taught:
    """A finished round: its judgments, and the classifier that has learned from them and from all before."""

    judgments: Published
    classifier: Published


def finished(lake: Layout, settings: Judge, decisions: Published) -> list[Taught]:
    """The rounds that are published, in their order; none after the one that ended the loop."""
    found: list[Taught] = []
    while not is_over(settings, found):
        judged = judgments.find(lake, settings, decisions, last(found))
        if judged is None:
            break
        learned = classifier.find(lake, settings, [*(taught.judgments for taught in found), judged])
        if learned is None:
            break
        found.append(Taught(judged, learned))
    return found


def judged(lake: Layout, settings: Judge, decisions: Published) -> list[Published]:
    """The judgments of all rounds, that among them from which nothing is learned yet."""
    done = finished(lake, settings, decisions)
    more = None if is_over(settings, done) else judgments.find(lake, settings, decisions, last(done))
    return [*(taught.judgments for taught in done), *([more] if more else [])]


def is_over(settings: Judge, done: Sequence[Taught]) -> bool:
    """Whether no round follows those that are `done`: there are as many as the recipe asks for, or the last
    classifier says why."""
    return len(done) >= settings.rounds or bool(done and classifier.why_over(done[-1].classifier))


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
