"""The recipes that were run in a lake, and what has changed since.

A run keeps its recipe, with the fingerprint of each stage, if it is not that of the run before. What a
changed setting leads to is found by trying: put into the earlier recipe, which fingerprints does it change?
So no list of settings and stages is kept beside the fingerprints.
"""

import copy
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from curation import facts, layout, pipeline, plan, storage
from curation import release as releases
from curation.errors import CurationError, LakeError
from curation.judge import calibration, classifier, judgments, rubric
from curation.pipeline import Job
from curation.pretrain import result as training
from curation.recipe import Judge, Recipe
from curation.select import Rules
from curation.synthesize import documents
from curation.synthesize import prompt as writing

_SHOWN_CHARS = 60  # of a setting's value
_ABSENT = object()
_TRIES = 100

OUTSIDE = "no setting, but the code, a library or a file that it reads"


@dataclass(frozen=True)
class Change:
    """A setting, by its dotted path, that was another in an earlier recipe."""

    path: tuple[str, ...]
    before: Any
    after: Any

    def __str__(self) -> str:
        name = ".".join(self.path)
        if isinstance(self.before, dict) and isinstance(self.after, dict):
            return f"{name}: another order"
        return f"{name}: {_shown(self.before)} → {_shown(self.after)}"


@dataclass(frozen=True)
class Kept:
    """A recipe as it was run, as JSON; `marks` are the fingerprints of its stages then, `prompts` the digests
    of the files that it asked by."""

    recipe: Mapping[str, Any]
    marks: Mapping[str, str]
    prompts: Mapping[str, str]


def marks(job: Job) -> dict[str, str]:
    """The fingerprint of each stage of a recipe: `documents SOURCE`, `column NAME`, `screen`, …"""
    recipe, near = job.recipe, job.recipe.select.duplicates
    found = {f"documents {s.name}": plan.place(s, "").fingerprint for s in recipe.sources}
    found |= {f"column {column.name}": column.fingerprint for column in facts.columns(recipe)}
    found["screen"] = Rules(pipeline.first_rules(job), near).fingerprint
    if recipe.judge:
        found |= _marks_of_judging(recipe.judge)
    found["select"] = Rules(recipe.select.drop, near).fingerprint
    if recipe.synthesize:
        found["synthesize"] = documents.mark(recipe.synthesize)
    found["release"] = releases.mark(recipe)
    if recipe.pretrain:
        found["pretrain"] = training.mark(recipe.pretrain)
    return found


def _marks_of_judging(settings: Judge) -> dict[str, str]:
    found = {"judge": judgments.mark(settings)}
    if settings.gold:
        found["calibrate"] = calibration.mark(settings)
    found["score"] = classifier.mark(settings)
    for number in range(2, settings.rounds + 1):
        found[f"judge_{number}"] = judgments.mark(settings, is_first=False)
        found[f"score_{number}"] = found["score"]
    return found


def keep(job: Job) -> None:
    """Keep the recipe of a run, unless it is the last that was kept."""
    made = _kept(job)
    data = json.dumps(vars(made), indent=1, ensure_ascii=False).encode()
    directory = job.lake.recipes(job.recipe.name)
    for _ in range(_TRIES):
        names = _names(directory)
        if names and _read(storage.join(directory, names[-1])) == made:
            return
        if storage.create(layout.kept_recipe(directory, len(names) + 1), data):
            return
    raise LakeError(f"{directory}: {_TRIES} other runs kept a recipe meanwhile; run fewer at a time")


def earlier(job: Job) -> list[Kept]:
    """The recipes of this name that were run in the lake, the last one first."""
    directory = job.lake.recipes(job.recipe.name)
    return [_read(storage.join(directory, name)) for name in reversed(_names(directory))]


def why(job: Job, history: Sequence[Kept]) -> dict[str, list[str]]:
    """For each stage whose fingerprint was another in an earlier run: what has changed for it since the last
    such run."""
    now = marks(job)
    found: dict[str, list[str]] = {}
    for kept in history:
        stages = {
            stage for stage in now if stage not in found and kept.marks.get(stage, now[stage]) != now[stage]
        }
        if stages:
            found |= _since(job, kept, stages, now)
    return found


