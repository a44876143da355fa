"""Prompts that ask for a document to be written anew; an answer is an object with a `text`."""

from pathlib import Path

from curation.errors import RecipeError
from curation.judge import prompt
from curation.judge.prompt import Prompt

FOLDER = Path(__file__).parent / "prompts"


def load(name: str, folder: Path = FOLDER) -> Prompt:
    """The prompt called `name`; RecipeError if there is none or its answer is not just a `text`."""
    found = prompt.load(folder, name)
    properties = found.schema.get("properties", {})
    if list(properties) != ["text"] or properties["text"].get("type") != "string":
        raise RecipeError(
            f"prompt {name!r}: its schema asks for {list(properties)}; one string, `text`, is needed"
        )
    return found
