"""The funnel: from the records of the archives to the documents of a release, each loss with its reason."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from curation.facts import Partition
from curation.manifest import Manifest


@dataclass(frozen=True)
class Step:
    """What goes in and why some of it does not come out."""

    name: str  # ingest, select or release
    rows_in: int
    dropped: dict[str, int]

    @property
    def rows_out(self) -> int:
        return self.rows_in - sum(self.dropped.values())


@dataclass(frozen=True)
class Funnel:
    """The steps in their order; one's `rows_out` is the next one's `rows_in`."""

    steps: tuple[Step, ...]

    def as_json(self) -> list[dict[str, object]]:
        return [
            {"step": s.name, "rows_in": s.rows_in, "rows_out": s.rows_out, "dropped": s.dropped}
            for s in self.steps
        ]


def funnel(partitions: Sequence[Partition], decisions: Manifest, mixed_out: int = 0) -> Funnel:
    """The funnel of `partitions` as decided; `mixed_out` kept documents are left out by weights."""
    records, lost = 0, Counter[str]()
    for p in partitions:
        records += p.documents.manifest.rows_in
        lost.update(p.documents.manifest.dropped)
    by_count = dict(sorted(lost.items(), key=lambda item: (-item[1], item[0])))
    decided = dict(sorted(decisions.dropped.items(), key=lambda item: (-item[1], item[0])))
    left_out = {"mixture_weight": mixed_out} if mixed_out else {}
    return Funnel(
        (
            Step("ingest", records, by_count),
            Step("select", decisions.rows_in, decided),
            Step("release", decisions.kept, left_out),
        )
    )
