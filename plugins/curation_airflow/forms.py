"""The forms by which a run is triggered in the UI: one typed field for each setting that a person may turn.

Type and limits of a field are those of the recipe's own model, so that the form refuses what the recipe
would refuse; its default is what the recipe says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.sdk import Param

from curation.recipe import Recipe

_SCHEMA_KEYS = ("type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "format", "pattern")


@dataclass(frozen=True)
class Field:
    """A setting of a recipe, by its dotted path, as a field of a form."""

    name: str
    path: str
    title: str
    help: str


RELEASE = (
    Field(
        "near_duplicate_similarity",
        "select.duplicates.similarity",
        "Near-duplicate similarity",
        "Two documents are near duplicates from this Jaccard similarity of their word shingles up. Lower "
        "removes more. Only the selection is computed anew: facts stay.",
    ),
    Field(
        "judge_sample",
        "judge.sample",
        "Documents to judge",
        "How many of the surviving documents are judged to train the classifier. A larger sample holds the "
        "smaller one: only documents without an answer in the ledger are sent, and paid for.",
    ),
    Field(
        "synthesize_sample",
        "synthesize.sample",
        "Documents to rewrite",
        "How many kept documents are rewritten. As for the judge, only what the ledger lacks is sent.",
    ),
    Field(
        "shard_bytes",
        "release.shard_bytes",
        "Shard size, bytes of text",
        "Where one shard ends and the next begins, before compression.",
    ),
    Field(
        "order_seed",
        "release.seed",
        "Seed of the order",
        "The order of documents in the shards. The same seed, the same bytes.",
    ),
)

PRETRAIN = (
    Field(
        "steps",
        "pretrain.steps",
        "Steps",
        "Optimiser steps. The learning rate has fallen to its end by the last one.",
    ),
    Field(
        "batch_rows",
        "pretrain.batch_rows",
        "Batch, rows",
        "Sequences in a step; the tokens of a step are this times the context.",
    ),
    Field(
        "context",
        "pretrain.context",
        "Context, tokens",
        "Tokens in a sequence. A document that is longer goes on in the next one.",
    ),
    Field("layers", "pretrain.layers", "Layers", "Transformer blocks, one after the other."),
    Field(
        "width",
        "pretrain.width",
        "Width",
        "Size of the hidden state; a multiple of the recipe's number of heads.",
    ),
    Field(
        "learning_rate",
        "pretrain.learning_rate",
        "Learning rate",
        "The peak, reached after the warm-up. Too high shows as a loss that rises.",
    ),
    Field("seed", "pretrain.seed", "Seed", "Seed of the weights and of the order of batches."),
)


def params(recipe: Recipe, fields: tuple[Field, ...]) -> dict[str, Param]:
    """The form's fields for `recipe`: those of stages that it leaves out are left out."""
    made = {}
    for field in fields:
        found = _look_up(recipe, field.path)
        if found is not None:
            value, schema = found
            made[field.name] = Param(value, field.help, title=field.title, **schema)
    return made


def overrides(fields: tuple[Field, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """What a run's form asks for, by the dotted paths of a recipe."""
    return {field.path: given[field.name] for field in fields if field.name in given}


def _look_up(recipe: Recipe, path: str) -> tuple[Any, dict[str, Any]] | None:
    """The value at a dotted path and the JSON schema of its type; None if a stage on the way is left out."""
    *stages, name = path.split(".")
    model: Any = recipe
    for stage in stages:
        model = getattr(model, stage)
        if model is None:
            return None
    schema = type(model).model_json_schema()["properties"][name]
    return getattr(model, name), {key: schema[key] for key in _SCHEMA_KEYS if key in schema}
