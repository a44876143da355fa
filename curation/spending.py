"""What was spent on a recipe, from the ledger, and what it comes to for each million tokens that are kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from curation import pipeline, stage
from curation.errors import NotPublished
from curation.pipeline import Job
from curation.stage import Published

if TYPE_CHECKING:
    from curation.claude.costs import Cost

BYTES_PER_TOKEN = 4  # of UTF-8; roughly that of English. No tokenizer is everyone's.


@dataclass(frozen=True)
class Spending:
    """Costs by stage and model, over all runs of a recipe; `kept_tokens` of what it keeps now, estimated."""

    costs: Sequence["Cost"]
    kept_tokens: float

    def usd_per_million(self, cost: "Cost") -> float | None:
        """USD settled for each million kept tokens; None if nothing is kept."""
        return float(cost.settled_usd) / self.kept_tokens * 1e6 if self.kept_tokens else None


def spending(job: Job) -> Spending:
    """What was spent on the recipe of `job`; no tokens are kept before its decisions are made."""
    costs = [cost for cost in job.ledger.costs() if cost.recipe == job.recipe.name]
    try:
        kept = kept_bytes(pipeline.decided(replace(job, look_only=True)))
    except NotPublished:
        kept = 0
    return Spending(costs, kept / BYTES_PER_TOKEN)


def kept_bytes(decisions: Published) -> int:
    """UTF-8 of the texts that these decisions keep, each once."""
    tables = (stage.read_table(uri, ["kept", "text_bytes"]) for uri in decisions.part_uris())
    return sum(pc.sum(t["text_bytes"].filter(t["kept"])).as_py() or 0 for t in tables)
