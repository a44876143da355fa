"""A quote says what will be paid: no more than what is lacking, from what is known, within its range."""

from collections.abc import Callable
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import anthropic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.claude import stand_in
from curation.claude.client import Connection
from curation.claude.drive import Look, reservation
from curation.claude.ledger import Ledger
from curation.claude.outcome import ATTEMPTS_MAX, Answer, Outcome
from curation.claude.quote import Basis, money
from curation.claude.quoting import ENOUGH_ANSWERS, pilot, quote
from curation.claude.request import Request
from curation.claude.run import run
from curation.claude.stand_in.lengths import Lengths
from curation.errors import ClaudeError
from tests.claude.conftest import QUICK

PRICED = "offline-rules-1-priced"


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    """Of 700 priced requests a pilot of 300 is sent, the others are quoted, then sent: (quotes with and
    without a client, what they cost, a third quote when all is answered)."""
    folder = tmp_path_factory.mktemp("quote")
    ledger, asked = Ledger(folder / "ledger.sqlite"), [priced(n) for n in range(700)]
    with stand_in.serve(model=PRICED, lengths=Lengths(60, 0.7, seed=5), delay_seconds=0.05) as server:
        client = Connection("key", server.url).client()
        sent = run(client, ledger, pilot(asked, ledger, 300), str(folder / "raw"), patience=QUICK)
        told, offline = quote(asked, ledger, client), quote(asked, ledger)
        counted = server.counts["count_tokens"]
        report = run(client, ledger, asked, str(folder / "raw"), patience=QUICK)
    return told, offline, report, sent, quote(asked, ledger), counted


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return Ledger(tmp_path_factory.mktemp("empty") / "ledger.sqlite")


def priced(n: int, **changes: Any) -> Request:
    given = {
        "text_digest": f"{n:032x}",
        "prompt_digest": "p" * 32,
        "model": PRICED,
        "parameters": {"max_tokens": 300},
        "system": "Judge the text.",
        "message": f"Text {n}. " + "It is about the sea. " * (5 + n * 7 % 40),
    }
    return Request(**(given | changes))  # type: ignore[arg-type]


def test_the_settlement_lies_in_the_range_of_the_quote(settled: tuple[Any, ...]) -> None:
    told, offline, report, sent, _, counted = settled
    assert sent.requested == 300
    assert (told.requests, told.answered, told.in_flight) == (400, 300, 0)
    assert report.sent >= 400  # what was truncated went again, which the quote has foreseen
    for each in (told, offline):
        assert each.usd.low <= float(report.usd) <= each.usd.high
        assert abs(each.usd.expected - float(report.usd)) < 0.1 * float(report.usd)
        assert report.usd <= each.most_usd
        assert not each.guessed
    assert counted == 200
    assert (told.lines[0].basis, offline.lines[0].basis) == (Basis.COUNTED, Basis.ANSWERED)
    assert told.lines[0].again_ratio > 0


def test_what_is_answered_costs_nothing(settled: tuple[Any, ...]) -> None:
    *_, done, _ = settled
    assert (done.requests, done.answered, done.lines) == (0, 700, ())
    assert done.usd.high == done.most_usd == 0


def test_without_answers_the_range_goes_to_max_tokens_and_says_how_to_narrow_it(ledger: Ledger) -> None:
    asked = [priced(n) for n in range(50)]
    told = quote(asked, ledger)
    assert told.guessed
    assert told.lines[0].basis is Basis.BYTES
    assert told.lines[0].output_tokens.high == 50 * 300
    assert told.usd.low < told.usd.expected < told.usd.high <= float(told.most_usd)
    assert "--pilot" in told.markdown()
    direct = quote(asked, ledger, batch=False)
    assert direct.usd.expected == pytest.approx(2 * told.usd.expected)
    assert direct.most_usd == 2 * told.most_usd


def test_what_is_sent_already_is_not_quoted(ledger: Ledger) -> None:
    asked = [priced(n) for n in range(10)]
    ledger.plan("n0nce", asked[:4])
    ledger.submitting("n0nce")
    told = quote([*asked, *asked], ledger)
    assert (told.requests, told.in_flight, told.answered) == (6, 4, 0)


def test_a_model_without_a_price_has_no_quote(ledger: Ledger) -> None:
    with pytest.raises(ClaudeError, match="no price for the model 'claude-haiku-9'"):
        quote([priced(1, model="claude-haiku-9")], ledger)


def test_a_free_model_costs_nothing_and_nothing_is_counted(
    ledger: Ledger, client: anthropic.Anthropic, server: stand_in.StandIn, ask: Callable[..., Request]
) -> None:
    told = quote([ask(n) for n in range(5)], ledger, client)
    assert told.is_free
    assert told.usd.high == 0
    assert not told.guessed
    assert server.counts["count_tokens"] == 0


