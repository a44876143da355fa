"""A rubric is a prompt whose answer has a score: evidence first, then a number of its scale."""

from pathlib import Path

from curation.errors import RecipeError
from curation.judge import prompt
from curation.judge.prompt import Prompt

FOLDER = Path(__file__).parent / "rubrics"
FIELDS = ["evidence", "score", "addresses_model"]


def load(name: str, folder: Path = FOLDER) -> Prompt:
    """The rubric called `name`, its `scale` set; RecipeError if there is none or it is not a rubric.

    The answer's fields are `evidence`, `score` and `addresses_model`, in this order: a model writes from left
    to right, so the score can rest on the evidence, and the last says whether the text speaks to its reader
    as to a model.
    """
    found = prompt.load(folder, name)
    properties = found.schema.get("properties", {})
    if list(properties) != FIELDS:
        raise RecipeError(
            f"rubric {name!r}: its schema asks for {list(properties)}; {FIELDS}, in this order, are needed"
        )
    if not found.scale or list(found.scale) != properties["score"].get("enum"):
        raise RecipeError(
            f"rubric {name!r}: scale {list(found.scale)} and the schema's enum of `score` must be the same"
        )
    return found
