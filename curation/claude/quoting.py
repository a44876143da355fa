"""Makes a quote of requests: of what the ledger lacks, from counted prompts and the answers that it has.

Input tokens are counted by the API, which costs nothing, for some of the requests, and follow bytes for the
others. Output tokens, what is asked again and what is read from the cache are as in the ledger's answers of
this model to this prompt. Which requests are counted depends on the requests alone: those with the smallest
keys, which are hashes. No request is held but these.
"""

import heapq
import json
import logging
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Literal

import anthropic
import numpy as np
from numpy.typing import NDArray

from curation.claude import prices
from curation.claude.client import described, whole
from curation.claude.drive import cached_prefix, reservation
from curation.claude.estimate import Range, mean_of_more, ratio
from curation.claude.history import History
from curation.claude.ledger import Ledger
from curation.claude.outcome import ATTEMPTS_MAX, tokens_of
from curation.claude.quote import Basis, Line, Quote
from curation.claude.request import LARGER, Request

log = logging.getLogger(__name__)

COUNTED = 200  # requests of a prompt that the API counts the tokens of
ENOUGH_ANSWERS = 100  # to tell lengths from: of fewer, no interval held what it promised (docs/log.md)

# Tokens a byte of UTF-8, where nothing is counted: 4 bytes of English to a token, 2 to 6 of other texts.
_BY_BYTES = Range(1 / 4, 1 / 6, 1 / 2)
_LEAST_OUTPUT_TOKENS = 10  # of an answer of which nothing is known
_COUNT_PARAMS = ("model", "messages", "system", "output_config", "thinking", "tools")
_CALLS_AT_ONCE = 8
_REQUESTS_A_LOOK = 2_000


@dataclass
class _Kind:
    """The requests of one model, prompt and limit, as they come."""

    first: Request  # one of them: what they share
    cached: bool
    sizes: "array[int]" = field(default_factory=lambda: array("q"))  # bytes of each that the ledger lacks
    some: list[Request] = field(default_factory=list)  # of these, to be counted
    answered: list[tuple[str, int]] = field(default_factory=list)  # key and bytes of some that it has
    reserved_usd: Decimal = Decimal(0)
    most_usd: Decimal = Decimal(0)

    def add(self, request: Request, *, truncated: bool, batch: bool) -> None:
        """One more that the ledger lacks; `truncated` as an answer was."""
        self.sizes.append(_bytes(request))
        self.some.append(request)
        sizes = (request, request.enlarged())
        usual, larger = (reservation(each, cached=self.cached, batch=batch) for each in sizes)
        self.reserved_usd += larger if truncated else usual
        self.most_usd += usual + (ATTEMPTS_MAX - 1) * larger

    def keep(self, count: int) -> None:
        """Of the requests themselves only so many."""
        self.some = _smallest(count, self.some)
        self.answered = heapq.nsmallest(count, self.answered)


def quote(
    requests: Iterable[Request],
    ledger: Ledger,
    client: anthropic.Anthropic | None = None,
    *,
    batch: bool = True,
    counted: int = COUNTED,
) -> Quote:
    """What it costs to have `requests` answered, of what `ledger` lacks; in message batches, or one by one.

    `client` counts the tokens of `counted` requests; without one, or where it cannot, they are told from
    answers to others of these requests, or from bytes. Sends nothing that is billed. Raises ClaudeError for
    a model without a price.
    """
    kinds: dict[tuple[str, str, int], _Kind] = {}
    seen: set[str] = set()
    answered = in_flight = 0
    for some in _chunks(requests, seen):
        keys = [request.key for request in some]
        standing, claims = ledger.standing(keys), ledger.claims(keys)
        for request in some:
            name = (request.model, request.prompt_digest, request.max_tokens)
            kind = kinds.get(name) or kinds.setdefault(name, _Kind(request, cached_prefix(ledger, request)))
            if request.key in standing and standing[request.key].done:
                answered += 1
                kind.answered.append((request.key, _bytes(request)))
            elif request.key in claims:
                in_flight += 1
            else:
                last = standing.get(request.key)
                kind.add(request, truncated=bool(last and last.truncated), batch=batch)
        for kind in kinds.values():
            kind.keep(counted)
    lacking = [kind for kind in kinds.values() if kind.sizes]
    return Quote(
        lines=tuple(_line(kind, ledger, client, batch=batch) for kind in lacking),
        answered=answered,
        in_flight=in_flight,
        batch=batch,
        priced=prices.date(),
    )


def pilot(requests: Iterable[Request], ledger: Ledger, count: int) -> list[Request]:
    """At most `count` of the requests that the ledger lacks, drawn at random: those with smallest keys."""
    found: list[Request] = []
    for some in _chunks(requests, set()):
        missing = set(ledger.missing(request.key for request in some))
        found = _smallest(count, [*found, *(request for request in some if request.key in missing)])
    return found


def _chunks(requests: Iterable[Request], seen: set[str]) -> Iterator[list[Request]]:
    """The requests as they come, each key once."""
    iterator = iter(requests)
    while some := list(islice(iterator, _REQUESTS_A_LOOK)):
        new = {request.key: request for request in some if request.key not in seen}
        seen |= new.keys()
        yield list(new.values())


def _smallest(count: int, requests: list[Request]) -> list[Request]:
    return heapq.nsmallest(count, requests, key=lambda request: request.key)


