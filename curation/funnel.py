"""The funnel: from the records of the archives to the documents of a release, each loss with its reason."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from curation.facts import Partition
from curation.manifest import Manifest


@dataclass(frozen=True)
class Step:
    """What goes in and why some of it does not come out."""

    name: str  # ingest, synthesize, select or release
    rows_in: int
    dropped: dict[str, int]  # by reason, most first

    @property
    def rows_out(self) -> int:
        return self.rows_in - sum(self.dropped.values())


@dataclass(frozen=True)
class Funnel:
    """The steps in order: what `ingest` and `synthesize` give goes into `select`, that into `release`."""

    steps: tuple[Step, ...]

    def as_json(self) -> list[dict[str, object]]:
        return [
            {"step": s.name, "rows_in": s.rows_in, "rows_out": s.rows_out, "dropped": s.dropped}
            for s in self.steps
        ]


ENTERED = {"ingest": "records read from the archives", "synthesize": "texts asked for"}
"""What `rows_in` of the steps that begin the funnel counts."""


def funnel(
    partitions: Sequence[Partition], decisions: Manifest, *, synthetic: str | None, mixed_out: int = 0
) -> Funnel:
    """The funnel of `partitions` as decided.

    `synthetic` is the source that was written, not read; `mixed_out` kept documents are left out by weights.
    """
    read = _enter("ingest", [p for p in partitions if p.source != synthetic])
    written = [_enter("synthesize", [p for p in partitions if p.source == synthetic])] if synthetic else []
    select = Step("select", decisions.rows_in, _most_first(Counter(decisions.dropped)))
    release = Step("release", decisions.kept, {"mixture_weight": mixed_out} if mixed_out else {})
    return Funnel((read, *written, select, release))


def _enter(name: str, partitions: Sequence[Partition]) -> Step:
    lost: Counter[str] = Counter()
    for partition in partitions:
        lost.update(partition.documents.manifest.dropped)
    return Step(name, sum(p.documents.manifest.rows_in for p in partitions), _most_first(lost))


def _most_first(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
