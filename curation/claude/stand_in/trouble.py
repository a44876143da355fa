"""The faults of one running stand-in: the seed decides what they strike, and this counts it.

What is drawn for a call hangs on its number, for an answer on the request that is asked. A fault of calls or
message batches takes its first or second opportunity for certain: who asks for it gets it.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from curation.claude.stand_in.answer_faults import Asked, Result
from curation.claude.stand_in.faults import FAULTS, AnswerFault, BatchFault, CallFault
from curation.claude.stand_in.messages import request_of
from curation.claude.stand_in.reply import HANG_UP, Reply
from curation.errors import ClaudeError

_Strike = TypeVar("_Strike", CallFault, AnswerFault, BatchFault)


@dataclass(frozen=True)
class Course:
    """How one message batch goes."""

    delay_ratio: float = 1.0
    is_canceled: bool = False


def strikes(seed: str, number: int, struck: int, *, ratio: float, times: float) -> bool:
    """Whether a fault takes its opportunity `number` (from 0), having struck `struck` times."""
    if struck >= times or number < 0:
        return False
    certain = random.Random(seed).randrange(2)
    return number == certain or random.Random(f"{seed}/{number}").random() < ratio


def is_chosen(seed: str, request: str, ratio: float) -> bool:
    """Whether a fault of answers is for `request`, whenever it is asked."""
    return random.Random(f"{seed}/{request}").random() < ratio


class Trouble:
    """`active` names the faults, `struck` says how often each has struck. Raises ClaudeError for a name that
    no fault has."""

    def __init__(self, names: Iterable[str] = (), seed: int = 0) -> None:
        wanted = set(names)
        if unknown := sorted(wanted - set(FAULTS)):
            raise ClaudeError(f"no fault is called {unknown[0]!r}; choose from {', '.join(FAULTS)}")
        self.struck: Counter[str] = Counter()
        self.active = [name for name in FAULTS if name in wanted]
        self._seed = seed
        self.struck.update(name for name in self.active if FAULTS[name].skew_seconds)
        self._opportunities: Counter[str] = Counter()
        self._hits: Counter[str] = Counter()
        self._first_max_tokens: dict[str, int] = {}
        self._lock = threading.Lock()

    def lift(self, name: str) -> None:
        """End a fault."""
        self.active.remove(name)

    @property
    def skew_seconds(self) -> float:
        """What the service's clock is ahead."""
        sign = random.Random(f"{self._seed}/clock").choice((-1, 1))
        return sign * sum(FAULTS[name].skew_seconds for name in self.active)

    def around(self, verb: str, work: Callable[[], Reply]) -> Reply:
        """The reply to a call: what `work` replies, unless a fault strikes it. ApiError is the service's."""
        calls = [each for each in self._strikes(CallFault) if verb in each[2].verbs]
        for name, seed, fault in calls:
            if fault.instead and (number := self._taken(name, seed, fault, spared=fault.spared)) is not None:
                return fault.change(HANG_UP, random.Random(f"{seed}/{number}/change"))
        reply = work()
        for name, seed, fault in calls:
            if (
                not fault.instead
                and (number := self._taken(name, seed, fault, spared=fault.spared)) is not None
            ):
                reply = fault.change(reply, random.Random(f"{seed}/{number}/change"))
        return reply

    def result(self, params: Mapping[str, Any], result: Result, *, in_batch: bool = True) -> Result:
        """The result of a request: the one given, unless a fault strikes it."""
        faults = [each for each in self._strikes(AnswerFault) if in_batch or not each[2].in_batches_only]
        if not faults or result["type"] != "succeeded":
            return result
        request, max_tokens = request_of(params), params["max_tokens"]
        with self._lock:
            asked = Asked(max_tokens, self._first_max_tokens.setdefault(request, max_tokens))
        for name, seed, fault in faults:
            if is_chosen(seed, request, fault.ratio) and self._hits[f"{seed}/{request}"] < fault.times:
                changed = fault.change(result, asked, random.Random(f"{seed}/{request}/change"))
                if changed is not result:
                    with self._lock:
                        self._hits[f"{seed}/{request}"] += 1
                        self.struck[name] += 1
                    return changed
        return result

    def course(self) -> Course:
        """How the next message batch goes."""
        course = Course()
        for name, seed, fault in self._strikes(BatchFault):
            if self._taken(name, seed, fault) is not None:
                course = Course(
                    course.delay_ratio * fault.delay_ratio, course.is_canceled or fault.is_canceled
                )
        return course

    def _strikes(self, kind: type[_Strike]) -> Iterator[tuple[str, str, _Strike]]:
        """The active strikes of a kind: the fault's name, the seed of what is drawn for it, the strike."""
        for name in list(self.active):
            for i, strike in enumerate(FAULTS[name].strikes):
                if isinstance(strike, kind):
                    yield name, f"{self._seed}/{name}/{i}", strike

    def _taken(self, name: str, seed: str, fault: CallFault | BatchFault, *, spared: int = 0) -> int | None:
        """The number of this opportunity if the fault takes it."""
        with self._lock:
            number = self._opportunities[seed]
            self._opportunities[seed] += 1
            if not strikes(seed, number - spared, self._hits[seed], ratio=fault.ratio, times=fault.times):
                return None
            self._hits[seed] += 1
            self.struck[name] += 1
            return number
