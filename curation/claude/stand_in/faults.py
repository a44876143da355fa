"""What can go wrong on demand, by name: which calls, answers and message batches meet it, and how often.

Each strikes a bounded number of times, or what it strikes does no harm for good, so that a run can end. When,
is drawn in `trouble`.
"""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from curation.claude.stand_in import answer_faults, call_faults
from curation.claude.stand_in.answer_faults import Asked, Result
from curation.claude.stand_in.reply import Reply

_READS = frozenset(("retrieve", "results", "list_batches"))
_ASKS = frozenset(("message", "create"))
_ALL = _READS | _ASKS | {"cancel", "delete", "count_tokens"}


@dataclass(frozen=True)
class CallFault:
    """Strikes calls of `verbs` after the first `spared`, `ratio` of them, `times` in all: `instead` of the
    work, or when it is done."""

    change: Callable[[Reply, random.Random], Reply]
    verbs: frozenset[str]
    instead: bool = True
    ratio: float = 0.4
    times: float = 4
    spared: int = 0


@dataclass(frozen=True)
class AnswerFault:
    """Strikes `ratio` of the requests, each the first `times` that it is asked."""

    change: Callable[[Result, Asked, random.Random], Result]
    ratio: float
    times: float = 1
    in_batches_only: bool = False


@dataclass(frozen=True)
class BatchFault:
    """Strikes `times` message batches: they take `delay_ratio` as long, and are canceled midway or not."""

    delay_ratio: float = 1.0
    is_canceled: bool = False
    ratio: float = 0.4
    times: float = 1


@dataclass(frozen=True)
class Fault:
    about: str
    strikes: tuple[CallFault | AnswerFault | BatchFault, ...] = ()
    skew_seconds: float = 0.0  # of the service's clock, ahead or behind


_RESULTS = frozenset(("results",))

# In the order in which they meet a call or an answer that several strike.
FAULTS: Mapping[str, Fault] = {
    "flap_404": Fault(
        "a message batch that exists is not found now and then",
        (CallFault(call_faults.unknown, frozenset(("retrieve", "results")), ratio=0.5),),
    ),
    "results_404": Fault(
        "the results of a message batch that has ended are not found now and then",
        (CallFault(call_faults.unknown, _RESULTS, ratio=0.5),),
    ),
    "rate_limit": Fault("429 with retry-after", (CallFault(call_faults.rate_limited, _ALL, times=2),)),
    "rate_limit_bare": Fault("429 without retry-after", (CallFault(call_faults.rate_limited_bare, _ALL),)),
    "spend_limit": Fault(
        "429 enforced_spend_limit_reached on all that costs but the first, until it is lifted",
        (CallFault(call_faults.spend_limited, _ASKS, ratio=1.0, times=math.inf, spared=1),),
    ),
    "overloaded": Fault("529", (CallFault(call_faults.overloaded, _ALL),)),
    "server_error": Fault(
        "500, 502 or 504; of a creation before or after the message batch was made",
        (CallFault(call_faults.failed, _ALL, times=3), CallFault(call_faults.failed, _ASKS, False, times=2)),
    ),
    "duplicate_results": Fault(
        "result lines that come twice",
        (CallFault(call_faults.repeated, _RESULTS, False, ratio=1.0, times=math.inf),),
    ),
    "shuffled_results": Fault(
        "result lines in another order each time",
        (CallFault(call_faults.shuffled, _RESULTS, False, ratio=1.0, times=math.inf),),
    ),
    "dropped_stream": Fault(
        "results, or an answer, that end too early, between lines or not, with the length promised or not",
        (CallFault(call_faults.cut, _RESULTS | {"message"}, False),),
    ),
    "garbled_body": Fault("200 with a body that is no JSON", (CallFault(call_faults.garbled, _ALL, False),)),
    "lost_answer": Fault(
        "the connection ends before the answer, when the work is done",
        (CallFault(call_faults.lost, _ASKS, False, times=2),),
    ),
    "refusals": Fault(
        "a share of the requests is refused, always", (AnswerFault(answer_faults.refused, 0.15, math.inf),)
    ),
    "errored_rows": Fault(
        "a share of the requests errors: once by the service's fault, or always as invalid",
        (AnswerFault(answer_faults.failed, 0.2), AnswerFault(answer_faults.invalid_request, 0.05, math.inf)),
    ),
    "spend_limit_rows": Fault(
        "a share of a message batch's requests meets the account's spend limit, once each",
        (AnswerFault(answer_faults.unpaid, 0.1, in_batches_only=True),),
    ),
    "other_model": Fault(
        "a share of the requests is answered by another model, once each",
        (AnswerFault(answer_faults.by_another_model, 0.1),),
    ),
    "expiry": Fault(
        "a share of a message batch's requests expires, once each",
        (AnswerFault(answer_faults.expired, 0.2, in_batches_only=True),),
    ),
    "truncation": Fault(
        "a share of the answers is longer than max_tokens, until more is allowed",
        (AnswerFault(answer_faults.truncated, 0.2, math.inf),),
    ),
    "bad_json": Fault(
        "a share of the answers is no JSON or fits no schema, once or always",
        (AnswerFault(answer_faults.unfitting, 0.15), AnswerFault(answer_faults.unfitting, 0.05, math.inf)),
    ),
    "cancel": Fault("someone cancels a message batch midway", (BatchFault(is_canceled=True),)),
    "slow": Fault(
        "a message batch stays in progress twenty times as long", (BatchFault(delay_ratio=20.0, times=2),)
    ),
    "clock_skew": Fault("the service's clock is 50 minutes ahead or behind", skew_seconds=3000.0),
}
