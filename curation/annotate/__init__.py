"""Documents to columns: which annotators a recipe asks for."""

from curation.annotate import datatrove
from curation.annotate.datatrove import datatrove_filter
from curation.annotate.language import LANGUAGE
from curation.annotate.length import LENGTH
from curation.annotate.pii import PII
from curation.annotate.rules import rules
from curation.annotate.url import URL
from curation.annotator import Annotator
from curation.recipe import Annotate


def annotators(settings: Annotate) -> tuple[Annotator, ...]:
    """The annotators that `settings` ask for; `length` is always among them."""
    return (
        LENGTH,
        *([LANGUAGE] if settings.language else []),
        *([rules(settings.rules.language)] if settings.rules else []),
        *([URL] if settings.url else []),
        *([PII] if settings.pii else []),
        *map(datatrove_filter, settings.datatrove),
    )


def check(settings: Annotate) -> None:
    """RecipeError if an annotator cannot be made as asked. Takes seconds: it imports datatrove."""
    for asked in settings.datatrove:
        datatrove.check(asked)
