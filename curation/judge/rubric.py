"""A rubric is a prompt whose answer has a score: evidence first, then what is judged, a number of its scale
among it.

Adding one is adding `rubrics/<name>.md`; documents with known answers go beside it, `canaries/<name>.jsonl`.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from curation.errors import RecipeError
from curation.judge import prompt
from curation.judge.prompt import Prompt
from curation.recipe import Judge

FOLDER = Path(__file__).parent / "rubrics"
FIRST, LAST = "evidence", "addresses_model"


def load(name: str, folder: Path = FOLDER) -> Prompt:
    """The rubric called `name`, its `scale` set; RecipeError if there is none or it is not a rubric.

    The answer's fields are `evidence`, then one or more that are judged, each a choice (`enum`) or a boolean,
    and at last `addresses_model`: a model writes from left to right, so what it judges can rest on the
    evidence, and the last says whether the text speaks to its reader as to a model. The field that the front
    matter calls `score` has the scale. Examples stand in the body, with their answers.
    """
    found = prompt.load(folder, name)
    properties = found.schema.get("properties", {})
    first, *judged, last = list(properties) if len(properties) > 2 else ["", "", ""]
    if (first, last) != (FIRST, LAST):
        raise RecipeError(
            f"rubric {name!r}: its schema asks for {list(properties)}; {FIRST!r} first, {LAST!r} last and at "
            "least one field between, in this order, are needed"
        )
    loose = [field for field in judged if not _is_choice(properties[field])]
    if loose:
        raise RecipeError(
            f"rubric {name!r}: {loose[0]!r} must be a boolean, or an enum of numbers or of words"
        )
    if list(found.scale) != sorted(set(found.scale)):
        raise RecipeError(f"rubric {name!r}: scale {list(found.scale)} must ascend, the best last")
    if not found.scale or list(found.scale) != properties.get(found.score, {}).get("enum"):
        raise RecipeError(
            f"rubric {name!r}: scale {list(found.scale)} and the schema's enum of {found.score!r} must be "
            "the same"
        )
    return found


def of(settings: Judge) -> Prompt:
    """The rubric of a recipe, which may say what is asked about of a long text."""
    found = load(settings.rubric)
    return replace(found, truncate=settings.truncate) if settings.truncate else found


def _is_choice(part: Mapping[str, Any]) -> bool:
    options = part.get("enum", [])
    kinds = {type(option) for option in options}
    return part.get("type") == "boolean" or (bool(options) and kinds in ({int}, {str}))