def _since(job: Job, kept: Kept, stages: Iterable[str], now: Mapping[str, str]) -> dict[str, list[str]]:
    try:
        then = replace(job, recipe=Recipe.model_validate(kept.recipe))
        by_settings = marks(then)
    except (ValidationError, CurationError):  # what another version could read
        return {stage: [OUTSIDE] for stage in stages}
    led = [
        (change, _led_to(then, change, by_settings))
        for change in changes(_dump(then.recipe), _dump(job.recipe))
    ]
    found = {}
    for stage in stages:
        differs = by_settings.get(stage) != now[stage]
        found[stage] = [str(change) for change, to in led if differs and (to is None or stage in to)]
        if by_settings.get(stage) != kept.marks[stage]:
            found[stage].append(_outside(kept, job, stage))
    return found


def changes(before: Any, after: Any, path: tuple[str, ...] = ()) -> Iterator[Change]:
    """What differs between two recipes as JSON; an item of a list is named by its `name`, if it has one."""
    old, new = _named(before), _named(after)
    if not (isinstance(old, dict) and isinstance(new, dict)):
        if before != after:
            yield Change(path, before, after)
        return
    for name in {**old, **new}:
        if name not in old or name not in new:
            yield Change((*path, name), old.get(name, _ABSENT), new.get(name, _ABSENT))
        else:
            yield from changes(old[name], new[name], (*path, name))
    if isinstance(before, dict) and [n for n in old if n in new] != [n for n in new if n in old]:
        yield Change(path, old, {name: old[name] for name in new if name in old})


def _led_to(then: Job, change: Change, before: Mapping[str, str]) -> set[str] | None:
    """The stages whose fingerprints a change alone, made to an earlier recipe, changes; None if it cannot be
    made alone."""
    try:
        tried = marks(replace(then, recipe=Recipe.model_validate(_applied(_dump(then.recipe), change))))
    except (ValidationError, CurationError):
        return None
    return {stage for stage in {**before, **tried} if before.get(stage) != tried.get(stage)}


def _applied(recipe: dict[str, Any], change: Change) -> dict[str, Any]:
    made: Any = copy.deepcopy(recipe)
    inner = made
    for name in change.path[:-1]:
        inner = inner[name] if isinstance(inner, dict) else next(i for i in inner if i["name"] == name)
    last = change.path[-1]
    if isinstance(inner, list):
        inner[:] = [item for item in inner if item["name"] != last]
        inner += [change.after] if change.after is not _ABSENT else []
    elif change.after is _ABSENT:
        del inner[last]
    else:
        inner[last] = change.after
    return dict(made)


def _outside(before: Kept, job: Job, stage: str) -> str:
    """What has changed though no setting did."""
    kind = {"judge": "rubric", "calibrate": "rubric", "synthesize": "prompt"}.get(
        stage.split("_", maxsplit=1)[0]
    )
    for name, digest in _prompts(job.recipe).items():
        if kind and name.startswith(kind) and before.prompts.get(name, digest) != digest:
            return f"the text of the {name}"
    return OUTSIDE


def _kept(job: Job) -> Kept:
    return Kept(_dump(job.recipe), marks(job), _prompts(job.recipe))


def _prompts(recipe: Recipe) -> dict[str, str]:
    found = {}
    if recipe.judge:
        found[f"rubric {recipe.judge.rubric}"] = rubric.load(recipe.judge.rubric).digest
    if recipe.synthesize:
        found[f"prompt {recipe.synthesize.prompt}"] = writing.load(recipe.synthesize.prompt).digest
    return found


def _dump(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(mode="json", exclude={"budget", "claude"})  # neither changes an answer


def _names(directory: str) -> list[str]:
    return [name for name in storage.names(directory) if name.startswith("recipe-")]


def _read(uri: str) -> Kept:
    return Kept(**json.loads(storage.read_bytes(uri)))


def _named(value: Any) -> Any:
    """A list of things with names as a dictionary; all else as it is."""
    if isinstance(value, list) and value and all(isinstance(i, dict) and "name" in i for i in value):
        return {item["name"]: item for item in value}
    return value


def _shown(value: Any) -> str:
    if value is _ABSENT or value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"
