"""What may be spent: caps, what is left under them, and how many requests fit. Pure; `costs` asks the ledger.

A message batch reserves the most that it can cost before it is sent, and settles what it did cost when it has
landed. No reservation is taken that could exceed a cap, so a cap holds whatever the answers turn out to cost
and however many processes share it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from curation.errors import BudgetError, RunBudgetError


@dataclass(frozen=True)
class Budget:
    """Caps in USD, None for none: of one run (all rows with its `Purpose.run`), and of one day in UTC (all
    that the ledger sent on it)."""

    run_usd: Decimal | None = None
    day_usd: Decimal | None = None


NO_CAP = Budget()

_NONE = Decimal(0)


@dataclass(frozen=True)
class Spent:
    """Under a cap: what landed (`settled`), and what is reserved by what has not, or may have been billed."""

    settled: Decimal
    in_flight: Decimal  # will settle, at its reservation or below
    lost: Decimal  # reserved by what may have been billed and was given up, or left: never comes back

    @property
    def committed(self) -> Decimal:
        return self.settled + self.in_flight + self.lost


@dataclass(frozen=True)
class Cap:
    """A cap in USD, by the name that a message gives it, of one run or of a day, and what was spent."""

    name: str
    usd: Decimal
    spent: Spent
    is_of_run: bool = False

    @property
    def ever(self) -> Decimal:
        """What is left if all that is in flight settles at nothing."""
        return self.usd - self.spent.settled - self.spent.lost


@dataclass(frozen=True)
class Room:
    """What is left under the caps: `now`, and `ever` if all that is in flight settled at nothing."""

    now: Decimal
    ever: Decimal
    cap: str  # the one that is tightest in the end, as a message names it
    is_of_run: bool = False  # that one


def dollars(usd: Decimal) -> str:
    """As a message shows it, to the last digit that counts: $0.0125."""
    return f"${usd.normalize():f}"


class Admission(StrEnum):
    """What became of a planned batch that asked to be sent."""

    SEND = "send"
    TAKEN = "taken"  # another process has sent or dissolved it
    FULL = "full"  # no room under a cap, or in the service's queue, before something has landed


def room(caps: Sequence[Cap]) -> Room | None:
    """The room under all caps; None without one."""
    if not caps:
        return None
    now = min(cap.usd - cap.spent.committed for cap in caps)
    tightest = min(caps, key=lambda cap: cap.ever)
    return Room(now, tightest.ever, f"{tightest.name} of {dollars(tightest.usd)}", tightest.is_of_run)


def fit(reservations: Sequence[Decimal], left: Room | None) -> int:
    """How many of the first requests to send now, given the most that each can cost; 0 to wait until
    something has landed. All if they fit; else, so that many small batches do not follow each other, as many
    as fit once half of what can ever be had is free. BudgetError where the first can never be sent, by this
    run (RunBudgetError) or today."""
    total = _NONE if left is None else sum(reservations, _NONE)
    if left is None or total == 0 or total <= left.now:
        return len(reservations)
    if reservations[0] > left.ever:
        raise (RunBudgetError if left.is_of_run else BudgetError)(
            f"one more request can cost {dollars(reservations[0])}, and {dollars(max(left.ever, _NONE))} is "
            f"left under {left.cap}: it was not sent; what is landed stays. Raise the cap, or ask for a "
            "smaller sample or fewer max_tokens"
        )
    if left.now < left.ever / 2:
        return 0
    fits, taken = 0, _NONE
    for usd in reservations:
        taken += usd
        if taken > left.now:
            break
        fits += 1
    return fits
