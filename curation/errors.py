"""Every error that curation raises on purpose.

    CurationError               what a user can mend; the command line prints it without a stack trace
    ├── RecipeError             the recipe says something that cannot be done
    ├── InputError              an archive, a file or a row cannot be read as asked
    ├── AlarmError              decisions are out of the ordinary; a person may approve of them
    ├── LakeError               what is (or is not) in the lake contradicts what is asked
    │   └── NotPublished        what is asked for is not in the lake yet
    └── ClaudeError             a request to Claude, or to what stands in for it, failed for good

Each message names the value, the limit it breaks and the remedy.
"""


class CurationError(Exception):
    """What a user can mend."""


class RecipeError(CurationError):
    """The recipe says something that cannot be done."""


class InputError(CurationError):
    """An archive, a file or a row cannot be read as asked."""


class AlarmError(CurationError):
    """Decisions are out of the ordinary: nothing is made of them until a person approves."""


class LakeError(CurationError):
    """What is (or is not) in the lake contradicts what is asked."""


class NotPublished(LakeError):  # noqa: N818 - a state of the lake, which a run mends
    """What is asked for is not in the lake yet."""


class ClaudeError(CurationError):
    """A request to Claude, or to what stands in for it, failed for good."""
