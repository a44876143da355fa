"""`Job`: a recipe at work in a lake; opened, and checked before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from curation import facts, recipe_file, rules, storage
from curation.claude.prices import check_model
from curation.document import SCHEMA
from curation.errors import RecipeError
from curation.facts import Column
from curation.judge import calibration, classifier, lake_key, rubric, strata
from curation.judge.calibration.gold import Gold
from curation.layout import Layout
from curation.recipe import Judge, Recipe, Synthesize
from curation.synthesize import prompt as writing

if TYPE_CHECKING:
    from curation.claude.ledger import Ledger


@dataclass(frozen=True)
class Job:
    """A recipe at work in a lake. `ledger_at` is a path, or the URL of a database; as that may have a
    password in it, it shows in no repr."""

    recipe: Recipe
    lake: Layout
    ledger_at: str = field(repr=False)
    look_only: bool = False  # find what is published, make nothing: NotPublished where something is not

    @cached_property
    def ledger(self) -> "Ledger":
        from curation.claude.ledger import Ledger  # here: to import SQLAlchemy takes a second

        return Ledger(self.ledger_at, look_only=self.look_only)

    @cached_property
    def key(self) -> bytes:
        """The lake's secret, by which what is asked about is enclosed."""
        return lake_key.look(self.lake) if self.look_only else lake_key.read(self.lake)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The annotators that need no judgment."""
        return facts.columns(self.recipe)

    @cached_property
    def gold(self) -> Gold:
        """The labels that the judge is held to. Raises RecipeError and InputError."""
        return calibration.load(self.judge)

    @property
    def schema(self) -> pa.Schema:
        """The columns that a rule may read."""
        judged = classifier.schema(self.recipe.judge) if self.recipe.judge else []
        return pa.schema([*self.first_schema, *judged])

    @property
    def first_schema(self) -> pa.Schema:
        """Those that need no judgment."""
        fields = [f for f in SCHEMA if f.name != "text"]
        return pa.schema([*fields, *(f for column in self.columns for f in column.annotator.columns)])

    @property
    def judge(self) -> Judge:
        if self.recipe.judge is None:
            raise RecipeError(f"recipe {self.recipe.name} has no `judge`: write one, or leave this step out")
        return self.recipe.judge

    @property
    def synthesize(self) -> Synthesize:
        if self.recipe.synthesize is None:
            raise RecipeError(f"recipe {self.recipe.name} has no `synthesize`: write one, or leave it out")
        return self.recipe.synthesize


def open_job(
    recipe: str | Path, lake: str, overrides: Mapping[str, Any] | None = None, ledger: str | None = None
) -> Job:
    """The job of a recipe file in a lake, checked before anything runs. Raises RecipeError, and
    ClaudeError for a model without a price."""
    layout = Layout(storage.unabbreviated(lake))
    job = Job(recipe_file.load(recipe, overrides), layout, ledger_at(layout, ledger))
    reads = rules.check(job.recipe.select.drop, job.schema)
    _check_removal(job.recipe, frozenset().union(*reads.values()))
    _check_prompts(job.recipe)
    if job.recipe.judge:
        strata.columns(job.recipe.judge.strata, job.first_schema)
    return job


def ledger_at(lake: Layout, ledger: str | None) -> str:
    """Where the ledger of a lake is: in it, if not said."""
    if ledger is None and not storage.is_local(lake.root):
        raise RecipeError(
            f"the lake {lake.root} cannot hold the ledger: name a database or a local file for it"
        )
    return ledger or lake.ledger


def _check_removal(recipe: Recipe, read: frozenset[str]) -> None:
    """RecipeError if texts of which removal leaves nothing could be released."""
    if "c4" in recipe.release.remove and not read & {"c4_line_count", "c4_sentence_count"}:
        raise RecipeError(
            "release.remove: of some texts C4 leaves no line, and no rule drops these; write a rule into "
            "select.drop, such as no_line_left: c4_line_count = 0, or C4's own, c4_sentence_count < 5"
        )


def _check_prompts(recipe: Recipe) -> None:
    """RecipeError or ClaudeError for a prompt that does not ship, or a model without a price."""
    if recipe.judge:
        rubric.of(recipe.judge)
        check_model(recipe.judge.model)
    if recipe.synthesize:
        writing.load(recipe.synthesize.prompt)
        check_model(recipe.synthesize.model)
