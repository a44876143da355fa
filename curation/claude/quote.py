"""A quote: what requests will cost, before they are sent. Values, and how they are said.

The first of three numbers. The quote is what is expected, with a range; the reservation is the most that
sending can cost, taken when a message batch is sent (`prices.most`); the settlement is what it was
(`prices.cost`). What is asked again is reserved again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import reduce

from curation.claude.estimate import NOTHING, Range
from curation.claude.outcome import ATTEMPTS_MAX
from curation.claude.request import LARGER


class Basis(StrEnum):
    """What a number of input tokens is told from."""

    COUNTED = "counted by the API"
    ANSWERED = "from answers to this very set"
    BYTES = "from bytes alone"


@dataclass(frozen=True)
class Line:
    """The requests of one model and prompt that the ledger lacks; tokens and USD of all of them together."""

    model: str
    requests: int
    input_tokens: Range
    output_tokens: Range  # with what will be asked again, as many tokens as that costs
    usd: Range
    reserved_usd: Decimal  # the reservations of sending each once
    most_usd: Decimal  # those of all that may be sent of it: what is asked again, too
    basis: Basis  # of input_tokens
    counted: int  # requests in the sample of it
    answers: int  # to the prompt, from which output_tokens are told; 0: from nothing to max_tokens
    again_ratio: float  # of those, billed more than once
    hit_ratio: float | None  # of the marked prefix, read from the cache; None: no mark, or none seen yet


@dataclass(frozen=True)
class Quote:
    """What it would cost to have requests answered. `answered` ones are in the ledger and cost nothing;
    `in_flight` ones are sent, and reserved."""

    lines: tuple[Line, ...]
    answered: int
    in_flight: int
    batch: bool  # in message batches, at their price
    priced: str  # date of the price file

    @property
    def requests(self) -> int:
        """How many would be sent."""
        return sum(line.requests for line in self.lines)

    @property
    def usd(self) -> Range:
        return reduce(Range.__add__, (line.usd for line in self.lines), NOTHING)

    @property
    def reserved_usd(self) -> Decimal:
        """What sending each request once reserves."""
        return sum((line.reserved_usd for line in self.lines), Decimal(0))

    @property
    def most_usd(self) -> Decimal:
        """What is billed and reserved never exceeds this, but for what the service lost or a kill left."""
        return sum((line.most_usd for line in self.lines), Decimal(0))

    @property
    def is_free(self) -> bool:
        return self.most_usd == 0

    @property
    def guessed(self) -> bool:
        """Whether lengths of answers are told from too little."""
        return not self.is_free and any(not line.answers for line in self.lines)

    def rows(self) -> list[tuple[str, str]]:
        """What a screen shows, as (name, value)."""
        rest = [
            f"{self.answered:,} answered before",
            *([f"{self.in_flight:,} sent"] if self.in_flight else []),
        ]
        shown = [("requests to send", f"{self.requests:,} ({', '.join(rest)}: nothing more to pay)")]
        for line in self.lines:
            shown += _rows(line)
        if self.lines:
            path = "message batches" if self.batch else "one by one"
            shown += [
                ("price", f"{path}, by the prices of {self.priced}"),
                ("expected", f"{money(self.usd.expected)} ({money(self.usd.low)} to {money(self.usd.high)})"),
                ("reserved when sent", money(float(self.reserved_usd))),
                ("at the very most", f"{money(float(self.most_usd))}: {MOST}"),
            ]
        return shown

    def markdown(self) -> str:
        """The rows as a table in Markdown."""
        body = "".join(f"| {name} | {value} |\n" for name, value in self.rows())
        return f"| | |\n|---|---|\n{body}" + (f"\n{HOW_TO_NARROW}\n" if self.guessed else "")


MOST = f"each asked {ATTEMPTS_MAX} times, after the first with {LARGER} times the room for the answer"

HOW_TO_NARROW = (
    "How long the answers will be is not known yet: too few are in the ledger. `curation quote --pilot 200` "
    "sends 200 of these requests; their answers are part of the run, and the quote of the rest is narrow."
)


def money(amount: float) -> str:
    """`amount` of dollars as a person reads it: to the cent, small ones to two digits."""
    if amount == 0 or abs(amount) >= 1:
        return f"${amount:,.2f}"
    digits = Decimal(f"{amount:.1e}")
    return f"${digits:f}"


def _rows(line: Line) -> Sequence[tuple[str, str]]:
    told = f"{line.basis}, {line.counted:,} of them" if line.counted else str(line.basis)
    answers = f"from {line.answers:,} answers" if line.answers else "from nothing to max_tokens"
    shown = [
        ("model", line.model),
        ("input tokens", f"{_tokens(line.input_tokens)}: {told}"),
        ("output tokens", f"{_tokens(line.output_tokens)}: {answers}"),
    ]
    if line.answers:
        shown.append(("asked again", f"{line.again_ratio:.1%} (in the output tokens)"))
    if line.hit_ratio is not None:
        shown.append(("read from cache", f"{line.hit_ratio:.0%} of the shared prefix"))
    return shown


def _tokens(told: Range) -> str:
    return f"{told.expected:,.0f} ({told.low:,.0f} to {told.high:,.0f})"
