"""The ledger's answers to requests, row for row, and whether they cover enough of what was asked."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from curation.claude.outcome import ATTEMPTS_MAX, Outcome
from curation.claude.request import Request
from curation.errors import ClaudeError

if TYPE_CHECKING:
    from curation.claude.ledger import Ledger

COVERAGE_RATIO = 0.9
"""What is learned from, or released, with more unanswered than one in ten is no sample any more: what goes
unanswered is not random."""

STRATUM_MIN = 20
"""Documents of a stratum, or of a later round, from which a share of failures says something."""

UNASKED = "unasked"


@dataclass(frozen=True)
class Reply:
    """What became of one request: `outcome` as in `claude.outcome`, or `unasked` where the ledger lacks it.

    `body` has the fields of the schema, none unless the outcome is ok; `answered_by` is the model as the
    response named itself. It `waits` if it is likely to be answered yet: it was sent less often than
    ATTEMPTS_MAX.
    """

    key: str
    outcome: str
    detail: str = ""
    answered_by: str | None = None
    body: dict[str, Any] = field(default_factory=dict)
    waits: bool = False

    @property
    def is_ok(self) -> bool:
        return self.outcome == Outcome.OK


def replies(ledger: "Ledger", requests: Collection[Request]) -> list[Reply]:
    """The reply to each request, in their order. ClaudeError where fewer than COVERAGE_RATIO are ok."""
    made = known(ledger, requests)
    _check_coverage(made)
    return made


def of_round(ledger: "Ledger", requests: Collection[Request], before: Sequence[Reply]) -> list[Reply]:
    """The reply to each request of a round of judging that comes after those that gave `before`, in their
    order. ClaudeError where what all rounds have judged together is no sample.

    A later round is small and full of hard cases, and what fails in it for good fails in every run to come:
    judged by itself it could end a recipe for ever, for the sake of two documents. So it counts with what was
    judged before, and only if it has STRATUM_MIN documents. What may be answered yet is waited for.
    """
    if not before:
        return replies(ledger, requests)
    made = known(ledger, requests)
    if sum(reply.waits for reply in made) > (1 - COVERAGE_RATIO) * len(made):
        raise _too_few(made)
    if len(made) >= STRATUM_MIN:
        _check_coverage([*before, *made])
    return made


def known(ledger: "Ledger", requests: Collection[Request]) -> list[Reply]:
    """The reply to each request, in their order, however many there are."""
    keys = [request.key for request in requests]
    found = {row.key: row for row in ledger.answers(dict.fromkeys(keys))}
    return [_reply(key, found.get(key)) for key in keys]


def check_refusals(
    made: Sequence[tuple[Reply, str]], before: Sequence[tuple[Reply, str]], refused_max: float
) -> None:
    """ClaudeError where of a stratum with STRATUM_MIN replies or more among those `made` a share above
    `refused_max` is refused, of these and those of earlier rounds together: without them its topics would be
    missing from all that follows. Each reply comes with its stratum."""
    counts = Counter(stratum for _, stratum in made)
    by_stratum: dict[str, list[Reply]] = {}
    for reply, stratum in [*before, *made]:
        if counts[stratum] >= STRATUM_MIN:
            by_stratum.setdefault(stratum, []).append(reply)
    said = []
    for stratum, of_it in sorted(by_stratum.items()):
        refused = Counter(
            reply.detail or "no category" for reply in of_it if reply.outcome == Outcome.REFUSED
        )
        if refused.total() > refused_max * len(of_it):
            kinds = ", ".join(f"{count} {kind}" for kind, count in refused.most_common())
            said.append(f"{refused.total()} of {len(of_it)} in {stratum} ({kinds})")
    if said:
        raise ClaudeError(
            f"refused: {'; '.join(said)}; judge.refusals_max is {refused_max:.0%} of a stratum. Leave these "
            "documents out by a rule, judge by another model, or raise the limit if their loss does no harm"
        )


def _reply(key: str, row: Any) -> Reply:
    if row is None:
        return Reply(key, UNASKED, waits=True)
    body = json.loads(row.body) if row.body else {}
    waits = not row.settled and row.attempts < ATTEMPTS_MAX
    return Reply(key, row.outcome, row.detail, row.answered_by, body, waits)


def _check_coverage(made: Sequence[Reply]) -> None:
    if sum(reply.is_ok for reply in made) < COVERAGE_RATIO * len(made):
        raise _too_few(made)


def _too_few(made: Sequence[Reply]) -> ClaudeError:
    failed = Counter(" ".join(filter(None, (r.outcome, r.detail and f"({r.detail})"))) for r in made)
    ok = failed.pop(Outcome.OK, 0)
    shown = ", ".join(f"{count} {what}" for what, count in failed.most_common(5))
    return ClaudeError(
        f"{ok} of {len(made)} requests were answered, {ok / len(made):.0%}; {COVERAGE_RATIO:.0%} are needed: "
        f"{shown}. Run again to send what the service failed to answer; what was refused or truncated or "
        "does not fit the schema stays so until the prompt or the model changes"
    )