def _bytes(request: Request) -> int:
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in (request.system, request.message))


def _line(kind: _Kind, ledger: Ledger, client: anthropic.Anthropic | None, *, batch: bool) -> Line:
    model, sizes = kind.first.model, np.frombuffer(kind.sizes, np.int64)
    past = ledger.history(model, kind.first.prompt_digest)
    a_byte, basis, counted = _tokens_a_byte(kind, ledger, None if prices.is_free(model) else client)
    output = _output_tokens(past, kind.first.max_tokens, len(sizes))
    tiers = _tiers(model, sizes, a_byte.expected)
    input_usd = Range(*(_input_usd(tiers, kind, past, a_byte, at) for at in ("expected", "low", "high")))
    output_usd = output.times(sum(tier.requests * tier.rates["output"] for tier in tiers))
    path = float(prices.batch_ratio()) if batch else 1.0
    return Line(
        model=model,
        requests=len(sizes),
        input_tokens=a_byte.times(float(sizes.sum())),
        output_tokens=output.times(len(sizes)),
        usd=(input_usd + output_usd).times(past.billed_ratio * path / 1e6),
        reserved_usd=kind.reserved_usd,
        most_usd=kind.most_usd,
        basis=basis,
        counted=counted,
        answers=past.answers if len(past.output_tokens) >= ENOUGH_ANSWERS else 0,
        again_ratio=past.again_ratio,
        hit_ratio=past.hit_ratio if kind.cached else None,
    )


def _tokens_a_byte(
    kind: _Kind, ledger: Ledger, client: anthropic.Anthropic | None
) -> tuple[Range, Basis, int]:
    """Input tokens a byte, from what that is told, and from how many requests."""
    counts = _counted(client, kind.some) if client else []
    if counts:
        sizes = [_bytes(request) for request in kind.some]
        return ratio(sizes, counts, len(kind.sizes), of_them=True), Basis.COUNTED, len(counts)
    size_of = dict(kind.answered)
    billed = [(size_of[row.key], json.loads(row.usage)) for row in ledger.answers(size_of) if row.usage]
    if len(billed) >= ENOUGH_ANSWERS:
        sizes, usages = [size for size, _ in billed], [tokens_of(usage) for _, usage in billed]
        prompts = [sum(usage.values()) - usage["output_tokens"] for usage in usages]
        return ratio(sizes, prompts, len(kind.sizes), of_them=False), Basis.ANSWERED, len(billed)
    return _BY_BYTES, Basis.BYTES, 0


def _counted(client: anthropic.Anthropic, requests: Sequence[Request]) -> list[int]:
    """The input tokens of each request; none where the server does not count."""

    def count(request: Request) -> int:
        params = {k: v for k, v in request.body(cached=False).items() if k in _COUNT_PARAMS}
        return whole(lambda: client.messages.count_tokens(**params), "input_tokens", client).input_tokens

    pool = ThreadPoolExecutor(_CALLS_AT_ONCE)
    try:
        first, *others = requests  # one alone: where the server does not count, it is not asked 200 times
        return [count(first), *pool.map(count, others)]
    except anthropic.AnthropicError as error:
        log.warning("tokens cannot be counted: %s; told otherwise", described(error, client))
        return []
    finally:
        pool.shutdown(cancel_futures=True)


def _output_tokens(past: History, max_tokens: int, unseen: int) -> Range:
    """Of one request, on average, with what is asked again."""
    least, told = min(_LEAST_OUTPUT_TOKENS, max_tokens), past.output_tokens
    if len(told) >= ENOUGH_ANSWERS:
        return mean_of_more(told, unseen).within(min(told), max_tokens * (1 + LARGER))
    expected = sum(told) / len(told) if told else (least + max_tokens) / 2
    return Range(expected, min(least, expected), max(max_tokens, expected))


@dataclass(frozen=True)
class _Tier:
    """The requests whose prompts are of one tier of the prices; `rates` are USD per million tokens."""

    requests: int
    bytes: int
    rates: Mapping[str, float]


def _tiers(model: str, sizes: NDArray[np.int64], a_byte: float) -> list[_Tier]:
    found, above = [], -1.0
    for longest, rates in prices.tiers(model):
        here = sizes[(sizes * a_byte > above) & (sizes * a_byte <= longest)]
        found.append(_Tier(len(here), int(here.sum()), {kind: float(rate) for kind, rate in rates.items()}))
        above = longest
    return found


def _input_usd(
    tiers: Sequence[_Tier], kind: _Kind, past: History, a_byte: Range, at: Literal["expected", "low", "high"]
) -> float:
    """Millionths of USD for all prompts, at one end of the range or where it is expected."""
    per_byte: float = getattr(a_byte, at)
    hit_ratio = past.hit_ratio
    prefix_tokens = past.prefix_tokens if past.output_tokens else per_byte * len(kind.first.system.encode())
    usd = 0.0
    for tier in tiers:
        plain, write, read = (tier.rates[name] for name in ("input", "write_5m", "read"))
        # Of hits that were never measured anything may be true; as expected they save what misses cost.
        prefix = {"expected": plain, "low": read, "high": write}[at]
        if hit_ratio is not None:
            prefix = hit_ratio * read + (1 - hit_ratio) * write
        usd += tier.bytes * per_byte * plain
        if kind.cached:
            usd += tier.requests * prefix_tokens * (prefix - plain)
    return usd
