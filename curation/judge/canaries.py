"""Canaries: documents with known answers, asked along with each sample.

    rubrics/canaries/<rubric>.jsonl
    {"name": …, "text": …, "lowest": 0, "highest": 1, "addresses_model": false}

`lowest` and `highest` are the scores that a sound judge may give: wide enough for judges that differ, too
narrow for one that has lost its rubric or obeys what it reads. A judge that fails many is not to be believed
about the rest of the sample.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from curation.document import content_hash
from curation.errors import ClaudeError, RecipeError
from curation.judge import rubric
from curation.judge.answers import Reply
from curation.judge.prompt import Prompt


class Canary(BaseModel):
    """A document and what a sound judge may say of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    text: str
    lowest: int
    highest: int
    addresses_model: bool

    def wrong(self, reply: Reply, score: str) -> str | None:
        """What is wrong with `reply`, whose field `score` has the score; None if nothing is."""
        if not reply.is_ok:
            return f"{reply.outcome}, not answered"
        said, addresses = reply.body[score], reply.body[rubric.LAST]
        if not self.lowest <= said <= self.highest:
            return f"{score} {said}, not {self.lowest} to {self.highest}"
        return f"{rubric.LAST} {str(addresses).lower()}" if addresses != self.addresses_model else None


def load(name: str, folder: Path = rubric.FOLDER) -> tuple[Canary, ...]:
    """The canaries of the rubric called `name`, none where it has no such file. RecipeError for a line that
    is no canary."""
    path = folder / "canaries" / f"{name}.jsonl"
    if not path.exists():
        return ()
    lines = path.read_text(encoding="utf-8").splitlines()
    try:
        return tuple(map(Canary.model_validate_json, lines))
    except ValidationError as error:
        raise RecipeError(f"{path.name} has a line that is no canary: {error}") from error


def replicate(digests: Sequence[str]) -> int:
    """As which repetition the canaries are asked along with a sample of these documents: the same one for the
    same sample, so that an interrupted run asks nothing twice; another for a document more."""
    return 1 + int(content_hash("canaries", *digests)[:7], 16)


def verdict(asked: Sequence[Canary], replies: Sequence[Reply], prompt: Prompt) -> dict[str, Any]:
    """How many were asked, how many answered rightly, and by name what is wrong with the others."""
    found = {canary.name: canary.wrong(r, prompt.score) for canary, r in zip(asked, replies, strict=True)}
    wrong = [{"name": name, "what": what} for name, what in found.items() if what]
    return {"asked": len(asked), "right": len(asked) - len(wrong), "wrong": wrong}


def check(verdict: Mapping[str, Any], wrong_max: float, model: str) -> None:
    """ClaudeError where more than `wrong_max`, a share, of the canaries were answered wrongly."""
    asked, wrong = verdict["asked"], verdict["wrong"]
    if len(wrong) <= wrong_max * asked:
        return
    said = "; ".join(f"{w['name']}: {w['what']}" for w in wrong)
    raise ClaudeError(
        f"{model} answered {len(wrong)} of {asked} canaries wrongly, {len(wrong) / asked:.0%}; "
        f"judge.canaries_wrong_max is {wrong_max:.0%}. {said}. Nothing is to be learned from its scores: "
        "judge by another model or rubric, or raise the limit if these answers are right"
    )