def test_where_the_server_cannot_count_the_quote_is_told_otherwise(ledger: Ledger) -> None:
    nobody = Connection("key", "http://127.0.0.1:9").client().with_options(max_retries=0)
    assert quote([priced(1)], ledger, nobody).lines[0].basis is Basis.BYTES


def test_long_prompts_are_quoted_at_their_own_price(ledger: Ledger) -> None:
    """Above 100,000 tokens Haiku 5.5 costs five times as much, input and output."""
    short = [priced(n, model="claude-haiku-5-5", message="x" * 350_000) for n in range(4)]
    long = [priced(n, model="claude-haiku-5-5", message="x" * 450_000) for n in range(4, 8)]
    a, b, both = (quote(asked, ledger).usd.expected for asked in (short, long, short + long))
    assert b / a == pytest.approx(5 * 450 / 350, rel=0.02)
    assert both == pytest.approx(a + b)


def test_a_cache_never_measured_may_save_or_cost(ledger: Ledger) -> None:
    """A prompt that is long enough to be cached is marked: the low end reads it, the high end writes it."""
    cached, plain = (
        quote([priced(n, system="s" * size, message="m" * (13_000 - size)) for n in range(9)], ledger)
        for size in (12_000, 900)
    )
    assert cached.usd.expected == pytest.approx(plain.usd.expected, rel=1e-6)
    assert cached.usd.low < plain.usd.low
    assert cached.usd.high > plain.usd.high


@given(st.permutations(range(40)), st.integers(1, 40))
def test_a_pilot_is_the_same_however_the_requests_come_and_a_larger_one_contains_it(
    empty: Ledger, order: list[int], count: int
) -> None:
    asked = [priced(n) for n in order]
    drawn = [request.key for request in pilot(asked, empty, count)]
    assert drawn == [request.key for request in pilot([priced(n) for n in range(40)], empty, count)]
    assert drawn == [request.key for request in pilot(asked, empty, 40)][:count]


def test_too_few_answers_are_no_basis(tmp_path: Path, settled: tuple[Any, ...]) -> None:
    assert settled[0].lines[0].answers >= ENOUGH_ANSWERS
    with stand_in.serve(model=PRICED, delay_seconds=0.05) as server:
        client, ledger = Connection("key", server.url).client(), Ledger(tmp_path / "l.sqlite")
        asked = [priced(n) for n in range(60)]
        run(client, ledger, pilot(asked, ledger, 30), str(tmp_path / "raw"), patience=QUICK)
        told = quote(asked, ledger)
    assert told.guessed
    assert told.lines[0].output_tokens.high == 30 * 300


@pytest.mark.parametrize(
    ("amount", "said"), [(0, "$0.00"), (1234.5, "$1,234.50"), (0.5, "$0.50"), (0.00123, "$0.0012")]
)
def test_small_sums_are_said_to_two_digits(amount: float, said: str) -> None:
    assert money(amount) == said


def test_what_is_asked_again_never_reserves_more_than_the_quote_says(ledger: Ledger) -> None:
    """Each way in which three attempts can fail, by a request of its own."""
    ways = list(product((Outcome.TRUNCATED, Outcome.SCHEMA_INVALID, Outcome.EXPIRED), repeat=ATTEMPTS_MAX))
    asked = [priced(n, message="All are as long.") for n in range(len(ways))]
    way_of = dict(zip((request.key for request in asked), ways, strict=True))
    told = quote(asked, ledger, batch=False)
    taken = dict.fromkeys(way_of, Decimal(0))
    for attempt in range(ATTEMPTS_MAX):
        sent = list(Look(ledger, 0.0).lacking(asked))
        usd = {request.key: reservation(request, cached=False, batch=False) for request in sent}
        assert quote(asked, ledger, batch=False).reserved_usd == sum(usd.values())
        taken = {key: already + usd.get(key, 0) for key, already in taken.items()}
        ledger.plan(str(attempt), sent)
        ledger.submitting(str(attempt))
        ledger.submitted(str(attempt), f"msgbatch_{attempt}")
        ledger.ended(str(attempt))
        held = ledger.held(str(attempt)).values()
        ledger.land(str(attempt), [(h, Answer(way_of[h.key][attempt]), Decimal(0)) for h in held])
    assert told.reserved_usd < sum(taken.values()) < told.most_usd
    assert max(taken.values()) * len(ways) == told.most_usd


def test_the_reservation_is_of_the_prompts_at_hand(ledger: Ledger) -> None:
    assert quote([priced(1)], ledger).most_usd < quote([priced(1), priced(2)], ledger).most_usd
    assert quote([], ledger).most_usd == Decimal(0)
