"""Documents to columns: which annotators a recipe asks for."""

from curation.annotate.datatrove import datatrove_filter
from curation.annotate.gopher import GOPHER
from curation.annotate.language import LANGUAGE
from curation.annotate.length import LENGTH
from curation.annotator import Annotator
from curation.errors import RecipeError
from curation.recipe import Annotate


def annotators(settings: Annotate) -> tuple[Annotator, ...]:
    """The annotators that `settings` ask for; `length` is always among them.

    RecipeError if a datatrove filter cannot be made as asked, or if two annotators write the same column.
    """
    asked = (
        LENGTH,
        *([LANGUAGE] if settings.language else []),
        *([GOPHER] if settings.gopher else []),
        *map(datatrove_filter, settings.datatrove),
    )
    writers: dict[str, str] = {}
    for annotator in asked:
        for column in annotator.columns.names:
            if column in writers:
                raise RecipeError(
                    f"annotate: column {column!r} is written by {writers[column]} and by {annotator.name}: "
                    "give the datatrove filter another column"
                )
            writers[column] = annotator.name
    return asked
