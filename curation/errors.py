"""Every error that curation raises on purpose.

    CurationError               what a user can mend; the command line prints it without a stack trace
    ├── RecipeError             the recipe says something that cannot be done
    ├── InputError              an archive, a file or a row cannot be read as asked
    ├── AlarmError              decisions, or the judge, are out of the ordinary; a person may approve
    ├── LakeError               what is (or is not) in the lake contradicts what is asked
    │   └── NotPublished        what is asked for is not in the lake yet
    │       └── NotPromoted     a classifier did not pass the gate; a person may promote it
    └── ClaudeError             a request to Claude, or to what stands in for it, failed for good
        └── BudgetError         it could cost more than a cap allows; it was not sent
            └── RunBudgetError  the cap is that of a run, which tomorrow does not lift

Each message names the value, the limit it breaks and the remedy.
"""


class CurationError(Exception):
    """What a user can mend."""


class RecipeError(CurationError):
    """The recipe says something that cannot be done."""


class InputError(CurationError):
    """An archive, a file or a row cannot be read as asked."""


class AlarmError(CurationError):
    """Decisions, or the judge, are out of the ordinary: nothing is made of it until a person approves."""


class LakeError(CurationError):
    """What is (or is not) in the lake contradicts what is asked."""


class NotPublished(LakeError):  # noqa: N818 - a state of the lake, which a run mends
    """What is asked for is not in the lake yet."""


class NotPromoted(NotPublished):
    """A classifier that did not pass the gate is not used until a person promotes it."""


class ClaudeError(CurationError):
    """A request to Claude, or to what stands in for it, failed for good."""


class BudgetError(ClaudeError):
    """A request could cost more than a cap allows: it was not sent, and what is landed stays."""


class RunBudgetError(BudgetError):
    """The cap is that of one run, not of a day: waiting does not help."""
